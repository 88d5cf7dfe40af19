"""Nothing is buffered without a bound: exact bytes, late readers, slow peers, many peers."""

import hashlib
import os
import select
import selectors
import socket
import subprocess
import sys
import time

import kit
from kit import descriptors, dial, memory, read_all

WRITE_HIGH = 16 << 10
ONE_READ = 64 << 10
PAGES = 192 << 10  # Allocator, stacks and page tables: what the kernel counts beside our buffers.


class LateReader:
    """Sends everything, but reads nothing before the other side has stopped taking more."""

    def __init__(self, url, data):
        self.peer = dial(url)
        self.data = memoryview(data)
        self.sent = kit.send_until_blocked(self.peer, data)
        self.hash = hashlib.sha256()
        self.received = 0

    def finish(self, watch):
        """Sends and reads the rest; `watch` is called about once a megabyte."""
        self.peer.setblocking(False)
        seen = 0
        ended = self._end_if_sent()
        while True:
            writers = [] if ended else [self.peer]
            readable, writable, _ = select.select([self.peer], writers, [], kit.PATIENCE)
            if not readable and not writable:
                raise AssertionError(f"stuck after {self.sent} sent, {self.received} received")
            if writable:
                self.sent += self.peer.send(self.data[self.sent:self.sent + (1 << 18)])
                ended = self._end_if_sent()
            if readable:
                part = self.peer.recv(1 << 18)
                if not part:
                    self.peer.close()
                    return
                self.received += len(part)
                self.hash.update(part)
            if self.received - seen >= 1 << 20:
                seen = self.received
                watch()

    def _end_if_sent(self):
        if self.sent < len(self.data):
            return False
        self.peer.shutdown(socket.SHUT_WR)
        return True


class LateReaders(kit.Case):
    def echoes(self, urls, size):
        data = os.urandom(min(size, 1 << 20)) * max(1, size >> 20)
        for url in urls:
            with self.subTest(url=url, size=len(data)):
                client = LateReader(url, data)
                sizes = [memory(self.server.pid)]
                client.finish(lambda sizes=sizes: sizes.append(memory(self.server.pid)))
                self.assertEqual(client.received, len(data))
                self.assertEqual(client.hash.digest(), hashlib.sha256(data).digest())
                if not kit.SANITIZED:
                    self.assertLessEqual(max(sizes) - self.base, WRITE_HIGH + ONE_READ + PAGES)

    def test_every_byte_comes_back_before_the_end_and_memory_stays_bounded(self):
        self.server = self.serve("echo", "--loops", "1", urls=self.everywhere())
        for url in self.server.urls:
            kit.ask(url, b"x" * 100_000)  # What a kind's first connection costs is not at issue.
        self.base = memory(self.server.pid)
        for size in (1, 2, 7, 4096, 65_536, 65_537, 1 << 20, 10 << 20):
            self.echoes(self.server.urls, size)
        self.echoes(self.server.urls[:1], 64 << 20)
        self.echoes(self.server.urls[2:], 64 << 20)


class NeverReading(kit.Case):
    PEERS = 200

    def setUp(self):
        super().setUp()
        kit.many_descriptors()

    def test_a_peer_that_never_reads_costs_its_high_mark_and_one_read_at_most(self):
        """B13."""
        server = self.serve("echo", "--loops", "1")
        kit.ask(server.url, b"x" * 100_000)
        before, open_before = memory(server.pid), descriptors(server.pid)
        peers = [dial(server.url, receive_buffer=4096) for _ in range(self.PEERS)]
        for peer in peers:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        fill_all(peers)
        grown = memory(server.pid) - before
        if not kit.SANITIZED:
            self.assertLess(grown, self.PEERS * (WRITE_HIGH + ONE_READ))
        self.assertEqual(kit.ask(server.url, b"unaffected"), b"unaffected")
        cpu = kit.cpu_seconds(server.pid)
        self.assertEqual(kit.ask(server.url, b"unaffected"), b"unaffected")
        self.assertLess(kit.cpu_seconds(server.pid) - cpu, 0.5, "blocked peers cost time")
        for peer in peers:
            peer.close()
        self.assert_clean(server, open_before)


def fill_all(peers, seconds=60):
    """Sends to each until none takes more."""
    block = bytes(1 << 16)
    poller = selectors.DefaultSelector()
    for peer in peers:
        peer.setblocking(False)
        poller.register(peer, selectors.EVENT_WRITE)
    deadline = time.monotonic() + seconds
    while ready := poller.select(0.5):
        if time.monotonic() > deadline:
            raise AssertionError(f"after {seconds} s the server still reads what nobody takes")
        for key, _ in ready:
            try:
                key.fileobj.send(block)
            except BlockingIOError:
                pass
    poller.close()


class ByteAtATime(kit.Case):
    BYTES = 10_000
    CPU = 10  # Seconds: ten times the figure.

    def test_answers_are_the_same_and_cheap(self):
        """B16."""
        line = b"x" * 98 + b"\r\n"
        data = line * (self.BYTES // len(line))
        for options, want in (((), data), (("--prefix", ">"), (b">" + line) * (len(data) // 100))):
            server = self.serve("echo", *options)
            before = kit.cpu_seconds(server.pid)
            self.assertEqual(kit.ask(server.url, data, 1), want)
            self.assertLess(kit.cpu_seconds(server.pid) - before, self.CPU)


class LastWords(kit.Case):
    TIMES = 20

    def test_the_last_line_arrives_whole_though_the_peer_still_sends(self):
        """B23: a close with input unread would reset, and the answer would be lost."""
        server = self.serve("yousaid")
        line = b"x" * 8000
        for _ in range(self.TIMES):
            with dial(server.url, receive_buffer=2048) as peer:
                peer.sendall(line + b"\n" + b"more" * 25_000)
                self.assertEqual(read_all(peer), b"You said: " + line + b"\r\n")


class Neighbours(kit.Case):
    FIREHOSES = 4
    PINGERS = 100
    ROUNDS = 5
    LIMIT = 0.5  # Seconds: ten times the figure, for a machine that does other things as well.

    def test_pings_beside_firehoses_are_answered_in_time(self):
        """B10."""
        server = self.serve("echo", "--loops", "1")
        peers = [dial(server.url) for _ in range(self.PINGERS)]
        alone = ping(peers, rounds=self.ROUNDS)
        hoses = [self.start(sys.executable, "-c", FIREHOSE, str(server.port),
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
                 for _ in range(self.FIREHOSES)]
        for hose in hoses:
            self.assertEqual(hose.stdout.readline(), b"flowing\n")
        beside = ping(peers, rounds=self.ROUNDS)
        for hose in hoses:
            hose.stdin.close()
            hose.stdin = None
            self.assertEqual(hose.stdout.read(), b"right\n")
        for peer in peers:
            peer.close()
        self.assertLessEqual(percentile(beside, 99), self.LIMIT)
        self.assertEqual(len(alone) + len(beside), 2 * self.ROUNDS * self.PINGERS)


FIREHOSE = """
import select, socket, sys
peer = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
peer.setblocking(False)
block = bytes(range(256)) * 512
sent = received = 0
right = True
while not select.select([sys.stdin], [], [], 0)[0]:
    readable, writable, _ = select.select([peer], [peer], [])
    if writable:
        try:
            sent += peer.send(block[sent % 256:])
        except BlockingIOError:
            pass
    if readable:
        part = peer.recv(1 << 16)
        start = received % 256
        right = right and part == block[start:start + len(part)]
        if received < 1 << 20 <= received + len(part):
            print("flowing", flush=True)
        received += len(part)
peer.setblocking(True)
peer.shutdown(socket.SHUT_WR)
while part := peer.recv(1 << 17):
    received += len(part)
print("right" if right and received == sent else "wrong", flush=True)
"""


def ping(peers, rounds):
    """Each peer asks and awaits its answer, all at once; returns the seconds each took."""
    times = []
    for number in range(rounds):
        word = b"%08d" % number
        began = {}
        for peer in peers:
            began[peer] = time.monotonic()
            peer.sendall(word)
        waiting = set(peers)
        while waiting:
            readable = select.select(waiting, [], [], kit.PATIENCE)[0]
            assert readable, f"{len(waiting)} pings are not answered"
            for peer in readable:
                assert kit.read_exactly(peer, 8) == word
                times.append(time.monotonic() - began[peer])
                waiting.discard(peer)
    return times


def percentile(values, percent):
    return sorted(values)[min(len(values) - 1, len(values) * percent // 100)]


if __name__ == "__main__":
    kit.main()
