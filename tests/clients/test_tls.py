"""TLS as others' clients see it: openssl, socat, curl, Python. Rows 61 and 62 of the capabilities."""

import contextlib
import json
import os
import re
import ssl
import struct
import subprocess
import threading
import time

import kit
import tls_kit
from tls_kit import client_context, dial, pki

VERSIONS = {"-tls1_2": "TLSv1.2", "-tls1_3": "TLSv1.3"}


class OpensslClient(tls_kit.TlsCase):
    def test_it_speaks_with_both_versions_and_verifies_the_name(self):
        server = self.serve_tls()
        for option, version in VERSIONS.items():
            with self.subTest(version):
                client = self.s_client(server, option, "-verify_hostname", "localhost")
                self.assertEqual(client.say(b"hello\n").line(), b"hello\n")
                client.logged(f"Protocol version: {version}\n")
                client.logged("Verification: OK\n")
                self.assertEqual(client.end(), 0)

    def test_without_a_wish_it_gets_the_newest_version_with_x25519(self):
        client = self.s_client(self.serve_tls())
        client.logged("Protocol version: TLSv1.3\n")
        client.logged("Server Temp Key: X25519")
        client.logged("Ciphersuite: TLS_AES_128_GCM_SHA256\n")
        self.assertEqual(client.end(), 0)

    def test_every_kind_of_key_serves_both_versions(self):
        kinds = {"RSA": tls_kit.RSA, "ECDSA": tls_kit.P256, "Ed25519": ("-newkey", "ed25519"),
                 "P-384": ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384")}
        for kind, key in kinds.items():
            server = self.serve_tls(pair=pki().ca.issue(key=key))
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                with self.subTest(kind, version=version):
                    self.assert_echo(server, client_context(version=version))

    def test_a_chain_is_sent_whole_and_a_missing_link_is_noticed(self):
        link = pki().authority("A link of the chain", above=pki().ca)
        leaf = link.issue()
        with open(leaf.cert, "rb") as own, open(link.cert, "rb") as above:
            whole = tls_kit.Pair(self.path("chain.pem"), leaf.key)
            with open(whole.cert, "wb") as out:
                out.write(own.read() + above.read())
        self.assert_echo(self.serve_tls(pair=whole))
        client = self.s_client(self.serve_tls(pair=leaf))
        client.logged("unable to get local issuer certificate")
        self.assertEqual(client.end(), 1)

    def test_chain_and_key_may_stand_in_one_file(self):
        both = self.path("both.pem")
        with open(both, "wb") as out:
            for part in pki().server:
                with open(part, "rb") as file:
                    out.write(file.read())
        os.chmod(both, 0o600)
        url = "tls://127.0.0.1:0" + tls_kit.keys(cert=both)
        self.assert_echo(self.serve("echo", urls=[url]))

    def test_an_encrypted_key_is_opened_by_a_file_with_its_passphrase(self):
        own = self.own(pki().server)
        tls_kit.openssl("pkey", "-in", own.key, "-aes256", "-passout", "pass:open sesame", "-out",
                        self.path("closed.key"))
        os.chmod(self.path("closed.key"), 0o600)
        words = self.write("words", "open sesame\n")
        os.chmod(words, 0o600)
        closed = tls_kit.Pair(own.cert, self.path("closed.key"))
        self.assert_echo(self.serve_tls(pair=closed, passphrase=words))

    def test_it_is_served_over_both_versions_of_ip_and_named_in_ready_without_the_query(self):
        server = self.serve("echo", urls=[tls_kit.listen(at=at) for at in
                                          ("tls://127.0.0.1:0", "tls://[::1]:0")])
        for url, host in zip(server.urls, ("127.0.0.1", "[::1]")):
            self.assertRegex(url, r"^tls://" + host.replace("[", r"\[") + r":\d+$")
            self.assert_echo(url, name=host.strip("[]"))


class Names(tls_kit.TlsCase):
    """SNI: which certificate a client gets."""

    def subject(self, server, name):
        context = ssl.create_default_context(cafile=pki().ca.cert)
        context.check_hostname = False
        with dial(server.url, context, name) as peer:
            return dict(pair[0] for pair in peer.tls.getpeercert()["subject"])["commonName"]

    def test_the_certificate_is_chosen_by_name_with_a_wildcard_and_a_default(self):
        pairs = [pki().ca.issue(name, names=(f"DNS:{name}",))
                 for name in ("first.test", "second.test", "*.wild.test", "exact.wild.test")]
        server = self.serve("echo", urls=["tls://127.0.0.1:0" + tls_kit.keys(
            cert=[pair.cert for pair in pairs], key=[pair.key for pair in pairs])])
        for asked, given in (("first.test", "first.test"), ("second.test", "second.test"),
                             ("SECOND.test", "second.test"), ("a.wild.test", "*.wild.test"),
                             ("exact.wild.test", "exact.wild.test"),
                             ("a.b.wild.test", "first.test"), ("wild.test", "first.test"),
                             ("unknown.test", "first.test"), (None, "first.test")):
            with self.subTest(asked):
                self.assertEqual(self.subject(server, asked), given)

    def test_alpn_is_by_our_preference_and_nothing_in_common_is_refused(self):
        server = self.serve_tls(alpn="chat/2,chat/1")
        for offered, agreed in ((("chat/1", "chat/2"), "chat/2"), (("chat/1", "x"), "chat/1"),
                                ((), None)):
            with self.subTest(offered):
                tls = self.assert_echo(server, client_context(alpn=offered))
                self.assertEqual(tls.selected_alpn_protocol(), agreed)
        with self.assertRaisesRegex(ssl.SSLError, "(?i)no.application.protocol"):
            dial(server.url, client_context(alpn=("http/1.1",)))


class OtherClients(tls_kit.TlsCase):
    def test_curl_verifies_the_server_and_prints_its_answer(self):
        kit.need("curl")
        server = self.serve_tls("yousaid")
        done = kit.run("curl", "-sS", "--http0.9", "--cacert", pki().ca.cert,
                       f"https://localhost:{server.port}/path")
        self.assertEqual((done.returncode, done.stdout, done.stderr),
                         (0, b"You said: GET /path HTTP/1.1\r\n", b""))
        done = kit.run("curl", "-sS", f"https://localhost:{server.port}/")
        self.assertEqual(done.returncode, 60, done.stderr)  # Its code for a certificate it refuses.

    def test_socat_sends_and_receives_as_a_client(self):
        kit.need("socat")
        server = self.serve_tls()
        data = os.urandom(1 << 20)
        done = kit.run("socat", "-t5", "-", f"OPENSSL:localhost:{server.port},"
                       f"cafile={pki().ca.cert}", input=data)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertTrue(done.stdout == data, f"{len(done.stdout)} bytes came back, or others")

    def test_socat_takes_what_weir_connect_and_the_forwarder_send(self):
        kit.need("socat")
        port = kit.free_port()
        self.start("socat", f"OPENSSL-LISTEN:{port},bind=127.0.0.1,fork,reuseaddr,verify=0,"
                   f"cert={pki().server.cert},key={pki().server.key}", "EXEC:cat")
        kit.wait_until(lambda: "LISTEN" in kit.tcp_states(port), "socat")
        url = f"tls://localhost:{port}" + tls_kit.keys(ca=pki().ca.cert)
        done = kit.weir("connect", url, "-m", "Hello, world!")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b"Hello, world!", b""))
        forward = self.serve("forward", "--to", url)
        self.assertEqual(kit.ask(forward.url, b"and again"), b"and again")


class Check(tls_kit.TlsCase):
    def test_scripts_get_certificates_and_warnings_apart(self):
        pair = pki().ca.issue(ends=3 * tls_kit.DAY)
        file = self.write("weir.toml", '[[service]]\nprotocol = "echo"\nlisten = ["tls://:0"]\n'
                          f'[service.tls]\ncert = "{pair.cert}"\nkey = "{pair.key}"\n')
        answer = json.loads(kit.weir("check", "--json", file).stdout)
        self.assertEqual((answer["valid"], answer["faults"]), (True, []))
        self.assertEqual(len(answer["certificates"]), 1)
        self.assertRegex(answer["certificates"][0], r"for localhost, .* expires 20\d\d-")
        self.assertEqual(len(answer["warnings"]), 1)
        self.assertRegex(answer["warnings"][0], r"it expires on 20\d\d-")


class Protocols(tls_kit.TlsCase):
    """What is served over TCP is served over TLS, unchanged."""

    def test_echo_returns_megabytes_up_to_the_end(self):
        data = os.urandom(8 << 20)
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            got = tls_kit.ask(self.serve_tls(loops="2").url, data, client_context(version=version))
            self.assertTrue(got == data, f"{len(got)} of {len(data)} bytes came back, or others")

    def test_time_and_daytime_answer_and_end(self):
        with dial(self.serve_tls("time").url) as peer:
            seconds = struct.unpack(">I", kit.read_all(peer))[0]
        self.assertAlmostEqual(seconds, time.time() + 2_208_988_800, delta=60)
        with dial(self.serve_tls("daytime").url) as peer:
            self.assertRegex(kit.read_all(peer), rb"^[^\r\n]+ \d{2}:\d{2}:\d{2}[^\r\n]*\r\n$")

    def test_members_of_a_chat_hear_each_other_over_every_transport(self):
        server = self.serve("chat", urls=[tls_kit.listen(), *self.everywhere()])
        with dial(server.urls[0]) as ann, kit.dial(server.urls[1]) as bob:
            for member in (ann, bob):
                kit.wait_until(lambda member=member: b"this is lobby" in member.recv(4096), "room")
            for speaker, hearer, line in ((ann, bob, b"over TLS"), (bob, ann, b"in clear")):
                speaker.sendall(line + b"\n")
                kit.wait_until(lambda hearer=hearer, line=line: line in hearer.recv(4096), line)

    def test_a_line_longer_than_a_record_is_one_line(self):
        server = self.serve_tls("echo", "--prefix", "> ", "--line-max", "40000")
        line = b"x" * 39_000
        with dial(server.url) as peer:
            peer.sendall(line + b"\n")
            self.assertEqual(kit.read_exactly(peer, len(line) + 4), b"> " + line + b"\r\n")

    def test_a_peer_that_never_reads_holds_no_more_than_the_limit(self):
        server = self.serve_tls()
        with dial(server.url) as good, dial(server.url) as bad:
            good.sendall(b"x")
            self.assertEqual(good.recv(1), b"x")
            before = kit.memory(server.pid)
            bad.socket.setblocking(False)
            flood = threading.Thread(target=self.flood, args=(bad,))
            flood.start()
            flood.join(kit.PATIENCE)
            self.assertFalse(flood.is_alive())
            if not kit.SANITIZED:
                self.assertLess(kit.memory(server.pid) - before, 1 << 20)
            good.sendall(b"y")
            self.assertEqual(good.recv(1), b"y")

    def flood(self, peer):
        """Until nothing is taken from it any more."""
        while kit.ready(peer, kit.select.POLLOUT, 0.3):
            try:
                peer.sendall(bytes(1 << 14))
            except BlockingIOError:
                pass  # The record is cut; nothing else is sent.

    def test_nothing_grows_over_a_thousand_connections(self):
        server = self.serve_tls()
        before = kit.descriptors(server.pid)
        sizes = []
        for _ in range(3):
            for _ in range(300):
                self.assert_echo(server)
            self.assert_clean(server, before)
            sizes.append(kit.memory(server.pid))
        if not kit.SANITIZED:
            self.assertLess(sizes[2] - sizes[1], 1 << 20, sizes)

    def test_many_clients_at_once_are_all_answered(self):
        server = self.serve_tls(loops="2")
        peers = [dial(server.url) for _ in range(200)]
        for number, peer in enumerate(peers):
            peer.sendall(b"%4d" % number)
        for number, peer in enumerate(peers):
            self.assertEqual(kit.read_exactly(peer, 4), b"%4d" % number)
            peer.close()


class Ends(tls_kit.TlsCase):
    def test_what_came_before_the_clients_end_comes_back_and_then_ours(self):
        server = self.serve_tls()
        for fin in (False, True):
            with self.subTest(fin=fin), dial(server.url) as peer:
                peer.sendall(b"last words")
                if fin:
                    peer.shutdown(tls_kit.socket.SHUT_WR)
                else:
                    peer.end()
                self.assertEqual(kit.read_all(peer), b"last words")  # Truncated is an exception.
                self.assertEqual(peer.socket.recv(1), b"", "no FIN after TLS's end")

    def test_an_end_without_tls_own_is_told_in_the_log(self):
        server = self.serve_tls("echo", "--log-level", "debug")
        with dial(server.url) as peer:
            peer.sendall(b"x")
            self.assertEqual(peer.recv(1), b"x")
            peer.socket.shutdown(tls_kit.socket.SHUT_WR)
            kit.wait_until(lambda: self.failed(peer), "the end")
        self.assert_logged(server, r"closed: tls_truncated|closed: .*trunc")

    def failed(self, peer):
        try:
            return not peer.socket.recv(1 << 16)
        except ConnectionResetError:
            return True

    def test_the_log_tells_an_ordinary_end(self):
        server = self.serve_tls("echo", "--log-level", "debug")
        self.assertEqual(tls_kit.ask(server.url, b"x"), b"x")
        self.assert_logged(server, r"#1 127\.0\.0\.1:\d+ at tls://\S+ closed: ended by peer")

    def test_a_server_that_is_told_to_stop_ends_its_connections_in_order(self):
        server = self.serve_tls()
        with dial(server.url) as peer:
            peer.sendall(b"x")
            self.assertEqual(peer.recv(1), b"x")
            server.send()
            self.assertEqual(kit.read_all(peer), b"")
        self.assertEqual(server.wait(), 0)


class Fast(tls_kit.TlsCase):
    def test_what_is_sent_with_the_last_flight_is_answered(self):
        """The first data may come in the segment that ends the handshake."""
        server = self.serve_tls()
        for option in VERSIONS:
            client = subprocess.run(
                ["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", "-servername",
                 "localhost", "-CAfile", pki().ca.cert, option, "-quiet", "-no_ign_eof"],
                input=b"", capture_output=True, check=False, timeout=kit.PATIENCE)
            self.assertEqual(client.returncode, 0, client.stderr)

    def test_the_tickets_and_the_answer_to_it_leave_in_one_system_call(self):
        kit.need("strace")
        server = self.serve_tls(loops="1")
        trace = self.path("trace")
        watcher = self.start("strace", "-f", "-p", str(server.pid), "-e",
                             "trace=write,writev,sendto,sendmsg,sendmmsg", "-o", trace,
                             stderr=subprocess.PIPE)
        self.assertIn(b"attached", watcher.stderr.readline())
        received, to_send = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = client_context().wrap_bio(received, to_send, server_hostname="localhost")
        with kit.dial(f"tcp://127.0.0.1:{server.port}") as peer:
            while not shaken(tls):
                peer.sendall(to_send.read())
                received.write(peer.recv(1 << 16))
            tls.write(b"hello")
            peer.sendall(to_send.read())
            answer = b""
            while answer != b"hello":
                received.write(peer.recv(1 << 16))
                with contextlib.suppress(ssl.SSLWantReadError):
                    answer += tls.read(5)
            descriptor = max(int(name) for name in os.listdir(f"/proc/{server.pid}/fd"))
            watcher.terminate()
            watcher.wait(kit.PATIENCE)  # Before the ends are said.
        with open(trace, encoding="utf-8") as file:
            sent = [line for line in file
                    if re.search(rf"(write|writev|send\w+)\({descriptor},", line)]
        # Its half of the handshake, and then this.
        self.assertEqual(len(sent), 2, sent)


def shaken(tls):
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        return False
    return True


if __name__ == "__main__":
    kit.main()
