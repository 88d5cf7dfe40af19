"""The cases of tests/clients in the sizes and with the figures of their specification.

They take minutes and want the machine for themselves: cmake -DWEIR_ABUSE=ON, or ./dev test abuse.
"""

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "clients"))

# pylint: disable=wrong-import-position
import kit
import test_bounds
import test_lifecycle
from kit import descriptors, dial, memory, read_all


class Neighbours(test_bounds.Neighbours):
    """B10."""

    ROUNDS = 50
    LIMIT = 0.05


class NeverReading(test_bounds.NeverReading):
    """B13."""

    PEERS = 10_000


class ByteAtATime(test_bounds.ByteAtATime):
    """B16."""

    CPU = 1


class LastWords(test_bounds.LastWords):
    """B23."""

    TIMES = 2000


class Stop(test_lifecycle.Stop):
    """B25."""

    IDLE = 900
    BUSY = 100


class Defaults(kit.Case):
    """B21, with the times that are set when nobody sets any."""

    def test_a_peer_that_never_answers_the_end_is_forgotten_after_5_seconds(self):
        server = self.serve("time")
        before = descriptors(server.pid)
        with dial(server.url) as peer:
            began = time.monotonic()
            self.assertEqual(len(read_all(peer)), 4)
            self.assert_clean(server, before)
            self.assertAlmostEqual(time.monotonic() - began, 5, delta=1)

    def test_a_peer_that_reads_nothing_is_cut_after_30_seconds(self):
        server = self.serve("echo")
        before = descriptors(server.pid)
        with dial(server.url, receive_buffer=4096) as peer:
            kit.send_until_blocked(peer, bytes(64 << 20))
            began = time.monotonic()
            kit.wait_until(lambda: descriptors(server.pid) == before, "the cut", 40)
            self.assertAlmostEqual(time.monotonic() - began, 30, delta=2)


class Leaks(kit.Case):
    ROUNDS = 5
    COUNT = 20_000  # Each round; more would run out of local ports in TIME_WAIT.

    def test_nothing_grows_over_100_000_connections(self):
        server = self.serve("echo", urls=self.everywhere())
        before = descriptors(server.pid)
        sizes = []
        for _ in range(self.ROUNDS):
            for number in range(self.COUNT):
                with dial(server.urls[number % 3]) as peer:
                    peer.sendall(b"x")
                    self.assertEqual(peer.recv(1), b"x")
            self.assert_clean(server, before)
            sizes.append(memory(server.pid))
        if not kit.SANITIZED:
            self.assertLess(sizes[-1] - sizes[1], 1 << 20, sizes)


if __name__ == "__main__":
    kit.main()
