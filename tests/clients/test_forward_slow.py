"""The forwarder between ends that are slow, but take bytes: nobody calls that a stall."""

import hashlib
import socket
import time

import kit
from forward_kit import PORTABLE, ForwardCase, Target, digest, parts

BUFFERS = "?rcvbuf=262144&sndbuf=262144"


class Slow(ForwardCase):
    PACE = 60_000  # Bytes a second: the system tells of room only every few seconds.

    def read_slowly(self, peer, seconds):
        """Reads at the pace; returns all that came."""
        got, began = bytearray(), time.monotonic()
        while time.monotonic() - began < seconds:
            part = peer.recv(self.PACE // 20)
            if not part:
                break
            got += part
            time.sleep(1 / 20)  # The case is a pace.
        return got

    def slow_pair(self, *options):
        if PORTABLE:
            self.skipTest("the portable build cannot ask what a peer has acknowledged")
        target = Target(self)
        target.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32768)
        server = self.forward(target.url + BUFFERS, options=options,
                              urls=["tcp://127.0.0.1:0" + BUFFERS])
        client = kit.dial(server.url, receive_buffer=65536)
        self.addCleanup(client.close)
        backend = target.accept()
        self.addCleanup(backend.close)
        return client, backend

    def test_a_slow_reader_is_not_taken_for_one_that_stalls(self):
        client, backend = self.slow_pair("--write-stall", "2s")
        data = b"".join(parts(8 << 20))
        sent = kit.send_until_blocked(backend, data)
        got = self.read_slowly(client, 6)
        self.assertGreater(len(got), 3 * self.PACE)
        self.assertEqual(bytes(got), data[:len(got)])
        backend.shutdown(socket.SHUT_WR)
        while part := client.recv(1 << 20):
            got += part
        self.assertEqual(len(got), sent)

    def test_the_rest_of_an_upload_reaches_a_slow_target_after_the_clients_end(self):
        client, backend = self.slow_pair("--half-closed", "2s")
        size = 400_000
        client.sendall(b"".join(parts(size)))
        client.shutdown(socket.SHUT_WR)
        got = self.read_slowly(backend, 12)
        self.assertEqual(len(got), size)
        self.assertEqual(hashlib.sha256(got).digest(), digest(size))
        backend.sendall(b"thanks")
        backend.close()
        self.assertEqual(kit.read_all(client), b"thanks")

    def test_a_target_that_takes_nothing_any_more_stops_the_client(self):
        target = Target(self, "unix")
        server = self.forward(target)
        client, backend = self.pair(server, target)
        backend.shutdown(socket.SHUT_RD)
        client.sendall(b"the first fails")
        data = b"".join(parts(32 << 20))
        self.assertLess(kit.send_until_blocked(client, data), len(data))
        backend.sendall(b"read to the end")
        backend.close()
        self.assertEqual(kit.read_exactly(client, 15), b"read to the end")

    def test_a_unix_target_with_a_full_backlog_is_waited_for(self):
        target = Target(self, "unix", backlog=0)
        server = self.forward(target)
        clients = [kit.dial(server.url) for _ in range(6)]
        for number, client in enumerate(clients):
            self.addCleanup(client.close)
            client.sendall(b"%d" % number)
        seen = set()
        for _ in clients:
            backend = target.accept()
            seen.add(backend.recv(1))
            backend.close()
        self.assertEqual(seen, {b"%d" % number for number in range(6)})

    def test_a_pair_counts_as_two_connections(self):
        target = Target(self)
        server = self.forward(target, options=("--connections", "3"))
        self.pair(server, target)
        third = kit.dial(server.url)
        self.addCleanup(third.close)
        self.assertEqual(kit.read_all(third), b"")


if __name__ == "__main__":
    kit.main()
