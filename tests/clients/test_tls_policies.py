"""Whom TLS lets in and when that changes: optional certificates, lists of the revoked, keys of tickets."""

import shutil
import socket
import ssl
from urllib.parse import urlsplit

import kit
import tls_kit
from tls_kit import DAY, client_context, dial, pki, replace

TLS_1_2 = ssl.TLSVersion.TLSv1_2


def answered(url, context):
    with dial(url, context) as peer:
        peer.sendall(b"x")
        return peer.recv(1) == b"x"


class OptionalCertificates(tls_kit.TlsCase):
    def test_who_shows_none_or_a_good_one_gets_in_and_who_shows_a_bad_one_does_not(self):
        server = self.serve_tls(client_ca=pki().ca.cert, client_cert="optional")
        bad = pki().authority("Another CA").issue("x", (), "clientAuth")
        self.assertTrue(answered(server.url, client_context()))
        self.assertTrue(answered(server.url, client_context(pair=pki().client)))
        with self.assertRaisesRegex((ssl.SSLError, OSError), "(?i)unknown.ca"):
            answered(server.url, client_context(pair=bad))


class RevokedCertificates(tls_kit.TlsCase):
    def test_a_list_that_is_renewed_holds_after_hup(self):
        ca = pki().authority("Renewing CA")
        client, crl = ca.issue("soon revoked", (), "clientAuth"), self.path("crl.pem")
        shutil.copy(ca.crl(), crl)
        server = self.run_file(
            '[[service]]\nprotocol = "echo"\nlisten = ["tls://127.0.0.1:0"]\n'
            f'[service.tls]\ncert = "{pki().server.cert}"\nkey = "{pki().server.key}"\n'
            f'client-ca = "{ca.cert}"\ncrl = "{crl}"\n', 1)
        with dial(server.url, client_context(pair=client)) as before:
            shutil.copy(ca.crl(client), crl)
            server.reload()
            with self.assertRaisesRegex((ssl.SSLError, OSError), "(?i)revoked"):
                answered(server.url, client_context(pair=client))
            before.sendall(b"still here")
            self.assertEqual(kit.read_exactly(before, 10), b"still here")

    def test_a_server_whose_certificate_is_revoked_is_not_dialled(self):
        ca = pki().authority("Revoking servers")
        pair = ca.issue()
        url = self.serve_tls(pair=pair).url.replace("127.0.0.1", "localhost")
        words = ("connect", url, "--ca", ca.cert, "-m", "x")
        self.assertEqual(kit.weir(*words).returncode, 0)
        done = kit.weir("connect", url + tls_kit.keys(crl=ca.crl(pair)), *words[2:])
        self.assertEqual(done.returncode, tls_kit.HANDSHAKE_FAILED, done.stderr)
        self.assertIn(b"revoked", done.stderr)


class OpensslServers(tls_kit.TlsCase):
    """weir connect and a server of OpenSSL's that it should not believe."""

    def refused(self, pair, ca, why):
        process, port = tls_kit.s_server(self, pair)
        done = kit.run(kit.program(), "connect", f"tls://localhost:{port}", "--ca", ca, "-m", "x")
        process.kill()
        self.assertEqual((done.returncode, done.stdout), (tls_kit.HANDSHAKE_FAILED, b""))
        self.assertRegex(done.stderr.decode(), why)

    def test_an_expired_certificate_is_refused(self):
        pair = pki().ca.issue("localhost", tls_kit.LOCAL, "serverAuth", -9 * DAY, -DAY)
        self.refused(pair, pki().ca.cert, "expired")

    def test_a_certificate_that_vouches_for_itself_is_refused(self):
        self.refused(pki().authority("Its own").pair, pki().ca.cert, "self-signed|authority")

    def test_one_for_another_host_is_refused(self):
        self.refused(pki().ca.issue("x", ("DNS:other.test",)), pki().ca.cert, "other.test")

    def test_nobody_there_is_told_as_over_tcp(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        done = kit.weir("connect", f"tls://localhost:{port}", "--ca", pki().ca.cert, "-m", "x")
        plain = kit.weir("connect", f"tcp://localhost:{port}", "-m", "x")
        self.assertEqual(done.returncode, plain.returncode, done.stderr)


class Tickets(tls_kit.TlsCase):
    def resumed(self, url, context, session):
        with socket.create_connection(("127.0.0.1", urlsplit(url).port)) as plain:
            with context.wrap_socket(plain, server_hostname="localhost", session=session) as peer:
                return peer.session_reused

    def test_b50_a_ticket_opens_nothing_at_a_listener_with_another_policy(self):
        ca = pki().ca
        loose, strict = self.serve_tls(), self.serve_tls(client_ca=ca.cert)
        context = client_context(version=TLS_1_2, pair=pki().client)
        with dial(loose.url, context) as peer:
            session = peer.tls.session
        self.assertTrue(self.resumed(loose.url, context, session))
        self.assertFalse(self.resumed(strict.url, context, session))

    def test_b50_after_a_renewal_that_leaves_the_policy_a_ticket_still_opens(self):
        own = self.own(pki().server)
        server = self.serve_tls(pair=own)
        context = client_context(version=TLS_1_2)
        with dial(server.url, context) as peer:
            session = peer.tls.session
        fresh = pki().ca.issue()
        replace(own, fresh)
        kit.wait_until(lambda: self.serial_of(server.url) == tls_kit.serial(fresh.cert), "it")
        self.assertTrue(self.resumed(server.url, context, session))

    def serial_of(self, url):
        with dial(url) as peer:
            return peer.tls.getpeercert()["serialNumber"]


class OverUnixSockets(tls_kit.TlsCase):
    """Each protocol, over TLS on a Unix socket."""

    def served(self, protocol, *options):
        return self.serve_tls(protocol, *options, at=f"tls+unix://{self.path(protocol)}")

    def test_time_answers_and_ends(self):
        with dial(self.served("time").url) as peer:
            self.assertEqual(len(kit.read_all(peer)), 4)

    def test_discard_takes_all_and_answers_with_its_end(self):
        self.assertEqual(tls_kit.ask(self.served("discard").url, b"x" * 100_000), b"")

    def test_chat_greets(self):
        with dial(self.served("chat").url) as peer:
            kit.wait_until(lambda: b"this is lobby" in peer.recv(4096), "the room")

    def test_forward_carries_both_ways_from_tls_to_tls(self):
        echo = self.served("echo")
        to = echo.url + tls_kit.keys(ca=pki().ca.cert, name="localhost")
        data = bytes(range(256)) * 4_096
        self.assertTrue(tls_kit.ask(self.served("forward", "--to", to).url, data) == data)


if __name__ == "__main__":
    kit.main()
