"""The forwarder as an operator meets it: its command line, real clients through it, its log."""

import json
import os
import re
import socket
import unittest

import kit
from forward_kit import Blackhole, Target, low_port
from kit import ask, dial, need, run, wait_until, weir


class CommandLine(kit.Case):
    def refused(self, *arguments, urls=("tcp://127.0.0.1:0",)):
        """A wrong command line: exit 64, no ready line. Returns what was said."""
        done = weir("serve", "forward", *urls, *arguments)
        self.assertEqual(done.returncode, 64, done.stderr)
        self.assertEqual(done.stdout, b"")
        return done.stderr.decode()

    def test_without_a_target_it_is_refused_in_one_sentence_and_nothing_is_bound(self):
        path = self.path("s")
        said = self.refused(urls=["unix://" + path])
        self.assertEqual(said, 'weir: forward: option "to" is required\n')
        self.assertFalse(os.path.exists(path))

    def test_a_target_that_is_no_url_or_cannot_be_dialled_is_refused(self):
        for target in ("nonsense", "tpc://127.0.0.1:9", "tcp://127.0.0.1:0", "tcp://*:9",
                       "udp://127.0.0.1:9", "tcp://127.0.0.1:9?nodealy=1"):
            with self.subTest(target):
                said = self.refused("--to", "tcp://127.0.0.1:9", "--to", target)
                self.assertRegex(said, r"^weir: forward: [^\n]+\n$")

    def test_a_connect_timeout_out_of_range_is_told_beside_the_other_faults(self):
        for time in ("0", "off", "11m", "soon"):
            with self.subTest(time):
                said = self.refused("--connect-timeout", time, "--loops", "many")
                self.assertIn('"connect-timeout"', said)
                self.assertEqual(said.count("\n"), 3, said)

    def test_help_and_listing_say_that_a_target_is_required(self):
        text = weir("serve", "forward", "--help").stdout.decode()
        self.assertIn("Usage: weir serve forward URL... --to URL [--OPTION VALUE...]", text)
        self.assertIn("--to tcp://127.0.0.1:8000", text)
        self.assertIn("(required)", weir("protocols", "forward").stdout.decode())
        options = json.loads(weir("protocols", "forward", "--json").stdout)["options"]
        self.assertEqual([(one["name"], one["required"]) for one in options],
                         [("to", True), ("connect-timeout", False)])

    def test_the_example_of_its_help_is_a_command_that_runs(self):
        text = weir("protocols", "forward").stdout.decode()
        words = re.search(r"^Example:\n  weir (.*)$", text, re.M).group(1).split()
        words[words.index("tcp://127.0.0.1:9000")] = "tcp://127.0.0.1:0"
        self.assertEqual(words[:2], ["serve", "forward"])
        server = self.serve("forward", *words[3:], urls=words[2:3])
        self.assertEqual(server.stop(), 0)


def own_name():
    """This machine's name and an address that it means."""
    name = socket.gethostname()
    try:
        return name, socket.gethostbyname(name)
    except OSError as error:
        raise unittest.SkipTest(f"this machine's own name means nothing to it: {error}") from error


class Itself(kit.Case):
    """A connection to itself would be forwarded again and again."""

    def refused(self, listener, target):
        done = weir("serve", "forward", listener, "--to", "tcp://192.0.2.1:9", "--to", target)
        self.assertEqual((done.returncode, done.stdout), (64, b""), done.stderr)
        self.assertRegex(done.stderr, rb"^weir: forward: the target [^\n]* is this very service, "
                                      rb"which listens on [^\n]*\n$")

    def test_the_same_address_is_refused_however_it_is_written(self):
        port = low_port()
        for listener, target in (("127.0.0.1", "127.0.0.1"), ("127.0.0.1", "localhost"),
                                 ("localhost", "127.0.0.1"), ("*", "127.0.0.1"), ("*", ""),
                                 ("0.0.0.0", "127.0.0.5"), ("127.0.0.1", "[::ffff:127.0.0.1]")):
            with self.subTest(listener=listener, target=target):
                self.refused(f"tcp://{listener}:{port}", f"tcp://{target}:{port}")

    def test_an_address_of_this_machine_is_refused_under_every_address(self):
        _, own = own_name()
        port = low_port()
        self.refused(f"tcp://*:{port}", f"tcp://{own}:{port}")

    def test_the_same_unix_socket_is_refused_and_not_left_behind(self):
        path = self.path("s")
        os.symlink(path, self.path("link"))
        for target in (path, self.path("./s"), self.path("link")):
            with self.subTest(target):
                self.refused("unix://" + path, "unix://" + target)
                self.assertFalse(os.path.exists(path))

    def test_a_name_that_means_it_is_not_dialled(self):
        name, own = own_name()
        port = low_port()
        for listener in (own, "*"):
            with self.subTest(listener):
                server = self.serve("forward", "--to", f"tcp://{name}:{port}", "--log-level", "debug",
                                    urls=[f"tcp://{listener}:{port}"])
                with self.assertRaises(ConnectionError):
                    with dial(f"tcp://{own}:{port}") as peer:
                        peer.sendall(b"x")
                        kit.read_all(peer)
                self.assertEqual(server.stop(), 0)
                self.assert_logged(server, re.escape(f"cannot reach tcp://{name}:{port}"))
                self.assertEqual(server.log().count("closed: "), 2, server.log())

    def test_another_port_of_the_same_host_is_no_such_thing(self):
        echo = self.serve("echo")
        server = self.serve("forward", "--to", f"tcp://localhost:{echo.port}", urls=["tcp://*:0"])
        self.assertEqual(ask(f"tcp://127.0.0.1:{server.port}", b"hello"), b"hello")


class Through(kit.Case):
    """Echo behind the forwarder, over TCP and Unix sockets on either side."""

    def through(self, *options):
        """(kind of listener, kind of target, forwarder's URL), for all four."""
        echo = self.serve("echo", urls=["tcp://127.0.0.1:0", "unix://" + self.path("echo")])
        for target in echo.urls:
            kind = target.split(":")[0]
            front = "unix://" + self.path("front-" + kind)
            server = self.serve("forward", "--to", target, *options,
                                urls=["tcp://127.0.0.1:0", front])
            for url in server.urls:
                yield url.split(":")[0], kind, url

    def test_every_byte_there_and_back_however_it_was_cut(self):
        data = bytes(range(256)) * 4096
        for near, far, url in self.through():
            for chunk in (777, 1 << 16):
                with self.subTest(f"{near} to {far}, {chunk}"):
                    self.assertTrue(ask(url, data, chunk) == data, "the bytes differ")

    def test_nc_talks_to_echo(self):
        need("nc")
        for near, far, url in self.through():
            with self.subTest(f"{near} to {far}"):
                address = ("-U", url[len("unix://"):]) if near == "unix" else (
                    "127.0.0.1", url.rpartition(":")[2])
                done = run("nc", "-N", *address, input=b"hello\n" * 1000)
                self.assertEqual((done.returncode, done.stdout), (0, b"hello\n" * 1000))

    def test_socat_talks_to_echo(self):
        need("socat")
        for near, far, url in self.through():
            with self.subTest(f"{near} to {far}"):
                address = ("UNIX-CONNECT:" + url[len("unix://"):] if near == "unix" else
                           "TCP:" + url[len("tcp://"):])
                done = run("socat", "-t5", "-", address, input=b"x" * 100_000)
                self.assertEqual((done.returncode, done.stdout), (0, b"x" * 100_000))

    def test_weir_connect_talks_to_echo(self):
        for near, far, url in self.through("--loops", "2"):
            with self.subTest(f"{near} to {far}"):
                done = weir("connect", url, "-m", "Hello, world!")
                self.assertEqual((done.returncode, done.stdout), (0, b"Hello, world!"))

    def test_a_forwarder_behind_a_forwarder(self):
        url = self.serve("echo").url
        for _ in range(4):
            url = self.serve("forward", "--to", url).url
        self.assertEqual(ask(url, b"hello" * 10_000), b"hello" * 10_000)

    def test_a_host_name_is_looked_up(self):
        echo = self.serve("echo")
        server = self.serve("forward", "--to", f"tcp://LocalHost:{echo.port}")
        for _ in range(3):
            self.assertEqual(ask(server.url, b"hello"), b"hello")

    def test_a_target_that_speaks_first_is_heard(self):
        server = self.serve("forward", "--to", self.serve("daytime").url)
        with dial(server.url) as peer:
            self.assertRegex(kit.read_all(peer), rb"\b20\d\d\b")


class Targets(kit.Case):
    def backends(self, *names):
        return [self.serve("echo", "--prefix", name + " ").url for name in names]

    def answers(self, server, count):
        return [ask(server.url, b"-\n").split()[0].decode() for _ in range(count)]

    def to(self, *urls):
        return [word for url in urls for word in ("--to", url)]

    def test_they_take_turns(self):
        server = self.serve("forward", *self.to(*self.backends("a", "b", "c")), "--loops", "1")
        self.assertEqual(self.answers(server, 6), ["a", "b", "c"] * 2)

    def test_one_that_is_down_is_passed_over_and_told_in_the_log(self):
        down = f"tcp://127.0.0.1:{low_port()}"
        a, b = self.backends("a", "b")
        server = self.serve("forward", *self.to(a, down, b), "--loops", "1")
        self.assertEqual(self.answers(server, 6), ["a", "b", "b"] * 2)
        wait_until(lambda: f"cannot reach {down}" in server.log(), "a line about it")

    def test_one_that_comes_back_is_used_again(self):
        port = low_port()
        server = self.serve("forward", *self.to(*self.backends("a"), f"tcp://127.0.0.1:{port}"),
                            "--loops", "1")
        self.assertEqual(self.answers(server, 4), ["a"] * 4)
        self.serve("echo", "--prefix", "back ", urls=[f"tcp://127.0.0.1:{port}"])
        self.assertEqual(self.answers(server, 4), ["a", "back"] * 2)

    def test_one_that_does_not_answer_costs_its_time_and_no_more(self):
        hole = Blackhole(self)
        server = self.serve("forward", *self.to(hole.url, *self.backends("b")), "--loops", "1",
                            "--connect-timeout", "300ms")
        self.assertEqual(self.answers(server, 2), ["b", "b"])
        wait_until(lambda: "timed out" in server.log(), "a line about it")


class Reasons(kit.Case):
    """Why no target was reached stands in the log, and the client is reset."""

    def assert_reset(self, url):
        with self.assertRaises(ConnectionError):
            with dial(url) as peer:
                peer.sendall(b"in vain")
                kit.read_all(peer)

    def line(self, target, timeout="300ms"):
        """The line about it, without its time."""
        server = self.serve("forward", "--to", target, "--connect-timeout", timeout)
        self.assert_reset(server.url)
        text = wait_until(lambda: re.search(r"warn forward: (cannot reach .*)\n", server.log()),
                          "a line about it").group(1)
        self.assertTrue(text.startswith(f"cannot reach {target}: "), text)
        return text

    def test_refused(self):
        self.assertIn("Connection refused", self.line(f"tcp://127.0.0.1:{low_port()}"))

    def test_a_unix_socket_that_is_not_there(self):
        self.assertIn("No such file", self.line("unix://" + self.path("nowhere")))

    def test_timed_out(self):
        text = self.line(Blackhole(self).url)
        self.assertIn("timed out", text)
        self.assertNotIn("refused", text)

    def test_no_such_name(self):
        text = self.line("tcp://no-such-name.invalid:7", "20s")
        self.assertIn("unresolved", text)
        self.assertNotIn("timed out", text)

    def test_no_local_port(self):
        """In a network of its own, where the only port to dial from is taken."""
        need("unshare", "ip", "setpriv")
        alone = ("unshare", "--map-root-user", "--net", "sh", "-c",
                 "ip link set lo up && echo 30000 30000 > /proc/sys/net/ipv4/ip_local_port_range"
                 ' && exec "$@"', "sh")
        tried = run(*alone, "true")
        if tried.returncode != 0:
            self.skipTest(f"this system gives no network of one's own: {tried.stderr!r}")
        # Echo ends with the forwarder, whose process the shell becomes.
        both = ('setpriv --pdeathsig TERM "$0" serve echo tcp://127.0.0.1:7 > /dev/null'
                ' & exec "$@"')
        # A path is the same in every network.
        server = self.serve("forward", "--to", "tcp://127.0.0.1:7", "--loops", "1",
                            urls=["unix://" + self.path("front")],
                            before=(*alone, "sh", "-c", both, kit.program()))

        def holds():
            peer = dial(server.url)
            try:
                peer.sendall(b"x")
                if peer.recv(1) == b"x":
                    return peer
            except ConnectionError:  # Echo does not listen yet.
                pass
            peer.close()
            return None

        first = wait_until(holds, "echo behind the forwarder")
        self.addCleanup(first.close)

        def tells():  # Of several failures in a second only the first has a line.
            with dial(server.url) as second:
                self.assertEqual(kit.read_all(second), b"")
            return "no local port" in server.log()

        wait_until(tells, "a line about it")
        first.sendall(b"still here")
        self.assertEqual(kit.read_exactly(first, 10), b"still here")

    def test_one_line_a_second_tells_how_many(self):
        server = self.serve("forward", "--to", f"tcp://127.0.0.1:{low_port()}", "--loops", "1")
        for _ in range(200):
            self.assert_reset(server.url)
        self.assertEqual(server.stop(), 0)
        self.assert_logged(server, "cannot reach")
        lines = [line for line in server.log().splitlines() if "cannot reach" in line]
        self.assertTrue(1 <= len(lines) <= 10, server.log())


class Life(kit.Case):
    def test_ready_lines_are_its_own_and_term_ends_it_with_0(self):
        urls = ["tcp://127.0.0.1:0", "unix://" + self.path("front")]
        server = self.serve("forward", "--to", self.serve("echo").url, urls=urls)
        self.assertRegex(server.urls[0], r"^tcp://127\.0\.0\.1:[1-9]\d*$")
        self.assertEqual(server.urls[1], urls[1])
        self.assertEqual(server.stop(), 0)
        self.assertFalse(os.path.exists(self.path("front")))

    def test_targets_need_not_be_there_at_the_start(self):
        path = self.path("late")
        server = self.serve("forward", "--to", "unix://" + path)
        self.serve("echo", urls=["unix://" + path])
        self.assertEqual(ask(server.url, b"hello"), b"hello")

    def test_its_connections_take_two_descriptors_of_the_limit(self):
        """It stops accepting before there is none left to dial with."""
        target = Target(self)
        server = self.serve("forward", "--to", target.url, "--loops", "1", "--connections", "6")
        for _ in range(3):
            peer = dial(server.url)
            self.addCleanup(peer.close)
            peer.sendall(b"x")
            backend = target.accept()
            self.addCleanup(backend.close)
            self.assertEqual(backend.recv(1), b"x")
        for _ in range(3):
            try:
                with dial(server.url) as peer:
                    self.assertEqual(peer.recv(1), b"")
            except ConnectionResetError:
                pass
        self.assertNotIn("cannot reach", server.log())


if __name__ == "__main__":
    kit.main()
