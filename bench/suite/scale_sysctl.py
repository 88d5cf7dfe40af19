"""The system's settings that many connections at one machine want, and how to lend them to it."""

import signal
from pathlib import Path

import scale_memory

BACKLOG = 4096  # What a server of ours asks for.


def path_of(name):
    return Path("/proc/sys") / name.replace(".", "/")


def read(name):
    """The numbers of a setting; None where this kernel has none of that name."""
    try:
        return [int(word) for word in path_of(name).read_text("ascii").split()]
    except FileNotFoundError:
        return None


def write(name, numbers):
    path_of(name).write_text(" ".join(map(str, numbers)) + "\n", "ascii")


def advisable(connections):
    """Each with why. Both ends are here, so there are two sockets for each connection."""
    sockets = 2 * connections
    pages = sockets + 100_000
    return {
        "fs.file-max": ([sockets + 100_000], "descriptors of all processes together"),
        "net.core.somaxconn": ([BACKLOG], "connections that a server has yet to accept"),
        "net.ipv4.tcp_max_syn_backlog": ([BACKLOG], "connections being made, for each listener"),
        "net.core.netdev_max_backlog": ([sockets], "packets on loopback at once, as are the "
                                        "keepalive probes of all that were made within seconds"),
        "net.ipv4.tcp_mem": ([pages // 2, pages * 3 // 4, pages],
                             f"pages of {scale_memory.PAGE} bytes, one waiting at each socket"),
        "net.ipv4.tcp_max_tw_buckets": ([connections], "sockets at rest when all have been closed"),
        "net.netfilter.nf_conntrack_max": ([connections + 10_000], "where connections are tracked"),
    }


def lacking(connections):
    """By name: what is, what is advisable and why, of those that are below."""
    found = {}
    for name, (wanted, why) in advisable(connections).items():
        now = read(name)
        if now is not None and any(have < want for have, want in zip(now, wanted)):
            found[name] = {"now": now, "advisable": [max(pair) for pair in zip(now, wanted)], "why": why}
    return found


class Lent:
    """Sets what is lacking for as long as the `with` block lasts; without `really` it does nothing."""

    def __init__(self, connections, really):
        self.set = lacking(connections) if really else {}
        self._done = []

    def __enter__(self):
        try:
            for name, one in self.set.items():
                write(name, one["advisable"])
                self._done.append(name)
        except BaseException:
            self._restore()
            raise
        return self

    def __exit__(self, *_):
        self._restore()

    def _restore(self):
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
        for name in reversed(self._done):
            write(name, self.set[name]["now"])
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
