"""What many connections take of the machine's memory, and a watch that acts before it is short."""

import os
import threading
from pathlib import Path

PAGE = os.sysconf("SC_PAGE_SIZE")
AVAILABLE_LEAST = 2 << 30  # Below this the machine would soon end processes by itself.
WATCH_EVERY = 0.1          # Seconds.
# Of /proc/meminfo. Sockets, files, their epoll items and what they send is all in slabs.
KERNEL = ("Slab", "KernelStack", "PageTables", "Percpu")
KEPT = ("MemTotal", "MemFree", "MemAvailable", "AnonPages", "Buffers", "Cached", "SReclaimable",
        "SUnreclaim", *KERNEL)


def meminfo():
    """In bytes, by name."""
    rows = (line.split() for line in Path("/proc/meminfo").read_text("ascii").splitlines())
    return {row[0].rstrip(":"): int(row[1]) * 1024 for row in rows if row[-1] == "kB"}


def sockstat():
    """Of TCP over IPv4: sockets in use, resting in TIME_WAIT, and pages that wait in their queues."""
    for line in Path("/proc/net/sockstat").read_text("ascii").splitlines():
        if line.startswith("TCP:"):
            words = line.split()[1:]
            return dict(zip(words[::2], map(int, words[1::2])))
    raise RuntimeError("/proc/net/sockstat has no line of TCP")


def private_dirty(pids):
    """Bytes that belong to these processes alone."""
    total = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines():
            if line.startswith("Private_Dirty:"):
                total += int(line.split()[1]) * 1024
    return total


def look(servers, generator=()):
    """Everything of one moment, in bytes; sockets are a number."""
    found = meminfo()
    sockets = sockstat()
    return {
        "meminfo": {name: found[name] for name in KEPT if name in found},
        "kernel": sum(found.get(name, 0) for name in KERNEL),
        "sockets": sockets["inuse"],
        "time_wait": sockets["tw"],
        "queued": sockets["mem"] * PAGE,
        "servers": private_dirty(servers),
        "generator": private_dirty(generator),
    }


def growth(before, held, connections):
    """What the connections brought, in all and each. `kernel_by_difference` is what is no more free,
    without what went to processes and to the page cache."""
    def told(total):
        return {"bytes": total, "per_connection": round(total / connections, 1)}

    def grown(name):
        return held["meminfo"][name] - before["meminfo"][name]

    return {
        "servers": told(held["servers"] - before["servers"]),
        "generator": told(held["generator"] - before["generator"]),
        "kernel": told(held["kernel"] - before["kernel"]),
        "kernel_by_difference": told(
            -sum(grown(name) for name in ("MemFree", "AnonPages", "Buffers", "Cached"))),
        "queued": told(held["queued"] - before["queued"]),
    }


def available():
    """The kernel takes slabs that hold inodes and directory entries as available; those of sockets that
    are open are not."""
    found = meminfo()
    return min(found["MemAvailable"],
               found["MemFree"] + found["Buffers"] + found["Cached"] - found["Shmem"])


class Watch:
    """Calls `short` once, from a thread of its own, when the machine has less left than it may."""

    def __init__(self, short):
        self.least = available()
        self._short = short
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()

    def _run(self):
        while not self._over.wait(WATCH_EVERY):
            self.least = min(self.least, available())
            if self.least < AVAILABLE_LEAST:
                self._short()
                return
