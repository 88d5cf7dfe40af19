#!/usr/bin/env python3
"""A sitting: measures, judges and writes one result file. `all` is core and tls together.

usage: run.py all|core|tls BUILD [--rounds N] [--only NAME...] [--servers NAME...] [--quick]
              [--against FILE] [--output FILE]
"""

import datetime
import os
import shutil
import sys
from pathlib import Path

import against
import arguments
import core
import environment
import lineup
import machine
import mean
import progress
import results
import targets
import text
import tls

RESULTS = Path(__file__).resolve().parent.parent / "results"
MODULES = {"all": (core, tls), "core": (core,), "tls": (tls,)}


def missing(part, build):
    needed = [build / "bin" / "raw_tls"] if part != "core" else []
    return lineup.missing(build) + [str(path) for path in needed if not shutil.which(path)]


def describe(part, words, chosen):
    """All of a result but what was measured."""
    now = datetime.datetime.now(datetime.timezone.utc)
    command = ["./dev", "bench", *([part] if part != "all" else []), *words]
    absent = lineup.absent(*(one for module in MODULES[part] for one in module.lineups(chosen.build)))
    return {
        "date": now.isoformat(timespec="seconds"),
        "rounds": chosen.pace.rounds,
        "duration": chosen.pace.duration,
        "warmup": chosen.pace.warmup,
        "environment": environment.describe(chosen.build, machine.raise_file_limit(), command),
        "left_out": absent,
        "counts": {},
        "scenarios": [],
    }


def where_to(part, chosen, date):
    """A complete run is a result of the project; a part of one is not."""
    name = f"{part}-{date[:16].replace('-', '').replace(':', '').replace('T', '-')}.json"
    if chosen.output:
        return chosen.output
    if chosen.quick or chosen.only or chosen.servers:
        return chosen.build / name
    return RESULTS / name


def sit(part, words, chosen):
    result = describe(part, words, chosen)
    for module in MODULES[part]:
        found, scenarios = module.measure(chosen)
        result["counts"] |= found
        result["scenarios"] += scenarios
    result["environment"]["load_average_at_end"] = os.getloadavg()
    result["mean"] = mean.compute(result["scenarios"])
    result["verdicts"] = targets.judge(result) + mean.judge(result["mean"])
    if chosen.baseline:
        result["against"] = against.compare(chosen.baseline, result)
    progress.clear()
    return result


def main():
    part, words = sys.argv[1], sys.argv[3:]
    chosen = arguments.parse(part, sys.argv[2:])
    absent = missing(part, chosen.build)
    if absent:
        print(f"bench: {absent[0]} is missing; ./dev bench builds it", file=sys.stderr)
        return 66
    result = sit(part, words, chosen)
    path = where_to(part, chosen, result["date"])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(results.to_text(result), encoding="utf-8")
    print(text.servers_lines(result))
    print(text.verdict_lines(result["verdicts"]))
    if result["left_out"]:
        print(f"\nNot installed, and left out: {', '.join(result['left_out'])}")
    if chosen.baseline:
        print(f"\nAgainst {chosen.against}:\n{against.lines(result['against'])}")
    print(f"\n{path}")
    failed = any(one["verdict"] == targets.FAIL for one in result["verdicts"])
    return 1 if failed or against.is_worse(result.get("against", [])) else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
