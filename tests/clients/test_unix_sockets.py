"""Unix sockets: their files, their modes, and who may have them."""

import os
import re
import signal
import socket
import stat
import subprocess
import threading
import time

import kit
from kit import ask, need, program, wait_until, weir

PATH_MAX = 107  # Linux: 108 with the NUL that ends it.


class UnixCase(kit.Case):
    def setUp(self):
        super().setUp()
        self.file = self.path("socket")
        self.url = "unix://" + self.file

    def refused(self, code, url):
        done = weir("serve", "echo", url)
        said = done.stderr.decode()
        self.assertEqual(done.returncode, code, said)
        self.assertRegex(said, r"^weir: [^\n]+\n$")
        self.assertEqual(done.stdout, b"")
        return said

    def mode(self):
        return stat.S_IMODE(os.lstat(self.file).st_mode)


class Paths(UnixCase):
    def path_of(self, length):
        path = self.path("p")
        return path + "x" * (length - len(path))

    def test_the_longest_path_is_served_and_dialled(self):
        url = "unix://" + self.path_of(PATH_MAX)
        server = self.serve("echo", urls=[url])
        self.assertEqual(server.url, url)
        self.assertEqual(ask(url, b"hello"), b"hello")
        self.assertEqual(weir("connect", url, "-m", "hi").stdout, b"hi")

    def test_a_longer_path_is_refused_before_anything_is_made(self):
        for length in (108, 109, 150):
            path = self.path_of(length)
            said = self.refused(64, "unix://" + path)
            for word in (path, str(length), str(PATH_MAX)):
                self.assertIn(word, said)
            self.assertEqual(os.listdir(self.directory), [], "a shortened socket was made")

    def test_a_missing_directory_is_named(self):
        said = self.refused(73, "unix://" + self.path("none/socket"))
        self.assertIn("none/socket", said)
        self.assertIn("No such file or directory", said)

    def test_a_regular_file_is_refused_and_kept(self):
        with open(self.file, "w", encoding="ascii") as file:
            file.write("precious")
        self.assertIn(self.file, self.refused(69, self.url))
        with open(self.file, encoding="ascii") as file:
            self.assertEqual(file.read(), "precious")

    def test_a_symlink_is_refused_and_kept_wherever_it_points(self):
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(self.path("dead"))
        for target in ("dead", "nowhere", "regular"):
            with self.subTest(target):
                with open(self.path("regular"), "w", encoding="ascii"):
                    pass
                os.symlink(self.path(target), self.file)
                self.refused(69, self.url)
                self.assertTrue(os.path.islink(self.file))
                os.unlink(self.file)
        self.assertTrue(os.path.exists(self.path("dead")))
        os.unlink(self.path("dead"))


class Lives(UnixCase):
    def test_the_file_goes_when_the_server_does(self):
        server = self.serve("echo", urls=[self.url])
        self.assertTrue(stat.S_ISSOCK(os.lstat(self.file).st_mode))
        self.assertEqual(server.stop(), 0)
        self.assertEqual([name for name in os.listdir(self.directory) if name == "socket"], [])

    def test_a_live_socket_is_refused_and_goes_on_serving(self):
        self.serve("echo", urls=[self.url])
        inode = os.lstat(self.file).st_ino
        said = self.refused(69, self.url)
        self.assertIn(self.file, said)
        self.assertIn("a server is listening there", said)
        self.assertEqual(os.lstat(self.file).st_ino, inode)
        self.assertEqual(ask(self.url, b"hello"), b"hello")

    def test_what_a_killed_server_left_is_reclaimed(self):
        server = self.serve("echo", urls=[self.url])
        server.send(signal.SIGKILL)
        server.process.wait()
        self.assertTrue(os.path.exists(self.file))
        self.serve("echo", urls=[self.url])
        self.assertEqual(ask(self.url, b"hello"), b"hello")

    def test_a_file_that_is_not_ours_any_more_is_kept_at_exit(self):
        server = self.serve("echo", urls=[self.url])
        os.unlink(self.file)
        with open(self.file, "w", encoding="ascii") as file:
            file.write("precious")
        self.assertEqual(server.stop(), 0)
        with open(self.file, encoding="ascii") as file:
            self.assertEqual(file.read(), "precious")

    def test_a_successors_socket_is_kept_at_exit(self):
        server = self.serve("echo", urls=[self.url])
        os.unlink(self.file)
        self.serve("echo", urls=[self.url])
        self.assertEqual(server.stop(), 0)
        self.assertEqual(ask(self.url, b"hello"), b"hello")

    def test_of_racing_servers_exactly_one_wins(self):
        for stale in (False, True):
            for _ in range(5):
                if stale:
                    with socket.socket(socket.AF_UNIX) as dead:
                        dead.bind(self.file)
                self.race()

    def race(self):
        racers = [subprocess.Popen([program(), "serve", "echo", self.url],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                  for _ in range(4)]
        try:
            wait_until(lambda: sum(one.poll() is not None for one in racers) == 3, "three losers")
            winner = next(one for one in racers if one.poll() is None)
            self.assertEqual(winner.stdout.readline().decode(), f"ready echo {self.url}\n")
            self.assertEqual(ask(self.url, b"hello"), b"hello")
            for one in racers:
                if one is not winner:
                    self.assertEqual((one.returncode, one.stdout.read()), (69, b""))
            winner.terminate()
            self.assertEqual(winner.wait(kit.PATIENCE), 0)
            self.assertFalse(os.path.lexists(self.file))
        finally:
            for one in racers:
                if one.poll() is None:
                    one.kill()
                one.wait()
                one.stdout.close()
                one.stderr.close()


class Modes(UnixCase):
    def served(self, query="", umask=0o022):
        return self.serve("echo", urls=[self.url + query], preexec_fn=lambda: os.umask(umask))

    def test_the_mode_is_0600_whatever_the_umask(self):
        for umask in (0, 0o022, 0o077):
            server = self.served(umask=umask)
            self.assertEqual(self.mode(), 0o600)
            server.stop()

    def test_a_wider_mode_is_given_when_it_is_asked_for(self):
        for mode in (0o660, 0o666):
            server = self.served(f"?mode={mode:04o}", umask=0o077)
            self.assertEqual(self.mode(), mode)
            self.assertEqual(server.url, self.url, "a ready line has no query")
            server.stop()

    def test_the_mode_is_never_wider_not_even_for_an_instant(self):
        seen = set()
        stop = threading.Event()

        def look():
            while not stop.is_set():
                try:
                    seen.add(self.mode())
                except FileNotFoundError:
                    pass
                time.sleep(0.0001)

        watcher = threading.Thread(target=look)
        watcher.start()
        try:
            for _ in range(10):
                server = self.served(umask=0)
                wait_until(lambda: seen, "a look at the file")
                server.stop()
        finally:
            stop.set()
            watcher.join()
        self.assertEqual({oct(mode) for mode in seen}, {"0o600"})

    def test_the_mode_is_set_before_the_bind(self):
        need("strace")
        trace = self.path("trace")
        # A leak check traces its own process, which strace does already.
        self.serve("echo", urls=[self.url], env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"},
                   before=("strace", "-f", "-o", trace, "-e", "trace=fchmod,umask,bind",
                           "--daemonize"))
        with open(trace, encoding="utf-8") as file:
            calls = re.findall(r"(fchmod|umask|bind)\(([^)]*)", file.read())
        bind = next(i for i, (name, what) in enumerate(calls)
                    if name == "bind" and "/socket\"" in what)
        descriptor = calls[bind][1].split(",")[0]
        self.assertTrue(("fchmod", f"{descriptor}, 0600") in calls[:bind] or
                        ("umask", "0177") in calls[:bind], calls)

    def test_a_group_that_is_none_is_refused_however_large_its_number(self):
        for group in ("99999999999", "4294967296", "4294967295", "-1", "no-such-group"):
            done = kit.weir("serve", "time", "unix://" + self.path("x") + "?group=" + group)
            self.assertEqual(done.returncode, 64, group)
            self.assertIn(b"there is no group", done.stderr)

    def test_another_user_is_let_in_by_the_mode_alone(self):
        if os.getuid() != 0:
            print("only root can become another user: not tried")
            return
        os.chmod(self.directory, 0o755)
        server = self.served()
        self.assertEqual(weir("connect", self.url, "-m", "hi", user="nobody").returncode, 77)
        server.stop()
        self.served("?mode=0666")
        self.assertEqual(weir("connect", self.url, "-m", "hi", user="nobody").stdout, b"hi")


if __name__ == "__main__":
    kit.main()
