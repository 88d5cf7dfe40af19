"""Many connections at once, and the limit on them."""

import select
import struct
import time

import kit
from kit import descriptors, dial, wait_until


class Many(kit.Case):
    COUNT = 10_000

    def setUp(self):
        super().setUp()
        self.limit = kit.many_descriptors()

    def test_ten_thousand_connections_are_served_at_once(self):
        count = min(self.COUNT, self.limit - 700)  # The server keeps 512 for itself.
        if count < self.COUNT:
            print(f"the descriptor limit of {self.limit} allows {count} connections only")
        server = self.serve("echo")
        before = descriptors(server.pid)
        peers = [dial(server.url) for _ in range(count)]
        for number, peer in enumerate(peers):
            peer.sendall(struct.pack("!I", number))
        for number, peer in enumerate(peers):
            self.assertEqual(struct.unpack("!I", kit.read_exactly(peer, 4))[0], number)
        self.assertEqual(descriptors(server.pid), before + count)
        for peer in peers:
            peer.close()
        self.assert_clean(server, before)

    def test_a_slow_reader_does_not_delay_a_thousand_others(self):
        server = self.serve("echo", "--prefix", "Echo: ", "--loops", "1")
        peers = [dial(server.url) for _ in range(1000)]
        with dial(server.url, receive_buffer=4096) as slow:
            kit.send_until_blocked(slow, b"line\n" * (4 << 20))
            began = time.monotonic()
            for peer in peers:
                peer.sendall(b"hello\n")
            for peer in peers:
                self.assertEqual(kit.read_exactly(peer, 13), b"Echo: hello\r\n")
            self.assertLess(time.monotonic() - began, 10)
        for peer in peers:
            peer.close()

    def test_a_firework_of_short_connections_is_served_without_a_refusal(self):
        server = self.serve("echo")
        before = descriptors(server.pid)
        for _ in range(2000):
            with dial(server.url) as peer:
                peer.sendall(b"x")
                self.assertEqual(peer.recv(1), b"x")
        self.assert_clean(server, before)


class Limit(kit.Case):
    def test_connections_over_the_limit_are_closed_and_the_others_served(self):
        server = self.serve("echo", "--connections", "100")
        peers = [dial(server.url) for _ in range(300)]
        for peer in peers:
            try:
                peer.sendall(b"x")
            except ConnectionError:
                pass
        served = [peer for peer in peers if answered(peer)]
        self.assertEqual(len(served), 100)
        self.assertLess(len(server.log().splitlines()), 20, "a line for each refusal")
        for peer in peers:
            peer.close()
        wait_until(lambda: kit.ask(server.url, b"room again") == b"room again", "room")

    def test_the_descriptor_limit_sheds_before_descriptors_run_out(self):
        server = self.serve("echo", before=("prlimit", "--nofile=256"))
        peers = [dial(server.url) for _ in range(300)]
        for peer in peers:
            try:
                peer.sendall(b"x")
            except ConnectionError:
                pass
        served = sum(answered(peer) for peer in peers)
        self.assertGreater(served, 128)
        self.assertLess(served, 256 - descriptors(server.pid) + served)
        self.assertNotIn("Too many open files", server.log())
        for peer in peers:
            peer.close()


def answered(peer):
    """Whether the one byte comes back; the other way for a connection to go is to end."""
    assert kit.ready(peer, select.POLLIN), "neither an answer nor an end"
    try:
        return peer.recv(1) == b"x"
    except ConnectionError:
        return False


if __name__ == "__main__":
    kit.main()
