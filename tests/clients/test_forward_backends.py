"""The forwarder and its targets: refused, silent, unknown, flapping, several, or itself."""

import errno
import os
import re
import socket
import statistics
import subprocess
import threading
import time

import kit
from forward_kit import Blackhole, ForwardCase, Target, low_port
from kit import weir


def outcome(url, data=b"ping"):
    """What becomes of a client that sends a word and waits: "end", "reset" or the answer."""
    try:
        with kit.dial(url) as peer:
            peer.sendall(data)
            peer.shutdown(socket.SHUT_WR)
            return kit.read_all(peer) or "end"
    except OSError as error:  # A shutdown after the reset finds no connection.
        if error.errno not in (errno.ECONNRESET, errno.EPIPE, errno.ENOTCONN):
            raise
        return "reset"


class Answering:
    """A target that sends its name and what it gets, until it is told to stop."""

    def __init__(self, case, name=b"", **more):
        self.target = Target(case, **more)
        self.url = self.target.url
        self.name = name
        self.going = True
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        case.addCleanup(self.stop)

    def _run(self):
        while True:
            try:
                peer = self.target.accept()
            except OSError:
                return
            with peer:
                try:
                    peer.sendall(self.name + kit.read_all(peer))
                except OSError:
                    pass

    def stop(self):
        """No connect succeeds once this has returned."""
        if self.going:
            self.going = False
            self.target.socket.shutdown(socket.SHUT_RDWR)
            self.thread.join()
            self.target.socket.close()


class Refused(ForwardCase):
    def test_the_client_hears_at_once_and_the_log_says_refused(self):
        """B26."""
        server = self.forward(f"tcp://127.0.0.1:{low_port()}", kinds=("tcp", "unix"))
        took = []
        for _ in range(9):
            began = time.monotonic()
            self.assertEqual(outcome(server.url), "reset")
            took.append(time.monotonic() - began)
        self.assertLessEqual(statistics.median(took), 0.1)
        self.assertIn(outcome(server.urls[1]), ("end", "reset"))
        self.assert_logged(server, "refused")
        self.assert_gone(server)

    def test_a_unix_target_that_is_not_there_and_one_that_nobody_listens_on(self):
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(self.path("dead"))
        self.addCleanup(os.unlink, self.path("dead"))
        for path, word in ((self.path("none"), "No such file"), (self.path("dead"), "refused")):
            server = self.forward("unix://" + path)
            self.assertEqual(outcome(server.url), "reset")
            self.assert_logged(server, re.escape(word))
            self.assert_gone(server)

    def test_a_unix_target_whose_backlog_is_full_is_a_failure_of_that_client_alone(self):
        target = Target(self, "unix", backlog=0)
        fillers = [socket.socket(socket.AF_UNIX) for _ in range(4)]
        for one in fillers:
            one.setblocking(False)
            one.connect_ex(target.path)
            self.addCleanup(one.close)
        server = self.forward(target, options=("--connect-timeout", "1s"))
        began = time.monotonic()
        self.assertEqual(outcome(server.url), "reset")
        self.assertLess(time.monotonic() - began, 2)
        self.assert_gone(server)
        target.accept().close()
        target.socket.listen(16)
        client = kit.dial(server.url)
        client.sendall(b"x")
        self.addCleanup(client.close)
        while True:
            backend = target.accept()
            if kit.ready(backend, 1, 0.5):
                data = backend.recv(1)
                backend.close()
                if data:
                    break

    def test_a_flood_of_refusals_is_a_line_a_second(self):
        server = self.forward(f"tcp://127.0.0.1:{low_port()}")
        began = time.monotonic()
        for _ in range(300):
            outcome(server.url)
        self.assert_logged(server, "refused")
        lines = [line for line in server.log().splitlines() if "refused" in line]
        self.assertLessEqual(len(lines), 2 + time.monotonic() - began, lines[:5])


class Blackholes(ForwardCase):
    CLIENTS = 100
    TIMEOUT = 1.0
    EACH = 20 << 10

    def test_a_target_that_does_not_answer_is_given_up_at_the_timeout(self):
        """B27."""
        kit.many_descriptors()
        hole = Blackhole(self)
        server = self.forward(hole, options=("--connect-timeout", f"{int(self.TIMEOUT * 1000)}ms"))
        self.assertEqual(outcome(server.url), "reset")  # The first one's cost is not at issue.
        before = kit.memory(server.pid)
        began = time.monotonic()
        peers = [kit.dial(server.url) for _ in range(self.CLIENTS)]
        opened = time.monotonic()
        for peer in peers:
            peer.sendall(b"x" * 1000)
        kit.wait_until(lambda: kit.descriptors(server.pid) >= server.idle + 2 * self.CLIENTS,
                       "the dials")
        grown = kit.memory(server.pid) - before
        for peer in peers:
            with self.assertRaises(ConnectionResetError):
                peer.recv(1)
            self.assertGreater(time.monotonic() - began, self.TIMEOUT - 0.05)
            self.assertLess(time.monotonic() - opened, self.TIMEOUT + 0.5)
            peer.close()
        if not kit.SANITIZED:
            self.assertLessEqual(grown, self.CLIENTS * self.EACH)
        self.assert_logged(server, "tim(ed out|eout)|no answer")
        self.assertNotIn("refused", server.log())
        self.assert_gone(server)

    def test_a_dropped_route_is_given_up_at_the_timeout(self):
        if os.getuid() != 0 or subprocess.run(["unshare", "-n", "true"], check=False,
                                              capture_output=True).returncode:
            print("a network of its own takes root's rights: not tried")
            return
        url = "unix://" + self.path("front")
        # What is routed to the loopback and is not an address of it disappears there.
        setup = 'ip link set lo up; ip route add 10.99.0.0/24 dev lo; exec "$@"'
        server = self.forward("tcp://10.99.0.2:7", urls=[url],
                              options=("--connect-timeout", "300ms"),
                              before=("unshare", "-n", "sh", "-c", setup, "sh"))
        began = time.monotonic()
        self.assertIn(outcome(url), ("end", "reset"))
        self.assertAlmostEqual(time.monotonic() - began, 0.55, delta=0.3)
        self.assert_logged(server, "tim(ed out|eout)|no answer")
        self.assert_gone(server)


class Names(ForwardCase):
    def test_a_name_without_an_address_is_told_apart(self):
        server = self.forward("tcp://nosuch.invalid:7")
        self.assertEqual(outcome(server.url), "reset")
        self.assert_logged(server, "nosuch.invalid")
        log = server.log()
        self.assertNotIn("refused", log)
        self.assertNotIn("timed out", log)
        self.assert_gone(server)

    def test_a_name_is_looked_up_and_its_addresses_are_tried(self):
        target = Answering(self)
        server = self.forward(f"tcp://localhost:{target.target.port}")
        for _ in range(3):
            self.assertEqual(outcome(server.url), b"ping")

    def test_no_local_port_is_told_apart(self):
        if os.getuid() != 0 or subprocess.run(["unshare", "-n", "true"], check=False,
                                              capture_output=True).returncode:
            print("a network of its own takes root's rights: not tried")
            return
        setup = ('ip link set lo up; echo "40000 40001" > /proc/sys/net/ipv4/ip_local_port_range; '
                 'exec "$@"')
        url = "unix://" + self.path("front")
        server = self.forward("tcp://127.0.0.1:7000", urls=[url],
                              before=("unshare", "-n", "sh", "-c", setup, "sh"))
        inside = ("nsenter", "-t", str(server.pid), "-n")
        self.serve("echo", urls=["tcp://127.0.0.1:7000"], before=inside)
        peers = []
        for _ in range(2):
            peer = kit.dial(url)
            self.addCleanup(peer.close)
            peer.sendall(b"x")
            self.assertEqual(peer.recv(1), b"x")
            peers.append(peer)
        self.assertIn(outcome(url), ("end", "reset"))
        self.assert_logged(server, "local port|no_local_port|Cannot assign requested address")
        self.assertNotIn("refused", server.log())


class Several(ForwardCase):
    def test_targets_take_turns(self):
        targets = [Answering(self, name) for name in (b"a", b"b", b"c")]
        server = self.forward(*targets)
        heard = [outcome(server.url, b"") for _ in range(9)]
        self.assertEqual({heard.count(name) for name in (b"a", b"b", b"c")}, {3}, heard)

    def test_one_that_refuses_is_passed_over(self):
        target = Answering(self, b"up ")
        server = self.forward(f"tcp://127.0.0.1:{low_port()}", target,
                              "unix://" + self.path("none"))
        for _ in range(9):
            self.assertEqual(outcome(server.url), b"up ping")
        self.assert_gone(server)

    def test_one_that_does_not_answer_is_passed_over_too(self):
        target = Answering(self, b"up ")
        server = self.forward(Blackhole(self), target, options=("--connect-timeout", "300ms"))
        for _ in range(4):
            self.assertEqual(outcome(server.url), b"up ping")
        self.assert_gone(server)

    def test_when_all_refuse_the_client_is_reset_and_each_was_tried_once(self):
        server = self.forward(*(f"tcp://127.0.0.1:{low_port()}" for _ in range(5)))
        for _ in range(3):
            self.assertEqual(outcome(server.url), "reset")
        self.assert_gone(server)


class Flaps(ForwardCase):
    PERIODS = 4
    HALF = 0.4  # Seconds up, and seconds down.
    RATE = 50  # Connections a second.

    def test_only_what_is_dialled_while_it_is_down_fails(self):
        """B30."""
        port = low_port()
        server = self.forward(f"tcp://127.0.0.1:{port}")
        spans, results = [], []
        stop = threading.Event()

        def ask():
            while not stop.is_set():
                began = time.monotonic()
                results.append((began, outcome(server.url), time.monotonic()))
                time.sleep(max(0, 1 / self.RATE - (time.monotonic() - began)))

        asking = threading.Thread(target=ask, daemon=True)
        asking.start()
        for _ in range(self.PERIODS):
            target = Answering(self, port=port)
            up = time.monotonic()
            time.sleep(self.HALF)
            spans.append((up, time.monotonic()))
            target.stop()
            time.sleep(self.HALF)
        stop.set()
        asking.join()
        for up, down in spans:
            during = [what for began, what, ended in results if began > up and ended < down]
            self.assertGreater(len(during), self.HALF * self.RATE / 20, "it was hardly tried")
            self.assertEqual(set(during), {b"ping"})
            first = min(ended for _, what, ended in results if what == b"ping" and ended > up)
            self.assertLess(first - up, 1)
        self.assertIn("reset", {what for _, what, _ in results})
        self.assertLessEqual({what for _, what, _ in results}, {b"ping", "reset", "end"})
        self.assert_gone(server)


class Itself(ForwardCase):
    """B33."""

    def refused(self, listen, to):
        done = weir("serve", "forward", listen, "--to", to)
        self.assertEqual(done.returncode, 64, done.stderr)
        self.assertRegex(done.stderr.decode(), r"^weir: [^\n]*this very service[^\n]*\n$")

    def test_its_own_address_as_the_target_is_refused(self):
        port = low_port()
        self.refused(f"tcp://127.0.0.1:{port}", f"tcp://127.0.0.1:{port}")
        self.refused(f"127.0.0.1:{port}", f"tcp://127.0.0.1:{port}?nodelay=1")
        self.refused("unix://" + self.path("s"), "unix://" + self.path("s"))

    def test_its_own_port_by_another_name_never_becomes_a_flood(self):
        port = low_port()
        for listen, to in ((f"tcp://*:{port}", f"tcp://127.0.0.1:{port}"),
                           (f"tcp://127.0.0.1:{port}", f"tcp://localhost:{port}"),
                           (f"tcp://*:{port}", f"tcp://127.0.0.9:{port}"),
                           (f"tcp://0.0.0.0:{port}", f"tcp://localhost:{port}")):
            with self.subTest(f"{listen} to {to}"):
                command = [kit.program(), "serve", "forward", listen, "--to", to, "--loops", "1",
                           "--connections", "40"]
                process = subprocess.Popen(command, stdin=subprocess.DEVNULL,
                                           stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                self.addCleanup(self._end, process)
                line = process.stdout.readline()
                if not line:  # Refused when it was started.
                    self.assertEqual(process.wait(kit.PATIENCE), 64)
                    continue
                idle = kit.descriptors(process.pid)
                self.assertIn(outcome(f"tcp://127.0.0.1:{port}"), ("end", "reset"))
                kit.wait_until(lambda process=process, idle=idle: kit.descriptors(process.pid) <=
                               idle, "the end of the flood")
                process.terminate()
                self.assertEqual(process.wait(kit.PATIENCE), 0)

    def test_two_that_forward_to_each_other_stop_at_their_limits(self):
        ports = [low_port(), low_port()]
        servers = [self.forward(f"tcp://127.0.0.1:{there}", urls=[f"tcp://127.0.0.1:{here}"],
                                options=("--connections", "40"))
                   for here, there in (ports, ports[::-1])]
        with kit.dial(servers[0].url) as peer:
            peer.sendall(b"x")
            self.assertIn(peer_end(peer), ("end", "reset"))
        for server in servers:
            self.assert_gone(server)
            self.assertLessEqual(kit.cpu_seconds(server.pid), 2)


def peer_end(peer):
    try:
        return "data" if peer.recv(1) else "end"
    except ConnectionResetError:
        return "reset"


if __name__ == "__main__":
    kit.main()
