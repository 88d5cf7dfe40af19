#!/usr/bin/env python3
"""Checks that the code the documents show is, line for line, in the file that the block names.

A block begins with ```LANGUAGE file=PATH. A block of C++ or CMake has to name a file, so that what
is shown compiles. Checks too that a table's row "| `write_high` | 16 KiB |" says the default that
server.hpp gives to the member of that name.

usage: check_docs_code.py ROOT
"""
import re
import sys
import textwrap
from pathlib import Path

BLOCK = re.compile(r"^```(\w*)[ \t]*([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMPILED = ("cpp", "c++", "cmake")


def lines_of(text):
    return [line.rstrip() for line in text.splitlines()]


def holds(file_lines, shown):
    """Whether the shown lines follow each other in the file, however they are indented there."""
    count = len(shown)
    for start in range(len(file_lines) - count + 1):
        part = "\n".join(file_lines[start:start + count])
        if textwrap.dedent(part) == "\n".join(shown):
            return True
    return False


def faults_of(root, document, checked):
    text = document.read_text(encoding="utf-8")
    for match in BLOCK.finditer(text):
        language, attributes, body = match.groups()
        place = f"{document}:{text.count(chr(10), 0, match.start()) + 1}"
        named = re.search(r"\bfile=(\S+)", attributes)
        if not named:
            if language in COMPILED:
                yield f"{place}: code that names no file"
            continue
        checked.append(place)
        file = root / named.group(1)
        if not file.is_file():
            yield f"{place}: there is no {named.group(1)}"
        elif not body.strip():
            yield f"{place}: an empty block"
        elif not holds(lines_of(file.read_text(encoding="utf-8")),
                       lines_of(textwrap.dedent(body))):
            yield f"{place}: {named.group(1)} does not hold these lines"


def time_text(millis):
    if millis == 0:
        return "off"
    for unit, size in (("min", 60_000), ("s", 1_000)):
        if millis % size == 0:
            return f"{millis // size} {unit}"
    return f"{millis} ms"


def defaults_of(header):
    text = header.read_text(encoding="utf-8")
    sizes = re.findall(r"std::size_t (\w+) = (\d+) << 10;", text)
    times = re.findall(r"Millis (\w+)\{([\d']+)\};", text)
    return {**{name: f"{value} KiB" for name, value in sizes},
            **{name: time_text(int(value.replace("'", ""))) for name, value in times}}


def wrong_defaults(document, defaults, checked):
    text = document.read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (off|\d[^|]*) \|", text, re.MULTILINE)
    for name, value in rows:
        if name in defaults:
            checked.append(name)
            if value != defaults[name]:
                yield f"{document}: {name} is said to be {value}, and is {defaults[name]}"


def main():
    root = Path(sys.argv[1]).resolve()
    documents = [root / "README.md", *sorted((root / "docs").rglob("*.md"))]
    defaults = defaults_of(root / "core/include/weir/server.hpp")
    checked, told = [], []
    faults = [fault for document in documents for fault in faults_of(root, document, checked)]
    for document in documents:
        faults += wrong_defaults(document, defaults, told)
    faults += [f"no document tells the default of {name}" for name in defaults if name not in told]
    for fault in faults:
        print(fault)
    print(f"{len(checked)} blocks of code, {len(told)} defaults, {len(faults)} faults")
    return 1 if faults or not checked else 0


if __name__ == "__main__":
    sys.exit(main())
