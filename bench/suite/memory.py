"""User bytes of an idle connection, each time in a fresh server; and how many one process holds."""

import statistics

import load
import machine
import servers

CONNECTIONS = 5000
HELD = 19000  # A process may hold 20,000 descriptors.


def hold(build, contestant, connections, forwarder=False):
    backend = machine.free_port() if forwarder else None
    with servers.Server(contestant, backend) as server:
        return load.run(build, "idle", server, {"connections": connections}, backend)


def per_connection(build, contestant, repeats, forwarder=False):
    """After connecting, and again after one echo on each; for a forwarder per proxied pair."""
    found = [hold(build, contestant, CONNECTIONS, forwarder) for _ in range(repeats)]
    for answer in found:
        if not answer["valid"]:
            raise load.LoadError(answer["reason"])
    return {name: round(statistics.median(answer["server"][key] for answer in found), 1)
            for name, key in (("connected", "bytes_per_connection"),
                              ("touched", "bytes_per_connection_touched"))}


def all_answered(build, contestant):
    """So many connections in one process, an echo on each."""
    answer = hold(build, contestant, HELD)
    return {"connections": HELD, "answered": answer["messages"], "errors": answer["errors"],
            "valid": answer["valid"], "reason": answer["reason"]}
