#!/usr/bin/env python3
"""Protocols that print records: sniff, with nmap, and ack, with our own client."""

import json
import os
import re
import socket
import subprocess
import threading

import kit
from kit import dial, need, wait_until


class Printing(kit.Serve):
    """What is printed after the ready lines is read while it comes."""

    def __init__(self, *words, **more):
        super().__init__(*words, **more)
        self.records = b""
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        while piece := os.read(self.process.stdout.fileno(), 1 << 16):
            self.records += piece

    def lines(self):
        return self.records.decode().splitlines()

    def wait(self):
        code = self.process.wait(kit.PATIENCE)
        self.reader.join(kit.PATIENCE)
        for mark in ("Sanitizer", "runtime error:"):
            assert mark not in self.log(), self.log()
        return code


class Prints(kit.Case):
    def printing(self, *words, **more):
        server = Printing(*words, **more)
        self.addCleanup(self._finish, server)
        return server


class Sniff(Prints):
    def events(self, server, event):
        return [each for each in map(json.loads, server.lines()) if each["event"] == event]

    def test_each_connection_is_a_record_with_its_first_words(self):
        server = self.printing("sniff", urls=("tcp://127.0.0.1:0", "unix://" + self.path("s")))
        with dial(server.url) as peer:
            name = "%s:%d" % peer.getsockname()
            peer.sendall(b"GET / HTTP/1.1\r\n\x1b[2J\"\\\xff")
            self.assertEqual(kit.read_all(peer), b"")
        with dial("unix://" + self.path("s")):
            pass
        wait_until(lambda: len(self.events(server, "connection")) == 2, "two records")
        tcp, unix = sorted(self.events(server, "connection"), key=lambda each: not each["bytes"])
        self.assertEqual((tcp["peer"], tcp["local"]), (name, server.url.removeprefix("tcp://")))
        self.assertEqual(tcp["first"], r"GET / HTTP/1.1\r\n\x1b[2J\x22\x5c\xff")
        self.assertRegex(tcp["time"], r"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        self.assertEqual((unix["first"], unix["bytes"]), ("", 0))

    def test_who_says_nothing_is_hung_up_on(self):
        server = self.printing("sniff", "--wait", "200ms")
        with dial(server.url) as peer:
            self.assertEqual(kit.read_all(peer), b"")
        wait_until(lambda: len(self.events(server, "connection")) == 1, "the record")

    def test_nmap_is_noticed(self):
        need("nmap")
        server = self.printing("sniff", "--wait", "300ms", "--scan-ports", "5",
                               urls=("tcp://127.0.0.1:0",) * 8)
        ports = sorted(int(url.rsplit(":", 1)[1]) for url in server.urls)
        done = subprocess.run(["nmap", "-n", "-Pn", "-sT", "-p", ",".join(map(str, ports)),
                               "127.0.0.1"], capture_output=True, text=True,
                              timeout=3 * kit.PATIENCE, check=True)
        self.assertEqual(len(re.findall(r"/tcp +open", done.stdout)), 8, done.stdout)
        wait_until(lambda: len(self.events(server, "connection")) >= 8, "a record of each port")
        seen = {int(each["local"].rsplit(":", 1)[1]) for each in self.events(server, "connection")}
        self.assertEqual(seen, set(ports))
        scan, = self.events(server, "scan")
        self.assertEqual((scan["source"], scan["ports"]), ("127.0.0.1", 5))

    def test_one_port_tried_again_and_again_is_no_scan(self):
        server = self.printing("sniff", "--scan-ports", "2")
        for _ in range(10):
            with dial(server.url) as peer:
                peer.sendall(b"x\n")
                kit.read_all(peer)
        wait_until(lambda: len(self.events(server, "connection")) == 10, "ten records")
        self.assertEqual(self.events(server, "scan"), [])

    def test_a_reader_that_has_stopped_does_not_stop_the_server(self):
        server = self.serve("sniff", "--wait", "1ms")
        socket.setdefaulttimeout(kit.PATIENCE)
        for number in range(1500):  # Beyond what a pipe holds.
            with dial(server.url) as peer:
                peer.sendall(b"%d\n" % number)
                kit.read_all(peer)
        server.kill()


class Ack(Prints):
    def test_a_message_is_printed_and_got(self):
        server = self.printing("ack", "--once")
        done = subprocess.run([kit.program(), "connect", server.url, "-m", "Hello\x1b[2J there"],
                              capture_output=True, timeout=kit.PATIENCE, check=True)
        self.assertEqual(done.stdout, b"I got your message\r\n")
        self.assertEqual(server.wait(), 0)
        self.assertEqual(server.lines(), [r"Hello\x1b[2J there"])

    def test_the_answer_may_be_another(self):
        server = self.printing("ack", "--reply", "noted")
        with dial(server.url) as peer:
            peer.sendall(b"no newline, no end")
            self.assertEqual(kit.read_all(peer), b"noted\r\n")
        wait_until(lambda: server.lines() == ["no newline, no end"], "the message")


if __name__ == "__main__":
    kit.main()
