#!/usr/bin/env python3
"""Holds N connections on this machine, each answered, and tells what they cost.

As many `weir serve echo` as it takes, each at an address of its own, and `weir bench idle` as the
generator. Beside them echo is measured at two servers, before, with all connections held, and after
they have gone: `among` is one that holds its share of them, `apart` one that holds none. While it is
measured, the generator of the held connections is stopped, as if it were on another machine.
"""

import argparse
import contextlib
import json
import math
import os
import re
import signal
import subprocess
import sys
import time
from datetime import datetime, timezone
from pathlib import Path

import environment
import machine
import scale_echo
import scale_hold
import scale_memory
import scale_sysctl
import scale_text

MOST = 1_000_000
SERVER_KEEPS = 600      # Descriptors: what weir reserves, and the echo beside.
AGENT_KEEPS = 500
PROCESSES_MOST = 1024   # Agents that weir bench starts; where that is too few, the doctor says so.
EACH_PAIR = 5_000       # Connections of one source and target: where half of the ports are taken,
                        # finding a free one takes the kernel longer and longer.
USER_BYTES_BAR = 500    # For each connection: 0.5 GB for a million.
SETTLE = 2.0            # Seconds in which the kernel takes back what the connections had.
ROUNDS = 7


def parse(words):
    parser = argparse.ArgumentParser(
        prog="scale.sh", description=__doc__.partition("\n")[0], allow_abbrev=False,
        usage="bench/scale.sh N [BUILD] [--json] [--output FILE] [--rounds N] [--sysctl]")
    parser.add_argument("connections", metavar="N", help=f"connections, 100 to {MOST:,}")
    parser.add_argument("build", metavar="BUILD", nargs="?", type=Path, default=Path("build/release"),
                        help="a release build; build/release if not said")
    parser.add_argument("--json", action="store_true", help="the result as JSON, to standard output")
    parser.add_argument("--output", type=Path, metavar="FILE", help="and to a file")
    parser.add_argument("--rounds", metavar="N", default=str(ROUNDS),
                        help=f"of the echo beside, each time; {ROUNDS} if not said, 0 for none")
    parser.add_argument("--sysctl", action="store_true",
                        help="set what is advisable while it runs, and restore it then (needs root)")
    chosen = parser.parse_args(words)
    chosen.connections = whole(parser, "N", chosen.connections.replace(",", ""), 100, MOST)
    chosen.rounds = whole(parser, "--rounds", chosen.rounds, 0, 1000)
    if not os.access(chosen.build / "bin" / "weir", os.X_OK):
        fail(66, f"{chosen.build}/bin/weir is not there; ./dev build release makes build/release")
    return chosen


def whole(parser, name, text, least, most):
    number = int(text) if re.fullmatch(r"[0-9]{1,9}", text) else -1
    if not least <= number <= most:
        print(f"scale.sh: {name} is a number from {least:,} to {most:,}, not {text!r}", file=sys.stderr)
        raise SystemExit(64)
    return number


def fail(status, sentence):
    print(f"scale.sh: {sentence}", file=sys.stderr)
    raise SystemExit(status)


class Layout:
    """How many processes it takes, and at which addresses."""

    def __init__(self, connections, descriptors):
        self.connections = connections
        def processes(keeps):
            return min(PROCESSES_MOST, math.ceil(connections / max(1, descriptors - keeps)))

        self.servers = processes(SERVER_KEEPS)
        self.agents = processes(AGENT_KEEPS)
        each = math.ceil(connections / self.servers)
        self.sources = [f"127.0.1.{i}" for i in range(1, 1 + math.ceil(each / EACH_PAIR))]
        self.targets = [f"127.0.{2 + i // 250}.{1 + i % 250}" for i in range(self.servers)]
        self.apart = "127.0.1.250"

    def to_json(self):
        return {"servers": self.servers, "agents": self.agents, "sources": len(self.sources)}


def ask_doctor(build, layout):
    """What it remarks. Where it finds a fault its words are shown, and that is the end."""
    words = [str(build / "bin" / "weir"), "doctor", "--connections", str(layout.connections),
             "--agents", str(layout.agents), "--sources", ",".join(layout.sources),
             "--targets", ",".join(layout.targets)]
    done = subprocess.run([*words, "--json"], capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return [each for each in json.loads(done.stdout)["findings"] if each["level"] != "ok"]
    told = subprocess.run(words, capture_output=True, text=True, check=False)
    print((told.stdout + told.stderr).strip(), file=sys.stderr)
    raise SystemExit(done.returncode)


def say(text):
    print(text, file=sys.stderr, flush=True)


def held_phase(chosen, layout, serving, places):
    """Everything while the connections are there, and what the generator says of them afterwards."""
    holding = scale_hold.Holding(chosen.build, serving, layout)
    before = scale_memory.look(serving.pids)
    with holding:
        say(f"connecting {layout.connections:,}")
        holding.hold()
        held = scale_memory.look(serving.pids, holding.pids)
        began, used = time.monotonic(), scale_hold.cpu_seconds(serving.pids)
        time.sleep(1)
        quiet = (scale_hold.cpu_seconds(serving.pids) - used) / (time.monotonic() - began)
        say("held and answered; an echo beside them")
        rounds = scale_echo.rounds(chosen.build, places, chosen.rounds)
        still = scale_memory.sockstat()["inuse"]
        released = time.monotonic()
        holding.release()
    return {
        "answer": holding.answer, "connect": holding.connect,
        "memory": {"before": before, "held": held,
                   "growth": scale_memory.growth(before, held, layout.connections)},
        "sockets_after_the_echo": still, "quiet_share": round(quiet, 4), "rounds": rounds,
        "closing_s": round(time.monotonic() - released, 2),
    }


def measure(chosen, layout):
    """The phases in their order."""
    port = machine.free_port()
    with scale_hold.Serving(chosen.build, [*layout.targets, layout.apart], port) as everyone:
        serving = scale_hold.Part(everyone, layout.servers)
        places = {"among": (everyone.urls[0], everyone.pids[0]),
                  "apart": (everyone.urls[-1], everyone.pids[-1])}
        say(f"{layout.servers} servers, {layout.agents} agents; an echo without a load")
        before = scale_echo.rounds(chosen.build, places, chosen.rounds)
        found = held_phase(chosen, layout, serving, places)
        if chosen.rounds:
            time.sleep(SETTLE)
        say("closed; an echo without a load again")
        after = scale_echo.rounds(chosen.build, places, chosen.rounds)
    rounds = found.pop("rounds")
    found["echo"] = {name: scale_echo.judge(before[name], rounds[name], after[name])
                     for name in places} if chosen.rounds else {}
    return found


def result_of(layout, found, remarks, watch, lent):
    answer = found.pop("answer")
    growth = found["memory"]["growth"]
    each = growth["servers"]["per_connection"]
    found["memory"]["servers_bar"] = USER_BYTES_BAR
    found["memory"]["servers_verdict"] = "holds" if each <= USER_BYTES_BAR else "fails"
    found["memory"]["least_available"] = watch.least
    whole_ones = answer["valid"] and answer["errors"] == 0
    return {
        "format": 1, "kind": "scale", "asked": layout.connections,
        "connections": answer["connections"], "answered": answer["messages"],
        "errors": answer["errors"], "reason": answer["reason"],
        "valid": whole_ones and answer["messages"] == answer["connections"] == layout.connections,
        **layout.to_json(), **found,
        "answering_s": answer["duration_s"], "answer_latency_us": answer["latency_us"],
        "told_by_bench": {name: answer["server"][name] for name in
                          ("bytes_per_connection", "bytes_per_connection_touched")},
        "doctor": remarks, "sysctl_set": lent.set,
        "sysctl_lacking": scale_sysctl.lacking(layout.connections),
        "hash_buckets": (scale_sysctl.read("net.ipv4.tcp_ehash_entries") or [None])[0],
    }


class Ended(Exception):
    """By a signal, or because memory is short."""


def end_by_signal():
    """Turns signals into an exception, which unwinds every `with`; a second one is not listened to."""
    def on_signal(number, _):
        for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(each, signal.SIG_IGN)
        raise Ended(signal.Signals(number).name)
    def on_short(*_):
        raise Ended("memory")
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, on_signal)
    signal.signal(signal.SIGUSR1, on_short)


def run(chosen):
    descriptors = machine.raise_file_limit()
    layout = Layout(chosen.connections, descriptors)
    start = {"started": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
             "environment": environment.describe(chosen.build, descriptors,
                                                 ["bench/scale.sh", *sys.argv[1:]])}
    with contextlib.ExitStack() as stack:
        lent = stack.enter_context(scale_sysctl.Lent(chosen.connections, chosen.sysctl))
        remarks = ask_doctor(chosen.build, layout)
        watch = stack.enter_context(scale_memory.Watch(lambda: os.kill(os.getpid(), signal.SIGUSR1)))
        found = measure(chosen, layout)
        return result_of(layout, found, remarks, watch, lent) | start


def main():
    chosen = parse(sys.argv[1:])
    scale_hold.adopt()
    end_by_signal()
    try:
        result = run(chosen)
    except Ended as why:
        least = scale_memory.AVAILABLE_LEAST >> 30
        fail(71 if str(why) == "memory" else 130, f"less than {least} GiB of memory was left: ended"
             if str(why) == "memory" else f"ended by {why}; everything it started is gone")
    except (scale_hold.ScaleError, OSError, subprocess.TimeoutExpired) as fault:
        fail(70, str(fault))
    finally:
        scale_hold.sweep()
    text = json.dumps(result, indent=1) + "\n"
    if chosen.output:
        chosen.output.write_text(text, "utf-8")
    print(text if chosen.json else scale_text.summary(result), end="")
    return 0 if result["valid"] and not scale_text.failed(result) else 1


if __name__ == "__main__":
    sys.exit(main())
