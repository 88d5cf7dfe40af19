"""Where and with what it was measured."""

import os
import platform
import re
import subprocess
from pathlib import Path

PACKAGES = ("libuv1-dev", "libev-dev", "libevent-dev", "libboost-dev", "golang-go", "libnetty-java",
            "python3-uvloop", "socat", "rinetd", "haproxy", "nginx", "libnginx-mod-stream",
            "stunnel4", "hitch", "libssl3", "valgrind", "strace", "g++", "libc6")
PROGRAMS = ("node", "java")  # Whichever is first on the path, from a package or not.
SETTINGS = ("net/core/somaxconn", "net/ipv4/tcp_max_syn_backlog", "net/ipv4/tcp_tw_reuse",
            "net/ipv4/tcp_congestion_control", "net/ipv4/ip_local_port_range",
            "net/ipv4/tcp_rmem", "net/ipv4/tcp_wmem", "fs/pipe-max-size")


def said(*command):
    try:
        return subprocess.run(command, check=False, capture_output=True, text=True).stdout.strip()
    except FileNotFoundError:
        return ""


def first_match(path, pattern):
    match = re.search(pattern, Path(path).read_text("utf-8"), re.MULTILINE)
    return match.group(1).strip() if match else ""


def settings():
    found = {}
    for name in SETTINGS:
        path = Path("/proc/sys") / name
        if path.exists():
            found[name.replace("/", ".")] = " ".join(path.read_text("ascii").split())
    return found


def versions():
    found = {name: said("dpkg-query", "-W", "-f", "${Version}", name) for name in PACKAGES}
    found |= {name: said(name, "--version").partition("\n")[0] for name in PROGRAMS}
    return {name: version or "not installed" for name, version in found.items()}


def describe(build, file_limit, command):
    root = Path(__file__).resolve().parent.parent.parent
    system = platform.freedesktop_os_release()
    return {
        "kernel": platform.release(),
        "system": system.get("PRETTY_NAME", ""),
        "cpu": first_match("/proc/cpuinfo", r"^model name\s*:(.*)$"),
        "cores": os.cpu_count(),
        "memory_gib": round(int(first_match("/proc/meminfo", r"^MemTotal:\s*(\d+)")) / 2**20, 1),
        "descriptors": file_limit,
        "load_average_at_start": os.getloadavg(),
        "settings": settings(),
        "commit": said("git", "-C", str(root), "rev-parse", "HEAD"),
        "changed": bool(said("git", "-C", str(root), "status", "--porcelain", "-uno")),
        "weir": said(str(build / "bin" / "weir"), "--version"),
        "python": platform.python_version(),
        "versions": versions(),
        "command": command,
    }
