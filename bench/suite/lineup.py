"""Who takes part, and how each is started."""

import shutil
import string
from dataclasses import dataclass
from pathlib import Path

PEERS = Path(__file__).resolve().parent.parent / "peers"


class Plain:
    """Is talked to in clear."""

    def url(self, port):
        return f"tcp://127.0.0.1:{port}"


class Program(Plain):
    """A server of this repository: it takes its port as its only argument."""

    def __init__(self, path):
        self.path = path

    @property
    def program(self):
        return str(self.path)

    def command(self, port, _backend, _folder):
        return [self.program, str(port)]


class Weir(Plain):
    """Our own, with every limit and timeout at its default."""

    def __init__(self, path, protocol, *options):
        self.path = path
        self.protocol = protocol
        self.options = options

    @property
    def program(self):
        return str(self.path)

    def command(self, port, backend, _folder):
        words = [self.program, "serve", self.protocol, f"tcp://127.0.0.1:{port}"]
        if backend is not None:
            words += ["--to", f"tcp://127.0.0.1:{backend}"]
        return [*words, *self.options, "--loops", "1"]


@dataclass
class Configured(Plain):
    """A forwarder that reads a file, made from a template into the server's folder."""

    template: str
    words: tuple  # {file} and {folder} are filled in.
    splice: str = ""

    @property
    def program(self):
        return self.words[0]

    def command(self, port, backend, folder):
        text = string.Template((PEERS / self.template).read_text("utf-8"))
        file = folder / self.template.removesuffix(".in")
        file.write_text(text.substitute(port=port, backend=backend, splice=self.splice, work=folder))
        return [word.format(file=file, folder=folder) for word in self.words]


HAPROXY = ("/usr/sbin/haproxy", "-db", "-q", "-f", "{file}")
NGINX = ("/usr/sbin/nginx", "-e", "stderr", "-p", "{folder}", "-c", "{file}")
SPLICE = "option splice-request\n    option splice-response"


def installed(contestants):
    """A peer that is not there is left out."""
    return {name: one for name, one in contestants.items() if shutil.which(one.program)}


def missing(build):
    """Of the programs without which nothing can be said."""
    needed = [build / "bin" / name for name in ("weir", "weir-load", "raw_echo", "raw_chat", "uv_echo")]
    return [str(path) for path in needed if not shutil.which(path)]


def echo_servers(build):
    programs = build / "bin"
    return installed({
        "raw": Program(programs / "raw_echo"),
        "raw again": Program(programs / "raw_echo"),
        "weir": Weir(programs / "weir", "echo"),
        "libuv": Program(programs / "uv_echo"),
        "libevent": Program(programs / "libevent_echo"),
        "Boost.Asio": Program(programs / "asio_echo"),
        "Go": Program(programs / "go_echo"),
    })


def chats(build):
    """One room. Ours with its limits, but for the pace, which would be what is measured."""
    programs = build / "bin"
    return installed({
        "raw": Program(programs / "raw_chat"),
        "raw again": Program(programs / "raw_chat"),
        "weir": Weir(programs / "weir", "chat", "--messages-per-second", "0"),
    })


def forwarders(build):
    rinetd = Configured("rinetd.conf.in", ("/usr/sbin/rinetd", "-f", "-c", "{file}"))
    spliced = Configured("haproxy.cfg.in", HAPROXY, SPLICE)
    return installed({
        "weir": Weir(build / "bin" / "weir", "forward"),
        "rinetd": rinetd,
        "rinetd again": rinetd,
        "haproxy": Configured("haproxy.cfg.in", HAPROXY),
        "haproxy, splice": spliced,
        "haproxy, splice again": spliced,
        "nginx": Configured("nginx.conf.in", NGINX),
    })
