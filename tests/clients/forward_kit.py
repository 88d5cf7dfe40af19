"""What the forwarder's tests share: both ends of a pair, and data that differs everywhere."""

import errno
import hashlib
import os
import random
import select
import socket
import struct
import threading

import kit

PORTABLE = os.environ.get("WEIR_PORTABLE", "").upper() in ("ON", "1", "TRUE")
BLOCK = os.urandom(1 << 20)


def low_port():
    """A free port below those from which the system dials: a dial to it cannot meet itself."""
    while True:
        port = random.randrange(12_000, 32_000)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


# Data: the same for every stream, different at every place.


def parts(size):
    """`size` bytes in pieces of at most a megabyte, of which no two are the same."""
    number = 0
    while size > 0:
        part = number.to_bytes(8, "big") + BLOCK[8:]
        yield part if size >= len(part) else part[:size]
        size -= len(part)
        number += 1


def digest(size):
    total = hashlib.sha256()
    for part in parts(size):
        total.update(part)
    return total.digest()


def take(peer, size=None):
    """Reads so many bytes, or until the end; returns how many there were and their digest."""
    total, count, room = hashlib.sha256(), 0, memoryview(bytearray(1 << 20))
    while size is None or count < size:
        got = peer.recv_into(room if size is None else room[:min(len(room), size - count)])
        if not got:
            break
        total.update(room[:got])
        count += got
    return count, total.digest()


class Taking:
    """Reads the data from its start and knows whether it was the right one so far."""

    def __init__(self, peer):
        self.peer, self.count, self.sum = peer, 0, hashlib.sha256()

    def read(self, size):
        part = kit.read_exactly(self.peer, size)
        self.count += len(part)
        self.sum.update(part)

    def to_the_end(self):
        """Reads until an end or a reset; returns whether it was a reset."""
        try:
            while part := self.peer.recv(1 << 20):
                self.count += len(part)
                self.sum.update(part)
        except ConnectionResetError:
            return True
        return False

    def right(self):
        return self.sum.digest() == digest(self.count)


class Sending(threading.Thread):
    """Sends `size` bytes beside the test, and then the end if asked to."""

    def __init__(self, peer, size, end=False):
        super().__init__(daemon=True)
        self.peer, self.size, self.with_end = peer, size, end
        self.error = None
        self.start()

    def run(self):
        try:
            for part in parts(self.size):
                self.peer.sendall(part)
            if self.with_end:
                self.peer.shutdown(socket.SHUT_WR)
        except OSError as error:
            self.error = error

    def done(self, seconds=kit.PATIENCE):
        """Waits for it; a failure of it is one of the test."""
        self.join(seconds)
        if self.is_alive():
            raise AssertionError("nobody takes what is sent")
        if self.error:
            raise self.error


def carry(sender, receiver, size):
    """Sends from one to the other; a wrong byte fails."""
    sending = Sending(sender, size)
    count, sum_ = take(receiver, size)
    assert count == size, f"the end came after {count} of {size} bytes"
    sending.done()
    assert sum_ == digest(size), "the bytes differ"


def reset(peer):
    """Ends it by a reset; a Unix socket has none, its peer sees an end."""
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()


def fails(peer, seconds=kit.PATIENCE):
    """Whether a reset comes in time, also after the end has been read."""
    poller = select.poll()
    poller.register(peer, 0)
    if not poller.poll(seconds * 1000):
        return False
    return peer.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) in (errno.ECONNRESET, errno.EPIPE)


# What a process and the system look like from outside.


def pipes(pid):
    """How many descriptors of pipes the process has, standard input and output aside."""
    count = 0
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            what = os.readlink(f"/proc/{pid}/fd/{name}")
        except FileNotFoundError:
            continue
        count += int(name) > 2 and what.startswith("pipe:")
    return count


def sockets(pid):
    """How many descriptors it has but those of pipes, which outlive the pair that used them."""
    return kit.descriptors(pid) - pipes(pid)


def tcp_rows():
    """(own port, peer's port, state) of every IPv4 socket of the system."""
    with open("/proc/net/tcp", encoding="ascii") as file:
        rows = [line.split() for line in file.readlines()[1:]]
    return [(int(row[1].rpartition(":")[2], 16), int(row[2].rpartition(":")[2], 16),
             kit.TCP_STATES.get(row[3], row[3])) for row in rows]


class Target:
    """A socket that listens as the forwarder's target. Nobody accepts but the test itself."""

    def __init__(self, case, kind="tcp", backlog=1024, port=None):
        self.kind = kind
        if kind == "unix":
            self.path = case.path(f"target-{random.randrange(1 << 40)}")
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.bind(self.path)
            self.url = "unix://" + self.path
            case.addCleanup(self._remove)
        else:
            self.port = port or low_port()
            self.socket = socket.socket()
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.socket.bind(("127.0.0.1", self.port))
            self.url = f"tcp://127.0.0.1:{self.port}"
        self.socket.settimeout(kit.PATIENCE)
        self.socket.listen(backlog)
        case.addCleanup(self.socket.close)

    def _remove(self):
        if os.path.exists(self.path):
            os.unlink(self.path)

    def accept(self):
        peer = self.socket.accept()[0]
        peer.settimeout(kit.PATIENCE)
        return peer


class Blackhole(Target):
    """A listener with a full backlog: the system drops who comes next. release() makes room."""

    def __init__(self, case):
        super().__init__(case, backlog=0)
        self.waiting, self.names = [], set()
        for _ in range(4):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", self.port))
            self.waiting.append(one)
            self.names.add(one.getsockname())
            case.addCleanup(one.close)

    def release(self):
        self.socket.listen(1024)


class ForwardCase(kit.Case):
    """Run twice: by a class that is also InCopy, and by one that is also InSplice."""

    OPTIONS = ()
    SIZE = 0  # Of what is sent where a case only says data.

    def listen_url(self, kind):
        if kind == "unix":
            return "unix://" + self.path(f"listen-{random.randrange(1 << 40)}")
        return "tcp://127.0.0.1:0"

    def forward(self, *targets, kinds=("tcp",), options=(), **more):
        """From listeners of these kinds to the targets or their URLs; one loop if none are said."""
        to = [word for target in targets for word in ("--to", getattr(target, "url", target))]
        urls = more.pop("urls", None) or [self.listen_url(kind) for kind in kinds]
        loops = () if "--loops" in options else ("--loops", "1")
        server = self.serve("forward", *to, *loops, *self.OPTIONS, *options, urls=urls, **more)
        server.idle, server.pipes = sockets(server.pid), pipes(server.pid)
        return server

    def pair(self, server, target, url=None):
        """A client and the backend's end of its connection."""
        client = kit.dial(url or server.url)
        self.addCleanup(client.close)
        backend = target.accept()
        self.addCleanup(backend.close)
        return client, backend

    def every_pair(self, *options, kinds=("tcp", "unix")):
        """(name, one end, the other end) of a fresh pair, over all routes and from both sides."""
        for far in kinds:
            target = Target(self, far)
            server = self.forward(target, kinds=kinds, options=options)
            for near, url in zip(kinds, server.urls):
                for turned in (False, True):
                    client, backend = self.pair(server, target, url)
                    if turned:
                        yield f"{far} to {near}, backward", backend, client
                    else:
                        yield f"{near} to {far}", client, backend
                    client.close()
                    backend.close()
                    self.assert_gone(server)

    def assert_gone(self, server):
        """No socket of a pair is left."""
        kit.wait_until(lambda: sockets(server.pid) == server.idle, "the pair's end")
        self.assertIsNone(server.process.poll(), server.log())

    def assert_data(self, receiver, size=None, end=False):
        """The data arrives; if asked, and then the end."""
        size = self.SIZE if size is None else size
        count, sum_ = take(receiver, None if end else size)
        self.assertEqual(count, size)
        self.assertTrue(sum_ == digest(size), "the bytes differ")

    def assert_end(self, peer):
        self.assertEqual(peer.recv(1), b"")


class InCopy(ForwardCase):
    OPTIONS = ("--pipes-max", "0")
    SIZE = 1000


class InSplice(ForwardCase):
    SIZE = 3 << 20
