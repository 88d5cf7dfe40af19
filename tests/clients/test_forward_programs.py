"""Programs that people have, and their servers, through the forwarder."""

import glob
import hashlib
import os
import re
import shutil
import signal
import subprocess
import time
from urllib.parse import urlsplit

import kit
from forward_kit import ForwardCase, low_port
from kit import need, wait_until

POSTGRES_USER = "postgres"


class Redis(ForwardCase):
    """redis-cli and redis-benchmark against redis-server, by TCP and by Unix socket."""

    REQUESTS = 2000

    def setUp(self):
        super().setUp()
        need("redis-server", "redis-cli", "redis-benchmark")
        self.port, socket = low_port(), self.path("redis")
        server = self.start("redis-server", "--port", str(self.port), "--bind", "127.0.0.1",
                            "--unixsocket", socket, "--save", "", "--appendonly", "no",
                            "--dir", self.directory, "--daemonize", "no",
                            stdout=subprocess.DEVNULL)
        self.addCleanup(self._stop, server)
        wait_until(lambda: os.path.exists(socket) and kit.run(
            "redis-cli", "-p", str(self.port), "ping").stdout == b"PONG\n", "redis-server")
        self.ways = []
        for to in (f"tcp://127.0.0.1:{self.port}", "unix://" + socket):
            server = self.forward(to, kinds=("tcp", "unix"))
            for url in map(urlsplit, server.urls):
                to = ["-s", url.path] if url.scheme == "unix" else ["-p", str(url.port)]
                self.ways.append(to)

    def _stop(self, server):
        """In order, so that it takes its socket with it."""
        server.terminate()
        server.wait(kit.PATIENCE)

    def cli(self, way, *words, **more):
        done = kit.run("redis-cli", *way, *words, **more)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        return done.stdout

    def test_values_of_any_size_come_back_as_they_were_set(self):
        for way in self.ways:
            for size in (0, 1, 1000, 100_000, 6 << 20):
                with self.subTest(way=way, size=size):
                    value = os.urandom(size)
                    self.assertEqual(self.cli(way, "-x", "set", "key", input=value), b"OK\n")
                    got = self.cli(way, "get", "key")
                    self.assertTrue(got == value + b"\n", f"{len(got)} bytes differ")

    def test_a_pipeline_of_commands_is_answered_to_the_last(self):
        count = 10_000
        commands = b"".join(b"*3\r\n$3\r\nSET\r\n$8\r\nk%07d\r\n$4\r\nabcd\r\n" % number
                            for number in range(count))
        for way in self.ways:
            with self.subTest(way):
                self.cli(way, "flushall")
                said = self.cli(way, "--pipe", input=commands)
                self.assertIn(b"errors: 0, replies: %d" % count, said)
                self.assertEqual(self.cli(way, "dbsize"), b"%d\n" % count)

    def test_a_subscriber_hears_what_another_publishes(self):
        listener = self.start("redis-cli", *self.ways[0], "subscribe", "news",
                              stdout=subprocess.PIPE)
        for word in (b"subscribe", b"news", b"1"):
            self.assertEqual(listener.stdout.readline().strip(), word)
        self.assertEqual(self.cli(self.ways[-1], "publish", "news", "hello"), b"1\n")
        for word in (b"message", b"news", b"hello"):
            self.assertEqual(listener.stdout.readline().strip(), word)

    def test_the_benchmark_runs_through(self):
        for way in self.ways:
            for more in ((), ("-P", "16"), ("-d", "100000", "-n", "200")):
                with self.subTest(way=way, more=more):
                    done = kit.run("redis-benchmark", *way, "-n", str(self.REQUESTS), "-c", "20",
                                   "-t", "set,get", "-q", *more)
                    self.assertEqual(done.returncode, 0, done.stderr)
                    self.assertNotIn(b"rror", done.stdout + done.stderr)
                    self.assertEqual(len(re.findall(rb"requests per second", done.stdout)), 2)


def binary(name):
    found = sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"))
    if not found:
        raise AssertionError(f"{name} is not installed; ./dev deps installs it")
    return found[-1]


class Postgres(ForwardCase):
    """psql against PostgreSQL, by TCP and by Unix socket: one server for all tests."""

    ROWS = 100_000

    def setUp(self):
        super().setUp()
        need("psql")
        # PostgreSQL refuses to be run by root.
        self.other = ("setpriv", "--reuid", POSTGRES_USER, "--regid", POSTGRES_USER,
                      "--clear-groups") if os.getuid() == 0 else ()
        self.home = self.path("postgres")
        os.mkdir(self.home, 0o700)
        if self.other:
            os.chmod(self.directory, 0o755)
            shutil.chown(self.home, POSTGRES_USER)
        self.port = low_port()
        self._start_server()
        self.environment = {**os.environ, "PGUSER": "test", "PGDATABASE": "postgres",
                            "PGSSLMODE": "disable", "PGCONNECT_TIMEOUT": "10"}
        wait_until(lambda: self.psql(("127.0.0.1", self.port), "select 1").returncode == 0,
                   "PostgreSQL")
        self._forward()
        self.rows = b"".join(
            b"%d\t%s\n" % (number, hashlib.md5(b"%d" % number).hexdigest().encode())
            for number in range(1, self.ROWS + 1))

    def _start_server(self):
        data = os.path.join(self.home, "data")
        done = kit.run(*self.other, binary("initdb"), "-D", data, "-A", "trust", "-U", "test",
                       "--no-sync", "--no-instructions", "--locale=C", "-E", "UTF8",
                       cwd=self.home)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(self.path("postgres.log"), "wb") as log:
            server = self.start(*self.other, binary("postgres"), "-D", data, "-k", self.home,
                                "-p", str(self.port), "-h", "127.0.0.1", "-c", "fsync=off",
                                "-c", "shared_buffers=16MB", stdout=log, stderr=log,
                                cwd=self.home)
        self.addCleanup(self._stop, server)

    def _stop(self, server):
        server.send_signal(signal.SIGINT)  # Its fast way to stop.
        server.wait(kit.PATIENCE)

    def _forward(self):
        """Two listeners for each of two targets; psql finds Unix sockets by host and port."""
        self.ways = []
        targets = (f"tcp://127.0.0.1:{self.port}", f"unix://{self.home}/.s.PGSQL.{self.port}")
        for number, to in enumerate(targets):
            front = f"unix://{self.directory}/.s.PGSQL.{number + 1}"
            server = self.forward(to, urls=["tcp://127.0.0.1:0", front])
            self.ways += [("127.0.0.1", server.port), (self.directory, number + 1)]

    def psql(self, way, *commands, **more):
        host, port = way
        words = [word for command in commands for word in ("-c", command)]
        return kit.run("psql", "-X", "-A", "-t", "-q", "-h", host, "-p", str(port), *words,
                       env=self.environment, **more)

    def ask(self, way, *commands, **more):
        done = self.psql(way, *commands, **more)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        return done.stdout

    def test_queries_bulk_both_ways_errors_and_a_cancel(self):
        # One test, because making the database takes longer than all of it.
        for way in self.ways:
            with self.subTest("queries", way=way):
                self.assertEqual(self.ask(way, "select 6 * 7"), b"42\n")
                self.assertEqual(self.ask(way, *["select 1"] * 100), b"1\n" * 100)
            with self.subTest("bulk", way=way):
                self.bulk(way)
            with self.subTest("errors", way=way):
                done = self.psql(way, "select * from nowhere")
                self.assertEqual(done.returncode, 1)
                self.assertIn(b'relation "nowhere" does not exist', done.stderr)
            with self.subTest("cancel", way=way):
                self.cancel(way)

    def bulk(self, way):
        rows = self.rows
        self.ask(way, "create unlogged table bulk (id int, sum text)")
        self.ask(way, "copy bulk from stdin", input=rows)
        self.assertEqual(self.ask(way, "select count(*) from bulk where sum <> md5(id::text)"),
                         b"0\n")
        back = self.ask(way, "copy (select * from bulk order by id) to stdout")
        self.assertTrue(back == rows, f"{len(back)} of {len(rows)} bytes came back")
        self.ask(way, "drop table bulk")

    def cancel(self, way):
        """An interrupted psql asks for the cancel on a connection of its own."""
        client = self.start("psql", "-X", "-h", way[0], "-p", str(way[1]), "-c",
                            "select pg_sleep(600)", env=self.environment,
                            stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
        sleeping = "select count(*) from pg_stat_activity where query like 'select pg_sleep%'" \
                   " and state = 'active'"
        wait_until(lambda: self.ask(way, sleeping) == b"1\n", "the query")
        client.send_signal(signal.SIGINT)
        began = time.monotonic()
        self.assertIn(b"canceling statement due to user request", client.stderr.read())
        self.assertLess(time.monotonic() - began, 10)
        client.wait(kit.PATIENCE)


if __name__ == "__main__":
    kit.main()
