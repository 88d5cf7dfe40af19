"""A server under test: started on its core with a fresh process, known by its port, stopped."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import machine

START_MAX = 30  # Seconds; valgrind and strace slow a start down.
STOP_MAX = 10


class ServerError(Exception):
    """A server did not start."""


class Server:
    """Runs `command` from entering to leaving the `with` block.

    A wrapper (strace) stands before the command; `pid` is then the process it started.
    """

    def __init__(self, contestant, backend=None, wrapper=()):
        self.port = machine.free_port()
        self.contestant = contestant
        self.folder = Path(tempfile.mkdtemp(prefix="weir-bench-"))
        self.folder.chmod(0o755)  # Some servers give up being root and still look in here.
        self.command = [*wrapper, *contestant.command(self.port, backend, self.folder)]
        self.wrapped = bool(wrapper)
        self.process = None

    def __enter__(self):
        with open(self.folder / "output", "wb") as output:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                preexec_fn=lambda: os.sched_setaffinity(0, {machine.SERVER_CORE}))
        try:
            self._wait_until_listening()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_):
        self._stop()

    @property
    def url(self):
        return self.contestant.url(self.port)

    @property
    def pids(self):
        everybody = machine.family(self.process.pid)
        return everybody[1:] if self.wrapped else everybody

    @property
    def said(self):
        return (self.folder / "output").read_text("utf-8", "replace").strip()

    def stop(self):
        """Lets it end by itself; what a wrapper writes at the end is complete afterwards."""
        for pid in self.pids[:1]:
            os.kill(pid, signal.SIGTERM)
        self.process.wait(STOP_MAX)

    def _wait_until_listening(self):
        limit = time.monotonic() + START_MAX
        while not machine.is_listening(self.port):
            if self.process.poll() is not None:
                raise ServerError(f"{self.command[0]} ended at once: {self.said}")
            if time.monotonic() > limit:
                raise ServerError(f"{self.command[0]} does not listen: {self.said}")
            time.sleep(0.01)
        time.sleep(0.02)  # A server with workers listens before they wait for connections.

    def _stop(self):
        try:
            if self.process.poll() is None:
                self.stop()
        except (subprocess.TimeoutExpired, ProcessLookupError):
            for pid in reversed(machine.family(self.process.pid)):
                os.kill(pid, signal.SIGKILL)
            self.process.wait()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)
