#!/usr/bin/env python3
"""Measures Weir's core against the baselines and the peers, and says which targets hold.

usage: core.py BUILD [--rounds N] [--only NAME...] [--quick] [--output FILE]
"""

import datetime
import os
import sys
from pathlib import Path

import arguments
import counts
import environment
import lineup
import load
import machine
import memory
import results
import rounds
import servers
import table
import targets
from scenarios import SCENARIOS

RESULTS = Path(__file__).resolve().parent.parent / "results"
# Where the count says something: valgrind does not run Go's scheduler as it runs by itself.
COUNTED = ("raw", "libuv", "weir", "libevent", "Boost.Asio")
EVERYBODY = (*COUNTED, "Go")
FORWARDERS = ("weir", "haproxy", "haproxy, splice", "nginx")


def tell(line):
    """Progress: one line that changes on a terminal, lines elsewhere."""
    if sys.stderr.isatty():
        print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)
    else:
        print(line, file=sys.stderr, flush=True)


def clear():
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr, flush=True)


def each(what, contestants, names, count):
    """Counts something for every contestant; who cannot be counted says why."""
    found = {}
    for name in names:
        if name not in contestants:
            continue
        tell(f"{what}: {name}")
        try:
            found[name] = count(name)
        except (load.LoadError, servers.ServerError, OSError) as fault:
            found[name] = {"failed": str(fault)}
    return found


def with_total(calls):
    return {"total": counts.total(calls), "calls": calls}


def count_all(build, names):
    echo, forward = lineup.echo_servers(build), lineup.forwarders(build)
    found = {}
    if "instructions" in names:
        found["instructions"] = each("instructions", echo, COUNTED,
                                     lambda name: counts.instructions(build, echo[name]))
    if "calls" in names:
        found["calls_per_echo"] = each(
            "calls", echo, EVERYBODY,
            lambda name: with_total(counts.per_echo(build, echo[name])))
    if "life" in names:
        found["calls_per_life"] = each(
            "life", echo, EVERYBODY, lambda name: with_total(counts.per_life(echo[name])))
    if "idle" in names:
        found["idle"] = each("idle", echo, EVERYBODY,
                             lambda name: memory.per_connection(build, echo[name]))
    if "idle-proxied" in names:
        found["idle_proxied"] = each(
            "idle-proxied", forward, FORWARDERS,
            lambda name: memory.per_connection(build, forward[name], forwarder=True))
    if "held" in names:
        found["held"] = each("held", echo, ("weir",),
                             lambda name: memory.all_answered(build, echo[name]))
    return found


def sit_all(build, names, chosen, pace):
    for scenario in SCENARIOS:
        if scenario.name not in names:
            continue
        everybody = (lineup.forwarders(build) if scenario.behind else
                     lineup.chats(build) if scenario.room else lineup.echo_servers(build))
        if chosen:
            everybody = {name: one for name, one in everybody.items()
                         if name.removesuffix(" again") in chosen}
        yield rounds.summary(scenario, rounds.sit(build, scenario, everybody, pace, tell))


def where_to(chosen, now):
    """A complete run is a result of the project; a part of one is not."""
    name = f"core-{now:%Y%m%d-%H%M}.json"
    if chosen.output:
        return chosen.output
    if chosen.quick or chosen.only or chosen.servers:
        return chosen.build / name
    return RESULTS / name


def main():
    chosen = arguments.parse(sys.argv[1:])
    missing = lineup.missing(chosen.build)
    if missing:
        print(f"bench core: {missing[0]} is missing; ./dev bench core builds it", file=sys.stderr)
        return 66
    now = datetime.datetime.now(datetime.timezone.utc)
    result = {
        "date": now.isoformat(timespec="seconds"),
        "rounds": chosen.rounds,
        "duration": chosen.pace.duration,
        "warmup": chosen.pace.warmup,
        "environment": environment.describe(chosen.build, machine.raise_file_limit()),
    }
    result["counts"] = count_all(chosen.build, chosen.names)
    result["scenarios"] = list(sit_all(chosen.build, chosen.names, chosen.servers, chosen.pace))
    result["environment"]["load_average_at_end"] = os.getloadavg()
    result["verdicts"] = targets.judge(result)
    clear()

    path = where_to(chosen, now)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(results.to_text(result), encoding="utf-8")
    print(table.verdict_lines(result["verdicts"]))
    print(f"\n{path}")
    failed = any(each_one["verdict"] == targets.FAIL for each_one in result["verdicts"])
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
