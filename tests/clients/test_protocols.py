"""Every bundled protocol over TCP, IPv6 and a Unix socket, by Python and by the classic clients."""

import calendar
import os
import re
import struct
import subprocess
import threading
import time

import kit
from kit import ask, dial, need, read_all, run, wait_until

CHUNKS = (1, 2, 7, 4096)
FROM_1900_TO_1970 = 2208988800


class Echo(kit.Case):
    def test_bytes_come_back_however_they_were_cut(self):
        data = bytes(range(256)) * 16
        for url in self.serve("echo", urls=self.everywhere()).urls:
            for chunk in CHUNKS:
                with self.subTest(url=url, chunk=chunk):
                    self.assertEqual(ask(url, data, chunk), data)

    def test_lines_are_answered_one_by_one_with_the_prefix(self):
        data = b"a\nb\r\n\r\n\n\rc\nlast"
        want = b"Echo: a\r\nEcho: b\r\nEcho: \r\nEcho: \r\nEcho: \rc\r\nEcho: last\r\n"
        for url in self.serve("echo", "--prefix", "Echo: ", urls=self.everywhere()).urls:
            for chunk in CHUNKS:
                with self.subTest(url=url, chunk=chunk):
                    self.assertEqual(ask(url, data, chunk), want)

    def test_a_line_of_the_limit_passes_and_a_longer_one_is_told_off(self):
        server = self.serve("echo", "--prefix", ">", "--line-max", "4KiB")
        line = b"x" * 4096
        for chunk in CHUNKS:
            self.assertEqual(ask(server.url, line + b"\n", chunk), b">" + line + b"\r\n")
            self.assertEqual(ask(server.url, line + b"\r\n", chunk), b">" + line + b"\r\n")
            with dial(server.url) as peer:
                peer.sendall(line + b"x")
                self.assertEqual(read_all(peer), b"line too long\r\n")

    def test_a_read_of_many_empty_lines_is_answered_in_full(self):
        server = self.serve("echo", "--prefix", "p" * 1000)
        with dial(server.url) as peer:
            threading.Thread(target=lambda: peer.sendall(b"\n" * 20_000), daemon=True).start()
            want = (b"p" * 1000 + b"\r\n") * 20_000
            self.assertTrue(kit.read_exactly(peer, len(want)) == want, "the bytes differ")

    def test_netcat_gets_its_bytes_back_after_its_half_close(self):
        need("nc")
        server = self.serve("echo", "--prefix", "Echo: ")
        done = run("nc", "-N", "127.0.0.1", str(server.port), input=b"a\nb\r\n")
        self.assertEqual((done.returncode, done.stdout), (0, b"Echo: a\r\nEcho: b\r\n"))

    def test_netcat_speaks_to_a_unix_socket(self):
        need("nc")
        server = self.serve("echo", urls=["unix://" + self.path("s")])
        done = run("nc", "-N", "-U", self.path("s"), input=b"hello")
        self.assertEqual((done.returncode, done.stdout), (0, b"hello"))
        self.assertEqual(server.urls, ["unix://" + self.path("s")])

    def test_socat_gets_its_bytes_back_over_tcp_and_unix(self):
        need("socat")
        server = self.serve("echo", urls=["tcp://127.0.0.1:0", "unix://" + self.path("s")])
        for address in (f"TCP:127.0.0.1:{server.port}", "UNIX-CONNECT:" + self.path("s")):
            done = run("socat", "-t5", "-", address, input=b"x" * 100_000)
            self.assertEqual((done.returncode, done.stdout), (0, b"x" * 100_000))

    def test_telnet_holds_a_dialogue(self):
        need("telnet")
        server = self.serve("echo", "--prefix", "Echo: ")
        with Telnet(self, server.port) as telnet:
            for word in (b"one", b"two", b"three"):
                telnet.say(word + b"\r\n")
                telnet.expect(b"Echo: " + word + b"\r\n")


class Telnet:
    """telnet with its input held open, as a person's is."""

    def __init__(self, case, port):
        self.process = case.start("telnet", "127.0.0.1", str(port), stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.seen = b""
        self.changed = threading.Condition()
        self.reader = threading.Thread(target=self._read)

    def __enter__(self):
        self.reader.start()
        self.expect(b"Escape character is '^]'.")
        return self

    def __exit__(self, *_):
        if self.process.poll() is None and not self.process.stdin.closed:
            self.process.stdin.close()
        self.process.wait(kit.PATIENCE)
        self.reader.join()

    def _read(self):
        while part := self.process.stdout.read1():
            with self.changed:
                self.seen += part
                self.changed.notify()

    def say(self, text):
        self.process.stdin.write(text)
        self.process.stdin.flush()

    def expect(self, text):
        plain = text.replace(b"\r", b"")
        with self.changed:
            if not self.changed.wait_for(lambda: plain in self.seen.replace(b"\r", b""),
                                         kit.PATIENCE):
                raise AssertionError(f"telnet did not show {text!r} but {self.seen!r}")


class Discard(kit.Case):
    def test_everything_is_read_and_nothing_answered(self):
        for url in self.serve("discard", urls=self.everywhere()).urls:
            for chunk in (1, 4096):
                self.assertEqual(ask(url, b"x" * 10_000, chunk), b"")

    def test_a_megabyte_is_taken_without_an_answer(self):
        server = self.serve("discard")
        before = kit.memory(server.pid)
        self.assertEqual(ask(server.url, bytes(8 << 20)), b"")
        self.assertLess(kit.memory(server.pid) - before, 512 << 10)


class Time(kit.Case):
    def test_four_bytes_tell_the_seconds_since_1900(self):
        for url in self.serve("time", urls=self.everywhere()).urls:
            early = int(time.time())
            with dial(url) as peer:
                answer = read_all(peer)
            late = int(time.time())
            self.assertEqual(len(answer), 4)
            told = struct.unpack("!I", answer)[0]
            self.assertIn((told - FROM_1900_TO_1970) % 2**32, range(early, late + 1))

    def test_what_the_client_sends_is_ignored(self):
        server = self.serve("time")
        for chunk in CHUNKS:
            with dial(server.url) as peer:
                kit.send_in_chunks(peer, b"what is it?" * 1000, max(chunk, 7))
                self.assertEqual(len(read_all(peer)), 4)

    def test_rdate_prints_the_time(self):
        need("rdate")
        server = self.serve("time")
        early = int(time.time())
        done = run("rdate", "-p", "-o", str(server.port), "127.0.0.1",
                   env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "TZ": "UTC"})
        self.assertEqual(done.returncode, 0, done.stderr)
        words = re.search(r"(\w{3} +\d+ \d+:\d+:\d+) \w+ (\d{4})", done.stdout.decode())
        self.assertTrue(words, done.stdout)
        told = calendar.timegm(time.strptime(" ".join(words.groups()), "%b %d %H:%M:%S %Y"))
        self.assertIn(told, range(early, int(time.time()) + 1))


class Daytime(kit.Case):
    def test_one_line_tells_the_date_and_time_in_utc(self):
        for url in self.serve("daytime", urls=self.everywhere(),
                              env={"TZ": "Asia/Tokyo", "LC_ALL": "C"}).urls:
            early = int(time.time())
            with dial(url) as peer:
                line = read_all(peer).decode("ascii")
            told = calendar.timegm(time.strptime(line, "%A, %B %d, %Y %H:%M:%S-UTC\r\n"))
            self.assertIn(told, range(early, int(time.time()) + 1))

    def test_netcat_prints_it_without_sending_anything(self):
        need("nc")
        server = self.serve("daytime")
        done = run("nc", "127.0.0.1", str(server.port))
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout, rb"^\w+day, \w+ \d+, \d{4} [\d:]{8}-UTC\r\n$")


class YouSaid(kit.Case):
    def test_the_first_line_comes_back_and_then_the_end(self):
        for url in self.serve("yousaid", urls=self.everywhere()).urls:
            for chunk in CHUNKS:
                for said in (b"hello\n", b"hello\r\n", b"hello\nand more\n", b"hello"):
                    with self.subTest(url=url, chunk=chunk, said=said):
                        self.assertEqual(ask(url, said, chunk), b"You said: hello\r\n")

    def test_who_says_nothing_gets_nothing(self):
        server = self.serve("yousaid")
        self.assertEqual(ask(server.url, b""), b"")
        wait_until(lambda: "said nothing" in server.log(), "a log line")

    def test_the_log_names_the_peer_as_ss_does(self):
        need("ss")
        server = self.serve("yousaid")
        with dial(server.url) as peer:
            host, port = peer.getsockname()
            lines = run("ss", "-Htn", "state", "established", f"sport = :{port}").stdout.decode()
            self.assertIn(f"{host}:{port}", lines)
            peer.sendall(b"my\x1b[2Jname\n")
            read_all(peer)
        wait_until(lambda: f"{host}:{port} said: my\\x1b[2Jname" in server.log(), "a log line")

    def test_the_classic_telnet_transcript(self):
        need("telnet")
        server = self.serve("yousaid")
        with Telnet(self, server.port) as telnet:
            telnet.say(b"Hello there\r\n")
            telnet.expect(b"You said: Hello there\r\n")
            telnet.expect(b"Connection closed by foreign host.")
        self.assertIn(b"Connected to 127.0.0.1.", telnet.seen)


class Coalescing(kit.Case):
    def test_the_answers_to_one_read_leave_in_one_system_call(self):
        need("strace")
        server = self.serve("echo", "--prefix", "Echo: ", "--loops", "1")
        trace = self.path("trace")
        calls = "trace=write,writev,sendto,sendmsg,sendmmsg"
        watcher = self.start("strace", "-f", "-p", str(server.pid), "-e", calls, "-o", trace,
                             stderr=subprocess.PIPE)
        self.assertIn(b"attached", watcher.stderr.readline())
        with dial(server.url) as peer:
            peer.sendall(b"line\n" * 100)
            kit.read_exactly(peer, len("Echo: line\r\n") * 100)
            descriptor = socket_of(server.pid)
        watcher.terminate()
        watcher.wait(kit.PATIENCE)
        with open(trace, encoding="utf-8") as file:
            sent = [line for line in file
                    if re.search(rf"(write|writev|send\w+)\({descriptor},", line)]
        self.assertEqual(len(sent), 1, sent)
        # Whole, or there would have been another call; its result may come after the watcher went.
        self.assertIn(", 1200, MSG_NOSIGNAL", sent[0])


def socket_of(pid):
    """The descriptor of the one connection, which is the newest of the process."""
    return max(int(name) for name in os.listdir(f"/proc/{pid}/fd"))


if __name__ == "__main__":
    kit.main()
