#!/usr/bin/env python3
"""Checks the rules the house set itself; prints every breach with its place, exits 1 if any.

usage: check_house.py ROOT
"""
import re
import sys
from pathlib import Path

HEADERS_MAX = 16
HEADER_LINES_MAX = 150
FILE_LINES_MAX = 500
ECHO_LINES_MAX = 6
PROTOCOL_LINES_MAX = {"time": 35, "chat": 250}
FOREIGN = re.compile(r"\buv_\w|\buv\.h|libuv|openssl|\bSSL_|\bspdlog|toml\+\+|\btoml::|CLI11|\bCLI::|"
                     r"\bfmt::", re.IGNORECASE)
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
# The loop's own code: turn order, lists, wheel, budgets. The driver below it may know libuv.
LOOP_CODE = ("loop", "connection", "wheel", "chain", "acceptor")
SOURCES = (".cpp", ".hpp", ".py", ".sh", ".cmake")


def lines_of(path):
    return path.read_text(encoding="utf-8").splitlines()


def without_comments(text):
    """The code without comments; strings are left alone well enough for counting lines."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    return re.sub(r"//[^\n]*", "", text)


def filled(lines):
    return [line for line in lines if line.strip()]


def check_public_headers(root):
    headers = sorted((root / "core/include/weir").glob("*.hpp"))
    if not headers:
        yield "core/include/weir has no header: the check looks in the wrong place"
    if len(headers) > HEADERS_MAX:
        yield f"core/include/weir has {len(headers)} headers, at most {HEADERS_MAX}"
    for header in headers:
        lines = lines_of(header)
        if len(lines) > HEADER_LINES_MAX:
            yield f"{header}: {len(lines)} lines, at most {HEADER_LINES_MAX}"
        for number, line in enumerate(lines, 1):
            if FOREIGN.search(line):
                yield f"{header}:{number}: a public header names a library: {line.strip()}"


def check_protocols(root):
    """Protocols see public headers, the standard library and their own folder."""
    for source in sorted((root / "protocols").glob("*/*.[ch]pp")):
        own = source.parent.name
        for _, name in INCLUDE.findall(source.read_text(encoding="utf-8")):
            public = name.startswith("weir/") and (root / "core/include" / name).is_file()
            standard = re.fullmatch(r"[a-z_]+", name)
            ours = name.startswith(f"protocols/{own}/") or (source.parent / name).is_file()
            if not (public or standard or ours):
                yield f"{source}: includes {name}, which is neither public nor its own"


def reaches_libuv(root, source, seen):
    """The chain of includes by which a file reaches uv.h, or None."""
    seen.add(source)
    for _, name in INCLUDE.findall(source.read_text(encoding="utf-8")):
        if name == "uv.h":
            return [source.name, name]
        for folder in (source.parent, root / "core/src", root / "core/include"):
            target = (folder / name).resolve()
            if target.is_file() and target not in seen:
                chain = reaches_libuv(root, target, seen)
                if chain:
                    return [source.name, *chain]
                break
    return None


def check_loop(root):
    for source in sorted((root / "core/src").glob("*.[ch]pp")):
        if source.name.startswith(LOOP_CODE):
            chain = reaches_libuv(root, source.resolve(), set())
            if chain:
                yield f"{source}: the loop's own code reaches libuv: {' -> '.join(chain)}"


def body_at(code, start):
    """The lines between the brace at or after `start` and its partner."""
    begin = code.index("{", start)
    depth = 0
    for at in range(begin, len(code)):
        depth += {"{": 1, "}": -1}.get(code[at], 0)
        if depth == 0:
            return filled(code[begin + 1:at].splitlines())
    raise ValueError("a brace is not closed")


def check_echo(root):
    """Lines of code, blank ones and comments aside, inside Echo's braces and in its members'."""
    files = sorted((root / "protocols/echo").glob("*.[ch]pp"))
    if not files:
        return
    count = 0
    for file in files:
        code = without_comments(file.read_text(encoding="utf-8"))
        for match in re.finditer(r"\bclass\s+Echo\b[^;{]*\{|\bEcho::\w+\([^;{]*\)[^;{]*\{", code):
            count += len(body_at(code, match.end() - 1))
    if count == 0:
        yield "protocols/echo: no class Echo found: the check looks for the wrong thing"
    if count > ECHO_LINES_MAX:
        yield f"protocols/echo: the body of Echo has {count} lines, at most {ECHO_LINES_MAX}"


def check_protocol_sizes(root):
    """Header and source together, comments too."""
    for name, most in PROTOCOL_LINES_MAX.items():
        files = sorted((root / "protocols" / name).glob("*.[ch]pp"))
        count = sum(len(filled(lines_of(file))) for file in files)
        if count == 0 or count > most:
            yield f"protocols/{name}: {count} lines that are not blank, at most {most}"


def our_files(root):
    for path in sorted(root.rglob("*")):
        inside = path.relative_to(root).parts
        if inside[0] in ("build", ".git", ".cache") or not path.is_file():
            continue
        if path.suffix in SOURCES or path.name in ("dev", "run", "CMakeLists.txt"):
            yield path


def check_sizes(root):
    for path in our_files(root):
        count = len(lines_of(path))
        if count > FILE_LINES_MAX:
            yield f"{path}: {count} lines, at most {FILE_LINES_MAX}"


def check_test_names(root):
    """A name is a sentence, and one that ctest and Catch's own parser take as it is."""
    for path in sorted((root / "tests").rglob("*.cpp")):
        for name in re.findall(r'\bTEST_CASE\(\s*"((?:[^"\\]|\\.)*)"', path.read_text("utf-8")):
            if re.search(r'[;"\\*$]|^[~\[]', name):
                yield f"{path}: ctest would not find this test by its name: {name}"


def main():
    root = Path(sys.argv[1]).resolve()
    faults = []
    for check in (check_public_headers, check_protocols, check_loop, check_echo,
                  check_protocol_sizes,
                  check_sizes, check_test_names):
        found = list(check(root))
        print(f"{check.__name__.removeprefix('check_')}: {'kept' if not found else 'BROKEN'}")
        faults += found
    for fault in faults:
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
