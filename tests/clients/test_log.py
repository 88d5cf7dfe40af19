#!/usr/bin/env python3
"""The log: its forms, its file, and what happens when it cannot be written."""

import json
import os
import re
import signal
import subprocess

import kit
from kit import ask, dial, wait_until


class Lines(kit.Case):
    def test_each_connection_has_a_line_with_access_log(self):
        server = self.serve("echo", "--access-log")
        with dial(server.url) as peer:
            name = "%s:%d" % peer.getsockname()
            peer.sendall(b"hello")
            kit.read_exactly(peer, 5)
        wait_until(lambda: name in server.log(), "a line for the connection")
        line = next(line for line in server.log().splitlines() if name in line)
        self.assertRegex(line, r"^20\d\d-\d\d-\d\dT[\d:.]{12}[+-]\d\d:\d\d info echo: #\d+ " +
                         re.escape(f"{name} at {server.url} closed: ended by peer") +
                         r", in 5, out 5, after \d+ ms$")

    def test_json_has_the_same_in_fields(self):
        server = self.serve("echo", "--access-log", "--log-format", "json",
                            urls=("tcp://127.0.0.1:0", "unix://" + self.path("socket")))
        for url in server.urls:
            self.assertEqual(ask(url, b"hello"), b"hello")
        wait_until(lambda: server.log().count("closed") == 2, "two lines")
        lines = [json.loads(line) for line in server.log().splitlines()]
        ends = {line["connection"]["listener"]: line for line in lines if "connection" in line}
        self.assertEqual(set(ends), set(server.urls))
        tcp = ends[server.url]
        self.assertEqual((tcp["level"], tcp["service"]), ("info", "echo"))
        self.assertRegex(tcp["time"], r"^20\d\d-\d\d-\d\dT")
        end = tcp["connection"]
        self.assertEqual((end["bytes_in"], end["bytes_out"], end["reason"], end["side"]),
                         (5, 5, "ended", "peer"))
        self.assertEqual(end["local"], server.url.removeprefix("tcp://"))
        self.assertRegex(end["peer"], r"^127\.0\.0\.1:\d+$")
        self.assertGreaterEqual(end["duration_ms"], 0)

    def test_a_reload_keeps_the_name_of_the_listener(self):
        server = self.run_file("[server]\naccess-log = true\n[[service]]\nprotocol = \"echo\"\n"
                               "listen = [\"tcp://127.0.0.1:0\", \"unix://%s\", \"unix://%s\"]\n"
                               % (self.path("one"), self.path("two")), 3)
        server.reload()
        for url in server.urls:
            self.assertEqual(ask(url, b"x"), b"x")
        wait_until(lambda: server.log().count(" closed: ") == 3, "three lines")
        for url in server.urls:
            self.assertIn(f" at {url} closed: ", server.log())

    def test_outside_text_stays_one_line_of_json(self):
        server = self.serve("yousaid", "--log-format", "json")
        self.assertEqual(ask(server.url, b"\x1b[2J\"\\\xff\n"), b"You said: \x1b[2J\"\\\xff\r\n")
        wait_until(lambda: "said" in server.log(), "the line")
        for line in server.log().splitlines():
            json.loads(line)
        self.assertIn(r"\\x1b[2J\\x22\\x5c\\xff", server.log())

    def test_in_the_journal_priorities_take_the_place_of_time_and_level(self):
        with open(self.path("journal"), "w+b") as journal:
            about = os.fstat(journal.fileno())
            env = dict(os.environ, JOURNAL_STREAM=f"{about.st_dev}:{about.st_ino}")
            done = self.once(env, journal)
            self.assertEqual(done, 0)
            journal.seek(0)
            text = journal.read().decode()
        self.assertIn("<6>yousaid: ", text)
        for line in text.splitlines():
            self.assertRegex(line, r"^<[3-7]>\w+: ")

    def once(self, env, journal):
        process = self.start(kit.program(), "serve", "yousaid", "tcp://127.0.0.1:0", "--access-log",
                             "--once", env=env, stdout=subprocess.PIPE, stderr=journal)
        url = process.stdout.readline().decode().split()[2]
        ask(url, b"hello\n")
        return process.wait(kit.PATIENCE)


class Files(kit.Case):
    def test_a_log_file_is_appended_to_and_opened_again_by_usr1(self):
        log = self.write("weir.log", "before\n")
        server = self.serve("yousaid", "--log-file", log)
        ask(server.url, b"one\n")
        wait_until(lambda: "said: one" in self.read("weir.log"), "the line")
        os.rename(log, self.path("weir.log.1"))
        ask(server.url, b"two\n")
        wait_until(lambda: "said: two" in self.read("weir.log.1"), "the line in the old file")
        server.send(signal.SIGUSR1)
        wait_until(lambda: os.path.exists(log) and "goes on here" in self.read("weir.log"),
                   "the new file")
        ask(server.url, b"three\n")
        wait_until(lambda: "said: three" in self.read("weir.log"), "the line in the new file")
        self.assertTrue(self.read("weir.log.1").startswith("before\n"))
        self.assertNotIn("three", self.read("weir.log.1"))
        self.assertEqual(os.stat(log).st_mode & 0o777, 0o640)
        self.assertEqual(server.log(), "")

    def read(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return file.read()

    def test_usr1_without_a_file_does_no_harm(self):
        server = self.serve("echo")
        server.send(signal.SIGUSR1)
        wait_until(lambda: "there is no log file to open again" in server.log(), "the line")
        self.assertEqual(ask(server.url, b"x"), b"x")

    def test_a_file_that_cannot_be_opened_is_told_before_anything_listens(self):
        done = subprocess.run([kit.program(), "serve", "echo", "unix://" + self.path("socket"),
                               "--log-file", self.path("no/weir.log")], capture_output=True,
                              text=True, timeout=kit.PATIENCE, check=False)
        self.assertEqual(done.returncode, 73, done.stderr)
        self.assertIn("cannot open the log", done.stderr)

    def test_a_folder_that_is_gone_keeps_the_old_file(self):
        os.mkdir(self.path("logs"))
        server = self.serve("yousaid", "--log-file", self.path("logs/weir.log"))
        os.rename(self.path("logs"), self.path("elsewhere"))
        server.send(signal.SIGUSR1)
        wait_until(lambda: "goes on in the old file" in server.log(), "the notice")
        ask(server.url, b"hello\n")
        wait_until(lambda: "said: hello" in self.read("elsewhere/weir.log"), "the line")

    def test_a_full_disk_harms_nobody_and_the_log_says_later_what_is_missing(self):
        os.mkdir(self.path("disk"))
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none",
                                  self.path("disk")], capture_output=True, check=False)
        if mounted.returncode:
            print("skipped: a small disk cannot be mounted here:", mounted.stderr.decode().strip())
            return
        server = self.serve("yousaid", "--log-file", self.path("disk/weir.log"))
        try:
            self.full_disk(server)
        finally:
            self.assertEqual(server.stop(), 0)
            subprocess.run(["umount", self.path("disk")], check=True)

    def full_disk(self, server):
        ask(server.url, b"first\n")
        wait_until(lambda: "said: first" in self.read("disk/weir.log"), "the log's first page")
        subprocess.run(["dd", "if=/dev/zero", "of=" + self.path("disk/filler"), "bs=4096"],
                       capture_output=True, check=False)
        for number in range(500):  # More than fits into what is left of the log's last page.
            self.assertEqual(ask(server.url, b"%d\n" % number), b"You said: %d\r\n" % number)
        wait_until(lambda: "No space left" in server.log(), "the notice on standard error")
        os.unlink(self.path("disk/filler"))
        wait_until(lambda: (ask(server.url, b"again\n"), "said: again" in
                            self.read("disk/weir.log"))[1], "lines again")
        self.assertRegex(self.read("disk/weir.log"), r"warn weir: \d+ log lines? dropped")
        for line in self.read("disk/weir.log").splitlines():
            self.assertRegex(line, r"^\d{4}-")  # One that was cut off ends before the next begins.
            self.assertEqual(line.count("T"), 1, line)
        self.assertEqual(server.log().count("No space left"), 1)

    def test_a_log_to_dev_full_harms_nobody(self):
        server = self.serve("yousaid", "--log-file", "/dev/full")
        self.assertEqual(ask(server.url, b"hello\n"), b"You said: hello\r\n")
        wait_until(lambda: "its lines are dropped until" in server.log(), "the notice")


if __name__ == "__main__":
    kit.main()
