#!/usr/bin/env python3
"""Starts the example that changes to TLS, and talks to it with openssl and in clear.

usage: check_starttls.py PROGRAM CERTS_SH
"""
import re
import signal
import socket
import subprocess
import sys
import tempfile

DEADLINE = 20  # Seconds.


def over_tls(port, folder):
    """What openssl prints of two lines, the first being what is said once it is secured."""
    client = subprocess.Popen(
        ["openssl", "s_client", "-quiet", "-starttls", "sieve", "-connect", f"127.0.0.1:{port}",
         "-CAfile", f"{folder}/ca.pem", "-verify_return_error", "-verify_hostname", "localhost"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        first = client.stdout.readline()
        client.stdin.write(b"secret\n")
        client.stdin.flush()
        return first + client.stdout.readline()
    finally:
        client.kill()
        client.communicate()


def in_clear(port, text):
    """What comes until the server ends it, or resets it."""
    with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE) as client:
        answer = b""
        try:
            client.sendall(text)
            client.shutdown(socket.SHUT_WR)
            while chunk := client.recv(4096):
                answer += chunk
        except OSError:
            pass  # It was reset.
        return answer


def check(program, folder):
    server = subprocess.Popen(
        [program, f"{folder}/server.pem", f"{folder}/server.key", "tcp://127.0.0.1:0"],
        stdout=subprocess.PIPE, text=True)
    try:
        line = server.stdout.readline()
        port = int(re.fullmatch(r"starttls listens on tcp://127\.0\.0\.1:(\d+)\n", line).group(1))
        assert over_tls(port, folder) == b'OK "TLSv1.3"\r\nsecret\r\n'
        assert in_clear(port, b"secret\n") == b'"STARTTLS"\r\nOK\r\nNO "not in clear"\r\n'
        assert b"secret" not in in_clear(port, b"STARTTLS\nsecret\n")
        server.send_signal(signal.SIGTERM)
        code = server.wait(timeout=DEADLINE)
    finally:
        server.kill()
        server.wait()
    assert code == 0, code


def main():
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["bash", sys.argv[2], folder], check=True, stdout=subprocess.DEVNULL)
        check(sys.argv[1], folder)
    print("openssl is answered over TLS, and nobody in clear")


if __name__ == "__main__":
    main()
