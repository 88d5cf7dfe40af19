"""What the suite asks of the machine: cores, descriptors, free ports, processes, CPU time."""

import os
import resource
import socket
import tempfile
from pathlib import Path

SERVER_CORE = 0
LOAD_CORE = 1
PORTS = range(11000, 32000)  # Below the ephemeral range, so no client port is in our way.
LISTENING = "0A"             # The state as /proc/net/tcp writes it.
TICKS = os.sysconf("SC_CLK_TCK")

_next_port = iter(())


def raise_file_limit():
    """Servers and generators inherit it. Returns the limit."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def free_port():
    """Another port each time: one that was just used may have connections in TIME_WAIT."""
    global _next_port
    for _ in range(len(PORTS)):
        port = next(_next_port, None)
        if port is None:
            _next_port = iter(PORTS[os.getpid() % 1000:])
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise RuntimeError("no port is free below the ephemeral range")


def is_listening(port):
    """Asks the kernel, not the server: it would have a connection more in its life."""
    wanted = f":{port:04X}"
    with open("/proc/net/tcp", encoding="ascii") as table:
        for line in table:
            words = line.split()
            if words[1].endswith(wanted) and words[3] == LISTENING:
                return True
    return False


def family(pid):
    """The process and all its descendants."""
    found = [pid]
    for parent in found:
        try:
            for task in Path(f"/proc/{parent}/task").iterdir():
                found += [int(child) for child in (task / "children").read_text().split()]
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def cpu_seconds(pids):
    """User and system time of the processes with all their threads, and of children that ended."""
    ticks = 0
    for pid in pids:
        try:
            words = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        ticks += sum(int(word) for word in words[11:15])
    return ticks / TICKS


def syns_sent_again():
    """So many SYNs of this machine went unanswered for a second, as when a backlog is full."""
    lines = Path("/proc/net/netstat").read_text("ascii").splitlines()
    names, values = (line.split() for line in lines if line.startswith("TcpExt:"))
    return int(values[names.index("TCPSynRetrans")])


def busy_seconds():
    """Of all cores together; who else uses them spoils a timing."""
    with open("/proc/stat", encoding="ascii") as stat:
        words = [int(word) for word in stat.readline().split()[1:]]
    user, nice, system, _idle, _iowait, irq, softirq, steal = words[:8]
    return (user + nice + system + irq + softirq + steal) / TICKS


def scratch_file(name):
    handle, path = tempfile.mkstemp(prefix=f"weir-bench-{name}-")
    os.close(handle)
    return Path(path)
