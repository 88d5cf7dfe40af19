#!/usr/bin/env python3
"""Measures TLS: Weir against epoll and OpenSSL by hand, and as a forwarder against the known ones.

usage: tls.py BUILD [--rounds N] [--only NAME...] [--quick] [--output FILE]
"""

import argparse
import datetime
import fnmatch
import json
import os
import shutil
import string
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import arguments
import core
import environment
import lineup
import machine
import memory
import results
import rounds
import targets
from scenarios import PER_GIB, PER_MESSAGE, Scenario

CERTS_SH = Path(__file__).resolve().parent.parent.parent / "examples" / "certs.sh"
PACKAGES = ("libssl3", "nginx", "libnginx-mod-stream", "haproxy", "stunnel4", "hitch", "g++")
ECHO = ("raw", "raw again", "weir")
FORWARD = ("nginx", "nginx again", "weir", "haproxy", "hitch", "stunnel")

# The client pays as much for TLS as the server, and both have one core: so no server's core is full in
# handshakes, and all of them are judged where they stand.
SCENARIOS = (
    Scenario("full", "full handshake, one echo, close", "handshake", {"connections": 8},
             PER_MESSAGE, ECHO),
    Scenario("resumed", "resumed handshake, one echo, close", "handshake",
             {"connections": 8, "resumed": None}, PER_MESSAGE, ECHO),
    Scenario("echo-64", "echo, 64 B, 50 connections", "echo", {"connections": 50}, PER_MESSAGE, ECHO),
    Scenario("bulk", "echo, 16 KiB, 8 connections, 4 in flight on each", "echo",
             {"connections": 8, "size": 16384, "depth": 4}, PER_GIB, ECHO),
    Scenario("forward-full", "full handshake through a forwarder", "handshake", {"connections": 8},
             PER_MESSAGE, FORWARD, "nginx", ("haproxy",)),
    Scenario("forward-resumed", "resumed handshake through a forwarder", "handshake",
             {"connections": 8, "resumed": None}, PER_MESSAGE, FORWARD, "nginx", ("haproxy",)),
    Scenario("forward-echo-64", "echo through a forwarder, 64 B, 50 connections", "echo",
             {"connections": 50}, PER_MESSAGE, FORWARD, "nginx", ("haproxy",)),
)
IDLE = {"idle": ("raw", "weir"), "idle-forward": ("weir", "haproxy", "nginx", "hitch", "stunnel")}
NAMES = tuple(scenario.name for scenario in SCENARIOS) + tuple(IDLE)
BARS = (("full", "raw", 1.00), ("resumed", "raw", 1.00), ("echo-64", "raw", 1.00),
        ("bulk", "raw", 0.95), ("forward-full", "nginx", 0.95), ("forward-full", "haproxy", 0.95),
        ("forward-echo-64", "nginx", 0.95), ("forward-echo-64", "haproxy", 0.95))
IDLE_BARS = (("weir", 15_000), ("raw", 15_200))


class Secure:
    """A contestant that is talked to over TLS."""

    def __init__(self, certs, made):
        self.certs, self.made = certs, made

    @property
    def program(self):
        return self.made.program

    def url(self, port):
        return f"tls://127.0.0.1:{port}?ca={self.certs}/ca.pem"

    def command(self, port, backend, folder):
        return self.made.command(port, backend, folder)


@dataclass
class Raw:
    path: Path

    @property
    def program(self):
        return str(self.path)

    def command(self, port, _backend, _folder):
        return [self.program, str(port)]


@dataclass
class OverTls:
    """Weir, with every limit and timeout at its default."""

    path: Path
    protocol: str
    certs: Path

    @property
    def program(self):
        return str(self.path)

    def command(self, port, backend, _folder):
        url = f"tls://127.0.0.1:{port}?cert={self.certs}/server.pem&key={self.certs}/server.key"
        words = [self.program, "serve", self.protocol, url, "--loops", "1"]
        return words + (["--to", f"tcp://127.0.0.1:{backend}"] if backend is not None else [])


@dataclass
class Configured:
    template: str
    words: tuple  # {file} and {folder} are filled in.
    certs: Path

    @property
    def program(self):
        return self.words[0]

    def command(self, port, backend, folder):
        pem = folder / "both.pem"
        pem.write_bytes(b"".join((self.certs / name).read_bytes()
                                 for name in ("server.key", "server.pem")))
        os.chmod(pem, 0o644)  # In a folder of the test's: some give up being root before they read.
        text = string.Template((lineup.PEERS / self.template).read_text("utf-8"))
        file = folder / self.template.removesuffix(".in")
        file.write_text(text.substitute(port=port, backend=backend, work=folder, pem=pem))
        return [word.format(file=file, folder=folder) for word in self.words]


def contestants(build, certs):
    raw = Raw(build / "bin" / "raw_tls")
    weir = build / "bin" / "weir"
    nginx = Configured("tls-nginx.conf.in", lineup.NGINX, certs)
    echo = {"raw": raw, "raw again": raw, "weir": OverTls(weir, "echo", certs)}
    forward = {
        "nginx": nginx, "nginx again": nginx, "weir": OverTls(weir, "forward", certs),
        "haproxy": Configured("tls-haproxy.cfg.in", lineup.HAPROXY, certs),
        "hitch": Configured("tls-hitch.conf.in", ("/usr/sbin/hitch", "--config={file}"), certs),
        "stunnel": Configured("tls-stunnel.conf.in", ("/usr/bin/stunnel4", "{file}"), certs),
    }
    return tuple({name: Secure(certs, one) for name, one in all_of.items()
                  if shutil.which(one.program)} for all_of in (echo, forward))


def judge_ratio(name, reference, most, scenarios):
    scenario = scenarios[name]
    what = f"{scenario['what']}: CPU against {reference}"
    found = scenario["ratios"].get(reference, {}).get("weir")
    if found is None:
        return targets.verdict("TLS", what, f"≤ {most:.2f}", None, targets.FAIL, "not measured")
    why = []
    if found["rounds"] < targets.ROUNDS_MIN:
        why.append(f"{found['rounds']} rounds, {targets.ROUNDS_MIN} are needed")
    if not scenario["counts"]:
        control = scenario["control"]
        why.append(f"the control reads {control['median']:.3f}" if control else "no control")
    missed = found["low"] > most
    outcome = targets.REPORTED if why else targets.FAIL if missed else targets.PASS
    if why and missed:
        why.append("it would not pass")
    elif not missed and found["median"] > most:
        why.append("its interval reaches the bar")
    return targets.verdict("TLS", what, f"≤ {most:.2f}", found["median"], outcome, "; ".join(why),
                           low=found["low"], high=found["high"])


def judge(scenarios, idle):
    by_name = {scenario["name"]: scenario for scenario in scenarios}
    found = [judge_ratio(name, reference, most, by_name) for name, reference, most in BARS
             if name in by_name]
    for name, most in IDLE_BARS if "idle" in idle else ():
        figure = idle["idle"].get(name, {}).get("touched")
        outcome = targets.PASS if figure is not None and figure <= most else targets.FAIL
        found.append(targets.verdict("TLS", f"user bytes of an idle connection after an echo: {name}",
                                     f"≤ {most}", figure, outcome,
                                     "" if figure is not None else "not measured"))
    return found


def parse(words):
    parser = arguments.Parser(prog="bench tls", usage="./dev bench tls [OPTION...]",
                              epilog="names: " + " ".join(NAMES), allow_abbrev=False,
                              description="TLS: Weir against OpenSSL by hand and the forwarders.")
    parser.add_argument("build", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--rounds", metavar="N", type=int, choices=range(1, 1001),
                        help=f"of each scenario, {targets.ROUNDS_MIN} if not said")
    parser.add_argument("--only", nargs="+", metavar="NAME", default=[], help="* and ? are wildcards")
    parser.add_argument("--quick", action="store_true", help="3 short rounds, without a verdict")
    parser.add_argument("--output", type=Path, metavar="FILE", help="where the result goes")
    chosen = parser.parse_args(words)
    for pattern in chosen.only:
        if not fnmatch.filter(NAMES, pattern):
            parser.error(f"there is nothing called {pattern!r}; there are: {' '.join(NAMES)}")
    chosen.names = {name for name in NAMES if not chosen.only or
                    any(fnmatch.fnmatchcase(name, pattern) for pattern in chosen.only)}
    number = chosen.rounds or (arguments.QUICK_ROUNDS if chosen.quick else targets.ROUNDS_MIN)
    chosen.pace = arguments.Pace(number, *(("500ms", "100ms") if chosen.quick else
                                           ("1200ms", "300ms")))
    return chosen


def measure_idle(build, chosen, echo, forward):
    found = {}
    for name, who in IDLE.items():
        if name in chosen.names:
            everybody = forward if name == "idle-forward" else echo
            found[name] = core.each(name, everybody, who, lambda one, all_of=everybody, kind=name:
                                    memory.per_connection(build, all_of[one], kind != "idle"))
    return found


def line_of(scenario):
    """One line for each server: its median, and its ratio with the interval."""
    for name, server in scenario["servers"].items():
        figure = "-" if server["median"] is None else f"{server['median']:.2f}"
        ratio = scenario["ratios"].get(scenario["reference"], {}).get(name)
        beside = ("" if not ratio else f"  {ratio['median']:.3f} [{ratio['low']:.3f}, "
                  f"{ratio['high']:.3f}] x {scenario['reference']}")
        share = f"{100 * server['server_share']:.0f} %" if server["server_share"] else "-"
        yield (f"  {name:12} {figure:>9} {scenario['metric']}, core {share}{beside}"
               + ("".join(f"  {why}" for why in server["failed"][:1])))


def main():
    chosen = parse(sys.argv[1:])
    build = chosen.build
    if not shutil.which(build / "bin" / "raw_tls"):
        print("bench tls: raw_tls is missing; ./dev bench tls builds it", file=sys.stderr)
        return 66
    now = datetime.datetime.now(datetime.timezone.utc)
    environment.PACKAGES = PACKAGES
    result = {"date": now.isoformat(timespec="seconds"), "rounds": chosen.pace.rounds,
              "duration": chosen.pace.duration, "warmup": chosen.pace.warmup,
              "environment": environment.describe(build, machine.raise_file_limit())}
    with tempfile.TemporaryDirectory(prefix="weir-bench-certs-") as folder:
        certs = Path(folder)
        subprocess.run(["bash", CERTS_SH, folder], check=True, stdout=subprocess.DEVNULL)
        os.environ |= {"RAW_TLS_CERT": f"{folder}/server.pem", "RAW_TLS_KEY": f"{folder}/server.key"}
        echo, forward = contestants(build, certs)
        result["idle"] = measure_idle(build, chosen, echo, forward)
        result["scenarios"] = [
            rounds.summary(scenario, rounds.sit(build, scenario, forward if scenario.behind else
                                                echo, chosen.pace, core.tell))
            for scenario in SCENARIOS if scenario.name in chosen.names]
    core.clear()
    result["verdicts"] = judge(result["scenarios"], result["idle"])
    path = chosen.output or build / f"tls-{now:%Y%m%d-%H%M}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(results.to_text(result), encoding="utf-8")
    for scenario in result["scenarios"]:
        print(f"{scenario['name']}: {scenario['what']}", *line_of(scenario), sep="\n")
    for name, found in result["idle"].items():
        print(f"{name}: {json.dumps(found)}")
    print(core.table.verdict_lines(result["verdicts"]))
    print(f"\n{path}")
    return 1 if any(each["verdict"] == targets.FAIL for each in result["verdicts"]) else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
