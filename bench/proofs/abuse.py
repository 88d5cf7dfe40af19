#!/usr/bin/env python3
"""Every abuse profile of weir bench against weir serve, with its default limits and without any.

Prints a table: what good clients beside 500 abusers notice, and what the abusers cost. A minute and a half.

usage: abuse.py BUILD
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
ABUSERS = 500
LONG, SHORT = "40s", "10s"  # Longer than the timeouts of 30 s, where one of them is what helps.
LINES = ("--send", r"hi\n", "--reply-line", "--reply-is", "> hi")
# Profile, duration, what it is served by, how good clients ask.
PROFILES = (
    ("slow-reader", SHORT, ("echo",), ()),
    ("drip", LONG, ("echo", "--prefix", "> "), LINES),
    ("half-open", SHORT, ("echo",), ()),
    ("reset-storm", SHORT, ("echo",), ()),
    ("long-line", SHORT, ("echo", "--prefix", "> "), LINES),
    ("silent", LONG, ("echo",), ()),
    ("unfinished-handshake", LONG, ("echo",), ()),
)
QUIET = ("drip", "silent", "unfinished-handshake")  # These hardly load the machine: all at once.
NO_LIMITS = ("--write-high", "1GiB", "--write-low", "1MiB", "--write-max", "1GiB", "--unread-max", "1GiB",
             "--first-byte", "off", "--unfinished", "off", "--idle", "off", "--write-stall", "off",
             "--half-closed", "off", "--handshake", "off")


def certificates(folder):
    subprocess.run(["bash", str(ROOT / "examples" / "certs.sh"), folder], check=True,
                   stdout=subprocess.DEVNULL)
    return folder


def measure(weir, certs, profile, limits):
    name, duration, protocol, asking = profile
    tls = name == "unfinished-handshake"
    listen = f"tls://127.0.0.1:0?cert={certs}/server.pem&key={certs}/server.key" if tls else "tcp://127.0.0.1:0"
    server = subprocess.Popen([weir, "serve", *protocol, listen, "--loops", "1", *limits],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        url = server.stdout.readline().split()[2] + (f"?ca={certs}/ca.pem" if tls else "")
        done = subprocess.run([weir, "bench", name, url, "--connections", str(ABUSERS), "--duration", duration,
                               "--json", *asking], capture_output=True, text=True, check=False, timeout=120)
        return json.loads(done.stdout)
    finally:
        server.terminate()
        server.wait()
        server.stdout.close()


def row(profile, limits, result):
    memory = [each["server_memory_bytes"] for each in result["timeline"] if each["server_memory_bytes"]]
    abuse = result["abuse"]
    p99 = result["latency_us"]["p99"]
    cells = (profile, "none" if limits else "default", f"{result['messages']:,}", f"{result['errors']:,}",
             f"{p99 / 1000:.1f} ms" if p99 else "-", f"{max(memory, default=0) / 2**20:,.1f} MiB",
             f"{abuse['clients_at_the_end']:,}", f"{abuse['thrown_out']:,}")
    return "| " + " | ".join(cells) + " |"


def main():
    if len(sys.argv) != 2:
        print("usage: abuse.py BUILD", file=sys.stderr)
        return 64
    weir = str(Path(sys.argv[1]).resolve() / "bin" / "weir")
    if not os.access(weir, os.X_OK):
        print(f"abuse.py: there is no {weir}", file=sys.stderr)
        return 66
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    runs = [(profile, limits) for profile in PROFILES for limits in ((), NO_LIMITS)]
    results = {}
    with tempfile.TemporaryDirectory(prefix="weir-abuse-") as folder:
        certs = certificates(folder)
        quiet = [run for run in runs if run[0][0] in QUIET]
        with ThreadPoolExecutor(len(quiet)) as pool:
            for run, result in zip(quiet, pool.map(lambda run: measure(weir, certs, *run), quiet)):
                results[run] = result
        for run in runs:
            if run not in results:
                results[run] = measure(weir, certs, *run)
    print("| Profile | Limits | Good lives | Failed | p99 | Most memory | Abusers there | Thrown out |")
    print("|---|---|---|---|---|---|---|---|")
    for profile, limits in runs:
        print(row(profile[0], limits, results[(profile, limits)]))
    return 0 if all(not results[run]["errors"] for run in runs if not run[1]) else 1


if __name__ == "__main__":
    sys.exit(main())
