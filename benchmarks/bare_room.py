"""A bare room: every line of standard input goes as one WebSocket message to everybody: what `benchmarks.live` measures
the gateway's rooms against. It knows no accounts, no channels, no slow clients, and takes whatever is said as a wish to
be told.
"""

import argparse
import asyncio
import base64
import hashlib
import re
import sys
from typing import Final

import uvloop

from services.gateway.edge.frames import head

GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
SNAPSHOT: Final = b'{"op":"snapshot"}'
_KEY: Final = re.compile(rb"(?i)sec-websocket-key: *(\S+)")
ROOM: Final[set[asyncio.WriteTransport]] = set()


class Guest(asyncio.Protocol):
    """One client."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Not in the room yet."""
        self._transport: asyncio.WriteTransport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        """A handshake, or a word."""
        if (key := _KEY.search(data)) is not None:
            accept = base64.b64encode(hashlib.sha1(key[1] + GUID, usedforsecurity=False).digest())
            fields = b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + accept
            self._transport.write(b"HTTP/1.1 101 Switching Protocols\r\n" + fields + b"\r\n\r\n")
            data = data.partition(b"\r\n\r\n")[2]
        if data and self._transport not in ROOM:
            ROOM.add(self._transport)
            self._transport.write(head(len(SNAPSHOT)) + SNAPSHOT)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - either way it is gone
        """Gone."""
        ROOM.discard(self._transport)


async def run(port: int) -> None:
    """Until standard input ends."""
    loop = asyncio.get_running_loop()
    await loop.create_server(Guest, "127.0.0.1", port, backlog=1_024)
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin.buffer)
    while line := await lines.readline():
        text = line[:-1]
        frame = head(len(text)) + text
        for guest in ROOM:
            guest.write(frame)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bare_room")
    parser.add_argument("port", type=int)
    uvloop.run(run(parser.parse_args().port))
