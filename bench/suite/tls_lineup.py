"""Who takes part over TLS, and how each is started."""

import os
import string
from dataclasses import dataclass
from pathlib import Path

import lineup


class Secure(lineup.Plain):
    """A contestant that is talked to over TLS."""

    def __init__(self, certs, made):
        self.certs, self.made = certs, made

    @property
    def program(self):
        return self.made.program

    def url(self, port):
        return f"tls://127.0.0.1:{port}?ca={self.certs}/ca.pem"

    def command(self, port, backend, folder):
        return self.made.command(port, backend, folder)


@dataclass
class OverTls:
    """Weir, with every limit and timeout at its default."""

    path: Path
    protocol: str
    certs: Path

    @property
    def program(self):
        return str(self.path)

    def command(self, port, backend, _folder):
        url = f"tls://127.0.0.1:{port}?cert={self.certs}/server.pem&key={self.certs}/server.key"
        words = [self.program, "serve", self.protocol, url, "--loops", "1"]
        return words + (["--to", f"tcp://127.0.0.1:{backend}"] if backend is not None else [])


@dataclass
class Configured:
    template: str
    words: tuple  # {file} and {folder} are filled in.
    certs: Path

    @property
    def program(self):
        return self.words[0]

    def command(self, port, backend, folder):
        pem = folder / "both.pem"
        pem.write_bytes(b"".join((self.certs / name).read_bytes()
                                 for name in ("server.key", "server.pem")))
        os.chmod(pem, 0o644)  # In a folder of the test's: some give up being root before they read.
        text = string.Template((lineup.PEERS / self.template).read_text("utf-8"))
        file = folder / self.template.removesuffix(".in")
        file.write_text(text.substitute(port=port, backend=backend, work=folder, pem=pem))
        return [word.format(file=file, folder=folder) for word in self.words]


def contestants(build, certs):
    """The echo servers, and the forwarders."""
    raw = lineup.Program(build / "bin" / "raw_tls")
    weir = build / "bin" / "weir"
    nginx = Configured("tls-nginx.conf.in", lineup.NGINX, certs)
    echo = {"raw": raw, "raw again": raw, "weir": OverTls(weir, "echo", certs)}
    forward = {
        "nginx": nginx, "nginx again": nginx, "weir": OverTls(weir, "forward", certs),
        "haproxy": Configured("tls-haproxy.cfg.in", lineup.HAPROXY, certs),
        "hitch": Configured("tls-hitch.conf.in", ("/usr/sbin/hitch", "--config={file}"), certs),
        "stunnel": Configured("tls-stunnel.conf.in", ("/usr/bin/stunnel4", "{file}"), certs),
    }
    return tuple({name: Secure(certs, one) for name, one in everybody.items()}
                 for everybody in (echo, forward))
