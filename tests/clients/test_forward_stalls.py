"""The forwarder when somebody does not read: the other is stopped, and nothing is buffered."""

import socket
import threading
import time

import kit
from forward_kit import InCopy, InSplice, Taking, Target, carry, fails, parts, reset

BUFFERS = "?rcvbuf=262144&sndbuf=262144"  # So that little data is already too much.


class Stalls:
    """B14: whoever does not read stops the other; nothing is buffered here in the meantime."""

    PAIRS = 4
    BULK = 8 << 20
    STALL = 0.5  # Seconds.
    OPTIONS_MORE = ()
    BUFFERS = BUFFERS
    EACH = 128 << 10  # Bytes of memory a pair may cost.

    def stalled(self, turned):
        target = Target(self)
        server = self.forward(target.url + self.BUFFERS, options=self.OPTIONS_MORE,
                              urls=["tcp://127.0.0.1:0" + self.BUFFERS])
        one, other = self.pair(server, target)  # What the first pair costs is not at issue.
        carry(one, other, self.BULK)
        carry(other, one, self.BULK)
        one.close()
        other.close()
        self.assert_gone(server)
        pairs = [self.pair(server, target) for _ in range(self.PAIRS)]
        if turned:
            pairs = [(backend, client) for client, backend in pairs]
        before = kit.memory(server.pid)
        senders = [Sender(one, self.BULK) for one, _ in pairs]
        blocked = [sender.until_blocked() for sender in senders]
        cpu = kit.cpu_seconds(server.pid)
        time.sleep(self.STALL)  # The case is a time: nothing happens in it.
        self.assertLess(kit.cpu_seconds(server.pid) - cpu, 0.25 + self.STALL / 50, "it spins")
        self.assertLess(max(blocked), self.BULK, "the sender was not stopped")
        if not kit.SANITIZED:
            self.assertLessEqual(kit.memory(server.pid) - before, self.PAIRS * self.EACH)
        for sender, (_, other) in zip(senders, pairs):
            sender.start()
            self.assert_data(other, self.BULK, end=True)
            sender.join()
        if not kit.SANITIZED:
            self.assertLessEqual(kit.memory(server.pid) - before, self.PAIRS * self.EACH)

    def test_a_backend_that_does_not_read_stops_its_client(self):
        self.stalled(False)

    def test_a_client_that_does_not_read_stops_its_backend(self):
        self.stalled(True)


class Sender(threading.Thread):
    """Sends as much as is taken while nobody reads; started, it sends the rest and the end."""

    def __init__(self, peer, size):
        super().__init__(daemon=True)
        self.peer, self.data = peer, memoryview(b"".join(parts(size)))

    def until_blocked(self):
        sent = kit.send_until_blocked(self.peer, self.data)
        self.data = self.data[sent:]
        return sent

    def run(self):
        self.peer.sendall(self.data)
        self.peer.shutdown(socket.SHUT_WR)


class StallsInCopy(Stalls, InCopy):
    pass


class StallsInSplice(Stalls, InSplice):
    pass


class Stopped:
    """What happens to a pair of which one side is stopped, because the other does not read."""

    def stopped(self):
        """(server, sender, receiver, how much was sent), from both sides."""
        target = Target(self)
        server = self.forward(target.url + BUFFERS, urls=["tcp://127.0.0.1:0" + BUFFERS])
        for turned in (False, True):
            one, other = self.pair(server, target)[::-1 if turned else 1]
            yield server, one, other, kit.send_until_blocked(one, b"".join(parts(16 << 20)))
            one.close()
            other.close()
            self.assert_gone(server)

    def test_its_reset_is_noticed_at_once(self):
        for server, one, other, _ in self.stopped():
            reset(one)
            self.assert_gone(server)
            taking = Taking(other)
            self.assertTrue(taking.to_the_end(), "a clean end in the place of a reset")
            self.assertTrue(taking.right())

    def test_the_reset_of_who_does_not_read_is_passed_on_at_once(self):
        for server, one, other, _ in self.stopped():
            reset(other)
            self.assertTrue(fails(one))
            self.assert_gone(server)

    def test_its_end_comes_after_all_it_sent(self):
        for _, one, other, sent in self.stopped():
            one.shutdown(socket.SHUT_WR)
            self.assert_data(other, sent, end=True)
            carry(other, one, self.SIZE)

    def test_the_end_of_who_does_not_read_comes_at_once_and_it_may_read_then(self):
        for _, one, other, sent in self.stopped():
            other.sendall(b"last words")
            other.shutdown(socket.SHUT_WR)
            self.assertEqual(kit.read_all(one), b"last words")
            one.shutdown(socket.SHUT_WR)
            self.assert_data(other, sent, end=True)

    def test_it_costs_no_time_while_nothing_moves(self):
        """Nor does a pair that is half closed: a level-triggered event would be there for ever."""
        for server, one, other, sent in self.stopped():
            for act in (lambda: None, lambda other=other: other.shutdown(socket.SHUT_WR),
                        lambda one=one: one.shutdown(socket.SHUT_WR)):
                act()
                time.sleep(0.1)
                before = kit.cpu_seconds(server.pid)
                time.sleep(0.4)  # The case is a time: nothing happens in it.
                self.assertLessEqual(kit.cpu_seconds(server.pid) - before, 0.05)
            self.assert_data(other, sent, end=True)


class StoppedInCopy(Stopped, InCopy):
    pass


class StoppedInSplice(Stopped, InSplice):
    pass


if __name__ == "__main__":
    kit.main()
