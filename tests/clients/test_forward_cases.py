"""The forwarder between two ends of ours: ends, resets and silence, copied and spliced."""

import hashlib
import select
import socket
import threading
import time

import kit
from forward_kit import (Blackhole, InCopy, InSplice, Sending, Taking, Target, carry, fails, parts,
                         reset, take, tcp_rows)


class Ends:
    """B19 and, as far as TCP goes, B22: an end is an end, with every byte before it."""

    LONG = 1.5  # Seconds of a transfer against an end, three times the time for silence.
    HALF_CLOSED = "500ms"

    def test_one_side_ends_and_then_the_other(self):
        for name, one, other in self.every_pair():
            with self.subTest(name):
                for sender, receiver in ((one, other), (other, one)):
                    sending = Sending(sender, self.SIZE, end=True)
                    self.assert_data(receiver, end=True)
                    sending.done()

    def test_both_sides_end_at_once(self):
        for name, one, other in self.every_pair():
            with self.subTest(name):
                sendings = [Sending(peer, self.SIZE, end=True) for peer in (one, other)]
                for peer in (one, other):
                    self.assert_data(peer, end=True)
                for sending in sendings:
                    sending.done()

    def test_an_end_in_the_same_packet_as_data(self):
        for name, one, other in self.every_pair():
            with self.subTest(name):
                carry(one, other, self.SIZE)
                one.sendall(b"last words", socket.MSG_MORE)
                one.shutdown(socket.SHUT_WR)
                self.assertEqual(kit.read_all(other), b"last words")
                other.sendall(b"and yours")
                other.shutdown(socket.SHUT_WR)
                self.assertEqual(kit.read_all(one), b"and yours")

    def test_an_end_without_a_byte(self):
        for name, one, other in self.every_pair():
            with self.subTest(name):
                one.shutdown(socket.SHUT_WR)
                self.assert_end(other)
                other.shutdown(socket.SHUT_WR)
                self.assert_end(one)

    def test_data_against_an_end_that_came_before_it(self):
        for name, one, other in self.every_pair():
            with self.subTest(name):
                one.shutdown(socket.SHUT_WR)
                self.assert_end(other)
                carry(other, one, self.SIZE)
                carry(other, one, self.SIZE)
                other.shutdown(socket.SHUT_WR)
                self.assert_end(one)

    def test_a_transfer_against_an_end_lasts_longer_than_the_time_for_silence(self):
        bit = b"x" * 4096
        for name, one, other in self.every_pair("--half-closed", self.HALF_CLOSED,
                                                kinds=("tcp",)):
            with self.subTest(name):
                carry(one, other, self.SIZE)
                one.shutdown(socket.SHUT_WR)
                self.assert_end(other)
                until = time.monotonic() + self.LONG
                while time.monotonic() < until:
                    other.sendall(bit)
                    self.assertEqual(kit.read_exactly(one, len(bit)), bit)
                    time.sleep(0.1)
                other.shutdown(socket.SHUT_WR)
                self.assert_end(one)

    def test_half_closed_and_silent_is_cut_and_nothing_hangs_about(self):
        """B21."""
        for name, one, other in self.every_pair("--half-closed", "300ms", kinds=("tcp",)):
            with self.subTest(name):
                ports = {peer.getpeername()[1] for peer in (one, other)} | {
                    peer.getsockname()[1] for peer in (one, other)}
                carry(one, other, self.SIZE)
                began = time.monotonic()
                one.shutdown(socket.SHUT_WR)
                self.assert_end(other)
                kit.wait_until(lambda other=other, one=one: fails(one, 0) or kit.ready(
                    one, select.POLLIN, 0), "the cut")
                self.assertGreater(time.monotonic() - began, 0.25)
                self.assertLess(time.monotonic() - began, 2)
                own = {(peer.getsockname()[1], port) for peer in (one, other) for port in ports}
                kit.wait_until(lambda own=own, ports=ports: not [
                    row for row in tcp_rows() if row[0] in ports and row[1] in ports and
                    row[:2] not in own and row[2] in ("CLOSE_WAIT", "FIN_WAIT1", "FIN_WAIT2")],
                    "the end of half-closed sockets", 3)


class EndsInCopy(Ends, InCopy):
    pass


class EndsInSplice(Ends, InSplice):
    pass


class Resets:
    """B19 and B31: a reset is never taken for an end. A Unix socket has ends only."""

    def test_a_reset_amid_a_stream_is_a_reset_for_the_other_side(self):
        for name, one, other in self.every_pair(kinds=("tcp",)):
            with self.subTest(name):
                sending = Sending(one, 64 << 20)
                kit.read_exactly(other, self.SIZE)
                reset(other)
                kit.wait_until(lambda sending=sending: not sending.is_alive(), "the reset")
                self.assertIsInstance(sending.error, (ConnectionResetError, BrokenPipeError))

    def test_the_sender_of_a_stream_resets_and_no_end_is_invented(self):
        for name, one, other in self.every_pair(kinds=("tcp",)):
            with self.subTest(name):
                sending, taking = Sending(one, 2 * self.SIZE), Taking(other)
                taking.read(self.SIZE)
                reset(one)
                self.assertTrue(taking.to_the_end(), "a clean end in the place of a reset")
                self.assertTrue(taking.right(), "bytes that were not sent")
                sending.join()

    def test_a_reset_of_a_silent_side_is_one_for_the_other(self):
        for name, one, other in self.every_pair(kinds=("tcp",)):
            with self.subTest(name):
                carry(one, other, self.SIZE)
                carry(other, one, self.SIZE)
                reset(one)
                with self.assertRaises(ConnectionResetError):
                    other.recv(1)

    def test_an_end_and_then_a_reset(self):
        for name, one, other in self.every_pair("--half-closed", "2s", kinds=("tcp",)):
            with self.subTest(name):
                sending = Sending(one, self.SIZE, end=True)
                self.assert_data(other, end=True)
                sending.done()
                reset(one)
                self.assertTrue(fails(other, 5), "the reset after an end is not passed on")

    def test_an_end_answered_by_a_reset(self):
        for name, one, other in self.every_pair("--half-closed", "2s", kinds=("tcp",)):
            with self.subTest(name):
                sending = Sending(one, self.SIZE, end=True)
                self.assert_data(other, end=True)
                sending.done()
                reset(other)
                with self.assertRaises(ConnectionResetError):
                    one.recv(1)

    def test_an_end_then_data_back_into_a_reset(self):
        for name, one, other in self.every_pair(kinds=("tcp",)):
            with self.subTest(name):
                one.shutdown(socket.SHUT_WR)
                self.assert_end(other)
                carry(other, one, self.SIZE)
                reset(one)
                with self.assertRaises((ConnectionResetError, BrokenPipeError)):
                    deadline = time.monotonic() + kit.PATIENCE
                    while time.monotonic() < deadline:
                        other.sendall(b"x" * 1000)
                        time.sleep(0.01)

    def test_a_unix_side_that_goes_amid_a_stream_ends_the_other(self):
        for name, one, other in self.every_pair():
            with self.subTest(name):
                sending = Sending(one, 64 << 20)
                kit.read_exactly(other, self.SIZE)
                other.close()
                kit.wait_until(lambda sending=sending: not sending.is_alive(), "the end")
                self.assertIsInstance(sending.error, (ConnectionResetError, BrokenPipeError))


class ResetsInCopy(Resets, InCopy):
    pass


class ResetsInSplice(Resets, InSplice):
    pass


class Silence:
    """B28, and B17 for pairs: silence is silence on both sides at once."""

    IDLE = 0.5

    def test_a_backend_that_never_answers_is_cut_with_its_client_after_the_idle_time(self):
        target = Target(self)
        server = self.forward(target, options=("--idle", f"{int(self.IDLE * 1000)}ms"))
        client, backend = self.pair(server, target)
        carry(client, backend, self.SIZE)
        began = time.monotonic()
        for peer in (client, backend):
            self.assertIn(closed(peer), ("end", "reset"))
            self.assertGreater(time.monotonic() - began, self.IDLE - 0.1)
            self.assertLess(time.monotonic() - began, self.IDLE + 1)
        client.close()
        backend.close()
        self.assert_gone(server)

    def test_data_in_one_direction_keeps_both_sides(self):
        idle = f"{int(self.IDLE * 1000)}ms"
        for name, one, other in self.every_pair("--idle", idle, kinds=("tcp",)):
            with self.subTest(name):
                until = time.monotonic() + 3 * self.IDLE
                while time.monotonic() < until:
                    carry(one, other, self.SIZE)
                    time.sleep(self.IDLE / 4)
                carry(other, one, self.SIZE)

    def test_a_side_that_takes_nothing_is_cut_after_the_stall_time(self):
        """B18 for pairs."""
        for name, one, other in self.every_pair("--write-stall", "500ms", kinds=("tcp",)):
            with self.subTest(name):
                sending = Sending(one, 256 << 20)
                kit.read_exactly(other, self.SIZE)
                kit.wait_until(lambda sending=sending: not sending.is_alive(), "the cut")
                self.assertIsInstance(sending.error, (ConnectionResetError, BrokenPipeError))
                taking = Taking(other)
                self.assertTrue(taking.to_the_end(), "a clean end in the middle of a stream")


def closed(peer):
    """How the peer ends it, in a word."""
    try:
        return "data" if peer.recv(1) else "end"
    except ConnectionResetError:
        return "reset"


class SilenceInCopy(Silence, InCopy):
    pass


class SilenceInSplice(Silence, InSplice):
    pass


class Early:
    """What a client does before its target is connected is done to the target then."""

    def early(self):
        hole = Blackhole(self)
        server = self.forward(hole, options=("--connect-timeout", "15s"))
        client = kit.dial(server.url)
        self.addCleanup(client.close)
        return hole, server, client

    def accept(self, hole):
        """The forwarder's connection, after those that filled the backlog."""
        hole.release()
        while True:
            peer = hole.accept()
            self.addCleanup(peer.close)
            if peer.getpeername() not in hole.names:
                return peer

    def test_data_and_the_end_arrive(self):
        hole, server, client = self.early()
        sending = Sending(client, self.SIZE, end=True)
        backend = self.accept(hole)
        self.assert_data(backend, end=True)
        sending.done()
        carry(backend, client, self.SIZE)
        backend.close()
        self.assert_end(client)
        self.assert_gone(server)

    def test_a_client_that_resets_leaves_nothing_behind(self):
        _, server, client = self.early()
        client.sendall(b"hello")
        kit.wait_until(lambda: kit.descriptors(server.pid) >= server.idle + 2, "the dial")
        reset(client)
        self.assert_gone(server)

    def test_memory_is_bounded_before_the_target_is_there(self):
        hole, server, client = self.early()
        client.sendall(b"x")
        kit.wait_until(lambda: kit.descriptors(server.pid) >= server.idle + 2, "the dial")
        before = kit.memory(server.pid)
        data = b"".join(parts(32 << 20))
        sent = kit.send_until_blocked(client, data)
        if not kit.SANITIZED:
            self.assertLessEqual(kit.memory(server.pid) - before, 192 << 10)
        backend = self.accept(hole)
        client.shutdown(socket.SHUT_WR)
        total = hashlib.sha256(kit.read_all(backend)).digest()
        self.assertTrue(total == hashlib.sha256(b"x" + data[:sent]).digest(), "the bytes differ")


class EarlyInCopy(Early, InCopy):
    pass


class EarlyInSplice(Early, InSplice):
    pass


class Drain:
    """TERM: a pair goes on while it talks and closes after a second of silence both ways."""

    TALK = 1.5

    def test_a_pair_that_talks_goes_on_and_a_silent_one_closes_after_a_second(self):
        target = Target(self)
        server = self.forward(target)
        silent, talking = self.pair(server, target), self.pair(server, target)
        for one, other in (silent, talking):
            carry(one, other, self.SIZE)
            carry(other, one, self.SIZE)
        server.send()
        began = time.monotonic()
        watch = threading.Thread(target=lambda: ends.append((closed(silent[0]), closed(silent[1]),
                                                             time.monotonic() - began)))
        ends = []
        watch.start()
        while time.monotonic() < began + self.TALK:
            carry(*talking, self.SIZE)
            time.sleep(0.1)
        last = time.monotonic()
        self.assertEqual([closed(peer) for peer in talking], ["end", "end"])
        self.assertAlmostEqual(time.monotonic() - last, 1, delta=0.75)
        watch.join()
        self.assertEqual(ends[0][:2], ("end", "end"))
        self.assertAlmostEqual(ends[0][2], 1, delta=0.75)
        for peer in (*silent, *talking):
            peer.close()
        self.assertEqual(server.wait(), 0)

    def test_what_is_under_way_arrives(self):
        target = Target(self)
        server = self.forward(target)
        client, backend = self.pair(server, target)
        sending = Sending(client, 8 * self.SIZE)
        kit.read_exactly(backend, 1)
        server.send()
        count, _ = take(backend)
        self.assertEqual(count, 8 * self.SIZE - 1)
        sending.done()
        client.close()
        backend.close()
        self.assertEqual(server.wait(), 0)


class DrainInCopy(Drain, InCopy):
    pass


class DrainInSplice(Drain, InSplice):
    pass


if __name__ == "__main__":
    kit.main()
