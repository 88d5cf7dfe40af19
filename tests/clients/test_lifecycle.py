"""How a server stops, what it logs, and what it keeps when its clients are gone."""

import os
import signal
import socket
import struct
import subprocess
import time

import kit
from kit import ask, descriptors, dial, read_all, wait_until

BOTH = (signal.SIGTERM, signal.SIGINT)


def met(case, peer):
    """The server has accepted it: connecting alone only means that the kernel has."""
    peer.sendall(b"hello")
    case.assertEqual(kit.read_exactly(peer, 5), b"hello")


class StoppedLog(kit.Case):
    def test_a_log_that_nobody_reads_does_not_stop_the_server(self):
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        server = self.start(kit.program(), "serve", "yousaid", "tcp://127.0.0.1:0",
                            stdout=subprocess.PIPE, stderr=writer)
        os.close(writer)
        url = server.stdout.readline().decode().split()[2]
        for _ in range(2000):  # Each is a line of the log, many times what a pipe holds.
            self.assertEqual(ask(url, b"x\n"), b"You said: x\r\n")
        server.terminate()
        self.assertEqual(server.wait(kit.PATIENCE), 0)


class Stop(kit.Case):
    IDLE = 90
    BUSY = 10

    def test_term_and_int_end_idle_peers_with_a_fin_and_exit_0(self):
        for number in BOTH:
            server = self.serve("echo", urls=self.everywhere())
            peers = [dial(url) for url in server.urls]
            for peer in peers:
                peer.sendall(b"hello")
                self.assertEqual(kit.read_exactly(peer, 5), b"hello")
            server.send(number)
            for peer in peers:
                self.assertEqual(read_all(peer), b"")
                peer.close()
            self.assertEqual(server.wait(), 0)

    def test_a_stopped_server_accepts_no_more(self):
        server = self.serve("echo")
        with dial(server.url) as peer:
            met(self, peer)
            server.send()
            self.assertEqual(read_all(peer), b"")
            with self.assertRaises(ConnectionError):
                with dial(server.url) as late:
                    late.sendall(b"hello")
                    if not late.recv(5):
                        raise ConnectionResetError("closed at once")
        self.assertEqual(server.wait(), 0)

    def test_pending_output_is_delivered_before_the_end(self):
        """B25."""
        server = self.serve("echo")
        idle = [dial(server.url) for _ in range(self.IDLE)]
        for peer in idle:
            peer.sendall(b"x")
            kit.read_exactly(peer, 1)
        data = os.urandom(1 << 20) * 16
        busy = [dial(server.url, receive_buffer=4096) for _ in range(self.BUSY)]
        for peer in busy:
            self.assertLess(kit.send_until_blocked(peer, data), len(data))
        server.send()
        for peer in idle:
            self.assertEqual(read_all(peer), b"")
            peer.close()
        for peer in busy:
            answer = read_all(peer)  # A reset instead of a FIN raises.
            self.assertGreater(len(answer), 16 << 10)
            self.assertTrue(data.startswith(answer), "what was sent back is not what was sent")
            peer.close()
        self.assertEqual(server.wait(), 0)

    def test_a_second_signal_ends_it_at_once_with_1(self):
        for number in BOTH:
            server = self.serve("echo")
            with dial(server.url) as peer:
                met(self, peer)
                server.send(number)
                self.assertEqual(read_all(peer), b"")  # And does not answer the FIN.
                self.assertIsNone(server.process.poll())
                began = time.monotonic()
                server.send(number)
                self.assertEqual(server.wait(), 1)
                self.assertLess(time.monotonic() - began, 3)
                with self.assertRaises(ConnectionError):
                    peer.sendall(b"x")
                    wait_until(lambda: peer.sendall(b"x"), "a reset")

    def test_at_the_drain_deadline_the_rest_is_aborted_and_the_exit_is_1(self):
        server = self.serve("echo", "--drain", "300ms")
        with dial(server.url) as peer:
            met(self, peer)
            server.send()
            self.assertEqual(read_all(peer), b"")
            began = time.monotonic()
            self.assertEqual(server.wait(), 1)
            self.assertLess(time.monotonic() - began, 3)

    def test_a_restart_binds_the_same_port_at_once(self):
        server = self.serve("echo")
        with dial(server.url) as peer:
            met(self, peer)
            server.send()
            self.assertEqual(read_all(peer), b"")
        self.assertEqual(server.wait(), 0)
        again = self.serve("echo", urls=[server.url])
        self.assertEqual(ask(again.url, b"hello"), b"hello")

    def test_several_loops_drain_as_one(self):
        server = self.serve("echo", "--loops", "4", urls=self.everywhere())
        peers = [dial(url) for url in server.urls * 20]
        for peer in peers:
            peer.sendall(b"hello")
        for peer in peers:
            self.assertEqual(kit.read_exactly(peer, 5), b"hello")
        server.send()
        for peer in peers:
            self.assertEqual(read_all(peer), b"")
            peer.close()
        self.assertEqual(server.wait(), 0)


class Timeouts(kit.Case):
    def gone_after(self, server, peer, least, most):
        """The peer is cut off between these seconds from now."""
        began = time.monotonic()
        try:
            read_all(peer)
        except ConnectionResetError:
            pass
        passed = time.monotonic() - began
        self.assertGreater(passed, least)
        self.assertLess(passed, most)

    def test_silence_both_ways_ends_a_connection(self):
        server = self.serve("echo", "--idle", "300ms")
        before = descriptors(server.pid)
        with dial(server.url) as peer:
            peer.sendall(b"x")
            kit.read_exactly(peer, 1)
            self.gone_after(server, peer, 0.2, 5)
        self.assert_clean(server, before)

    def test_traffic_keeps_a_connection_alive(self):
        server = self.serve("echo", "--idle", "500ms")
        with dial(server.url) as peer:
            began = time.monotonic()
            while time.monotonic() - began < 1.2:
                peer.sendall(b"x")
                self.assertEqual(kit.read_exactly(peer, 1), b"x")
                time.sleep(0.05)  # The pace of the traffic, not a wait.

    def test_a_peer_that_never_answers_the_end_is_forgotten(self):
        """B21: no socket lingers in FIN_WAIT2 longer than the time for it."""
        server = self.serve("time", "--linger", "300ms")
        before = descriptors(server.pid)
        with dial(server.url) as peer:
            self.assertEqual(len(read_all(peer)), 4)
            self.assert_clean(server, before)
            if os.environ.get("WEIR_PORTABLE") == "ON":
                print("FIN_WAIT2 is left to the kernel: POSIX does not tell what was acknowledged")
                return
            self.assertEqual([state for state in kit.tcp_states(server.port)
                              if state in ("FIN_WAIT1", "FIN_WAIT2", "CLOSE_WAIT")], [])

    def test_a_peer_that_ends_but_reads_nothing_is_cut_off(self):
        # Long enough that the peer has noticed that it is blocked, and ended, before it is cut.
        server = self.serve("echo", "--write-stall", "2s")
        before = descriptors(server.pid)
        with dial(server.url, receive_buffer=4096) as peer:
            kit.send_until_blocked(peer, bytes(64 << 20))
            peer.shutdown(socket.SHUT_WR)
            self.assert_clean(server, before)
            states = kit.tcp_states(server.port)
            self.assertNotIn("CLOSE_WAIT", states)
            self.assertNotIn("ESTABLISHED", states)

    def test_an_unfinished_line_ends_its_connection_though_bytes_trickle(self):
        server = self.serve("yousaid", "--unfinished", "500ms")
        with dial(server.url) as peer:
            began = time.monotonic()
            with self.assertRaises(ConnectionError):
                while time.monotonic() - began < kit.PATIENCE:
                    peer.sendall(b"x")
                    time.sleep(0.02)  # The pace of the trickle, not a wait.
            self.assertLess(time.monotonic() - began, 6)


class Log(kit.Case):
    def test_trace_writes_every_callback_and_its_bytes_escaped(self):
        server = self.serve("echo", "--trace")
        ask(server.url, b'\x1b[2J"\\\n\xff\xe2\x80\xae')
        wait_until(lambda: "on_close" in server.log(), "the last callback")
        log = server.log()
        for word in ("on_open", "on_data", "on_eof", "on_close"):
            self.assertIn(word, log)
        self.assertIn(r"\x1b[2J", log)
        self.assertIn(r"\xff", log)
        for byte in log.replace("\n", ""):
            self.assertTrue(byte >= " " and byte not in "\x7f\u202e", repr(byte))

    def test_at_debug_level_a_connection_has_one_line(self):
        server = self.serve("echo", "--log-level", "debug")
        with dial(server.url) as peer:
            name = "%s:%d" % peer.getsockname()
            peer.sendall(b"hello")
            kit.read_exactly(peer, 5)
        wait_until(lambda: name in server.log(), "a line for the connection")
        self.assertEqual(server.stop(), 0)
        self.assertEqual(sum(name in line for line in server.log().splitlines()), 1, server.log())

    def test_connections_are_not_logged_unless_asked_for(self):
        server = self.serve("echo")
        ask(server.url, b"hello")
        self.assertEqual(server.stop(), 0)
        self.assertNotIn("127.0.0.1:", server.log().replace(f":{server.port}", ""))

    def test_resets_are_no_errors_in_the_log(self):
        server = self.serve("echo", "--log-level", "info")
        before = descriptors(server.pid)
        for _ in range(200):
            peer = dial(server.url)
            peer.sendall(b"x")
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            peer.close()
        self.assert_clean(server, before)
        self.assertLess(len(server.log().splitlines()), 10, server.log())


class Leaks(kit.Case):
    def test_descriptors_and_memory_are_flat_over_many_connections(self):
        server = self.serve("echo", urls=self.everywhere())
        before = descriptors(server.pid)
        sizes = []
        for _ in range(3):
            for _ in range(500):
                for url in server.urls:
                    with dial(url) as peer:
                        peer.sendall(b"x")
                        self.assertEqual(peer.recv(1), b"x")
            self.assert_clean(server, before)
            sizes.append(kit.memory(server.pid))
        if not kit.SANITIZED:  # A sanitizer keeps freed memory on purpose.
            self.assertLess(sizes[2] - sizes[1], 1 << 20, sizes)


if __name__ == "__main__":
    kit.main()
