#!/usr/bin/python3
"""An echo server on uvloop as its manual writes it: an asyncio.Protocol per connection.

usage: uvloop_echo.py PORT
"""

import asyncio
import signal
import sys

import uvloop


class Echo(asyncio.Protocol):
    """What cannot be sent yet is kept by the transport, which has the peer read no more meanwhile."""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)

    def pause_writing(self):
        self.transport.pause_reading()

    def resume_writing(self):
        self.transport.resume_reading()


async def serve(port):
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Echo, "127.0.0.1", port, backlog=4096)
    ended = loop.create_future()
    loop.add_signal_handler(signal.SIGTERM, ended.set_result, None)
    print("ready", server.sockets[0].getsockname()[1], flush=True)
    await ended


if __name__ == "__main__":
    if len(sys.argv) != 2 or not sys.argv[1].isdigit():
        sys.exit("usage: uvloop_echo.py PORT")
    uvloop.install()
    asyncio.run(serve(int(sys.argv[1])))
