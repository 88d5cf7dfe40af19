"""What the TLS tests share: an authority, a TLS end of ours, and openssl's client and server."""

import atexit
import collections
import os
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import time
from urllib.parse import quote, urlsplit

import kit

HANDSHAKE_FAILED = 76  # What weir connect exits with when the peer or its certificate is refused.
DAY = 86_400
LOCAL = ("DNS:localhost", "IP:127.0.0.1", "IP:::1")
P256 = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
RSA = ("-newkey", "rsa:2048")

Pair = collections.namedtuple("Pair", "cert key")

CONFIG = """\
[ca]
default_ca = authority
[authority]
dir = {folder}
database = {folder}/index
crlnumber = {folder}/crlnumber
new_certs_dir = {folder}/issued
rand_serial = yes
unique_subject = no
policy = policy
default_md = sha256
default_crl_days = 30
[policy]
commonName = optional
[req]
distinguished_name = name
[name]
"""


def openssl(*arguments):
    done = kit.run("openssl", *arguments)
    assert done.returncode == 0, f"openssl {arguments}: {done.stderr.decode()}"
    return done.stdout.decode()


def zulu(seconds_from_now):
    return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + seconds_from_now))


class Authority:
    """Issues certificates into a folder of its own."""

    def __init__(self, folder, name="Test CA", above=None):
        self.folder, self.count = folder, 0
        os.makedirs(os.path.join(folder, "issued"))
        for file, text in (("index", ""), ("crlnumber", "01\n"),
                           ("config", CONFIG.format(folder=folder))):
            with open(self.file(file), "w", encoding="ascii") as out:
                out.write(text)
        usage = ("basicConstraints=critical,CA:true", "keyUsage=critical,keyCertSign,cRLSign",
                 "subjectKeyIdentifier=hash")
        if above:
            self.pair = above.issue(name, extensions=usage)
            return
        self.pair = Pair(self.file("ca.pem"), self.file("ca.key"))
        openssl("req", "-x509", *P256, "-nodes", "-config", self.file("config"), "-subj",
                f"/CN={name}", *(word for line in usage for word in ("-addext", line)),
                "-keyout", self.pair.key, "-out", self.pair.cert)

    def file(self, name):
        return os.path.join(self.folder, name)

    @property
    def cert(self):
        return self.pair.cert

    def issue(self, name="localhost", names=LOCAL, purpose="serverAuth", begins=-DAY,
              ends=90 * DAY, key=P256, extensions=()):
        """A certificate and its key, valid for such a time from now."""
        self.count += 1
        cert, key_file = self.file(f"{self.count}.pem"), self.file(f"{self.count}.key")
        request, lines = self.file("request"), list(extensions)
        if not lines:
            lines = ["basicConstraints=critical,CA:false", "keyUsage=critical,digitalSignature",
                     "subjectKeyIdentifier=hash", "authorityKeyIdentifier=keyid"]
            lines += [f"extendedKeyUsage={purpose}"] if purpose else []
            lines += ["subjectAltName=" + ",".join(names)] if names else []
        with open(self.file("extensions"), "w", encoding="ascii") as out:
            out.write("\n".join(lines) + "\n")
        openssl("req", "-new", *key, "-nodes", "-config", self.file("config"), "-utf8", "-subj",
                f"/CN={name}", "-keyout", key_file, "-out", request)
        openssl("ca", "-batch", "-notext", "-config", self.file("config"), "-utf8",
                "-cert", self.pair.cert, "-keyfile", self.pair.key, "-in", request, "-out", cert,
                "-startdate", zulu(begins), "-enddate", zulu(ends),
                "-extfile", self.file("extensions"))
        os.chmod(key_file, 0o600)
        return Pair(cert, key_file)

    def crl(self, *revoked):
        """The list of these certificates, in a file."""
        for pair in revoked:
            openssl("ca", "-config", self.file("config"), "-cert", self.pair.cert,
                    "-keyfile", self.pair.key, "-revoke", pair.cert)
        openssl("ca", "-config", self.file("config"), "-cert", self.pair.cert,
                "-keyfile", self.pair.key, "-gencrl", "-out", self.file("crl.pem"))
        return self.file("crl.pem")


class Pki:
    """What most tests need, made once for a script."""

    def __init__(self):
        kit.need("openssl")
        self.folder = tempfile.mkdtemp(prefix="weir-pki.")
        atexit.register(shutil.rmtree, self.folder, True)
        self.ca = self.authority("Test CA")
        self.server = self.ca.issue()
        self.client = self.ca.issue("Test client", names=(), purpose="clientAuth")

    def authority(self, name, above=None):
        return Authority(tempfile.mkdtemp(dir=self.folder), name, above)


_pki = None


def pki():
    global _pki
    _pki = _pki or Pki()
    return _pki


def serial(pem):
    return openssl("x509", "-in", pem, "-noout", "-serial").strip().partition("=")[2]


def replace(pair, by):
    """As certbot does: whole files, by a rename each."""
    for to, new in ((pair.key, by.key), (pair.cert, by.cert)):
        shutil.copy2(new, to + ".new")
        os.rename(to + ".new", to)


# A TLS end of ours.


def client_context(ca=None, pair=None, version=None, alpn=()):
    context = ssl.create_default_context(cafile=ca or pki().ca.cert)
    if version:
        context.minimum_version = context.maximum_version = version
    if pair:
        context.load_cert_chain(pair.cert, pair.key)
    if alpn:
        context.set_alpn_protocols(list(alpn))
    return context


def server_context(pair=None, client_ca=None, version=None):
    pair = pair or pki().server
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.cert, pair.key)
    if client_ca:
        context.load_verify_locations(client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    if version:
        context.minimum_version = context.maximum_version = version
    return context


class Truncated(AssertionError):
    """The peer's FIN came without TLS's own end."""


class TlsPeer:
    """TLS with a socket's methods. Unlike an ssl.SSLSocket it ends its own direction alone, and two
    threads may use it, one to read and one to write."""

    def __init__(self, plain, context, name="localhost", serves=False):
        self.socket = plain
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_side=serves,
                                    server_hostname=None if serves else name)
        self.lock = threading.Lock()     # Of `tls` and what belongs to it.
        self.sending = threading.Lock()  # Taken first; held until what was encrypted is sent.
        self.plain, self.ended, self.truncated = bytearray(), False, False
        try:
            self._handshake()
        except BaseException:
            plain.close()
            raise

    def _handshake(self):
        while True:
            try:
                self.tls.do_handshake()
                return
            except ssl.SSLWantReadError:
                self._flush()
                self._feed(self.socket.recv(1 << 16))
            finally:
                self._flush()

    def _flush(self):
        with self.sending:
            with self.lock:
                encrypted = self.outgoing.read()
            self.socket.sendall(encrypted)

    def _feed(self, encrypted):
        if encrypted:
            self.incoming.write(encrypted)
        else:
            self.incoming.write_eof()

    # Everything is decrypted at once: with data inside it, OpenSSL cannot send its end.
    def _decrypt(self, encrypted):
        self._feed(encrypted)
        try:
            while not self.ended:
                part = self.tls.read(1 << 16)
                self.plain += part
                self.ended = not part
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.ended = True
        except ssl.SSLEOFError:
            self.ended = self.truncated = True

    def recv(self, size):
        while not self.plain and not self.ended:
            encrypted = self.socket.recv(1 << 16)
            with self.lock:
                self._decrypt(encrypted)
            if self.outgoing.pending:
                self._flush()
        if not self.plain and self.truncated:
            raise Truncated("an end without TLS's own")
        part = bytes(self.plain[:size])
        del self.plain[:size]
        return part

    def recv_into(self, room):
        part = self.recv(len(room))
        room[:len(part)] = part
        return len(part)

    def sendall(self, data, flags=0):
        data = memoryview(data)
        for start in range(0, len(data), 1 << 16):
            with self.sending:
                with self.lock:
                    self.tls.write(data[start:start + (1 << 16)])
                    encrypted = self.outgoing.read()
                self.socket.sendall(encrypted, flags)

    def end(self, flags=0):
        """TLS's own end, and no FIN."""
        with self.sending:
            with self.lock:
                try:
                    self.tls.unwrap()
                except ssl.SSLWantReadError:
                    pass
                encrypted = self.outgoing.read()
            self.socket.sendall(encrypted, flags)

    def shutdown(self, how):
        assert how == socket.SHUT_WR
        self.end(socket.MSG_MORE)
        self.socket.shutdown(how)

    def close(self):
        """With TLS's own end, unless it was sent or cannot be."""
        if self.socket.fileno() >= 0:
            try:
                self.socket.settimeout(0)
                self.end()
            except (OSError, ValueError):
                pass
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __getattr__(self, name):
        return getattr(self.socket, name)


def dial_plain(url):
    parts = urlsplit(url)
    return kit.dial(("unix" if parts.scheme.endswith("unix") else "tcp") + url[len(parts.scheme):])


def dial(url, context=None, name="localhost"):
    """A connected end for a tls:// or tls+unix:// URL, after the handshake."""
    return TlsPeer(dial_plain(url), context or client_context(), name)


def ask(url, data, context=None):
    """Sends, ends, and returns everything that comes back."""
    with dial(url, context) as peer:
        sender = threading.Thread(target=lambda: (peer.sendall(data),
                                                  peer.shutdown(socket.SHUT_WR)))
        sender.start()
        try:
            return kit.read_all(peer)
        finally:
            sender.join()


# openssl's own.


class SClient:
    """A running `openssl s_client`: standard output has the peer's bytes, standard error the rest."""

    def __init__(self, case, url, *options, ca=None, show=("-brief",)):
        parts = urlsplit(url)
        to = (("-unix", parts.path) if parts.scheme == "tls+unix" else
              ("-connect", parts.netloc))
        name = () if "-servername" in options else ("-servername", "localhost")
        self.log_file = case.path(f"s_client-{time.monotonic_ns()}")
        with open(self.log_file, "wb") as log:
            self.process = case.start("openssl", "s_client", *to, "-CAfile", ca or pki().ca.cert,
                                      "-verify_return_error", *name, *show, *options,
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)

    def log(self):
        with open(self.log_file, encoding="utf-8", errors="replace") as file:
            return file.read()

    def say(self, line):
        self.process.stdin.write(line)
        self.process.stdin.flush()
        return self

    def line(self):
        return self.process.stdout.readline()

    def logged(self, pattern):
        return kit.wait_until(lambda: re.search(pattern, self.log()), f"{pattern!r} of s_client")

    def end(self):
        """Ends our side, and waits for its end: the exit code."""
        self.process.stdin.close()
        self.process.stdin = None
        return self.process.wait(kit.PATIENCE)


def s_server(case, pair, *options, mode=("-rev",), listen=("-accept", "127.0.0.1:0")):
    """A running `openssl s_server` that answers lines reversed: its process and its port."""
    process = case.start("openssl", "s_server", *listen, "-cert", pair.cert, "-key", pair.key, *mode,
                         *options, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                         stderr=subprocess.DEVNULL)
    while True:
        line = process.stdout.readline().decode()
        assert line, f"openssl s_server ended: {process.wait()}"
        if line.startswith("ACCEPT"):
            return process, line.strip().rpartition(":")[2]


# A server of ours with TLS.


def keys(**values):
    """The query of a URL: `client_ca` is written client-ca, and a list is a key several times."""
    words = []
    for key, value in values.items():
        for one in value if isinstance(value, (list, tuple)) else [value]:
            words.append(f"{key.replace('_', '-')}={quote(str(one), safe='/:,')}")
    return "?" + "&".join(words)


def listen(pair=None, at="tls://127.0.0.1:0", **more):
    pair = pair or pki().server
    return at + keys(cert=pair.cert, key=pair.key, **more)


class TlsCase(kit.Case):
    def serve_tls(self, protocol="echo", *options, pair=None, at="tls://127.0.0.1:0", loops="1",
                  **more):
        """Served on one URL; what are no options of serve() are keys of the URL."""
        started = {key: more.pop(key) for key in ("before", "env") if key in more}
        return self.serve(protocol, "--loops", loops, *options, urls=[listen(pair, at, **more)],
                          **started)

    def own(self, pair, name="own"):
        """A copy of the files that the test may change."""
        mine = Pair(self.path(name + ".pem"), self.path(name + ".key"))
        replace(mine, pair)
        return mine

    def s_client(self, server, *options, **more):
        return SClient(self, getattr(server, "url", server), *options, **more)

    def assert_echo(self, server, context=None, name="localhost"):
        with dial(getattr(server, "url", server), context, name) as peer:
            peer.sendall(b"hello")
            self.assertEqual(kit.read_exactly(peer, 5), b"hello")
            return peer.tls
