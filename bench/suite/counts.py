"""What noise cannot touch: user instructions and system calls, per message and per connection."""

import json
import re
import socket
import subprocess
from pathlib import Path

import load
import machine
import servers

INSTRUCTIONS = Path(__file__).resolve().parent.parent / "instructions.sh"
ECHO = {"connections": 50, "size": 64, "warmup": "0ms"}
SHORT, LONG = "1s", "5s"        # Runs whose difference is free of start and end.
FEW_LIVES, MANY_LIVES = 50, 550
LEAST = 0.002                   # Less is what happens now and then, not for each unit of work.
MESSAGE = bytes(range(64))
SUMMARY_LINE = re.compile(r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$", re.MULTILINE)


def instructions(build, contestant):
    """User instructions per echo, from callgrind."""
    command = contestant.command(0, None, None)
    done = subprocess.run(["bash", str(INSTRUCTIONS), str(build), *command], check=False,
                          capture_output=True, text=True)
    if done.returncode:
        raise servers.ServerError(f"{command[0]} under callgrind: {done.stderr.strip()}")
    return json.loads(done.stdout)["instructions_per_message"]


def traced(contestant, use, backend=None):
    """Counts every system call of a server's life, by name, while `use` has it at work."""
    summary = machine.scratch_file("strace")
    wrapper = ("strace", "-f", "-c", "-o", str(summary), "--")
    try:
        with servers.Server(contestant, backend, wrapper) as server:
            amount = use(server)
            server.stop()
        found = SUMMARY_LINE.findall(summary.read_text("utf-8"))
        return amount, {name: int(count) for count, name in found if name != "total"}
    finally:
        summary.unlink(missing_ok=True)


def slope(short, long):
    """Calls by name and unit of work, the start and the end of the process left out."""
    units = long[0] - short[0]
    if units <= 0:
        raise load.LoadError("the longer run did not do more than the shorter one")
    names = sorted(set(short[1]) | set(long[1]))
    calls = {name: (long[1].get(name, 0) - short[1].get(name, 0)) / units for name in names}
    return {name: round(count, 4) for name, count in calls.items() if count >= LEAST}


def per_echo(build, contestant):
    """50 busy connections: the server always has several to serve."""
    def use(duration):
        options = ECHO | {"duration": duration}
        return lambda server: load.run(build, "echo", server, options)["messages"]
    return slope(traced(contestant, use(SHORT)), traced(contestant, use(LONG)))


def one_life(server):
    """Connect, one echo, close; waits for the server's end of it."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as peer:
        peer.sendall(MESSAGE)
        missing = len(MESSAGE)
        while missing:
            piece = peer.recv(missing)
            if not piece:
                raise load.LoadError("the server ended the connection")
            missing -= len(piece)
        peer.shutdown(socket.SHUT_WR)
        peer.recv(1)


def per_life(contestant):
    """One connection after the other, so that nothing is shared between them."""
    def use(lives):
        def live(server):
            for _ in range(lives):
                one_life(server)
            return lives
        return live
    return slope(traced(contestant, use(FEW_LIVES)), traced(contestant, use(MANY_LIVES)))


def total(calls):
    return round(sum(calls.values()), 3)
