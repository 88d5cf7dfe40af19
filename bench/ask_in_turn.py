"""Asks an echo server over several connections, a message each, then reads every answer."""

import socket
import sys


def main():
    port, connections, rounds, size = (int(word) for word in sys.argv[1:5])
    peers = [socket.create_connection(("127.0.0.1", port)) for _ in range(connections)]
    message = bytes(index % 251 for index in range(size))
    for _ in range(rounds):
        for peer in peers:
            peer.sendall(message)
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
