"""Where bytes are spliced and where copied, and that either way they are the right ones."""

import os
import random
import re
import select
import socket
import threading
import time

import kit
from forward_kit import (PORTABLE, ForwardCase, InCopy, InSplice, Sending, Taking, Target, carry,
                         pipes, reset)
from kit import need

MIB = 1 << 20


class Traced(ForwardCase):
    """Looked at by strace: which calls move how many bytes."""

    BULK = 16 * MIB

    def setUp(self):
        super().setUp()
        need("strace")
        self.trace = self.path("trace")

    def traced(self, *options):
        target = Target(self)
        # A leak check traces its own process, which strace does already.
        server = self.forward(target, options=options, before=(
            "strace", "-f", "-o", self.trace, "-e",
            "trace=splice,pipe,pipe2,read,readv,recvfrom,recvmsg,write,writev,sendto,sendmsg",
            "--daemonize"), env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"})
        self.seen = 0
        self.client, self.backend = self.pair(server, target)
        return server

    def calls(self):
        """What was called since the last time: {name: [results]}, without failures."""
        with open(self.trace, encoding="utf-8", errors="replace") as file:
            text = file.read()
        text, self.seen = text[self.seen:text.rfind("\n") + 1], text.rfind("\n") + 1
        made = {}
        for name, result in re.findall(r"^\d+ +(?:<\.\.\. )?(\w+)[( ].* = (\d+)$", text, re.M):
            made.setdefault(name, []).append(int(result))
        return made

    def chatter(self, count=200, size=64):
        """Messages there and back; the last is in the trace when this returns."""
        for number in range(count):
            word = (b"word-%d-" % number).ljust(size, b".")
            for one, other in ((self.client, self.backend), (self.backend, self.client)):
                one.sendall(word)
                self.assertEqual(kit.read_exactly(other, size), word)
        settled(self.trace)

    def bulk(self, one, other):
        carry(one, other, self.BULK)
        settled(self.trace)

    def assert_spliced(self, made, size):
        if PORTABLE:
            self.assertNotIn("splice", made)
        else:  # Every byte goes through splice twice: into the pipe and out of it.
            self.assertGreater(sum(made.get("splice", ())), 2 * 0.8 * size)

    def test_chatter_is_copied_and_never_meets_a_pipe(self):
        self.traced()
        self.calls()
        self.chatter()
        made = self.calls()
        for name in ("splice", "pipe", "pipe2"):
            self.assertNotIn(name, made)
        self.assertGreaterEqual(sum(made["sendto"]), 2 * 200 * 64)

    def test_a_stream_is_spliced_in_either_direction(self):
        self.traced()
        for one, other in ((self.client, self.backend), (self.backend, self.client)):
            self.calls()
            self.bulk(one, other)
            self.assert_spliced(self.calls(), self.BULK)

    def test_a_connection_that_alternates_goes_back_and_forth(self):
        self.traced()
        for _ in range(3):
            self.calls()
            self.bulk(self.client, self.backend)
            self.bulk(self.backend, self.client)
            self.assert_spliced(self.calls(), 2 * self.BULK)
            self.chatter(5)  # The way back takes a few.
            self.calls()
            self.chatter()
            made = self.calls()
            self.assertNotIn("splice", made)
            self.assertGreaterEqual(sum(made["sendto"]), 2 * 200 * 64)

    def test_one_direction_streams_while_the_other_chatters(self):
        self.traced()
        sending = Sending(self.client, self.BULK)
        taking = Taking(self.backend)
        words = 0
        while taking.count < self.BULK:
            taking.read(min(MIB // 4, self.BULK - taking.count))
            self.backend.sendall(b"got it..")
            self.assertEqual(kit.read_exactly(self.client, 8), b"got it..")
            words += 1
        sending.done()
        self.assertTrue(taking.right())
        settled(self.trace)
        made = self.calls()
        self.assert_spliced(made, self.BULK)
        self.assertNotIn(8, made.get("splice", ()))
        self.assertGreaterEqual(made["sendto"].count(8), words)

    def test_without_pipes_everything_is_copied(self):
        self.traced("--pipes-max", "0")
        self.calls()
        self.bulk(self.client, self.backend)
        made = self.calls()
        for name in ("splice", "pipe", "pipe2"):
            self.assertNotIn(name, made)


def settled(path):
    """Waits until nothing more is written to the file."""
    last = -1
    while last != (now := os.path.getsize(path)):
        last = now
        time.sleep(0.05)


class Sums:
    """Large data, both ways at once, arrives as it was sent."""

    BULK = 64 * MIB
    SECONDS = 60
    KINDS = ("tcp", "unix")

    def test_both_ways_at_once(self):
        for kind in self.KINDS:
            with self.subTest(kind):
                target = Target(self, kind)
                server = self.forward(target, kinds=(kind,))
                ends = self.pair(server, target)
                exchange(self, [ends], self.BULK, self.SECONDS)
                self.assert_gone(server)


def exchange(case, pairs, size, seconds=60):
    """Every end sends and takes `size` bytes at once, and is closed then."""
    ends = [end for pair in pairs for end in pair]
    takings = [Taking(end) for end in ends]
    threads = [threading.Thread(target=taking.to_the_end, daemon=True) for taking in takings]
    sendings = [Sending(end, size, end=True) for end in ends]
    for thread in threads:
        thread.start()
    for sending in sendings:
        sending.done(seconds)
    for thread, taking in zip(threads, takings):
        thread.join(seconds)
        case.assertEqual(taking.count, size)
        case.assertTrue(taking.right(), "the bytes differ")
    for end in ends:
        end.close()


class SumsInCopy(Sums, InCopy):
    pass


class SumsInSplice(Sums, InSplice):
    pass


class Moods:
    """Connections that change between chatter, streams and stalls at random keep every byte."""

    ROUNDS = 40
    PAIRS = 4

    def test_messages_of_all_sizes_with_stalls_between_them(self):
        target = Target(self)
        server = self.forward(target)
        seed = random.randrange(1 << 32)
        pairs = [self.pair(server, target) for _ in range(self.PAIRS)]
        errors = []
        threads = [threading.Thread(target=moody, args=(seed + number, ends, self.ROUNDS, errors),
                                    daemon=True) for number, ends in enumerate(pairs)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(kit.PATIENCE + self.ROUNDS)
            self.assertFalse(thread.is_alive(), f"stuck; the seed is {seed}")
        self.assertEqual(errors, [], f"the seed is {seed}")
        for one, other in pairs:
            one.close()
            other.close()
        self.assert_gone(server)


def moody(seed, ends, rounds, errors):
    """One pair's life: in each round, a size and a direction, and perhaps a pause of the reader."""
    dice = random.Random(seed)
    for _ in range(rounds):
        one, other = ends if dice.random() < 0.5 else ends[::-1]
        size = int(2 ** dice.uniform(0, 22))
        sending = Sending(one, size)
        if dice.random() < 0.3:
            time.sleep(dice.uniform(0, 0.02))
        taking = Taking(other)
        try:
            while taking.count < size:
                taking.read(min(size - taking.count, int(2 ** dice.uniform(10, 20))))
            sending.done()
        except (OSError, AssertionError) as error:
            errors.append(error)
            return
        if not taking.right():
            errors.append(f"of {size} bytes some differ")
            return


class MoodsInCopy(Moods, InCopy):
    pass


class MoodsInSplice(Moods, InSplice):
    pass


class Urgent:
    """TCP's urgent byte is not part of the stream: it may be lost, but nothing else, and no end
    may be made of it. The kernel's splice stops in front of it as if there were no more."""

    def test_all_that_is_not_urgent_arrives_and_then_the_end(self):
        for kind in ("tcp", "unix"):
            for one, other in self.both(kind):
                size = max(self.SIZE, MIB // 4)
                sender = threading.Thread(target=urgently, args=(one, bytes(size)), daemon=True)
                sender.start()
                zeros = 0
                while part := other.recv(MIB):
                    zeros += part.count(0)
                self.assertEqual(zeros, 10 * size, kind)
                sender.join()
                carry(other, one, self.SIZE)

    def both(self, kind):
        target = Target(self, kind)
        server = self.forward(target, kinds=(kind,))
        for turned in (1, -1):
            one, other = self.pair(server, target)[::turned]
            yield one, other
            one.close()
            other.close()
            self.assert_gone(server)


def urgently(peer, data):
    """Ten times the data with an urgent byte before every second, and the end."""
    try:
        for _ in range(5):
            peer.sendall(data)
            peer.send(b"!", socket.MSG_OOB)
            peer.sendall(data)
        peer.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # The receiver tells what is missing.


class UrgentInCopy(Urgent, InCopy):
    pass


class UrgentInSplice(Urgent, InSplice):
    pass


class Pipes(ForwardCase):
    MOST = 4
    STREAMS = 12
    KILLS = 20

    def test_more_streams_than_pipes_are_copied_and_none_fails(self):
        target = Target(self)
        server = self.forward(target, options=("--pipes-max", str(self.MOST)))
        pairs = [self.pair(server, target) for _ in range(self.STREAMS)]
        watch = Watch(lambda: pipes(server.pid))
        exchange(self, pairs, 6 * MIB)
        self.assertLessEqual(watch.most(), 2 * self.MOST + server.pipes)
        if not PORTABLE:
            self.assertGreater(watch.most(), server.pipes, "nothing was spliced")
        self.assert_gone(server)

    def test_the_pipes_of_all_loops_together_keep_to_the_limit(self):
        target = Target(self)
        server = self.forward(target, options=("--loops", "4", "--pipes-max", str(self.MOST)))
        pairs = [self.pair(server, target) for _ in range(self.STREAMS)]
        watch = Watch(lambda: pipes(server.pid))
        exchange(self, pairs, 4 * MIB)
        self.assertLessEqual(watch.most(), 2 * self.MOST + server.pipes)
        self.assert_gone(server)

    def test_a_stream_that_is_killed_leaves_no_pipe_behind(self):
        target = Target(self)
        server = self.forward(target, options=("--pipes-max", str(self.MOST)))
        for number in range(self.KILLS):
            client, backend = self.pair(server, target)
            sender, receiver = (client, backend) if number % 2 else (backend, client)
            sending = Sending(sender, 64 * MIB)
            kit.read_exactly(receiver, 4 * MIB)
            # The reader or the writer goes, by a reset or by an end with input unread.
            victim, other = (sender, receiver) if number % 4 < 2 else (receiver, sender)
            if number % 8 < 4:
                reset(victim)
            else:
                victim.close()
            if other is receiver:
                Taking(other).to_the_end()
            sending.join(kit.PATIENCE)
            other.close()
            self.assert_gone(server)
            self.assertLessEqual(pipes(server.pid), 2 * self.MOST + server.pipes)
        # And the pool is whole: as many streams as there are pipes get one each.
        pairs = [self.pair(server, target) for _ in range(self.MOST)]
        sendings = [Sending(client, 64 * MIB) for client, _ in pairs]
        for _, backend in pairs:
            kit.read_exactly(backend, 8 * MIB)
        if not PORTABLE:
            kit.wait_until(lambda: pipes(server.pid) == 2 * self.MOST + server.pipes,
                           f"{self.MOST} pipes in use")
        for client, backend in pairs:
            reset(client)
            Taking(backend).to_the_end()
            backend.close()
        for sending in sendings:
            sending.join()
        self.assert_gone(server)

    def test_what_was_in_a_pipe_never_reaches_another_connection(self):
        target = Target(self)
        server = self.forward(target, options=("--pipes-max", "1"))
        for _ in range(10):
            client, backend = self.pair(server, target)
            sending = Sending(client, 64 * MIB)
            kit.read_exactly(backend, 4 * MIB)
            kit.wait_until(lambda client=client: not kit.ready(client, select.POLLOUT, 0.05),
                           "the stall")  # So the pipe is full when it comes back.
            reset(backend)
            sending.join()
            client.close()
            self.assert_gone(server)
            self.carry_some(server, target)

    def carry_some(self, server, target):
        client, backend = self.pair(server, target)
        carry(client, backend, 4 * MIB)
        carry(backend, client, 4 * MIB)
        client.close()
        backend.close()
        self.assert_gone(server)

    def test_full_descriptors_mean_copying_too(self):
        target = Target(self)
        server = self.forward(target, before=("prlimit", "--nofile=600:600"),
                              options=("--connections", "40"))
        pairs = [self.pair(server, target) for _ in range(4)]
        # From here on the process can have no descriptor more.
        most = str(max(map(int, os.listdir(f"/proc/{server.pid}/fd"))) + 1)
        kit.run("prlimit", "--pid", str(server.pid), f"--nofile={most}:{most}")
        exchange(self, pairs, 4 * MIB)
        self.assert_gone(server)


class Watch(threading.Thread):
    """Looks again and again, and remembers the most it saw."""

    def __init__(self, look):
        super().__init__(daemon=True)
        self.look, self.highest, self.going = look, 0, True
        self.start()

    def run(self):
        while self.going:
            self.highest = max(self.highest, self.look())
            time.sleep(0.01)

    def most(self):
        self.going = False
        self.join()
        return self.highest


if __name__ == "__main__":
    kit.main()
