"""Asks an echo server over several connections, a message each, then reads every answer.

usage: ask_in_turn.py PORT CONNECTIONS ROUNDS SIZE SERVER_PID
The server is stopped while it is asked, so that each of its turns finds a message on every
connection, however fast it is: what a turn costs by itself is always shared by as many.
"""

import os
import signal
import socket
import sys
from pathlib import Path


def stop(pid):
    os.kill(pid, signal.SIGSTOP)
    tasks = Path(f"/proc/{pid}/task")
    while any(task.joinpath("stat").read_text().rpartition(") ")[2][0] != "T"
              for task in tasks.iterdir()):
        pass


def main():
    port, connections, rounds, size, server = (int(word) for word in sys.argv[1:6])
    peers = [socket.create_connection(("127.0.0.1", port)) for _ in range(connections)]
    message = bytes(index % 251 for index in range(size))
    for _ in range(rounds):
        stop(server)
        for peer in peers:
            peer.sendall(message)
        os.kill(server, signal.SIGCONT)
        for peer in peers:
            answer = b""
            while len(answer) < size:
                piece = peer.recv(size - len(answer))
                if not piece:
                    sys.exit("the server ended the connection")
                answer += piece
            if answer != message:
                sys.exit("the answer is not what was sent")
    for peer in peers:
        peer.close()


if __name__ == "__main__":
    main()
