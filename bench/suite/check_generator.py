#!/usr/bin/env python3
"""Holds our generator against independent ones: wrk and hey on HTTP, iperf3 on bulk through a forwarder.

Both load the same server on the same cores in turn, so rate and CPU have to agree within 5 %. The servers are
slow ones, so that no generator is the limit: an nginx that has a hard regular expression to try for each
request, and socat as the forwarder.

usage: check_generator.py BUILD
"""

import json
import os
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

import figures
import lineup
import load
import machine
import servers

ROUNDS = 9
SECONDS = 2
AGREE = 0.05
CONNECTIONS = 50
STREAMS = 4
PATH = "/aaaaaaaaaaaab"  # Tried in as many ways as there are to part the letters.
REQUEST = rf"GET {PATH} HTTP/1.1\r\nHost: localhost\r\n\r\n"
SLOW = lineup.Configured("nginx-slow.conf.in", lineup.NGINX)


class Socat(lineup.Socat):
    """Which lets TCP gather its small writes: else its cost depends on how often the far side reads."""

    def command(self, port, backend, _folder):
        return [self.program, f"TCP-LISTEN:{port},bind=127.0.0.1,reuseaddr,fork,backlog=64",
                f"TCP:127.0.0.1:{backend}"]


def on_load_core(*words):
    """Runs to the end on the generator's core; returns what it printed."""
    done = subprocess.run(words, check=False, capture_output=True, text=True, timeout=60,
                          preexec_fn=lambda: os.sched_setaffinity(0, {machine.LOAD_CORE}))
    if done.returncode:
        raise load.LoadError(f"{words[0]}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def with_cpu(server, use):
    """Work per second, and the server's CPU per unit of work."""
    before = machine.cpu_seconds(server.pids)
    amount, rate = use()
    return {"rate": rate, "cpu": (machine.cpu_seconds(server.pids) - before) / amount}


def ours(build, scenario, options, amount, per_second, backend=False):
    def measure(contestant):
        far = machine.free_port() if backend else None
        with servers.Server(contestant, far) as server:
            def use():
                answer = load.run(build, scenario, server, options | {
                    "duration": f"{SECONDS}s", "warmup": "0ms"}, far)
                if not answer["valid"]:
                    raise load.LoadError(answer["reason"])
                return answer[amount], answer[per_second]
            return with_cpu(server, use)
    return measure


def wrk(contestant):
    with servers.Server(contestant) as server:
        def use():
            text = on_load_core("wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s",
                                f"http://127.0.0.1:{server.port}{PATH}")
            count = re.search(r"(\d+) requests in", text)
            rate = re.search(r"Requests/sec:\s*([\d.]+)", text)
            return int(count.group(1)), float(rate.group(1))
        return with_cpu(server, use)


def hey(contestant):
    with servers.Server(contestant) as server:
        def use():
            text = on_load_core("hey", "-c", str(CONNECTIONS), "-z", f"{SECONDS}s",
                                f"http://127.0.0.1:{server.port}{PATH}")
            count = re.search(r"\[200\]\s+(\d+) responses", text)
            rate = re.search(r"Requests/sec:\s*([\d.]+)", text)
            return int(count.group(1)), float(rate.group(1))
        return with_cpu(server, use)


def iperf3(*way):
    """Its server is the far side of the forwarder, on the same core as its client."""
    def measure(contestant):
        far = machine.free_port()
        listener = subprocess.Popen(
            ("iperf3", "-s", "-1", "-B", "127.0.0.1", "-p", str(far)), stdout=subprocess.DEVNULL,
            preexec_fn=lambda: os.sched_setaffinity(0, {machine.LOAD_CORE}))
        try:
            while not machine.is_listening(far) and listener.poll() is None:
                pass
            with servers.Server(contestant, far) as server:
                def use():
                    text = on_load_core("iperf3", "-c", "127.0.0.1", "-p", str(server.port), "-P",
                                        str(STREAMS), "-t", str(SECONDS), "-l", "256K", "-J", *way)
                    end = json.loads(text)["end"]["sum_received"]
                    return end["bytes"], end["bits_per_second"] / 8
                return with_cpu(server, use)
        finally:
            listener.terminate()
            listener.wait()
    return measure


def compare(what, contestant, one, other, name):
    """Interleaved rounds; prints both ratios. True when the medians agree."""
    figures_of = {"ours": [], name: []}
    for _ in range(ROUNDS):
        for who, measure in random.sample((("ours", one), (name, other)), 2):
            figures_of[who].append(measure(contestant))
    fine = True
    for key, said in (("rate", "rate"), ("cpu", "the server's CPU per unit")):
        values = [dict(enumerate(row[key] for row in figures_of[who])) for who in ("ours", name)]
        found = figures.ratio(*values)
        agrees = abs(found.median - 1) <= AGREE
        unsure = found.low <= 1 + AGREE and found.high >= 1 - AGREE
        fine = fine and agrees
        outcome = "PASS" if agrees else "UNSURE" if unsure else "FAIL"
        print(f"{outcome:6}  {what}: {said}, ours against {name}: "
              f"{found.median:.3f} [{found.low:.3f}, {found.high:.3f}]", flush=True)
    return fine


def main():
    if len(sys.argv) != 2:
        print("usage: check_generator.py BUILD", file=sys.stderr)
        return 64
    build = Path(sys.argv[1])
    missing = [tool for tool in ("wrk", "hey", "iperf3", "socat", str(build / "bin" / "weir"))
               if not shutil.which(tool)]
    if missing:
        print(f"check_generator.py: {missing[0]} is missing", file=sys.stderr)
        return 66
    machine.raise_file_limit()
    ask = ours(build, "ask", {"connections": CONNECTIONS, "send": REQUEST, "reply-http": None},
               "messages", "rate")
    send = ours(build, "send", {"connections": STREAMS}, "bytes", "rate", backend=True)
    receive = ours(build, "receive", {"connections": STREAMS}, "bytes", "rate", backend=True)
    agreed = [
        compare("HTTP requests to nginx", SLOW, ask, wrk, "wrk"),
        compare("HTTP requests to nginx", SLOW, ask, hey, "hey"),
        compare("bulk up through socat", Socat(), send, iperf3(), "iperf3"),
        compare("bulk down through socat", Socat(), receive, iperf3("-R"), "iperf3"),
    ]
    return 0 if all(agreed) else 1


if __name__ == "__main__":
    sys.exit(main())
