"""Who takes part, and how each is started."""

import shutil
import string
import subprocess
from dataclasses import dataclass
from pathlib import Path

PEERS = Path(__file__).resolve().parent.parent / "peers"
DEBIANS_PYTHON = "/usr/bin/python3"  # Where its package of uvloop is; another one may come first.


class Plain:
    """Is talked to in clear."""

    compiles = False  # While it runs, so that it takes a longer warm-up.
    forks = False     # A process for each connection, whose CPU time is known when it has ended.

    def url(self, port):
        return f"tcp://127.0.0.1:{port}"

    def present(self):
        return shutil.which(self.program) is not None


class Program(Plain):
    """A server of this repository: it takes its port as its only argument."""

    def __init__(self, path):
        self.path = path

    @property
    def program(self):
        return str(self.path)

    def command(self, port, _backend, _folder):
        return [self.program, str(port)]


class Script(Program):
    """The same, run by an interpreter; `check` is the source of a script that tells if it can."""

    def __init__(self, path, interpreter, *check, compiles=False):
        super().__init__(path)
        self.interpreter = interpreter
        self.check = check
        self.compiles = compiles

    def present(self):
        if not shutil.which(self.interpreter):
            return False
        return not self.check or subprocess.run(
            (self.interpreter, *self.check), check=False, capture_output=True).returncode == 0

    def command(self, port, _backend, _folder):
        return [self.interpreter, self.program, str(port)]


class Netty(Program):
    """A program that starts Java."""

    compiles = True

    def present(self):
        return super().present() and shutil.which("java") is not None


class Socat(Plain):
    """A process per connection, 8 KiB at a time: a forwarder, or an echo server through a pipe, which
    holds 64 KiB and then is stuck; no load of ours has as much in flight on a connection."""

    program = "socat"
    forks = True

    def command(self, port, backend, _folder):
        far = f"TCP:127.0.0.1:{backend},nodelay" if backend is not None else "PIPE"
        return [self.program,
                f"TCP-LISTEN:{port},bind=127.0.0.1,reuseaddr,fork,backlog=4096,nodelay", far]


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
    return {name: one for name, one in contestants.items() if one.present()}


def missing(build):
    """Of the programs without which nothing can be said."""
    needed = [build / "bin" / name for name in ("weir", "raw_echo", "raw_chat", "uv_echo")]
    return [str(path) for path in needed if not shutil.which(path)]


def echo_servers(build):
    programs = build / "bin"
    return {
        "raw": Program(programs / "raw_echo"),
        "raw again": Program(programs / "raw_echo"),
        "weir": Weir(programs / "weir", "echo"),
        "libev": Program(programs / "libev_echo"),
        "libuv": Program(programs / "uv_echo"),
        "libevent": Program(programs / "libevent_echo"),
        "Boost.Asio": Program(programs / "asio_echo"),
        "Go": Program(programs / "go_echo"),
        "Netty": Netty(programs / "netty_echo"),
        "Node": Script(PEERS / "node_echo.js", "node", compiles=True),
        "uvloop": Script(PEERS / "uvloop_echo.py", DEBIANS_PYTHON, "-c", "import uvloop"),
        "socat": Socat(),
    }


def chats(build):
    """One room. Ours with its limits, but for the pace, which would be what is measured."""
    programs = build / "bin"
    return {
        "raw": Program(programs / "raw_chat"),
        "raw again": Program(programs / "raw_chat"),
        "weir": Weir(programs / "weir", "chat", "--messages-per-second", "0"),
    }


def forwarders(build):
    rinetd = Configured("rinetd.conf.in", ("/usr/sbin/rinetd", "-f", "-c", "{file}"))
    spliced = Configured("haproxy.cfg.in", HAPROXY, SPLICE)
    return {
        "weir": Weir(build / "bin" / "weir", "forward"),
        "rinetd": rinetd,
        "rinetd again": rinetd,
        "haproxy": Configured("haproxy.cfg.in", HAPROXY),
        "haproxy, splice": spliced,
        "haproxy, splice again": spliced,
        "nginx": Configured("nginx.conf.in", NGINX),
        "socat": Socat(),
    }


def only(contestants, chosen):
    """Those of the names that were chosen, and their second copies; all if none was."""
    return {name: one for name, one in contestants.items()
            if not chosen or name.removesuffix(" again") in chosen}


def absent(*lineups):
    """Who would take part, but is not installed or not built."""
    return list(dict.fromkeys(name for contestants in lineups for name, one in contestants.items()
                              if not name.endswith(" again") and not one.present()))
