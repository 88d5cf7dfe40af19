#!/usr/bin/env python3
"""Starts the tutorial's server, talks to it as the tutorial says, and ends it.

usage: check_example.py PROGRAM
"""
import re
import signal
import socket
import subprocess
import sys


def read_all(connection):
    data = b""
    while chunk := connection.recv(4096):
        data += chunk
    return data


def main():
    server = subprocess.Popen([sys.argv[1], "tcp://127.0.0.1:0"], stdout=subprocess.PIPE, text=True)
    try:
        line = server.stdout.readline()
        print(line, end="")
        port = int(re.fullmatch(r"greet listens on tcp://127\.0\.0\.1:(\d+)\n", line).group(1))
        with socket.create_connection(("127.0.0.1", port), timeout=20) as guest:
            guest.sendall(b"Ann\n")
            answer = read_all(guest)
        print(answer)
        server.send_signal(signal.SIGTERM)
        code = server.wait(timeout=20)
    finally:
        server.kill()
        server.wait()
    print(f"exit {code}")
    return 0 if (answer, code) == (b"Welcome, Ann! You are guest 1.\n", 0) else 1


if __name__ == "__main__":
    sys.exit(main())
