#!/usr/bin/env python3
"""Runs weir bench against weir and a small forwarder; prints every breach, exits 1 if any.

usage: check_load.py WEIR
"""
import contextlib
import json
import select
import socket
import subprocess
import sys
import threading

WEIR = sys.argv[1]
SHORT = ["--duration", "300ms", "--warmup", "50ms"]
faults = []


def check(what, holds):
    print(("kept: " if holds else "BROKEN: ") + what)
    if not holds:
        faults.append(what)


def load(*words):
    done = subprocess.run([WEIR, "bench", *words], capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout, done.stderr


def result(*words):
    """Of a run that nothing went wrong in. On a busy machine the generator may be its own limit, and says so."""
    code, out, err = load(*words, "--json")
    line = json.loads(out)
    limited = line["limited_by"] in ("generator", "schedule")
    check(f"{words[0]}: one line on standard output, and the exit status that belongs to it: {err}",
          out.count("\n") == 1 and code == (98 if limited else 0) and bool(err) == limited)
    return limited or line["valid"], line


@contextlib.contextmanager
def serving(protocol):
    server = subprocess.Popen([WEIR, "serve", protocol, "tcp://127.0.0.1:0", "--loops", "1"],
                              stdout=subprocess.PIPE, text=True)
    try:
        yield server.stdout.readline().split()[2], str(server.pid)
    finally:
        server.terminate()
        server.wait()
        server.stdout.close()


def pump(near, far_port):
    """Copies both ways until both have ended."""
    far = socket.create_connection(("127.0.0.1", far_port))
    with near, far:
        other = {near: far, far: near}
        while other:
            for ready in select.select(list(other), [], [])[0]:
                try:
                    data = ready.recv(1 << 16)
                    target = far if ready is near else near
                    target.sendall(data) if data else target.shutdown(socket.SHUT_WR)
                except OSError:
                    return
                if not data:
                    del other[ready]


def forwarder(far_port):
    listener = socket.create_server(("127.0.0.1", 0))

    def accept():
        with contextlib.suppress(OSError):
            while True:
                near = listener.accept()[0]
                threading.Thread(target=pump, args=(near, far_port), daemon=True).start()
    threading.Thread(target=accept, daemon=True).start()
    return listener.getsockname()[1]


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def check_servers():
    with serving("echo") as (url, pid):
        fine, line = result("echo", url, *SHORT, "--server-pid", pid)
        check("echo: valid, with figures of the server",
              fine and line["rate"] > 0 and line["latency_us"]["p50"] > 0
              and line["server"]["cpu_share"] is not None)
        fine, line = result("echo", url, *SHORT, "--depth", "16", "--size", "1KiB")
        check("echo: with depth", fine and line["bytes"] == 1024 * line["messages"] > 0)
        fine, line = result("idle", url, "--connections", "300", "--server-pid", pid)
        check("idle: all answered, and memory read twice",
              fine and line["messages"] == 300
              and line["server"]["bytes_per_connection"] is not None
              and line["server"]["bytes_per_connection_touched"] is not None)
        fine, line = result("storm", url, "--connections", "300")
        check("storm: all answered", fine and line["messages"] == 300)
        for more in ([], ["--reset"]):
            fine, line = result("churn", url, *SHORT, *more)
            check(f"churn {more}: lives", fine and line["messages"] > 0)
        fine, line = result("ask", url, *SHORT, "--send", "hi\\n", "--reply-line")
        check("ask: replies", fine and line["bytes"] == 3 * line["messages"] > 0)
        fine, line = result("rate", url, *SHORT, "--rate", "500", "--server-pid", pid)
        check("rate: messages, and three kinds of latency",
              fine and line["messages"] > 0 and line["service_us"]["p50"] <= line["latency_us"]["max"]
              and line["lag_us"]["p50"] is not None)
        fine, line = result("silent", url, *SHORT)
        check("silent: good clients are served", fine and line["messages"] > 0 and line["abuse"])
        fine, line = result("idle", url, "--connections", "301", "--agents", "3", "--server-pid", pid,
                            "--active", "6", *SHORT)
        check("idle: by three agents, with active ones",
              fine and line["connections"] == 301 and line["generator"]["agents"] == 3
              and line["server"]["bytes_per_connection"] is not None and line["messages"] > 0)
    with serving("chat") as (url, _):
        fine, line = result("fanout", url, "--connections", "12", "--rooms", "3", *SHORT)
        check("fanout: three rooms", fine and line["messages"] > 0)
    with serving("discard") as (url, _):
        fine, line = result("bulk", url, *SHORT)
        check("bulk: bytes", fine and line["bytes"] > 1 << 20)
    with serving("daytime") as (url, _):
        code, out, err = load("echo", url, *SHORT, "--json")
        check("a server that is no echo is not valid: 98, a line and a sentence",
              code == 98 and not json.loads(out)["valid"] and err.count("\n") == 1)


def check_forwarder():
    for scenario, *more in (("echo",), ("bulk",), ("bulk", "--way", "down"), ("mix",)):
        far = free_port()
        fine, line = result(scenario, *more, f"127.0.0.1:{forwarder(far)}", *SHORT, "--connections", "4",
                            "--backend", f"tcp://127.0.0.1:{far}")
        check(f"{scenario} {more} through a forwarder", fine and line["bytes"] > 0)


def check_command_line():
    nobody = f"tcp://127.0.0.1:{free_port()}"
    for words, expected, sentence in (
            (["ehco", nobody], 64, "did you mean \"echo\"?"),
            (["echo", "tpc://127.0.0.1:1"], 64, "tpc"),
            (["echo", nobody, "--deptj", "3"], 64, "did you mean \"--depth\"?"),
            (["echo", nobody, "--connections", "0"], 64, "connections"),
            (["echo", nobody, "--size", "1PiB"], 64, "size"),
            (["echo", nobody, "--server-pid", "999999999"], 64, "999999999"),
            (["echo", "udp://127.0.0.1:1"], 64, "udp"),
            (["mix", nobody], 64, "--backend"),
            (["echo", nobody], 69, "cannot connect"),
            (["storm", nobody], 69, "cannot connect"),
            (["churn", "unix:///nowhere/at/all"], 69, "cannot connect")):
        code, out, err = load(*words)
        check(f"{' '.join(words)}: {expected}, one sentence: {err.strip()}",
              code == expected and not out and err.count("\n") == 1 and sentence in err)
    code, out, err = load("echo")
    check("a scenario without a URL: 64, and how to call it",
          code == 64 and not out and "needs a URL" in err and "Usage:" in err)
    for words, expected, sentence in (
            (["--threshold", "p99<5"], 64, "a time in ns, us, ms or s"),
            (["--find-max", "x"], 64, "is no threshold"),
            (["--html", "/nowhere/at/all"], 73, "cannot write"),
            (["--cpu", "4000"], 64, "cannot run on CPU 4000"),
            (["--sources", "x"], 64, "sources: ")):
        code, out, err = load(nobody, *words)
        check(f"{words}: {expected}, one sentence: {err.strip()}",
              code == expected and not out and err.count("\n") == 1 and sentence in err)
    code, out, err = load("--help")
    check("--help tells every scenario and an example",
          code == 0 and not err and "churn" in out and "Examples:" in out)


check_servers()
check_forwarder()
check_command_line()
sys.exit(1 if faults else 0)
