"""Measures Weir's core beside the baselines and the peers."""

import counts
import lineup
import load
import memory
import rounds
import servers
from progress import tell
from scenarios import LIBRARIES, SCENARIOS

EVERYBODY = ("raw", *LIBRARIES[2:], "Netty", "Node", "uvloop")
# Where the count says something: valgrind runs none of the others as they run by themselves.
COUNTED = ("raw", "libev", "libuv", "weir", "libevent", "Boost.Asio")
FORWARDERS = ("weir", "haproxy", "haproxy, splice", "nginx")


def each(what, contestants, names, count):
    """Counts something for every contestant; who cannot be counted says why."""
    found = {}
    for name in names:
        if name not in contestants:
            continue
        tell(f"{what}: {name}")
        try:
            found[name] = count(contestants[name])
        except (load.LoadError, servers.ServerError, OSError) as fault:
            found[name] = {"failed": str(fault)}
    return found


def with_total(calls):
    return {"total": counts.total(calls), "calls": calls}


def count_all(chosen, echo, forward):
    build, repeats = chosen.build, chosen.pace.repeats
    # Name on the command line, name in the result, who could be counted and who is, and how.
    plan = (
        ("instructions", "instructions", echo, COUNTED, lambda one: counts.instructions(build, one)),
        ("calls", "calls_per_echo", echo, EVERYBODY,
         lambda one: with_total(counts.per_echo(build, one))),
        ("life", "calls_per_life", echo, EVERYBODY, lambda one: with_total(counts.per_life(one))),
        ("idle", "idle", echo, EVERYBODY,
         lambda one: memory.per_connection(build, one, repeats)),
        ("idle-proxied", "idle_proxied", forward, FORWARDERS,
         lambda one: memory.per_connection(build, one, repeats, forwarder=True)),
        ("held", "held", echo, ("weir",), lambda one: memory.all_answered(build, one)),
    )
    return {key: each(name, contestants, names, count)
            for name, key, contestants, names, count in plan if name in chosen.names}


def lineups(build):
    return lineup.echo_servers(build), lineup.chats(build), lineup.forwarders(build)


def measure(chosen):
    """Returns the counts, and a summary of each scenario."""
    echo, chat, forward = (lineup.installed(lineup.only(everybody, chosen.servers))
                           for everybody in lineups(chosen.build))
    found = count_all(chosen, echo, forward)
    return found, [
        rounds.take(chosen, scenario, forward if scenario.behind else chat if scenario.room else echo)
        for scenario in SCENARIOS if scenario.name in chosen.names]
