"""The cases of TLS that go wrong: B11, B19, B22, B40 and B43 to B50."""

import contextlib
import os
import random
import select
import signal
import socket
import ssl
import struct
import time

import kit
import tls_kit
from tls_kit import DAY, SClient, Truncated, client_context, dial, dial_plain, pki, replace, serial


def closed(peer, seconds=kit.PATIENCE):
    """Reads on until the peer is closed; whatever comes, an alert, is no matter."""
    peer.settimeout(seconds)
    try:
        while peer.recv(4096):
            pass
    except ConnectionResetError:
        pass
    return True


class Silent(tls_kit.TlsCase):
    """B11; tests/abuse has it in full size."""

    SILENT, TRICKLING = 300, 100
    SLOWEST = 5 if kit.SANITIZED else 1  # Seconds of a good client's handshake and echo.

    def test_b11_silent_and_trickling_peers_go_in_time_and_a_good_client_does_not_wait(self):
        server = self.serve_tls("echo", "--handshake", "2s")
        began = time.monotonic()
        silent = [dial_plain(server.url) for _ in range(self.SILENT)]
        trickling = [dial_plain(server.url) for _ in range(self.TRICKLING)]
        took = []
        for number in range(6):
            for peer in trickling:
                with contextlib.suppress(OSError):  # Gone already.
                    peer.sendall(b"\x16\x03\x01\x02\x00\x01"[number:number + 1])
            asked = time.monotonic()
            self.assert_echo(server)
            took.append(time.monotonic() - asked)
            select.select([], [], [], 0.2)
        for peer in silent + trickling:
            self.assertTrue(closed(peer))
            peer.close()
        self.assertLess(time.monotonic() - began, kit.PATIENCE)
        self.assertGreaterEqual(time.monotonic() - began, 2)
        self.assertLess(max(took), self.SLOWEST)


class Handshakes(tls_kit.TlsCase):
    def test_b43_versions_before_1_2_are_refused_with_an_alert_that_says_so(self):
        server = self.serve_tls()
        for version in ("-tls1", "-tls1_1"):
            with self.subTest(version):
                client = self.s_client(server, version, "-cipher", "DEFAULT@SECLEVEL=0")
                client.logged("alert protocol version")
                self.assertEqual(client.end(), 1)

    def test_b43_with_tls_min_1_3_so_is_1_2(self):
        client = self.s_client(self.serve_tls(tls_min="1.3"), "-tls1_2")
        client.logged("alert protocol version")
        self.assertEqual(client.end(), 1)

    def test_b44_weak_ciphers_alone_are_refused(self):
        server = self.serve_tls()
        for cipher in ("AES128-SHA", "AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-SHA", "NULL", "aNULL",
                       "DHE-RSA-AES128-GCM-SHA256", "PSK"):
            with self.subTest(cipher):
                client = self.s_client(server, "-tls1_2", "-cipher", cipher + ":@SECLEVEL=0")
                client.logged("alert handshake failure|no cipher|alert insufficient security")
                self.assertEqual(client.end(), 1)

    def test_b47_what_is_no_tls_is_closed_at_once_and_the_next_client_is_served(self):
        server = self.serve_tls()
        for garbage in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x80\x2e\x01\x03\x01\x00\x15", b"\n",
                        bytes(16 << 10), os.urandom(64).replace(b"\x16", b"\x15"),
                        b"\x16\x03\x01\x40\x01" + b"x" * 100, b"\x16\x03\x01\x00\x30\x02"):
            with self.subTest(garbage[:8]), dial_plain(server.url) as peer:
                began = time.monotonic()
                peer.sendall(garbage)
                self.assertTrue(closed(peer))
                self.assertLess(time.monotonic() - began, 5 if kit.SANITIZED else 1)
        self.assert_echo(server)

    def test_b47_random_bytes_are_closed_and_the_next_client_is_served(self):
        server = self.serve_tls("echo", "--handshake", "2s")
        dice = random.Random(47)
        peers = []
        for _ in range(100 if kit.SANITIZED else 1000):
            peers.append(dial_plain(server.url))
            with contextlib.suppress(OSError):
                peers[-1].sendall(dice.randbytes(1 + dice.randrange(600)))
        self.assert_echo(server)
        for peer in peers:
            self.assertTrue(closed(peer))
            peer.close()
        self.assert_echo(server)

    def test_b47_a_hello_cut_at_any_byte_is_closed_when_the_time_for_a_handshake_is_over(self):
        server = self.serve_tls("echo", "--handshake", "2s")
        hello = ssl.MemoryBIO()
        tls = client_context().wrap_bio(ssl.MemoryBIO(), hello, server_hostname="localhost")
        with self.assertRaises(ssl.SSLWantReadError):
            tls.do_handshake()
        whole = hello.read()
        began = time.monotonic()
        peers = [dial_plain(server.url) for _ in whole]
        for size, peer in enumerate(peers):
            peer.sendall(whole[:size])
        for peer in peers:
            self.assertTrue(closed(peer))
            peer.close()
        self.assertGreaterEqual(time.monotonic() - began, 2)
        self.assert_echo(server)

    def test_b47_a_failed_handshake_leaves_nothing_for_the_next_log_line(self):
        server = self.serve_tls("echo", "--log-level", "debug")
        with dial_plain(server.url) as peer:
            peer.sendall(b"GET / HTTP/1.1\r\n\r\n")
            closed(peer)
        self.assert_echo(server)
        self.assert_logged(server, r"#2 .* closed: ended by peer")
        self.assertNotRegex(server.log().splitlines()[-1], "SSL|error:|not TLS")

    def test_b48_renegotiation_is_refused(self):
        server = self.serve_tls()
        client = self.s_client(server, "-tls1_2", show=())
        client.say(b"x\n")
        kit.wait_until(lambda: client.line() == b"x\n", "the echo")
        client.say(b"R\n")
        client.logged("no renegotiation")
        self.assert_echo(server)

    def test_b48_who_changes_keys_again_and_again_is_cut_and_nobody_else(self):
        server = self.serve_tls("echo", "--log-level", "debug")
        with dial(server.url) as good:
            client = self.s_client(server, "-tls1_3", show=())
            sent = 0
            with contextlib.suppress(BrokenPipeError):
                while client.process.poll() is None and sent < 200:  # One a read of its input.
                    client.say(b"k\n")
                    sent += 1
                    kit.wait_until(lambda: client.log().count("KEYUPDATE") >= sent or
                                   client.process.poll() is not None, "the KeyUpdate")
            self.assertLess(sent, 200)
            self.assertGreater(sent, 32)
            self.assert_logged(server, "closed: tls ")
            good.sendall(b"still")
            self.assertEqual(kit.read_exactly(good, 5), b"still")

    def test_b49_a_session_of_ours_allows_no_early_data(self):
        server = self.serve_tls()
        session = self.session_of(server.port)
        said = kit.run("openssl", "sess_id", "-in", session, "-noout", "-text").stdout
        self.assertIn(b"TLSv1.3", said)
        self.assertNotRegex(said, rb"Max Early Data: [1-9]")

    def test_b49_early_data_is_not_taken_and_the_handshake_goes_on(self):
        """With a session of a server that does take it, for ours makes openssl send none."""
        _, port = tls_kit.s_server(self, pki().server, "-tls1_3", "-early_data", mode=())
        session = self.session_of(port)
        server = self.serve_tls()
        client = self.s_client(server, "-tls1_3", "-sess_in", session, "-early_data",
                               self.write("early", "early\n"), show=())
        client.say(b"late\n")
        lines = [client.line()]
        while lines[-1] not in (b"late\n", b""):
            lines.append(client.line())
        client.end()
        self.assertEqual(lines[-1], b"late\n", lines)
        self.assertIn(b"Early data was rejected\n", lines)
        self.assertNotIn(b"early\n", lines)

    def session_of(self, port):
        session = self.path(f"session-{port}")
        client = SClient(self, f"tls://127.0.0.1:{port}", "-tls1_3", "-sess_out", session)
        kit.wait_until(lambda: os.path.exists(session) and os.path.getsize(session), "the ticket")
        client.end()
        return session

    def test_b50_a_session_is_taken_up_again_with_both_versions(self):
        server = self.serve_tls(loops="2")
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = client_context(version=version)
            with dial(server.url, context) as first:
                first.sendall(b"x")
                self.assertEqual(first.recv(1), b"x")
                session = first.tls.session
            with socket.create_connection(("127.0.0.1", server.port)) as plain, context.wrap_socket(
                    plain, server_hostname="localhost", session=session) as second:
                self.assertTrue(second.session_reused, version)


class Sessions(tls_kit.TlsCase):
    """The end of B50; tests/abuse has it in full size."""

    HANDSHAKES = 100 if kit.SANITIZED else 1100  # In each of three rounds.
    GROWTH = 4 << 20                             # Bytes, from the first round's end to the last's.

    def test_b50_sessions_of_many_handshakes_take_no_memory(self):
        server = self.serve_tls()
        context = client_context(version=ssl.TLSVersion.TLSv1_2)
        context.options |= ssl.OP_NO_TICKET
        sizes = []
        for _ in range(3):
            for _ in range(self.HANDSHAKES):
                with dial(server.url, context):
                    pass
            sizes.append(kit.memory(server.pid))
        if not kit.SANITIZED:
            self.assertLess(sizes[2] - sizes[0], self.GROWTH, sizes)


class Material(tls_kit.TlsCase):
    def refused(self, url, pattern):
        done = kit.weir("serve", "echo", url)
        self.assertNotEqual(done.returncode, 0)
        self.assertRegex(done.stderr.decode(), pattern)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)

    def test_b45_material_that_cannot_be_used_is_refused_with_file_and_reason(self):
        good, ca = pki().server, pki().ca
        readable = self.own(good, "readable")
        os.chmod(readable.key, 0o644)
        closed_key = self.path("closed.key")
        tls_kit.openssl("pkey", "-in", good.key, "-aes256", "-passout", "pass:x", "-out", closed_key)
        os.chmod(closed_key, 0o600)
        empty = self.write("empty.pem", "")
        cases = (
            (tls_kit.Pair(good.cert, pki().client.key), "does not belong to the certificate"),
            (readable, "readable.key.*(read|others)"),
            (tls_kit.Pair(good.cert, "/none.key"), "/none.key.*No such file"),
            (tls_kit.Pair(good.cert, closed_key), "closed.key.*encrypted"),
            (tls_kit.Pair(empty, good.key), "empty.pem.*it is empty"),
            (ca.issue(key=("-newkey", "rsa:1024")), "too weak .1024 bits"),
            (ca.issue(begins=DAY), "not valid before"),
        )
        for pair, pattern in cases:
            with self.subTest(pattern):
                self.refused(tls_kit.listen(pair), pattern)

    def test_b45_an_expired_certificate_is_a_warning_or_a_refusal(self):
        old = pki().ca.issue(begins=-9 * DAY, ends=-DAY)
        self.refused(tls_kit.listen(old, expired="refuse"), "expired on")
        server = self.serve_tls(pair=old)
        self.assert_logged(server, "warn.*expired on")

    def test_check_tells_when_a_certificate_expires(self):
        pair = pki().server
        file = self.write("weir.toml", '[[service]]\nprotocol = "echo"\nlisten = ["tls://:0"]\n'
                          f'[service.tls]\ncert = "{pair.cert}"\nkey = "{pair.key}"\n')
        done = kit.weir("check", file)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout.decode() + done.stderr.decode(),
                         r"certificate \S+ for localhost, .* expires 20\d\d-.*, in (89|90) days")

    def test_b46_of_client_certificates_only_a_good_one_gets_in(self):
        server = self.serve_tls(client_ca=pki().ca.cert)
        other = pki().authority("Another CA")
        self.assert_echo(server, client_context(pair=pki().client))
        for pair, alert in ((None, "certificate.required|handshake.failure"),
                            (other.issue("x", (), "clientAuth"), "unknown.ca"),
                            (pki().ca.issue("x", (), "clientAuth", -9 * DAY, -DAY), "expired"),
                            (pki().ca.issue("x", (), "serverAuth"), "unsupported|bad.certificate|unknown")):
            with self.subTest(alert), self.assertRaisesRegex((ssl.SSLError, OSError), f"(?i){alert}"):
                with dial(server.url, client_context(pair=pair)) as peer:
                    peer.sendall(b"x")
                    peer.recv(1)

    def test_b46_the_log_escapes_the_subject_of_who_is_refused(self):
        server = self.serve_tls(client_ca=pki().ca.cert)
        bad = pki().authority("Another CA").issue("evil\x1b[31m", (), "clientAuth")
        with self.assertRaises((ssl.SSLError, OSError)):
            with dial(server.url, client_context(pair=bad)) as peer:
                peer.sendall(b"x")
                peer.recv(1)
        self.assert_logged(server, r"handshake .* \(CN=evil\\x1b\[31m\)")
        self.assertNotIn("\x1b", server.log())

    def test_b46_a_revoked_client_is_refused(self):
        ca = pki().authority("Revoking CA")
        good, revoked = ca.issue("good", (), "clientAuth"), ca.issue("bad", (), "clientAuth")
        server = self.serve_tls(client_ca=ca.cert, crl=ca.crl(revoked))
        self.assert_echo(server, client_context(pair=good))
        with self.assertRaisesRegex((ssl.SSLError, OSError), "(?i)revoked"):
            with dial(server.url, client_context(pair=revoked)) as peer:
                peer.sendall(b"x")
                peer.recv(1)


class Renewal(tls_kit.TlsCase):
    def shown(self, url):
        with dial(url) as peer:
            return peer.tls.getpeercert()["serialNumber"]

    def test_b40_renewed_files_are_shown_to_new_clients_and_old_sessions_live_on(self):
        own = self.own(pki().server)
        server = self.serve_tls(pair=own)
        sessions = [dial(server.url) for _ in range(100)]
        fresh = pki().ca.issue()
        replace(own, fresh)
        kit.wait_until(lambda: self.shown(server.url) == serial(fresh.cert), "the new certificate")
        for peer in sessions:
            peer.sendall(b"old")
            self.assertEqual(kit.read_exactly(peer, 3), b"old")
            peer.close()
        self.assert_logged(server, "expires")

    def test_b40_hup_makes_a_configured_server_look_at_once(self):
        own = self.own(pki().server)
        server = self.run_file(
            '[[service]]\nprotocol = "echo"\nlisten = ["tls://127.0.0.1:0"]\n'
            f'[service.tls]\ncert = "{own.cert}"\nkey = "{own.key}"\n', 1)
        with dial(server.url) as before:
            fresh = pki().ca.issue()
            replace(own, fresh)
            server.reload()
            self.assertEqual(self.shown(server.url), serial(fresh.cert))
            before.sendall(b"old")
            self.assertEqual(kit.read_exactly(before, 3), b"old")

    def test_b40_what_is_wrong_with_renewed_files_is_told_as_at_the_start(self):
        own = self.own(pki().server)
        server = self.serve_tls(pair=own)
        replace(own, pki().ca.issue(ends=3 * tls_kit.DAY))
        self.assert_logged(server, "are read again")
        self.assert_logged(server, "warn.*it expires on")

    def test_b40_a_certificate_that_expires_while_it_is_shown_is_told(self):
        own = self.own(pki().ca.issue(ends=5))
        server = self.serve_tls(pair=own)
        self.assert_logged(server, "warn.*it expires on")
        self.assert_logged(server, "warn.*it expired on")

    def test_b40_files_that_do_not_fit_change_nothing_and_are_told_once(self):
        own = self.own(pki().server)
        server = self.serve_tls(pair=own)
        was = serial(own.cert)
        replace(own, tls_kit.Pair(pki().ca.issue().cert, own.key))
        self.assert_logged(server, "does not belong")
        self.assertEqual(self.shown(server.url), was)

    def test_the_log_has_no_secret(self):
        server = self.serve_tls("echo", "--trace", "--log-level", "debug")
        self.assert_echo(server)
        with open(pki().server.key, encoding="ascii") as file:
            secret = file.read().splitlines()[1][:24]
        self.assertNotIn(secret, server.log())
        self.assertNotIn("PRIVATE", server.log())


class Ends(tls_kit.TlsCase):
    """B19 and B22 through the forwarder, whichever side is TLS."""

    def setUp(self):
        super().setUp()
        self.echo = self.serve("echo")
        self.echo_tls = self.serve_tls()

    def forwarders(self):
        to_tls = self.echo_tls.url.replace("127.0.0.1", "localhost") + tls_kit.keys(ca=pki().ca.cert)
        yield "TLS in", self.serve_tls("forward", "--to", self.echo.url)
        yield "TLS in and out", self.serve_tls("forward", "--to", to_tls)
        yield "TLS out", self.serve("forward", "--to", to_tls)

    def dial(self, url):
        return dial(url) if url.startswith("tls") else kit.dial(url)

    def test_b22_an_end_crosses_as_an_end_with_every_byte_before_it(self):
        data = os.urandom(1 << 20)
        for name, server in self.forwarders():
            with self.subTest(name):
                ask = tls_kit.ask if server.url.startswith("tls") else kit.ask
                self.assertTrue(ask(server.url, data) == data)

    def test_b19_after_an_end_the_other_direction_goes_on(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            server = self.serve_tls("forward", "--to", f"tcp://127.0.0.1:{port}")
            with dial(server.url) as client:
                target, _ = listener.accept()
                with target:
                    client.sendall(b"question")
                    client.shutdown(socket.SHUT_WR)
                    self.assertEqual(kit.read_all(target), b"question")
                    target.sendall(b"answer")
                    target.shutdown(socket.SHUT_WR)
                    self.assertEqual(kit.read_all(client), b"answer")

    def test_a_truncated_client_is_a_reset_for_the_target(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            server = self.serve_tls("forward", "--to", f"tcp://127.0.0.1:{port}")
            with dial(server.url) as client:
                target, _ = listener.accept()
                with target:
                    client.sendall(b"half a")
                    self.assertEqual(kit.read_exactly(target, 6), b"half a")
                    client.socket.shutdown(socket.SHUT_WR)
                    target.settimeout(kit.PATIENCE)
                    with self.assertRaises(ConnectionResetError):
                        target.recv(1)

    def test_a_truncated_target_is_no_end_for_the_client(self):
        context = tls_kit.server_context()
        with socket.create_server(("127.0.0.1", 0)) as listener:
            url = f"tls://localhost:{listener.getsockname()[1]}" + tls_kit.keys(ca=pki().ca.cert)
            server = self.serve("forward", "--to", url)
            with kit.dial(server.url) as client:
                plain, _ = listener.accept()
                target = tls_kit.TlsPeer(plain, context, serves=True)
                target.sendall(b"half an")
                self.assertEqual(kit.read_exactly(client, 7), b"half an")
                plain.shutdown(socket.SHUT_WR)
                with self.assertRaises(ConnectionResetError):
                    client.recv(1)
                plain.close()

    def test_a_reset_crosses_as_a_reset(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            server = self.serve_tls("forward", "--to", f"tcp://127.0.0.1:{port}")
            client = dial(server.url)
            target, _ = listener.accept()
            target.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            target.close()
            with self.assertRaises((ConnectionResetError, Truncated, ssl.SSLError)):
                client.recv(1)
            client.socket.close()

    def test_a_target_that_is_not_who_it_should_be_is_told_and_the_client_reset(self):
        to = self.echo_tls.url.replace("127.0.0.1", "localhost")  # The system does not trust it.
        server = self.serve("forward", "--to", to)
        with kit.dial(server.url) as client, self.assertRaises(ConnectionResetError):
            client.recv(1)
        self.assert_logged(server, "warn.*cannot reach .*handshake: .*no authority that we trust")


class Connect(tls_kit.TlsCase):
    """weir connect, against our server and openssl's."""

    def connect(self, *words):
        done = kit.weir("connect", *words, "-m", "Hello")
        return done.returncode, done.stdout, done.stderr.decode()

    def test_it_verifies_the_server_and_says_why_it_does_not_believe_it(self):
        url = self.serve_tls().url.replace("127.0.0.1", "localhost")
        self.assertEqual(self.connect(url, "--ca", pki().ca.cert), (0, b"Hello", ""))
        code, said, why = self.connect(url)
        self.assertEqual((code, said), (tls_kit.HANDSHAKE_FAILED, b""))
        self.assertRegex(why, "certificate|authority|self-signed|issuer")
        code, _, why = self.connect(url, "--ca", pki().ca.cert, "--name", "other.test")
        self.assertEqual(code, tls_kit.HANDSHAKE_FAILED)
        self.assertRegex(why, "other.test")

    def test_insecure_is_loud(self):
        code, said, why = self.connect(self.serve_tls().url, "--insecure")
        self.assertEqual((code, said), (0, b"Hello"))
        self.assertRegex(why, "warning: nobody checks")

    def test_it_shows_its_certificate(self):
        url = self.serve_tls(client_ca=pki().ca.cert).url.replace("127.0.0.1", "localhost")
        pair = pki().client
        self.assertEqual(self.connect(url, "--ca", pki().ca.cert, "--cert", pair.cert, "--key",
                                      pair.key), (0, b"Hello", ""))
        self.assertEqual(self.connect(url, "--ca", pki().ca.cert)[0], tls_kit.HANDSHAKE_FAILED)

    def test_row_61_openssl_s_server_answers_over_both_versions(self):
        for version in ("-tls1_2", "-tls1_3"):
            with self.subTest(version):
                process, port = tls_kit.s_server(self, pki().server, version)
                done = kit.run(kit.program(), "connect", f"tls://localhost:{port}", "--ca",
                               pki().ca.cert, input=b"olleh\n")
                self.assertEqual((done.returncode, done.stdout), (0, b"hello\n"), done.stderr)
                process.send_signal(signal.SIGTERM)

    def test_over_a_unix_socket_the_name_is_said(self):
        server = self.serve_tls(at="tls+unix://" + self.path("socket"))
        self.assertEqual(os.stat(self.path("socket")).st_mode & 0o777, 0o600)
        self.assertEqual(self.connect(server.url, "--ca", pki().ca.cert, "--name", "localhost"),
                         (0, b"Hello", ""))
        self.assertEqual(self.connect(server.url, "--ca", pki().ca.cert)[0], 64)
        client = SClient(self, server.url)
        self.assertEqual(client.say(b"over a socket\n").line(), b"over a socket\n")
        client.end()


if __name__ == "__main__":
    kit.main()
