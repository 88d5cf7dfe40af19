"""The program's words and exit codes: a script can rely on both, a person on the first."""

import json
import os
import resource
import socket
import subprocess

import kit
from kit import program, weir


class Usage(kit.Case):
    def refused(self, *arguments):
        """A wrong command line: exit 64, nothing on standard output. Returns what was said."""
        done = weir(*arguments)
        self.assertEqual(done.returncode, 64, done.stderr)
        self.assertEqual(done.stdout, b"")
        return done.stderr.decode()

    def test_bare_calls_print_usage_and_exit_64(self):
        for call in ((), ("serve",), ("serve", "echo"), ("connect",)):
            with self.subTest(call):
                self.assertIn("Usage: weir", self.refused(*call))

    def test_an_unknown_command_names_the_nearest(self):
        said = self.refused("srve")
        self.assertEqual(said, 'weir: there is no command "srve"; did you mean "serve"?\n')

    def test_an_unknown_protocol_names_the_nearest(self):
        said = self.refused("serve", "ehco", "tcp://127.0.0.1:0")
        self.assertEqual(said, 'weir: there is no protocol "ehco"; did you mean "echo"?\n')
        self.assertIn('"daytime"', self.refused("protocols", "daytme"))

    def test_an_unknown_option_names_the_nearest(self):
        said = self.refused("serve", "echo", "tcp://127.0.0.1:0", "--prefx", "x")
        self.assertEqual(said, 'weir: echo has no option "--prefx"; did you mean "--prefix"?\n')
        self.assertIn('"--message"', self.refused("connect", "tcp://[::1]:7", "--mesage=x"))
        self.assertIn('"--json"', self.refused("protocols", "--jsn"))

    def test_a_word_out_of_place_is_told_rather_than_ignored(self):
        url = "tcp://127.0.0.1:0"
        for call in (("serve", "--loops", "1", "echo", url), ("--trace", "serve", "echo", url),
                     ("serve", "echo", url, "--", url), ("serve", "echo", "--", url)):
            with self.subTest(call):
                self.assertIn("is out of place", self.refused(*call))

    def test_a_flag_takes_no_value_but_on_or_off(self):
        for value in ("perhaps", "5", "-1"):
            said = self.refused("serve", "echo", "tcp://127.0.0.1:0", "--trace=" + value)
            self.assertIn(f'option "trace" is "{value}", expected on or off', said)

    def test_all_faults_are_told_at_once(self):
        said = self.refused("serve", "echo", "tcp://127.0.0.1:99999", "--line-max", "0",
                            "--loops", "many", "--log-level", "wran")
        for word in ("99999", "line-max", "loops", "log-level", "warn"):
            self.assertIn(word, said)
        self.assertEqual(said.count("\n"), 4, said)

    def test_a_wrong_url_is_a_wrong_command_line(self):
        for url in ("tcp:/127.0.0.1:9", "tpc://127.0.0.1:9", "tcp://127.0.0.1", "unix://", "",
                    "tcp://127.0.0.1:9?nodealy=1"):
            with self.subTest(url):
                self.assertTrue(self.refused("connect", url).startswith("weir: "))
                self.assertTrue(self.refused("serve", "echo", url).startswith("weir: "))

    def test_outside_text_is_escaped_before_it_is_printed(self):
        said = self.refused("connect", "tcp://\x1b[2J\udcff\n:9")
        self.assertNotIn("\x1b", said)
        self.assertEqual(said.count("\n"), 1)
        said = self.refused("\x1b[2Jserve")
        self.assertNotIn("\x1b", said)

    def test_a_value_may_look_like_an_option_or_a_command(self):
        server = self.serve("echo", "--prefix", "--loops", "--line-max", "9")
        self.assertEqual(kit.ask(server.url, b"x\n"), b"--loopsx\r\n")
        server = self.serve("echo", "--prefix=serve")
        self.assertEqual(kit.ask(server.url, b"x\n"), b"servex\r\n")

    def test_options_and_urls_mix_in_any_order(self):
        path = "unix://" + self.path("s")
        server = self.serve("echo", "--loops", "1", path, "--prefix", "> ", ready=2)
        for url in server.urls:
            self.assertEqual(kit.ask(url, b"x\n"), b"> x\r\n")


class Help(kit.Case):
    def test_every_help_goes_to_standard_output_and_shows_examples(self):
        for call in ((), ("serve",), ("serve", "echo"), ("connect",), ("protocols",)):
            with self.subTest(call):
                done = weir(*call, "--help")
                self.assertEqual((done.returncode, done.stderr), (0, b""))
                text = done.stdout.decode()
                self.assertIn("Usage: weir", text)
                self.assertIn("Examples:\n  weir ", text)

    def test_a_protocols_help_tells_default_range_and_meaning(self):
        for text in (weir("serve", "echo", "--help").stdout, weir("protocols", "echo").stdout):
            self.assertIn(b"--line-max SIZE", text)
            self.assertIn(b"default 8KiB; 1 to 61440 bytes", text)

    def test_protocols_lists_each_with_a_line(self):
        done = weir("protocols")
        self.assertEqual(done.returncode, 0)
        names = [line.split()[0] for line in done.stdout.decode().splitlines()]
        self.assertLessEqual({"daytime", "discard", "echo", "time", "yousaid"}, set(names))

    def test_protocols_speaks_json(self):
        listing = json.loads(weir("protocols", "--json").stdout)
        one = json.loads(weir("protocols", "echo", "--json").stdout)
        self.assertIn(one, listing["protocols"])
        self.assertEqual(one["options"][1]["name"], "line-max")
        self.assertEqual(one["options"][1]["default"], "8KiB")

    def test_the_version_is_told(self):
        done = weir("--version")
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertRegex(done.stdout, rb"^weir \d+\.\d+\.\d+\n$")

    def test_a_reader_who_leaves_early_is_no_error(self):
        done = kit.run("sh", "-c", f"{program()} serve echo --help | head -n 1; echo rest")
        self.assertEqual(done.stderr, b"")

    def test_a_full_disk_is_reported(self):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([program(), "--help"], stdout=full, stderr=subprocess.PIPE,
                                  check=False, timeout=kit.PATIENCE)
        self.assertEqual(done.returncode, 71)
        self.assertIn(b"No space left on device", done.stderr)

    def test_a_server_whose_ready_lines_cannot_be_written_ends(self):
        for loops in ("1", "2"):
            with open("/dev/full", "wb") as full:
                done = subprocess.run(
                    [program(), "serve", "echo", "tcp://127.0.0.1:0", "--loops", loops],
                    stdout=full, stderr=subprocess.PIPE, check=False, timeout=kit.PATIENCE)
            self.assertEqual(done.returncode, 71, done.stderr)


class Start(kit.Case):
    def refused(self, code, *arguments, **more):
        """A start that fails with this code and one sentence, which is returned."""
        done = weir(*arguments, **more)
        said = done.stderr.decode()
        self.assertEqual(done.returncode, code, said)
        self.assertEqual(done.stdout, b"", "nothing is ready")
        self.assertTrue(said.startswith("weir: "), said)
        self.assertEqual(said.count("\n"), 1, said)
        return said

    def test_a_port_in_use_exits_69_and_names_it(self):
        server = self.serve("echo")
        said = self.refused(69, "serve", "echo", server.url)
        self.assertIn(f"127.0.0.1:{server.port}", said)
        self.assertIn("Address already in use", said)
        self.assertEqual(kit.ask(server.url, b"still there"), b"still there")

    def test_one_bad_listener_starts_nothing(self):
        taken = self.serve("echo")
        self.refused(69, "serve", "echo", "unix://" + self.path("s"), taken.url)
        self.assertFalse(os.path.exists(self.path("s")))

    def test_an_address_that_is_not_ours_exits_69(self):
        said = self.refused(69, "serve", "echo", "tcp://192.0.2.1:0")
        self.assertIn("192.0.2.1", said)
        self.assertIn("Cannot assign requested address", said)

    def test_an_unknown_host_exits_68(self):
        self.assertIn("nosuch.invalid", self.refused(68, "serve", "echo", "tcp://nosuch.invalid:0"))

    def test_a_low_port_without_the_right_exits_77(self):
        with open("/proc/sys/net/ipv4/ip_unprivileged_port_start", encoding="ascii") as file:
            first = int(file.read())
        if first == 0:
            print("every port is open to everybody here: nothing to refuse")
            return
        more = {"user": "nobody"} if os.getuid() == 0 else {}
        said = self.refused(77, "serve", "echo", f"tcp://127.0.0.1:{first - 1}", **more)
        self.assertIn("Permission denied", said)

    def test_closed_standard_descriptors_do_no_harm(self):
        port = kit.free_port()
        server = self.start("sh", "-c",
                            f"exec {program()} serve echo tcp://127.0.0.1:{port} <&- >&- 2>&-")
        kit.wait_until(lambda: "LISTEN" in kit.tcp_states(port), "a listener")
        for number in (0, 1, 2):
            self.assertEqual(os.readlink(f"/proc/{server.pid}/fd/{number}"), "/dev/null")
        self.assertEqual(kit.ask(f"tcp://127.0.0.1:{port}", b"hello"), b"hello")
        server.terminate()
        self.assertEqual(server.wait(kit.PATIENCE), 0)

    def test_a_reader_of_ready_lines_who_leaves_does_not_end_the_server(self):
        port = kit.free_port()
        server = self.start(program(), "serve", "echo", f"tcp://127.0.0.1:{port}",
                            stdout=subprocess.PIPE)
        server.stdout.close()
        server.stdout = None
        kit.wait_until(lambda: "LISTEN" in kit.tcp_states(port), "a listener")
        self.assertEqual(kit.ask(f"tcp://127.0.0.1:{port}", b"hello"), b"hello")

    def test_the_soft_descriptor_limit_is_raised_to_the_hard_one(self):
        server = self.serve("echo", preexec_fn=lambda: resource.setrlimit(
            resource.RLIMIT_NOFILE, (256, resource.getrlimit(resource.RLIMIT_NOFILE)[1])))
        soft, hard = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
        self.assertEqual(soft, hard)

    def test_every_address_is_one_listener_for_both_versions(self):
        server = self.serve("echo", urls=("tcp://*:0",))
        for host in ("127.0.0.1", "[::1]"):
            self.assertEqual(kit.ask(f"tcp://{host}:{server.port}", b"hello"), b"hello")

    def test_an_empty_host_is_loopback(self):
        server = self.serve("echo", urls=("tcp://:0",))
        self.assertEqual(kit.ask(f"tcp://127.0.0.1:{server.port}", b"hello"), b"hello")

    def test_a_service_name_is_a_port(self):
        done = weir("connect", "localhost:nosuchservice")
        self.assertEqual(done.returncode, 64)
        self.assertIn(b"nosuchservice", done.stderr)
        with open("/etc/services", encoding="utf-8") as file:
            self.assertIn("time", file.read())
        done = weir("connect", "tcp://127.0.0.1:time")
        if socket.getservbyname("time") == 37 and done.returncode == 69:
            self.assertIn(b"127.0.0.1:37", done.stderr)

    def test_many_urls_have_a_ready_line_each(self):
        server = self.serve("echo", urls=self.everywhere())
        for url in server.urls:
            self.assertEqual(kit.ask(url, b"hello"), b"hello")


if __name__ == "__main__":
    kit.main()
