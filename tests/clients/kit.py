"""What the client tests share: starting the program, waiting for events, looking from outside.

Each script runs by itself: WEIR=build/dev/bin/weir python3 tests/clients/test_echo.py
Only the standard library is used. Nothing here sleeps for a time that is hoped to be enough: it
waits for an event, with a deadline far beyond it.
"""

import os
import re
import resource
import select
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from urllib.parse import urlsplit

SANITIZED = bool(os.environ.get("WEIR_SANITIZE"))
PATIENCE = 60 if SANITIZED else 20  # Seconds after which an event is given up on.


def program():
    path = os.environ.get("WEIR")
    if not path or not os.access(path, os.X_OK):
        sys.exit("set WEIR to the program, as in WEIR=build/dev/bin/weir python3 " + sys.argv[0])
    return os.path.abspath(path)


def need(*tools):
    """A missing tool is a failure: ./dev deps installs them all."""
    for tool in tools:
        if shutil.which(tool) is None:
            raise AssertionError(f"{tool} is not installed; ./dev deps installs it")


def wait_until(true, what, seconds=PATIENCE):
    deadline = time.monotonic() + seconds
    while True:
        answer = true()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(0.005)


def run(*command, **more):
    """A command's output and exit code, as bytes."""
    more.setdefault("timeout", PATIENCE)
    if "stdin" not in more:
        more.setdefault("input", b"")
    return subprocess.run(command, capture_output=True, check=False, **more)


def weir(*arguments, **more):
    return run(program(), *arguments, **more)


def many_descriptors():
    """Raises the soft limit to the hard one; returns it."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


# What a process looks like from outside.


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def memory(pid):
    """Resident bytes. smaps_rollup counts pages; VmRSS is off by what each CPU has batched."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        return int(re.search(r"^Rss:\s+(\d+) kB", file.read(), re.M).group(1)) * 1024


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


TCP_STATES = {"01": "ESTABLISHED", "04": "FIN_WAIT1", "05": "FIN_WAIT2", "06": "TIME_WAIT",
              "08": "CLOSE_WAIT", "09": "LAST_ACK", "0A": "LISTEN"}


def tcp_states(port):
    """States of the IPv4 sockets whose own port this is."""
    with open("/proc/net/tcp", encoding="ascii") as file:
        rows = [line.split() for line in file.readlines()[1:]]
    return [TCP_STATES.get(row[3], row[3]) for row in rows
            if int(row[1].rpartition(":")[2], 16) == port]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


# Talking to a server.


def dial(url, receive_buffer=0):
    """A connected socket for a tcp:// or unix:// URL."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        family, address = socket.AF_UNIX, parts.path
    else:
        family = socket.AF_INET6 if ":" in parts.hostname else socket.AF_INET
        address = (parts.hostname, parts.port)
    peer = socket.socket(family, socket.SOCK_STREAM)
    if receive_buffer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    peer.settimeout(PATIENCE)
    try:
        peer.connect(address)
    except OSError:
        peer.close()
        raise
    return peer


def read_all(peer):
    """Everything until the peer's end. A reset raises ConnectionResetError."""
    parts = []
    while True:
        part = peer.recv(1 << 20)
        if not part:
            return b"".join(parts)
        parts.append(part)


def read_exactly(peer, size):
    parts = bytearray()
    while len(parts) < size:
        part = peer.recv(min(size - len(parts), 1 << 20))
        if not part:
            raise AssertionError(f"the peer ended after {len(parts)} of {size} bytes")
        parts += part
    return bytes(parts)


def send_in_chunks(peer, data, size):
    if peer.family != socket.AF_UNIX:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for start in range(0, len(data), size):
        peer.sendall(data[start:start + size])


def ready(peer, event, seconds=PATIENCE):
    """Whether it happens in time. Unlike select(2) it takes descriptors above 1,023."""
    poller = select.poll()
    poller.register(peer, event)
    return bool(poller.poll(seconds * 1000))


def send_until_blocked(peer, data):
    """Sends what the other side takes while nothing is read. Returns how many bytes that is."""
    peer.setblocking(False)
    sent = 0
    view = memoryview(data)
    # Nothing else moves here, so a socket that stays unwritable this long is blocked.
    while sent < len(data) and ready(peer, select.POLLOUT, 0.2):
        try:
            sent += peer.send(view[sent:sent + (1 << 16)])
        except BlockingIOError:
            pass
    peer.settimeout(PATIENCE)
    return sent


def ask(url, data, chunk=1 << 16):
    """Sends, ends, and returns everything that comes back."""
    with dial(url) as peer:
        sender = threading.Thread(target=lambda: (send_in_chunks(peer, data, chunk),
                                                  peer.shutdown(socket.SHUT_WR)))
        sender.start()
        try:
            return read_all(peer)
        finally:
            sender.join()


class Serve:
    """A running `weir serve`, from its ready lines to its end."""

    def __init__(self, protocol, *options, urls=("tcp://127.0.0.1:0",), ready=None, **more):
        self.log_file = tempfile.TemporaryFile()
        command = more.pop("command", ("serve", protocol, *urls, *options))
        command = [*more.pop("before", ()), program(), *command]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=self.log_file, **more)
        self.pid = self.process.pid
        self.output = b""
        try:
            self.urls = self._ready(protocol, ready or len(urls))
        except BaseException:
            self.kill()
            raise

    def _ready(self, protocol, count):
        deadline = time.monotonic() + PATIENCE
        while self.output.count(b"\n") < count:
            if not select.select([self.process.stdout], [], [], deadline - time.monotonic())[0]:
                raise AssertionError(f"no ready line; the log says {self.log()!r}")
            part = os.read(self.process.stdout.fileno(), 4096)
            if not part:
                raise AssertionError(f"exit {self.process.wait()} before ready: {self.log()!r}")
            self.output += part
        words = [line.split(" ", 2) for line in self.output.decode().splitlines()]
        for word in words:
            assert word[:2] == ["ready", protocol or word[1]], f"a strange ready line: {word}"
        return [word[2] for word in words]

    @property
    def url(self):
        return self.urls[0]

    @property
    def port(self):
        return urlsplit(self.url).port

    def log(self):
        # Not with seek(): the server writes at the same offset.
        log = self.log_file.fileno()
        return os.pread(log, os.fstat(log).st_size, 0).decode(errors="surrogateescape")

    def send(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def wait(self):
        """The exit code. What a sanitizer found is a failure, and so is output beyond ready."""
        code = self.process.wait(PATIENCE)
        rest = self.process.stdout.read()
        assert not rest, f"standard output is for ready lines, not for {rest!r}"
        for mark in ("Sanitizer", "runtime error:"):
            assert mark not in self.log(), self.log()
        return code

    def stop(self, number=signal.SIGTERM):
        self.send(number)
        return self.wait()

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.log_file.close()


class Run(Serve):
    """A running `weir run`."""

    def __init__(self, file, sockets, **more):
        super().__init__(None, command=("run", file), ready=sockets, **more)

    def url_of(self, protocol, scheme="tcp"):
        for line in self.output.decode().splitlines():
            _, what, url = line.split(" ", 2)
            if what == protocol and url.startswith(scheme + ":"):
                return url
        raise AssertionError(f"no {scheme} socket of {protocol} in {self.output!r}")

    def reload(self, says="reloaded"):
        """HUP, and the line of the log that tells what came of it."""
        before = self.log().count("weir: reload")
        self.send(signal.SIGHUP)
        wait_until(lambda: self.log().count("weir: reload") > before, "the reload")
        line = [line for line in self.log().splitlines() if "weir: reload" in line][-1]
        assert says in line, line
        return line

    def wait(self):
        """The exit code. After a reload there may be more ready lines."""
        code = self.process.wait(PATIENCE)
        for line in self.process.stdout.read().splitlines():
            assert line.startswith(b"ready "), f"standard output says {line!r}"
        for mark in ("Sanitizer", "runtime error:"):
            assert mark not in self.log(), self.log()
        return code


class Case(unittest.TestCase):
    """A test with a directory of its own that holds no socket when the test is over."""

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="weir.")
        self.addCleanup(self._sweep)

    def _sweep(self):
        left = [name for name in os.listdir(self.directory) if stat.S_ISSOCK(
            os.lstat(os.path.join(self.directory, name)).st_mode)]
        shutil.rmtree(self.directory)
        self.assertEqual(left, [], "socket files are left behind")

    def path(self, name):
        return os.path.join(self.directory, name)

    def serve(self, protocol, *options, **more):
        """Served until the test is over, and then stopped in order."""
        server = Serve(protocol, *options, **more)
        self.addCleanup(self._finish, server)
        return server

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        return self.path(name)

    def run_file(self, text, sockets, **more):
        """`weir run` of such a file, until the test is over."""
        server = Run(self.write("weir.toml", text), sockets, **more)
        self.addCleanup(self._finish, server)
        return server

    def _finish(self, server):
        try:
            if server.process.poll() is None:
                self.assertEqual(server.stop(), 0, server.log())
        finally:
            server.kill()

    def start(self, *command, **more):
        """Another program, ended by the test's end at the latest."""
        more.setdefault("stdin", subprocess.DEVNULL)
        process = subprocess.Popen(command, **more)
        self.addCleanup(self._end, process)
        return process

    def _end(self, process):
        if process.poll() is None:
            process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream:
                stream.close()

    def everywhere(self):
        """The same service on TCP, both versions, and on a Unix socket."""
        return ("tcp://127.0.0.1:0", "tcp://[::1]:0", "unix://" + self.path("socket"))

    def assert_logged(self, server, pattern):
        """The log is written by a thread of its own: what has happened may not be in it yet."""
        wait_until(lambda: re.search(pattern, server.log()), f"{pattern!r} in the log")

    def assert_clean(self, server, descriptors_before):
        """No descriptor of a connection is left."""
        wait_until(lambda: descriptors(server.pid) == descriptors_before,
                   f"{descriptors_before} descriptors as before")
        self.assertIsNone(server.process.poll(), "the server died: " + server.log())


def main():
    program()  # Says at once that it is missing, rather than once per test.
    unittest.main(verbosity=2)
