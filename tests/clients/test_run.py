#!/usr/bin/env python3
"""weir run, weir check, weir config: a file with several services, and what is wrong with one."""

import json
import os
import signal
import socket
import subprocess
import time

import kit
from kit import ask, dial, wait_until

TWO = """
[server]
loops = 2
drain = "3s"

[[service]]
protocol = "echo"
listen = ["tcp://127.0.0.1:0", "unix://{0}/echo.sock"]

[[service]]
protocol = "chat"
listen = "tcp://127.0.0.1:0"
"""


def weir(*words, **more):
    return subprocess.run([kit.program(), *words], capture_output=True, text=True,
                          timeout=kit.PATIENCE, check=False, **more)


def read_line(client):
    line = b""
    while not line.endswith(b"\n"):
        piece = client.recv(1)
        if not piece:
            raise AssertionError(f"ended after {line!r}")
        line += piece
    return line


class Runs(kit.Case):
    def test_every_service_of_the_file_answers_on_every_url(self):
        server = self.run_file(TWO.format(self.directory), 3)
        self.assertEqual(ask(server.url_of("echo"), b"hello"), b"hello")
        self.assertEqual(ask(server.url_of("echo", "unix"), b"hello"), b"hello")
        with dial(server.url_of("chat")) as member:
            self.assertTrue(read_line(member).startswith(b"* welcome"))

    def test_a_file_with_a_fault_starts_nothing_and_tells_all_of_them(self):
        file = self.write("weir.toml", """
[[service]]
protocol = "echo"
listen = ["tcp://127.0.0.1:0", "unix://%s/echo.sock"]

[[service]]
protocol = "ehco"

[server]
log-levle = "debug"
""" % self.directory)
        for command in ("run", "check"):
            done = weir(command, file)
            self.assertEqual(done.returncode, 78, done.stderr)
            self.assertEqual(done.stdout, "")
            lines = done.stderr.splitlines()
            self.assertEqual(len(lines), 2, done.stderr)
            self.assertIn(f"{file}:7:12: there is no protocol \"ehco\"; did you mean \"echo\"?",
                          lines[0])
            self.assertIn(f"{file}:10:1: server: there is no key \"log-levle\", did you mean "
                          "\"log-level\"?", lines[1])
        self.assertFalse(os.path.exists(self.path("echo.sock")))

    def test_a_socket_that_cannot_be_had_starts_nothing(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            file = self.write("weir.toml", TWO.format(self.directory) + (
                "[[service]]\nprotocol = \"time\"\nlisten = \"tcp://127.0.0.1:%d\"\n"
                % taken.getsockname()[1]))
            done = weir("run", file)
        self.assertEqual(done.returncode, 69, done.stderr)
        self.assertIn("Address already in use", done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertFalse(os.path.exists(self.path("echo.sock")))

    def test_a_file_that_cannot_be_read_is_told_with_66(self):
        for file in (self.path("nowhere.toml"), self.directory):
            for command in (("run",), ("check",), ("check", "--json"), ("config", "dump")):
                done = weir(*command, file)
                self.assertEqual(done.returncode, 66, (command, done.stderr))
                self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)

    def test_strange_files_are_refused_within_a_second(self):
        files = {"empty": b"", "huge": b"# x\n" * (10 << 18), "cut": b"[[service]\nprotocol = \"ec",
                 "bytes": bytes(range(256)), "deep": b"x = " + b"[" * 100_000,
                 "nul": b"\0" * 1000}
        for name, content in files.items():
            with open(self.path(name), "wb") as file:
                file.write(content)
            began = time.monotonic()
            done = weir("check", self.path(name))
            self.assertIn(done.returncode, (66, 78), (name, done.stderr))
            self.assertEqual(len(done.stderr.splitlines()), 1, (name, done.stderr))
            if not kit.SANITIZED:
                self.assertLess(time.monotonic() - began, 1, name)

    def test_a_file_anybody_may_write_is_refused(self):
        file = self.write("weir.toml", TWO.format(self.directory))
        os.chmod(file, 0o666)
        done = weir("run", file)
        self.assertEqual(done.returncode, 78)
        self.assertIn("chmod o-w", done.stderr)

    def test_a_configuration_may_come_from_standard_input(self):
        done = weir("check", "-", input=TWO.format(self.directory))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout, "standard input: 2 services, nothing wrong\n")

    def test_check_says_that_all_is_well_also_for_scripts(self):
        file = self.write("weir.toml", TWO.format(self.directory))
        done = weir("check", file)
        self.assertEqual((done.returncode, done.stdout), (0, f"{file}: 2 services, nothing wrong\n"))
        answer = json.loads(weir("check", "--json", file).stdout)
        self.assertEqual(answer, {"file": file, "valid": True, "faults": [], "certificates": [],
                                  "warnings": []})
        self.write("weir.toml", "x = 1\n[[service]]\nprotocol = 1\n")
        done = weir("check", "--json", file)
        self.assertEqual(done.returncode, 78)
        self.assertEqual([(fault["line"], fault["column"]) for fault in
                          json.loads(done.stdout)["faults"]], [(1, 1), (3, 12)])

    def test_dump_shows_every_value_and_its_origin_and_can_be_run(self):
        file = self.write("weir.toml", TWO.format(self.directory))
        done = weir("config", "dump", file)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r'loops = 2 +# ' + file + r":3:9\n")
        self.assertRegex(done.stdout, r'log-level = "info" +# default\n')
        self.assertRegex(done.stdout, r'idle = "5m" +# default\n')
        self.assertRegex(done.stdout, r'idle = "off" +# default\n')
        again = self.write("again.toml", done.stdout)
        self.assertEqual(weir("check", again).returncode, 0, weir("check", again).stderr)
        every = json.loads(weir("config", "dump", "--json", file).stdout)
        self.assertEqual(every["server"]["drain"], {"value": "3s", "origin": f"{file}:4:9"})
        self.assertEqual(len(every["services"]), 2)

    def test_the_reference_in_the_documents_is_what_the_program_says(self):
        root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        with open(os.path.join(root, "docs", "reference.md"), encoding="utf-8") as file:
            self.assertEqual(weir("config", "reference").stdout, file.read(),
                             "weir config reference > docs/reference.md")


class Reload(kit.Case):
    def test_listeners_come_and_go_and_open_connections_stay(self):
        server = self.run_file(TWO.format(self.directory), 3)
        kept = server.url_of("echo")
        with dial(kept) as peer:
            peer.sendall(b"before")
            self.assertEqual(kit.read_exactly(peer, 6), b"before")
            self.write("weir.toml", TWO.format(self.directory).replace("echo.sock", "new.sock"))
            server.reload()
            peer.sendall(b"after")
            self.assertEqual(kit.read_exactly(peer, 5), b"after")
        self.assertEqual(ask(kept, b"hello"), b"hello")
        self.assertEqual(ask(f"unix://{self.path('new.sock')}", b"hello"), b"hello")
        self.assertFalse(os.path.exists(self.path("echo.sock")))

    def test_a_broken_file_changes_nothing_and_says_where_it_is_wrong(self):
        server = self.run_file(TWO.format(self.directory), 3)
        before = server.log()
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            broken = {
                "x = [": "this is not TOML",
                TWO.format(self.directory) + "idel = 5\n": ":13:1: chat: there is no key \"idel\"",
                TWO.format(self.directory).replace("loops = 2", "loops = 3"):
                    ":3:9: server: loops changes with a restart only",
                TWO.format(self.directory) + "[[service]]\nprotocol = \"time\"\n"
                f"listen = \"tcp://127.0.0.1:{port}\"\n": "Address already in use",
                "": "there is no [[service]]",
            }
            with dial(server.url_of("echo")) as peer:
                for text, says in broken.items():
                    self.write("weir.toml", text)
                    line = server.reload(says)
                    self.assertIn("nothing is changed", line)
                    peer.sendall(b"still")
                    self.assertEqual(kit.read_exactly(peer, 5), b"still")
                    self.assertEqual(ask(server.url_of("echo", "unix"), b"x"), b"x")
        self.assertNotIn("error", before)

    def test_a_storm_of_signals_ends_in_the_last_file(self):
        server = self.run_file(TWO.format(self.directory), 3)
        server.reload()
        wait_until(lambda: kit.descriptors(server.pid) > 0, "descriptors")
        before, memory = kit.descriptors(server.pid), kit.memory(server.pid)
        for number in range(200):
            self.write("weir.toml", TWO.format(self.directory) + f"history = {number + 1}\n")
            server.send(signal.SIGHUP)
            time.sleep(0.01)  # The pace of the storm.
        self.write("weir.toml", TWO.format(self.directory) + "history = 3\n")
        server.reload()
        server.reload("2 kept")  # Whatever was still on its way is over.
        with dial(server.url_of("chat")) as ann, dial(server.url_of("chat")) as bob:
            ann.sendall(b"/nick ann\n" + b"".join(b"line %d\n" % i for i in range(5)))
            heard = b""
            while b"line 4" not in heard:
                heard += bob.recv(4096)
            bob.sendall(b"/history\n")
            self.assertEqual([read_line(bob) for _ in range(3)],
                             [b"<ann> line %d\r\n" % i for i in (2, 3, 4)])
        wait_until(lambda: kit.descriptors(server.pid) == before, "the descriptors of before")
        if not kit.SANITIZED:
            self.assertLess(kit.memory(server.pid) - memory, 2 << 20)

    def test_chat_rooms_go_on_through_a_reload_and_take_its_options(self):
        server = self.run_file(TWO.format(self.directory), 3)
        with dial(server.url_of("chat")) as ann, dial(server.url_of("chat")) as bob:
            read_line(bob), read_line(bob)
            self.write("weir.toml", TWO.format(self.directory) + "nick-max = 12\n")
            server.reload("1 with new options")
            ann.sendall(b"still here\n")
            self.assertEqual(read_line(bob), b"<guest-1> still here\r\n")
            bob.sendall(b"/nick " + b"b" * 13 + b"\n")
            self.assertIn(b"1 to 12", read_line(bob))

    def test_targets_of_a_forwarder_change_for_new_connections_only(self):
        first = self.serve("echo", "--prefix", "one: ")
        second = self.serve("echo", "--prefix", "two: ")
        text = "[[service]]\nprotocol = \"forward\"\nlisten = \"tcp://127.0.0.1:0\"\nto = [\"%s\"]\n"
        server = self.run_file(text % first.url, 1)
        with dial(server.url) as peer:
            peer.sendall(b"a\n")
            self.assertEqual(kit.read_exactly(peer, 8), b"one: a\r\n")
            self.write("weir.toml", text % second.url)
            server.reload("1 replaced")
            peer.sendall(b"b\n")
            self.assertEqual(kit.read_exactly(peer, 8), b"one: b\r\n")
            self.assertEqual(ask(server.url, b"c\n"), b"two: c\r\n")

    def test_a_removed_service_drains(self):
        server = self.run_file(TWO.format(self.directory), 3)
        with dial(server.url_of("chat")) as member, dial(server.url_of("echo")) as other:
            read_line(member), read_line(member)
            self.write("weir.toml", TWO.format(self.directory).partition(
                "[[service]]\nprotocol = \"chat\"")[0])
            server.reload("1 removed")
            self.assertEqual(kit.read_all(member), b"* the server stops; goodbye\r\n")
            other.sendall(b"x")
            self.assertEqual(kit.read_exactly(other, 1), b"x")
        with self.assertRaises(ConnectionRefusedError):
            dial(server.url_of("chat"))


class Signals(kit.Case):
    def test_hup_ends_a_server_that_has_no_file_and_nohup_keeps_it(self):
        server = self.serve("echo")
        server.send(signal.SIGHUP)
        self.assertEqual(server.wait(), 0)
        server = self.serve("echo", before=("nohup",))
        server.send(signal.SIGHUP)
        self.assertEqual(ask(server.url, b"still there"), b"still there")

    def test_once_serves_one_connection_and_ends(self):
        server = self.serve("echo", "--once")
        self.assertEqual(ask(server.url, b"only me"), b"only me")
        self.assertEqual(server.wait(), 0)


if __name__ == "__main__":
    kit.main()
