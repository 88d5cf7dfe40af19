#!/usr/bin/env python3
"""The command line of a sitting, its files and its table; prints every breach, exits 1 if any.

usage: check_sittings.py FOLDER_OF_THE_SUITE
"""
import contextlib
import io
import sys
import tempfile
from pathlib import Path

from made_up import SUITE, all_loads, check, faults, result, sitting, written

import against
import arguments
import merge
import results
import table


def refused(*words):
    """The status and the sentence with which the command line is refused."""
    said = io.StringIO()
    with contextlib.redirect_stderr(said):
        try:
            arguments.parse("all", ["build", *map(str, words)])
        except SystemExit as end:
            return end.code, said.getvalue()
    return 0, said.getvalue()


def check_command_line(folder):
    other = folder / "other.json"
    other.write_text("[]")
    for words, status, sentence in (
            (["--against", folder / "nothing"], 66, "there is no such file"),
            (["--against", other], 65, "no result"), (["--only", "ehco"], 64, "nothing called 'ehco'"),
            (["--servers", "weird"], 64, "no server called 'weird'"),
            (["--rounds", "0"], 64, "from 1 to"), (["--fast"], 64, "--fast")):
        code, said = refused(*words)
        check(f"{words[0]} {Path(words[-1]).name}: {status}, one sentence: {said.strip()}",
              code == status and said.count("\n") == 1 and sentence in said)
    names = arguments.parse("tls", ["build", "--only", "forward-*", "idle"]).names
    check("names of TLS may be said without their beginning",
          "tls-forward-full" in names and "tls-idle" in names and "tls-full" not in names)
    check("all is core and TLS", arguments.parse("all", ["build"]).names ==
          arguments.parse("core", ["build"]).names | arguments.parse("tls", ["build"]).names)


def check_files(folder):
    slow, fast = (written(folder / f"{cost}.json", result(
        sitting(cost), counts={"instructions": {"weir": 200 * cost}})) for cost in (2.0, 1.0))
    check("a result reads as it was written", results.to_text(results.read(slow)) == slow.read_text())
    both = merge.merge([results.read(slow), results.read(fast)])
    check("of two sittings the last named counts, figure by figure",
          all(one["verdict"] == "same" for one in against.compare(both, results.read(fast))))
    check("what was merged is told",
          [one["measured"] for one in both["sittings"]] == [["instructions", "echo-64-50"]] * 2)
    stored = results.read(SUITE.parent / "results" / "baseline.json")
    check("the baseline in the repository has figures", len(against.figures_of(stored)) > 20)


def check_table():
    one = result(*all_loads(1.1, libuv=1.2)) | {
        "left_out": ["Netty"], "duration": "1s", "warmup": "0ms"}
    one["environment"] |= {"cores": 2, "cpu": "a CPU", "memory_gib": 1, "system": "a system",
                           "kernel": "a kernel"}
    page = table.markdown(one)
    check("the table has CPU, ratio with interval, and the shares of both cores",
          "| libuv | 1.200 | 1.20 [1.20, 1.20] | 95 % | 90 % |" in page)
    check("the table has the geometric mean", "| libuv | 1.20 [1.20, 1.20] | 0.9" in page)
    check("the table names who was left out", "Left out: Netty." in page)


with tempfile.TemporaryDirectory() as where:
    check_command_line(Path(where))
    check_files(Path(where))
check_table()
sys.exit(1 if faults else 0)
