#!/usr/bin/env python3
"""Checks that the built program and library carry the hardening of SECURITY.md.

usage: check_hardening.py --build=DIR --library=FILE [--program=FILE] [--sanitize=LIST]
"""
import argparse
import json
import platform
import re
import subprocess
import sys
from pathlib import Path

# Flags that leave no certain trace in a binary are looked for in what the compiler was told.
TOLD = ["-fstack-protector-strong", "-fvisibility=hidden", "-D_GLIBCXX_ASSERTIONS"]
TOLD_X86 = ["-fstack-clash-protection", "-fcf-protection"]


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def check_binary(path, program):
    header, dynamic = run("readelf", "-hW", path), run("readelf", "-dW", path)
    segments, symbols = run("readelf", "-lW", path), run("readelf", "--dyn-syms", "-W", path)
    stack = re.search(r"GNU_STACK.*", segments)
    yield "position independent", "Type:                              DYN" in header
    if program:
        yield "made as a PIE", re.search(r"FLAGS_1.*\bPIE\b", dynamic)
    yield "relocations read-only", "GNU_RELRO" in segments
    yield "bound at start", re.search(r"\(FLAGS_1?\).*\b(BIND_)?NOW\b", dynamic)
    yield "stack not executable", stack and "E" not in stack.group().split()[-2]
    yield "no writable and executable segment", not re.search(r"LOAD.* RWE ", segments)
    yield "stack protector", "__stack_chk_fail" in symbols
    yield "no run path outside the build", not re.search(r"RPATH|RUNPATH.*\[[^$\]]", dynamic)
    if platform.machine() == "x86_64":
        code = run("objdump", "-d", "--section=.text", path)
        yield "indirect branches land on endbr64", code.count("endbr64") > 10


def check_exports(path):
    """Only weir's own names; weak ones are the standard library's templates."""
    foreign = []
    for line in run("nm", "-DC", "--defined-only", path).splitlines():
        kind, name = line.split(maxsplit=2)[1:]
        if kind in "TDBR" and not re.match(r"(non-virtual thunk to |virtual thunk to )?weir::", name):
            if "weir::" not in name and not name.startswith("weir_"):
                foreign.append(name)
    yield "exports nothing but weir's interface" + "".join(f"\n    {n}" for n in foreign), not foreign


def check_told(build):
    """What every file of ours was compiled with."""
    wanted = TOLD + (TOLD_X86 if platform.machine() == "x86_64" else [])
    commands = json.loads((build / "compile_commands.json").read_text())
    ours = [c for c in commands
            if re.search(r"/(core/src|core/testing/src|protocols|servers)/[^ ]*\.cpp$", c["file"])]
    yield f"{len(ours)} files of ours are looked at", bool(ours)
    for flag in wanted:
        without = [c["file"] for c in ours if flag not in c["command"].split()]
        yield f"told {flag}" + "".join(f"\n    not {f}" for f in without), not without
    without = [c["file"] for c in ours if not re.search(r"-D_FORTIFY_SOURCE=[23]\b", c["command"])]
    builtin = run("sh", "-c", "echo | c++ -O2 -dM -E -x c++ - | grep -c _FORTIFY_SOURCE || true")
    yield "told _FORTIFY_SOURCE", not without or builtin.strip() != "0"
    yield "optimised, as _FORTIFY_SOURCE needs", all(re.search(r" -O[123s]", c["command"])
                                                    for c in ours)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--library", required=True)
    parser.add_argument("--program")
    parser.add_argument("--sanitize", default="")
    args = parser.parse_args()
    if args.sanitize:
        print(f"skipped: -fsanitize={args.sanitize} replaces the checks that are looked for here")
        return 77
    if platform.system() != "Linux":
        print("skipped: only ELF binaries are looked into")
        return 77

    failed = False
    groups = [(args.library, check_binary(args.library, program=False)),
              (args.library, check_exports(args.library)),
              (args.build, check_told(args.build))]
    if args.program:
        groups.append((args.program, check_binary(args.program, program=True)))
    for where, results in groups:
        for what, holds in results:
            print(f"{'ok  ' if holds else 'FAIL'} {Path(where).name}: {what}")
            failed = failed or not holds
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
