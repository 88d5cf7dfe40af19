#!/usr/bin/env python3
"""Line chat with nc, telnet and plain sockets, over TCP and Unix sockets, in one room."""

import os
import select
import subprocess
import threading
import time

import kit
from kit import dial, need, wait_until


class Talker:
    """A program that chats: what it printed so far, and lines typed to it."""

    def __init__(self, process):
        self.process = process
        self.heard = b""
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        while piece := os.read(self.process.stdout.fileno(), 4096):
            self.heard += piece

    def type(self, line):
        self.process.stdin.write(line)
        self.process.stdin.flush()

    def hears(self, what):
        wait_until(lambda: what in self.heard, f"{what!r}; it heard {self.heard!r}")


class Chat(kit.Case):
    def talker(self, *command):
        need(command[0])
        return Talker(self.start(*command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT))

    def chat(self, *options, tcp="tcp://127.0.0.1:0"):
        return self.serve("chat", *options, urls=(tcp, "unix://" + self.path("chat")))

    def test_two_people_with_nc_talk_over_tcp_and_a_unix_socket(self):
        server = self.chat()
        ann = self.talker("nc", "127.0.0.1", str(server.port))
        ann.hears(b"* this is lobby; others here: 0\r\n")
        bob = self.talker("nc", "-U", self.path("chat"))
        bob.hears(b"others here: 1\r\n")
        ann.hears(b"* guest-2 joined\r\n")
        ann.type(b"/nick ann\n")
        bob.hears(b"* guest-1 is now ann\r\n")
        ann.type(b"hello\n")
        bob.hears(b"<ann> hello\r\n")
        bob.type(b"/me waves\n")
        ann.hears(b"~ guest-2 waves\r\n")
        bob.type(b"/quit\n")
        bob.hears(b"* goodbye\r\n")
        self.assertEqual(bob.process.wait(kit.PATIENCE), 0)
        ann.hears(b"* guest-2 left\r\n")

    def test_telnet_talks_as_well(self):
        server = self.chat()
        person = self.talker("telnet", "127.0.0.1", str(server.port))
        person.hears(b"* this is lobby")
        with dial(server.url) as other:
            person.hears(b"* guest-2 joined")
            other.sendall(b"/nick \xc3\xa4\nna\xc3\xafve\n")
            person.hears("<guest-2> naïve".encode())
            person.type(b"hello\n")
            heard = b""
            while b"<guest-1> hello\r\n" not in heard:
                heard += other.recv(4096)

    def test_a_half_closed_client_hears_its_goodbye(self):
        server = self.chat()
        done = subprocess.run(["nc", "-N", "127.0.0.1", str(server.port)], input=b"/who\n/quit\n",
                              capture_output=True, timeout=kit.PATIENCE, check=False)
        self.assertTrue(done.stdout.endswith(b"* lobby: guest-1\r\n* goodbye\r\n"), done.stdout)

    def test_a_line_that_is_never_finished_ends_its_member(self):
        """B12: progress of bytes does not put the time off."""
        server = self.chat("--unfinished", "1s")
        with dial(server.url) as peer:
            kit.read_exactly(peer, 10)
            began = time.monotonic()
            with self.assertRaises(ConnectionError):
                while time.monotonic() - began < kit.PATIENCE:
                    peer.sendall(b"x")
                    time.sleep(0.05)  # The pace of the trickle, not a wait.
            self.assertLess(time.monotonic() - began, 10)

    def test_a_member_that_does_not_read_is_cut_and_49_others_hear_everything(self):
        """B15, with slow=close. The system alone would hold all that is said for who does not read."""
        server = self.chat("--slow", "close", "--messages-per-second", "0", "--loops", "2",
                           tcp="tcp://127.0.0.1:0?sndbuf=128KiB")
        speaker = dial(server.url)
        others = [dial(server.url if i % 2 else "unix://" + self.path("chat")) for i in range(48)]
        slow = dial(server.url, receive_buffer=4096)
        wait_until(lambda: self.members(server) == 50, "everybody")
        lines = [b"%05d " % i + b"x" * 1000 for i in range(2000 if kit.SANITIZED else 10_000)]
        heard = {peer: b"" for peer in others}
        counts = dict.fromkeys(others, 0)
        for begin in range(0, len(lines), 40):  # Less than the backlog: only who stops is slow.
            speaker.sendall(b"\n".join(lines[begin:begin + 40]) + b"\n")
            self.all_hear(lines, begin + 40, heard, counts)
        with self.assertRaises(ConnectionError):
            while slow.recv(1 << 20):
                pass
        for peer in (speaker, slow, *others):
            peer.close()

    def all_hear(self, lines, until, heard, counts):
        deaf = [peer for peer, count in counts.items() if count < until]
        while deaf:
            ready = select.select(deaf, [], [], kit.PATIENCE)[0]
            self.assertTrue(ready, f"{len(deaf)} members hear nothing any more")
            for peer in ready:
                heard[peer] += peer.recv(1 << 20)
                *whole, heard[peer] = heard[peer].split(b"\r\n")
                for line in whole:
                    if line.startswith(b"<guest-1> "):
                        self.assertEqual(line[10:], lines[counts[peer]])
                        counts[peer] += 1
                    else:
                        self.assertTrue(line.startswith(b"* "), line)
                        self.assertNotIn(b"missed", line)
                if counts[peer] >= until:
                    deaf.remove(peer)

    def members(self, server):
        with dial(server.url) as asker:
            asker.sendall(b"/rooms\n")
            heard = b""
            while b"* rooms:" not in heard or not heard.endswith(b"\r\n"):
                heard += asker.recv(4096)
        return int(heard.split(b"lobby=")[1].split()[0]) - 1

    def test_one_port_is_all_that_is_needed(self):
        """Row 57: nothing connects back."""
        server = self.chat()
        with dial(server.url) as ann, dial(server.url) as bob:
            ann.sendall(b"hello\n")
            wait_until(lambda: b"hello" in bob.recv(4096), "the line")
            with open(f"/proc/{server.pid}/net/tcp", encoding="ascii") as table:
                rows = [row.split() for row in table.readlines()[1:]]
            inodes = {os.readlink(f"/proc/{server.pid}/fd/{fd}")[8:-1]
                      for fd in os.listdir(f"/proc/{server.pid}/fd")
                      if os.readlink(f"/proc/{server.pid}/fd/{fd}").startswith("socket:")}
            ports = {row[1].split(":")[1] for row in rows if row[9] in inodes}
            self.assertEqual(ports, {f"{server.port:04X}"})


if __name__ == "__main__":
    kit.main()
