"""Many `weir serve echo` side by side, and `weir bench idle` that holds connections to all of them.

Between the answer on each connection and its end the generator is stopped (SIGSTOP): the connections
stay, and nothing of the generator runs while the servers are looked at.

Both ends wait an hour before they probe a silent connection, in place of a minute: probes of connections
that were made in the same moment leave in the same moment, and loopback drops all that is beyond
net.core.netdev_max_backlog, time after time, until the connection counts as dead.
"""

import contextlib
import ctypes
import json
import os
import pty
import re
import select
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import machine
import scale_memory

PR_SET_CHILD_SUBREAPER = 36
START_MAX = 30        # Seconds.
STOP_MAX = 10
SETTLED = 0.5         # So long the servers have done nothing.
SILENCE_MAX = 60      # So long nothing may get further.
SAMPLE_EVERY = 0.01
PROBE_LATE = "?keepalive=3600"
ANSWER_LEAST = 1e-6   # CPU seconds that an answer takes the server at the very least.


class ScaleError(Exception):
    """It could not be done; the text says why."""


def cpu_seconds(pids):
    """Of all threads, finer than clock ticks."""
    total = 0
    for pid in pids:
        for task in Path(f"/proc/{pid}/task").iterdir():
            total += int((task / "schedstat").read_text("ascii").split()[0])
    return total / 1e9


def pin(pid, cpus):
    for task in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(task.name), cpus)


def alive(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


def kill(pids):
    """Returns when they are gone."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    limit = time.monotonic() + STOP_MAX
    while any(alive(pid) for pid in pids) and time.monotonic() < limit:
        time.sleep(0.01)


def end_all(process):
    """Ends a process that we started with all that it started."""
    if process.poll() is None:
        kill(machine.family(process.pid))
    process.wait()


def adopt():
    """Has whatever we start stay ours, even when who started it has died; as sweep() relies on."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def sweep():
    """A signal that comes while a process is being started leaves one that no `with` knows of."""
    kill(machine.family(os.getpid())[1:])


class Serving:
    """Echo servers, one at each address, from entering to leaving the `with` block."""

    def __init__(self, build, addresses, port):
        self.urls = [f"tcp://{address}:{port}{PROBE_LATE}" for address in addresses]
        self._program = str(build / "bin" / "weir")
        self._log = tempfile.TemporaryFile()
        self._processes = []

    def __enter__(self):
        try:
            for url in self.urls:
                # A run may take longer than the five minutes that a silent connection has.
                words = [self._program, "serve", "echo", url, "--loops", "1", "--idle", "1h"]
                self._processes.append(subprocess.Popen(
                    words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._log,
                    start_new_session=True))
            for process in self._processes:
                self._await_ready(process)
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_):
        self._stop()

    @property
    def pids(self):
        return [process.pid for process in self._processes]

    def _await_ready(self, process):
        if not select.select([process.stdout], [], [], START_MAX)[0]:
            raise ScaleError(f"a server did not begin within {START_MAX} s")
        if not process.stdout.readline().startswith(b"ready"):
            self._log.seek(0)
            said = self._log.read().decode("utf-8", "replace").strip()
            raise ScaleError(f"a server ended at once: {said}")

    def _stop(self):
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            try:
                process.wait(STOP_MAX)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            process.stdout.close()
        self._log.close()


class Part:
    """The first few of them."""

    def __init__(self, everyone, count):
        self.urls = everyone.urls[:count]
        self.pids = everyone.pids[:count]


class Climb(threading.Thread):
    """Follows how many connections there are, from the number of TCP sockets: two for each."""

    def __init__(self):
        super().__init__(daemon=True)
        self.points = [(time.monotonic(), scale_memory.sockstat()["inuse"])]
        self._over = threading.Event()

    def run(self):
        while not self._over.wait(SAMPLE_EVERY):
            self.points.append((time.monotonic(), scale_memory.sockstat()["inuse"]))

    def finish(self):
        self._over.set()
        self.join()

    def _when(self, sockets):
        """The first moment with so many more than at the start, between two samples."""
        start = self.points[0][1]
        for (t0, n0), (t1, n1) in zip(self.points, self.points[1:]):
            if n1 - start >= sockets:
                return t0 + (t1 - t0) * max(0, sockets - (n0 - start)) / max(1, n1 - n0)
        return self.points[-1][0]

    def told(self, connections):
        """Seconds and rates. The last percent is left out: others may have closed a socket meanwhile."""
        marks = [self._when(2 * connections * tenth / 10) for tenth in range(10)]
        marks[0] = self._when(2)
        marks.append(self._when(2 * connections * 0.99))
        spans = [after - before for before, after in zip(marks, marks[1:])]
        counts = [connections / 10] * 9 + [connections * 0.09]
        tenths = [round(count / max(span, SAMPLE_EVERY)) for count, span in zip(counts, spans)]
        seconds = (marks[-1] - marks[0]) / 0.99
        return {"seconds": round(seconds, 3), "rate": round(connections / seconds),
                "tenths": tenths, "last_to_first": round(tenths[-1] / tenths[0], 3)}


class Holding:
    """The generator. Afterwards `answer` is its JSON; whatever happens, it is ended with the block."""

    def __init__(self, build, serving, layout):
        targets = [url.rpartition("//")[2].rpartition(":")[0] for url in serving.urls]
        self.command = [
            str(build / "bin" / "weir"), "bench", "idle", serving.urls[0],
            "--connections", str(layout.connections), "--agents", str(layout.agents),
            "--warmup", "1s", "--timeout", f"{SILENCE_MAX}s", "--json",
            "--sources", ",".join(layout.sources),
            "--targets", ",".join(targets), "--server-pid", ",".join(map(str, serving.pids))]
        self.answer = None
        self.connect = None
        self._connections = layout.connections
        self._serving = serving
        self._output = tempfile.TemporaryFile()
        self._told = b""

    def __enter__(self):
        self._terminal, theirs = pty.openpty()
        try:
            self._process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=self._output,
                                             stderr=theirs, start_new_session=True)
        finally:
            os.close(theirs)
        return self

    def __exit__(self, *_):
        end_all(self._process)
        os.close(self._terminal)
        self._output.close()

    @property
    def pids(self):
        """Empty once it has ended."""
        return machine.family(self._process.pid) if self._process.poll() is None else []

    def hold(self):
        """Returns when every connection is made and answered, and the generator is stopped."""
        climb = Climb()
        climb.start()
        idle = cpu_seconds(self._serving.pids)
        try:
            self._follow_until("warming up")
        finally:
            climb.finish()
        self.connect = climb.told(self._connections)
        servers, generator = cpu_seconds(self._serving.pids), cpu_seconds(self.pids)
        self.connect["cpu_us"] = {"servers": round(1e6 * (servers - idle) / self._connections, 2),
                                  "generator": round(1e6 * generator / self._connections, 2)}
        # Without its leader nobody passes the gate that stands behind the answers.
        os.kill(self._process.pid, signal.SIGSTOP)
        self._await_answers(servers)
        for pid in self.pids[1:]:
            os.kill(pid, signal.SIGSTOP)

    def release(self):
        """Lets it end, which closes all connections; `answer` is there then."""
        for pid in reversed(self.pids):
            os.kill(pid, signal.SIGCONT)
        self._follow_until(None)
        self._process.wait()
        self._output.seek(0)
        try:
            self.answer = json.loads(self._output.read())
        except ValueError:
            raise ScaleError(
                f"the generator ended with {self._process.returncode}: {self._last()}") from None

    def _await_answers(self, before):
        """All are answered when the servers, having worked enough for that, do nothing any more."""
        quiet_since = last_change = time.monotonic()
        used = before
        while True:
            time.sleep(0.05)
            now, latest = time.monotonic(), cpu_seconds(self._serving.pids)
            if latest - used > 1e-3:
                quiet_since = last_change = now
            used = latest
            worked = latest - before > ANSWER_LEAST * self._connections
            if worked and now - quiet_since > SETTLED:
                return
            if now - last_change > SILENCE_MAX or not self.pids:
                raise ScaleError(f"the connections were not answered within {SILENCE_MAX} s")

    def _follow_until(self, phase):
        """Reads the line it shows until that names the phase; None: until it ends."""
        limit, count = time.monotonic() + SILENCE_MAX, None
        while phase is None or phase.encode() not in self._told[-200:]:
            if select.select([self._terminal], [], [], 0.5)[0]:
                try:
                    self._told = (self._told + os.read(self._terminal, 4096))[-4096:]
                except OSError:  # A terminal that nobody writes to any more.
                    break
            latest = re.findall(rb"([\d,]+) connections", self._told)[-1:]
            if latest != count:
                limit, count = time.monotonic() + SILENCE_MAX, latest
            if time.monotonic() > limit:
                raise ScaleError(f"nothing got further for {SILENCE_MAX} s: {self._last()}")
        if phase is not None and phase.encode() not in self._told[-200:]:
            self._process.wait()
            self._output.seek(0)
            reason = re.search(rb'"reason": ?"([^"]*)"', self._output.read())
            raise ScaleError("the generator gave up: " + (reason.group(1).decode() if reason and
                                                           reason.group(1) else self._last()))

    def _last(self):
        text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self._told.decode("utf-8", "replace"))
        return re.split(r"[\r\n]+", text.strip())[-1]
