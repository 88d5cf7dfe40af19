#!/usr/bin/env python3
"""An echo server that stands still for a known time again and again: a stall planted on purpose, to see
whether a load generator finds it.

Prints `ready echo tcp://127.0.0.1:PORT` once it listens, and ends on TERM or INT.
"""

import argparse
import resource
import selectors
import signal
import socket
import sys
import time

READ_SIZE = 64 * 1024
BACKLOG = 4096
ACCEPTS = 256  # Connections accepted before the others get their turn.


class Peer:
    """A connection, and what the kernel did not take yet. While there is any, nothing is read."""

    def __init__(self, sock):
        self.sock = sock
        self.unsent = memoryview(b"")
        self.ended = False  # Its end was read: what is unsent goes out first.

    def work(self):
        """Moves what can be moved without blocking. False: the connection is over."""
        try:
            if not self.unsent and not self.ended:
                data = self.sock.recv(READ_SIZE)
                self.ended = not data
                self.unsent = memoryview(data)
            if self.unsent:
                self.unsent = self.unsent[self.sock.send(self.unsent):]
        except (BlockingIOError, InterruptedError):
            return True
        except OSError:
            return False
        return bool(self.unsent) or not self.ended

    @property
    def wanted(self):
        return selectors.EVENT_WRITE if self.unsent else selectors.EVENT_READ


class Stalls:
    """When to stand still: for `length` seconds at the start of each period but the first."""

    def __init__(self, length, period):
        self.length = length
        self.period = period
        self.next = time.monotonic() + period

    def wait(self):
        """Seconds until the next one; None: there is none."""
        return max(0.0, self.next - time.monotonic()) if self.length else None

    def stand_still(self):
        """Does so if it is time. Periods count from the start, so stalls do not drift."""
        if not self.length or time.monotonic() < self.next:
            return
        time.sleep(max(0.0, self.next + self.length - time.monotonic()))
        while self.next <= time.monotonic():
            self.next += self.period


def accept(selector, listener):
    for _ in range(ACCEPTS):
        try:
            sock, _ = listener.accept()
        except BlockingIOError:
            return
        except ConnectionAbortedError:
            continue
        except OSError as error:  # A server short of descriptors would prove nothing.
            sys.exit(f"stalling_echo: cannot accept: {error.strerror}")
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(sock, selectors.EVENT_READ, Peer(sock))


def attend(selector, key):
    """Serves one ready connection, and forgets it when it is over."""
    peer = key.data
    if not peer.work():
        selector.unregister(peer.sock)
        peer.sock.close()
    elif peer.wanted != key.events:
        selector.modify(peer.sock, peer.wanted, peer)


def serve(listener, stalls):
    selector = selectors.DefaultSelector()
    selector.register(listener, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select(stalls.wait()):
            stalls.stand_still()
            if key.data is None:
                accept(selector, listener)
            else:
                attend(selector, key)
        stalls.stand_still()


def number(low, high):
    """A whole number from low to high, for argparse."""
    def read(text):
        if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"expected a number from {low} to {high}, not {text!r}")
        return int(text)
    return read


def read_arguments():
    parser = argparse.ArgumentParser(
        description="An echo server on loopback that stands still once in each period.")
    parser.add_argument("--port", type=number(0, 65535), default=0,
                        help="where to listen; 0, the default: a free port")
    parser.add_argument("--stall-ms", type=number(0, 60_000), default=100,
                        help="how long it stands still each time; 0: never; 100 unless told")
    parser.add_argument("--every-ms", type=number(1, 3_600_000), default=1000,
                        help="from the start of one stall to the next; 1000 unless told")
    arguments = parser.parse_args()
    if arguments.stall_ms >= arguments.every_ms:
        parser.error(f"--stall-ms is {arguments.stall_ms}, expected less than --every-ms,"
                     f" {arguments.every_ms}")
    return arguments


def listen(port):
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen(BACKLOG)
    except OSError as error:
        sys.exit(f"stalling_echo: cannot listen at 127.0.0.1:{port}: {error.strerror}")
    listener.setblocking(False)
    return listener


def main():
    arguments = read_arguments()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: sys.exit(0))
    listener = listen(arguments.port)
    stalls = Stalls(arguments.stall_ms / 1000, arguments.every_ms / 1000)
    print(f"ready echo tcp://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    serve(listener, stalls)


if __name__ == "__main__":
    main()
