#!/usr/bin/env python3
"""weir doctor: what it says of this machine and of targets on it."""

import json
import os
import socket
import subprocess
import sys

import kit
from kit import program, weir

# Listens on a port with SO_REUSEPORT, says so, and goes on until its input ends.
RIVAL = """
import socket, sys
rival = socket.socket()
rival.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
rival.bind(("127.0.0.1", int(sys.argv[1])))
rival.listen()
print(rival.getsockname()[1], flush=True)
sys.stdin.read()
"""


class Doctor(kit.Case):
    def diagnose(self, *arguments, **more):
        """The object that it prints, which its exit status agrees with."""
        done = weir("doctor", "--json", *arguments, **more)
        self.assertEqual(done.stderr, b"")
        found = json.loads(done.stdout)
        self.assertEqual(list(found), ["connections", "agents", "target", "can", "findings"])
        faults = [each["name"] for each in found["findings"] if each["level"] == "fault"]
        self.assertEqual(done.returncode, 71 if faults else 0)
        self.assertEqual(found["can"], not faults)
        return found

    def finding(self, name, *arguments, **more):
        """The one of that name."""
        all_of_them = self.diagnose(*arguments, **more)["findings"]
        found = [each for each in all_of_them if each["name"] == name]
        self.assertEqual(len(found), 1, all_of_them)
        self.assertEqual(list(found[0]), ["name", "level", "text", "fix"])
        return found[0]

    def rival(self, port):
        """Another server, and the port it listens on."""
        process = self.start(sys.executable, "-c", RIVAL, str(port), stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE)
        return process, int(process.stdout.readline())

    def test_the_machine_alone_is_looked_at_without_a_target(self):
        found = self.diagnose()
        self.assertEqual((found["connections"], found["agents"], found["target"]), (50, 1, None))
        names = [each["name"] for each in found["findings"]]
        self.assertIn("descriptors", names)
        self.assertNotIn("listeners", names)

    def test_a_server_is_named_and_the_last_line_says_that_the_load_can_be_held(self):
        server = self.serve("echo")
        done = weir("doctor", server.url)
        self.assertEqual(done.returncode, 0, done.stdout)
        lines = done.stdout.decode().splitlines()
        self.assertEqual(lines[-1], f"this machine can hold 50 connections to {server.url}")
        self.assertTrue(any(line.startswith("ok       listeners") and f"pid {server.pid} (" in line
                            for line in lines), lines)
        self.assertNotIn(b"\x1b", done.stdout)

    def test_a_server_on_every_address_and_one_on_a_unix_socket_are_found(self):
        server = self.serve("echo", urls=("tcp://*:0", "unix://" + self.path("socket")))
        for url in (f"tcp://127.0.0.1:{server.port}", f"tcp://localhost:{server.port}",
                    server.urls[1]):
            with self.subTest(url):
                found = self.finding("listeners", url)
                self.assertEqual(found["level"], "ok")
                self.assertIn(f"pid {server.pid} (", found["text"])

    def test_a_port_where_nobody_listens_is_a_fault(self):
        url = f"tcp://127.0.0.1:{kit.free_port()}"
        found = self.finding("listeners", url)
        self.assertEqual((found["level"], found["fix"]), ("fault", f"weir serve echo '{url}'"))
        done = weir("doctor", url)
        self.assertEqual(done.returncode, 71)
        self.assertEqual(done.stdout.decode().splitlines()[-1],
                         f"cannot: 50 connections to {url} are ruled out by listeners")

    def test_a_unix_socket_that_is_not_there_is_a_fault(self):
        self.assertEqual(self.finding("listeners", "unix://" + self.path("none"))["level"], "fault")

    def test_two_servers_that_share_a_port_are_both_named(self):
        first, port = self.rival(0)
        second, _ = self.rival(port)
        found = self.finding("listeners", f"tcp://127.0.0.1:{port}")
        self.assertEqual(found["level"], "remark")
        for rival in (first, second):
            self.assertIn(f"pid {rival.pid} (", found["text"])
        self.assertIn("divided among them", found["text"])
        pids = ",".join(str(pid) for pid in sorted((first.pid, second.pid)))
        self.assertEqual(found["fix"], f"ps -o pid,ppid,lstart,args -p {pids}")

    def test_too_few_descriptors_are_a_fault_with_the_agents_that_would_do(self):
        def few(agents):
            command = ("prlimit", "--nofile=256:256", program(), "doctor", "--json",
                       "--connections", "1000", "--agents", str(agents))
            done = kit.run(*command)
            return done.returncode, json.loads(done.stdout)["findings"][0]

        kit.need("prlimit")
        code, found = few(1)
        self.assertEqual((code, found["name"], found["level"]), (71, "descriptors", "fault"))
        self.assertEqual(found["fix"], "--agents 6")  # 192 connections each.
        self.assertEqual(few(5)[1]["level"], "fault")
        self.assertEqual(few(6)[1]["level"], "ok")

    def test_a_soft_limit_alone_is_no_fault(self):
        hard = kit.many_descriptors()
        done = kit.run("prlimit", f"--nofile=64:{hard}", program(), "doctor", "--json")
        found = json.loads(done.stdout)["findings"][0]
        self.assertEqual((found["name"], found["level"]), ("descriptors", "ok"))

    def test_a_server_with_too_few_descriptors_is_a_fault(self):
        server = self.serve("echo", before=("prlimit", "--nofile=512:512"))
        found = self.finding("server", server.url, "--connections", "600")
        self.assertEqual((found["level"], found["fix"]), ("fault", "ulimit -n 664"))

    def test_sources_give_all_ports_again(self):
        server = self.serve("echo")
        one = self.finding("ports", server.url, "--connections", "200000")
        self.assertEqual(one["level"], "fault")
        option, count = one["fix"].split()
        self.assertEqual(option, "--sources")
        enough = self.finding("ports", server.url, "--connections", "200000", "--sources", count)
        self.assertEqual(enough["level"], "ok")

    def test_a_source_of_another_machine_is_a_fault(self):
        self.assertEqual(self.finding("sources", "--sources", "198.51.100.1")["level"], "fault")
        self.assertEqual(self.finding("sources", "--sources", "127.0.0.2-127.0.0.9")["level"], "ok")

    def test_a_target_without_a_listener_is_told(self):
        server = self.serve("echo", urls=("tcp://127.0.0.2:0",))
        url = f"tcp://127.0.0.1:{server.port}"
        self.assertEqual(self.finding("listeners", url, "--targets", "127.0.0.2")["level"], "ok")
        found = self.finding("listeners", url, "--targets", "3")
        self.assertIn(f"nobody listens at 127.0.0.3:{server.port} and 1 more", found["text"])

    def test_a_host_without_an_address_is_a_fault(self):
        found = self.finding("target", "tcp://nowhere.invalid:7007")
        self.assertEqual(found["level"], "fault")
        self.assertIn('"nowhere.invalid" has no address', found["text"])

    def test_colours_are_for_terminals_that_want_them(self):
        for environment, coloured in (({"TERM": "xterm"}, True), ({"TERM": "dumb"}, False),
                                      ({"TERM": "xterm", "NO_COLOR": "1"}, False)):
            with self.subTest(environment):
                terminal, far = os.openpty()
                self.start(program(), "doctor", stdout=far, env=environment).wait(kit.PATIENCE)
                os.close(far)
                self.assertEqual(b"\x1b[" in os.read(terminal, 4096), coloured)
                os.close(terminal)

    def test_what_is_wrong_with_the_command_line_is_a_sentence(self):
        for arguments, said in (
                (("--connections", "many"), 'option "connections" is "many"'),
                (("--connections", "0"), 'option "connections" is "0"'),
                (("--agents", "0"), 'option "agents" is "0"'),
                (("--sources", "300"), 'sources: "300" is no number of addresses'),
                (("--targets", ""), 'targets: "" is no IPv4 or IPv6 address'),
                (("",), "weir: "),
                (("tpc://127.0.0.1:1",), 'did you mean "tcp'),
                (("tcp://127.0.0.1:0",), "port 0 cannot be dialled"),
                (("tcp://*:7007",), "every address cannot be dialled"),
                (("udp://127.0.0.1:7",), "no such socket can be dialled"),
                (("unix:///x", "--sources", "2"), "a Unix socket has no --sources"),
                (("--agent", "1"), 'did you mean "--agents"?'),
                (("tcp://[::1]:7", "x"), "one argument too many")):
            with self.subTest(arguments):
                done = weir("doctor", *arguments)
                self.assertEqual((done.returncode, done.stdout), (64, b""), done.stderr)
                self.assertIn(said, done.stderr.decode())
                self.assertEqual(done.stderr.count(b"\n"), 1)


if __name__ == "__main__":
    kit.main()
