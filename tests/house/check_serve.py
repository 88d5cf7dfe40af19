#!/usr/bin/env python3
"""Runs examples/serve.sh as ./dev run does: every service answers, a taken port is told in plain
words, and at the end no process and no socket file is left.

usage: check_serve.py SERVE_SH WEIR
"""
import os
import re
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

DEADLINE = 30.0  # Seconds, for whatever is awaited here.
PORTS = (7007, 7008, 7009, 7013, 7037, 7070, 7071, 3456)


def free_offset():
    """An offset with which all ports are free at this moment."""
    for _ in range(50):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            offset = probe.getsockname()[1] // 2
        try:
            for port in PORTS:
                socket.create_server(("127.0.0.1", port + offset)).close()
            return offset
        except OSError:
            continue
    sys.exit("no free range of ports found")


def start(script, weir, offset, runtime):
    env = dict(os.environ, WEIR_PORT_OFFSET=str(offset), XDG_RUNTIME_DIR=runtime)
    return subprocess.Popen(["bash", script, weir], env=env, stdin=subprocess.DEVNULL, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def read_until(process, word):
    text = ""
    while word not in text:
        line = process.stdout.readline()
        if not line:
            sys.exit(f"serve.sh ended without saying '{word}':\n{text}")
        text += line
    return text


def talk(address, send=b"", family=socket.AF_INET):
    """What comes back until the end, after sending and ending our side."""
    with socket.socket(family) as client:
        client.settimeout(DEADLINE)
        client.connect(address)
        if send:
            client.sendall(send)
            client.shutdown(socket.SHUT_WR)
        answer = b""
        while chunk := client.recv(4096):
            answer += chunk
        return answer


def servers_of(process):
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    # What printed the hints may not be gone yet.
    return [int(child) for child in children if name_of(child) == "weir"]


def name_of(pid):
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return None


def read_line(client, beginning):
    with client.makefile("rb") as lines:
        for line in lines:
            if line.startswith(beginning):
                return line
    raise AssertionError(f"no line began with {beginning}")


def check_chat(address, path):
    """One member over TCP, one over a Unix socket, one room."""
    with socket.create_connection(address) as ann, socket.socket(socket.AF_UNIX) as bob:
        bob.connect(path)
        for client in (ann, bob):
            client.settimeout(DEADLINE)
        read_line(bob, b"* this is lobby")
        ann.sendall(b"hello\n")
        assert read_line(bob, b"<guest-").endswith(b"> hello\r\n")


def check_chat_over_tls(address, authority):
    """Nobody else can read it, and it is the same room."""
    context = ssl.create_default_context(cafile=authority)
    with socket.create_connection(address, timeout=DEADLINE) as plain, \
            context.wrap_socket(plain, server_hostname="localhost") as client:
        read_line(client, b"* this is lobby")


def check_answers(offset, folder):
    at = lambda port: ("127.0.0.1", port + offset)
    assert talk(at(7007), b"hello\n") == b"hello\n"
    assert talk(str(folder / "echo.sock"), b"hello\n", socket.AF_UNIX) == b"hello\n"
    for _ in range(2):  # Its two targets take turns.
        assert talk(at(7008), b"hello\n") == b"hello\n"
        assert talk(str(folder / "forward.sock"), b"hello\n", socket.AF_UNIX) == b"hello\n"
    assert talk(at(7009), b"hello\n") == b""
    assert re.search(rb"\b20\d\d\b", talk(at(7013))), "daytime tells no year"
    seconds = struct.unpack(">I", talk(at(7037)))[0]
    assert abs((seconds - 2_208_988_800 - time.time() + 2**31) % 2**32 - 2**31) < 60
    assert talk(at(3456), b"hello\n").startswith(b"You said: hello")
    check_chat(at(7070), str(folder / "chat.sock"))
    check_chat_over_tls(at(7071), str(folder / "certs" / "ca.pem"))
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "echo.sock").stat().st_mode & 0o777 == 0o600


def check_serving(script, weir, runtime):
    offset = free_offset()
    serving = start(script, weir, offset, runtime)
    try:
        text = read_until(serving, "Ctrl-C stops them")
        folder = Path(runtime) / "weir"
        for hint in (f"nc 127.0.0.1 {7007 + offset}", f"nc -U {folder}/echo.sock",
                     f"nc 127.0.0.1 {7008 + offset}", f"nc -U {folder}/forward.sock",
                     f"nc 127.0.0.1 {7070 + offset}", f"nc -U {folder}/chat.sock",
                     f"-CAfile {folder}/certs/ca.pem -connect 127.0.0.1:{7071 + offset}",
                     f"rdate -p -o {7037 + offset}", f"telnet 127.0.0.1 {3456 + offset}"):
            assert hint in text, f"no hint '{hint}' in:\n{text}"
        check_answers(offset, folder)
        servers = servers_of(serving)
        assert len(servers) == 1, servers

        taken = start(script, weir, offset, runtime)
        said, _ = taken.communicate(timeout=DEADLINE)
        assert taken.returncode == 1 and "taken" in said, (taken.returncode, said)
        assert talk(("127.0.0.1", 7007 + offset), b"still\n") == b"still\n"
    finally:
        serving.send_signal(signal.SIGINT)
        serving.communicate(timeout=DEADLINE)
    assert serving.returncode == 0, serving.returncode
    left = [pid for pid in servers if Path(f"/proc/{pid}").exists()]
    assert not left, f"still running: {left}"
    assert [left.name for left in folder.iterdir()] == ["certs"], list(folder.iterdir())


def main():
    with tempfile.TemporaryDirectory() as runtime:
        check_serving(sys.argv[1], sys.argv[2], runtime)
    print("every service of ./dev run answers and ends")


if __name__ == "__main__":
    main()
