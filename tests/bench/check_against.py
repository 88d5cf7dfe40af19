#!/usr/bin/env python3
"""Compares results that are made up; prints every breach, exits 1 if any.

usage: check_against.py FOLDER_OF_THE_SUITE
"""
import copy
import subprocess
import sys
import tempfile
from pathlib import Path

from made_up import SUITE, all_loads, check, faults, result, sitting, written

import against
import figures
import mean
import rounds
import scenarios


def verdict(before, now, what="echo-64-50: CPU against raw"):
    return {one["what"]: one["verdict"] for one in against.compare(before, now)}.get(what)


def timing(before, now):
    return verdict(result(before), result(now))


def check_ratios():
    base = sitting(1.0)
    check("a ratio 20 % higher, intervals apart, is worse", timing(base, sitting(1.2)) == "worse")
    check("a ratio 20 % lower, intervals apart, is better", timing(base, sitting(0.8)) == "better")
    check("a ratio 3 % higher, intervals apart, is the same", timing(base, sitting(1.03)) == "same")
    check("a ratio 8 % higher with overlapping intervals: nobody can tell",
          timing(sitting(1.0, spread=0.6), sitting(1.08, spread=0.6)) == "cannot tell")
    check("without a control that reads 1.00 nobody can tell, then or now",
          timing(base, sitting(1.2, again=1.1)) == "cannot tell" ==
          timing(sitting(1.0, again=0.9), sitting(1.2)))
    check("with fewer rounds than are judged nobody can tell",
          timing(base, sitting(1.2, many=5)) == "cannot tell")
    check("where cores were less busy than before nobody can tell; where they were as busy, one can",
          timing(base, sitting(1.2, share=0.5)) == "cannot tell" and
          timing(sitting(1.0, share=0.5), sitting(1.2, share=0.6)) == "worse")
    check("a server that has no figure any more is worse", timing(base, sitting(None)) == "worse")
    check("a reference without a figure is not Weir's fault",
          timing(base, sitting(1.0, raw=None)) == "cannot tell")
    check("what was not measured is not asked for", against.compare(result(base), result()) == [])
    check("what the baseline did not measure: nobody can tell",
          verdict(result(), result(base)) == "cannot tell")
    twice = copy.deepcopy(sitting(1.0))
    for answers in twice["rounds"].values():
        for one in answers.values():
            one["server"]["cpu_us_per_message"] *= 2
    check("a machine twice as slow is the same", timing(base, rounds.summary(
        scenarios.SCENARIOS[0], twice["rounds"])) == "same")


def check_rates():
    chat = next(one for one in scenarios.SCENARIOS if one.name == "fanout-1000")
    base, slow, fast = (result(sitting(rate, scenario=chat)) for rate in (8.0, 6.0, 10.0))
    what = "fanout-1000: rate against raw"
    check("a lower rate is worse", verdict(base, slow, what) == "worse")
    check("a higher rate is better", verdict(base, fast, what) == "better")


def check_counts():
    def counted(**found):
        return result(counts={key: {"weir": value} for key, value in found.items()})
    what = "user instructions per echo"
    base = counted(instructions=200)
    for now, expected in ((207, "worse"), (206, "same"), (200, "same"), (194, "same"),
                          (193, "better")):
        check(f"{now} instructions for 200 are {expected}",
              verdict(base, counted(instructions=now), what) == expected)
    check("a count that failed is worse",
          verdict(base, counted(instructions={"failed": "it fell over"}), what) == "worse")
    bytes_then, bytes_now = (counted(idle={"connected": 200, "touched": touched})
                             for touched in (200, 220))
    check("bytes are compared one by one",
          verdict(bytes_then, bytes_now, "user bytes of an idle connection") == "same" and
          verdict(bytes_then, bytes_now, "the same after an echo") == "worse")
    check("of nothing, something is worse",
          verdict(counted(instructions=0), counted(instructions=1), what) == "worse")


def check_mean():
    found = mean.compute(all_loads(1.1, libev=1.0, libuv=1.2, Node=2.0))
    check("the mean of equal ratios is that ratio, its interval around it",
          abs(found["servers"]["weir"]["median"] - 1.1) < 0.01 and
          found["servers"]["weir"]["low"] <= found["servers"]["weir"]["median"] <=
          found["servers"]["weir"]["high"])
    check("the mean is geometric",
          abs(figures.geometric_mean([[0.5] * 3, [2.0] * 3]).median - 1) < 1e-9)
    check("lowest but for libev and raw passes", mean.judge(found)[0]["verdict"] == "PASS")
    lower = mean.judge(mean.compute(all_loads(1.1, libuv=1.0)))[0]
    check("one that is surely lower fails it, by name",
          lower["verdict"] == "FAIL" and "libuv" in lower["why"])
    off = mean.judge(mean.compute(all_loads(1.1, again=1.1, libuv=1.0)))[0]
    check("without a control it is only reported", off["verdict"] == "REPORTED")
    check("five loads have no mean", mean.compute(all_loads(1.1)[:5]) is None)
    partly = all_loads(1.1, Node=2.0)
    del partly[2]["rounds"]["Node"], partly[2]["servers"]["Node"]
    check("a server that is missing under one load has no mean",
          "Node" not in mean.compute(partly)["servers"])
    what = "geometric mean of CPU against raw"
    check("a higher mean is worse",
          verdict(result(*all_loads(1.0)), result(*all_loads(1.2)), what) == "worse")


def exit_status(*words):
    done = subprocess.run([sys.executable, str(SUITE / "against.py"), *map(str, words)],
                          capture_output=True, text=True)
    return done.returncode


def check_program(folder):
    base = result(sitting(1.0), counts={"instructions": {"weir": 200}})
    good = written(folder / "good.json", base)
    bad = written(folder / "bad.json", result(sitting(1.5)))
    (folder / "other.json").write_text("[]")
    check("exit 0 without a worse figure, and for what got better",
          exit_status(good, good) == 0 == exit_status(bad, good))
    check("exit 1 with a worse figure", exit_status(good, bad) == 1)
    check("exit 65 for what is no result", exit_status(good, folder / "other.json") == 65)


check_ratios()
check_rates()
check_counts()
check_mean()
with tempfile.TemporaryDirectory() as where:
    check_program(Path(where))
sys.exit(1 if faults else 0)
