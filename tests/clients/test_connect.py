"""weir connect against servers that are not ours, and its exit codes."""

import os
import pty
import select
import signal
import socket
import struct
import subprocess
import threading

import kit
from kit import need, program, wait_until, weir

RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Listener:
    """A TCP listener of the test's own; `serve` gets the one connection, on a thread."""

    def __init__(self, case, serve):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"tcp://127.0.0.1:{self.socket.getsockname()[1]}"
        self.thread = threading.Thread(target=self._run, args=(serve,))
        self.thread.start()
        case.addCleanup(self._end)

    def _run(self, serve):
        self.socket.settimeout(kit.PATIENCE)
        peer, _ = self.socket.accept()
        peer.settimeout(kit.PATIENCE)
        with peer:
            serve(peer)

    def _end(self):
        self.thread.join()
        self.socket.close()


class ForeignServers(kit.Case):
    def socat_cat(self):
        need("socat")
        port = kit.free_port()
        self.start("socat", f"TCP-LISTEN:{port},bind=127.0.0.1,fork,reuseaddr", "EXEC:cat")
        wait_until(lambda: "LISTEN" in kit.tcp_states(port), "socat")
        return port

    def test_a_message_goes_to_socat_and_comes_back(self):
        port = self.socat_cat()
        for url in (f"tcp://127.0.0.1:{port}", f"127.0.0.1:{port}", f"localhost:{port}"):
            with self.subTest(url):
                done = weir("connect", url, "-m", "Hello, world!")
                self.assertEqual((done.returncode, done.stdout, done.stderr),
                                 (0, b"Hello, world!", b""))

    def test_a_piped_file_comes_back_from_socat_byte_for_byte(self):
        data = os.urandom(3 << 20)
        done = weir("connect", f"tcp://127.0.0.1:{self.socat_cat()}", input=data)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(done.stdout == data, "the bytes differ")

    def test_netcat_gets_the_greeting_and_the_end_and_its_answer_is_printed(self):
        need("nc")
        port = kit.free_port()
        netcat = self.start("nc", "-l", "-N", "127.0.0.1", str(port), stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE)
        netcat.stdin.write(b"And to you.\n")
        netcat.stdin.close()
        netcat.stdin = None
        wait_until(lambda: "LISTEN" in kit.tcp_states(port), "nc")
        client = self.start(program(), "connect", f"tcp://127.0.0.1:{port}", "-m", "Hello, world!",
                            stdout=subprocess.PIPE)
        self.assertEqual(client.stdout.read(), b"And to you.\n")
        self.assertEqual(client.wait(kit.PATIENCE), 0)
        self.assertEqual(netcat.stdout.read(), b"Hello, world!")

    def test_sort_gets_its_end_of_input_and_its_answer_returns(self):
        need("socat")
        port = kit.free_port()
        self.start("socat", "-t5", f"TCP-LISTEN:{port},bind=127.0.0.1,reuseaddr", "EXEC:sort")
        wait_until(lambda: "LISTEN" in kit.tcp_states(port), "socat")
        done = weir("connect", f"tcp://127.0.0.1:{port}", input=b"pear\napple\nfig\n")
        self.assertEqual((done.returncode, done.stdout), (0, b"apple\nfig\npear\n"))

    def test_a_unix_socket_of_socat(self):
        need("socat")
        path = self.path("cat.sock")
        socat = self.start("socat", f"UNIX-LISTEN:{path},fork", "EXEC:cat")
        wait_until(lambda: os.path.exists(path), "socat")
        done = weir("connect", "unix://" + path, "-m", "Hello")
        socat.terminate()
        socat.wait(kit.PATIENCE)
        self.assertEqual((done.returncode, done.stdout), (0, b"Hello"))


class Streams(kit.Case):
    def test_a_regular_file_as_input_and_as_output(self):
        server = self.serve("echo")
        data = os.urandom(5 << 20)
        with open(self.path("in"), "wb") as file:
            file.write(data)
        with open(self.path("in"), "rb") as given, open(self.path("out"), "wb") as taken:
            done = subprocess.run([program(), "connect", server.url], stdin=given, stdout=taken,
                                  stderr=subprocess.PIPE, check=False, timeout=kit.PATIENCE)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        with open(self.path("out"), "rb") as file:
            self.assertTrue(file.read() == data, "the bytes differ")

    def test_a_dialogue_goes_back_and_forth_while_input_stays_open(self):
        server = self.serve("echo", "--prefix", "Echo: ")
        client = self.start(program(), "connect", server.url, stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE)
        for word in (b"one", b"two", b"three"):
            client.stdin.write(word + b"\n")
            client.stdin.flush()
            self.assertEqual(client.stdout.readline(), b"Echo: " + word + b"\r\n")
        client.stdin.close()
        client.stdin = None
        self.assertEqual(client.stdout.read(), b"")
        self.assertEqual(client.wait(kit.PATIENCE), 0)

    def test_what_is_typed_at_a_terminal_is_sent_and_the_peers_end_is_the_end(self):
        server = self.serve("yousaid")
        master, slave = pty.openpty()
        try:
            client = self.start(program(), "connect", server.url, stdin=slave,
                                stdout=subprocess.PIPE)
            os.write(master, b"hello\n")
            self.assertEqual(client.stdout.read(), b"You said: hello\r\n")
            self.assertEqual(client.wait(kit.PATIENCE), 0)
        finally:
            os.close(master)
            os.close(slave)

    def test_a_server_that_only_talks_is_printed_though_input_stays_open(self):
        server = self.serve("daytime")
        client = self.start(program(), "connect", server.url, stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE)
        self.assertRegex(client.stdout.read(), rb"-UTC\r\n$")
        self.assertEqual(client.wait(kit.PATIENCE), 0)

    def test_input_still_goes_to_a_peer_that_has_ended_its_own_side(self):
        taken = []

        def end_then_read(peer):
            peer.shutdown(socket.SHUT_WR)
            taken.append(kit.read_all(peer))

        listener = Listener(self, end_then_read)
        data = os.urandom(4 << 20)
        done = weir("connect", listener.url, input=data)
        listener.thread.join()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(taken[0] == data, f"{len(taken[0])} of {len(data)} bytes arrived")

    def test_closed_input_is_an_end_of_input(self):
        server = self.serve("echo")
        done = kit.run("sh", "-c", f"exec {program()} connect {server.url} <&-")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b"", b""))

    def test_an_empty_message_is_a_message(self):
        listener = Listener(self, lambda peer: peer.sendall(b"got " + kit.read_all(peer)))
        client = self.start(program(), "connect", listener.url, "-m", "", stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE)
        self.assertEqual(client.stdout.read(), b"got ")
        self.assertEqual(client.wait(kit.PATIENCE), 0)

    def test_memory_stays_bounded_while_the_peer_does_not_read(self):
        begun, may_read = threading.Event(), threading.Event()
        block = bytes(1 << 16)
        taken = []

        def read_late(peer):
            taken.append(len(kit.read_exactly(peer, len(block))))
            begun.set()
            may_read.wait(kit.PATIENCE)
            taken.append(len(kit.read_all(peer)))

        listener = Listener(self, read_late)
        client = self.start(program(), "connect", listener.url, stdin=subprocess.PIPE)
        client.stdin.write(block)
        client.stdin.flush()
        self.assertTrue(begun.wait(kit.PATIENCE))
        before = kit.memory(client.pid)
        sent = len(block) + fill(client.stdin.fileno(), block)
        grown = kit.memory(client.pid) - before
        if not kit.SANITIZED:  # A sanitizer keeps freed memory on purpose.
            self.assertLess(grown, 1 << 20)
        may_read.set()
        os.set_blocking(client.stdin.fileno(), True)
        client.stdin.close()
        client.stdin = None
        self.assertEqual(client.wait(kit.PATIENCE), 0)
        listener.thread.join()
        self.assertEqual(sum(taken), sent)


def fill(descriptor, block):
    """Writes until the pipe's other end takes no more. Returns how many bytes."""
    os.set_blocking(descriptor, False)
    written = 0
    while select.select([], [descriptor], [], 0.2)[1]:
        try:
            written += os.write(descriptor, block)
        except BlockingIOError:
            pass
    return written


class Failures(kit.Case):
    def fails(self, code, *arguments, **more):
        done = weir("connect", *arguments, **more)
        said = done.stderr.decode()
        self.assertEqual(done.returncode, code, said)
        self.assertEqual(done.stdout, b"")
        self.assertRegex(said, r"^weir: [^\n]+\n$")
        return said

    def test_a_refused_port_is_named_with_the_systems_words(self):
        url = f"tcp://127.0.0.1:{kit.free_port()}"
        said = self.fails(69, url)
        self.assertEqual(said, f"weir: cannot connect to {url}: Connection refused\n")

    def test_an_unknown_host_reads_otherwise_than_a_refused_port(self):
        said = self.fails(68, "tcp://nosuch.invalid:7")
        self.assertIn('cannot find an address for the host "nosuch.invalid"', said)

    def test_no_answer_is_a_timeout(self):
        with socket.socket() as full:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            waiting = [socket.socket() for _ in range(4)]
            for one in waiting:  # Fills the backlog, so that the kernel drops who comes next.
                one.setblocking(False)
                one.connect_ex(full.getsockname())
            said = self.fails(75, f"tcp://127.0.0.1:{full.getsockname()[1]}", "--timeout", "300ms")
            self.assertIn("no answer within 300 ms", said)
            for one in waiting:
                one.close()

    def test_a_missing_unix_socket_is_unavailable(self):
        said = self.fails(69, "unix://" + self.path("none"))
        self.assertIn("No such file or directory", said)

    def test_a_unix_socket_that_nobody_listens_on_is_refused(self):
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(self.path("dead"))
        self.assertIn("Connection refused", self.fails(69, "unix://" + self.path("dead")))
        os.unlink(self.path("dead"))

    def test_a_unix_path_that_is_too_long_is_a_wrong_command_line(self):
        said = self.fails(64, "unix:///" + "x" * 150)
        self.assertIn("151", said)
        self.assertIn("107", said)

    def test_a_reset_in_the_middle_is_the_peers_fault(self):
        def reset(peer):
            kit.read_exactly(peer, 5)
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)

        listener = Listener(self, reset)
        client = self.start(program(), "connect", listener.url, stdin=subprocess.PIPE,
                            stderr=subprocess.PIPE)
        client.stdin.write(b"hello")
        client.stdin.flush()
        self.assertEqual(client.wait(kit.PATIENCE), 76)
        self.assertEqual(client.stderr.read().decode(),
                         f"weir: {listener.url} reset the connection: Connection reset by peer\n")

    def test_an_input_that_cannot_be_read_exits_66(self):
        server = self.serve("echo")
        directory = os.open("/", os.O_RDONLY)
        try:
            said = self.fails(66, server.url, stdin=directory)
        finally:
            os.close(directory)
        self.assertEqual(said, "weir: cannot read standard input: Is a directory\n")

    def test_an_output_that_is_full_exits_71(self):
        server = self.serve("echo")
        with open("/dev/full", "wb") as full:
            done = subprocess.run([program(), "connect", server.url, "-m", "x"], stdout=full,
                                  stderr=subprocess.PIPE, check=False, timeout=kit.PATIENCE)
        self.assertEqual(done.returncode, 71)
        self.assertIn(b"No space left on device", done.stderr)

    def test_a_reader_that_has_seen_enough_ends_it_quietly(self):
        server = self.serve("echo")
        client = self.start(program(), "connect", server.url, stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        client.stdout.close()
        client.stdout = None
        client.stdin.write(b"anything")
        client.stdin.flush()
        self.assertEqual(client.wait(kit.PATIENCE), 0)
        self.assertEqual(client.stderr.read(), b"")

    def test_an_interrupt_ends_it_at_once(self):
        server = self.serve("echo", "--prefix", ">")
        client = self.start(program(), "connect", server.url, stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE)
        client.stdin.write(b"x\n")
        client.stdin.flush()
        self.assertEqual(client.stdout.readline(), b">x\r\n")
        client.send_signal(signal.SIGINT)
        self.assertEqual(client.wait(kit.PATIENCE), -signal.SIGINT)


if __name__ == "__main__":
    kit.main()
