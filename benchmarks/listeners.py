"""WebSocket clients that cost little: they share a machine, and its processors, with the server that they measure.

All of them are read in one callback of the loop for what has come meanwhile, and a chunk that was taken apart for one
is not taken apart again for the next: in a room everybody is told the same bytes.
"""

import asyncio
import os
import select
import socket
import time
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, NamedTuple

import msgspec

CHUNK: Final = 262_144
_PONG: Final = b"\x8a\x80"


class _Frame(msgspec.Struct):
    op: str
    seq: int = 0


_frame: Final = msgspec.json.Decoder(_Frame)


class Read(NamedTuple):
    """What a chunk said: the places of updates, whether anything else was said, pings, and what is not whole yet."""

    updates: tuple[int, ...]
    answered: bool
    pings: int
    rest: bytes


def masked(text: bytes) -> bytes:
    """A client's text frame."""
    mask = os.urandom(4)
    length = bytes([0x80 | len(text)]) if len(text) < 126 else b"\xfe" + len(text).to_bytes(2, "big")
    return b"\x81" + length + mask + bytes(byte ^ mask[place % 4] for place, byte in enumerate(text))


def handshake(port: int) -> bytes:
    """The request for a WebSocket."""
    return (
        f"GET /api/v1/ws HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode()


@lru_cache(maxsize=256)
def read(data: bytes) -> Read:
    """Frames of a server: they are not masked, and small."""
    updates, answered, pings, place = [], False, 0, 0
    while len(data) >= place + 4:
        length, start = data[place + 1], place + 2
        if length == 126:
            length, start = int.from_bytes(data[place + 2 : place + 4], "big"), place + 4
        if len(data) < start + length:
            break
        if (opcode := data[place] & 0x0F) == 0x9:
            pings += 1
        elif opcode == 0x1:
            said = _frame.decode(data[start : start + length])
            if said.op == "update":
                updates.append(said.seq)
            else:
                answered = True
        place = start + length
    return Read(tuple(updates), answered, pings, data[place:])


@dataclass(eq=False)
class Listener:
    """One good client: `heard` are moments, and the places of the updates that came at each."""

    socket: socket.socket
    wish: bytes
    ready: "asyncio.Future[None]"
    rest: bytes = b""
    upgraded: bool = False
    lost: bool = False
    heard: list[tuple[float, tuple[int, ...]]] = field(default_factory=list)

    def has_heard(self, seq: int) -> bool:
        """Whether it has come so far."""
        return bool(self.heard) and self.heard[-1][1][-1] >= seq

    def hear(self) -> None:
        """What has come."""
        try:
            data = self.socket.recv(CHUNK)
        except OSError:
            data = b""
        now = time.perf_counter()
        if not data:
            self.lost = True
            return
        data = self.rest + data
        if not self.upgraded:
            head = data.find(b"\r\n\r\n")
            if head < 0:
                self.rest = data
                return
            self.upgraded, data = True, data[head + 4 :]
            self.socket.send(masked(self.wish))
        found = read(data)
        self.rest = found.rest
        if found.updates:
            self.heard.append((now, found.updates))
        for _ in range(found.pings):
            self.socket.send(_PONG + os.urandom(4))
        if found.answered and not self.ready.done():
            self.ready.set_result(None)


class Crowd:
    """Good clients of one server that wish the same."""

    def __init__(self, port: int, wish: bytes) -> None:
        self._port, self._wish = port, wish
        self._poll = select.epoll()
        self._of: dict[int, Listener] = {}
        asyncio.get_running_loop().add_reader(self._poll.fileno(), self._hear)

    @property
    def clients(self) -> list[Listener]:
        """In order of their coming."""
        return [*self._of.values()]

    async def join(self, count: int, at_once: int = 50) -> None:
        """So many more, each once it has been answered."""
        for start in range(0, count, at_once):
            await asyncio.gather(*(self._join() for _ in range(min(at_once, count - start))))

    async def _join(self) -> None:
        loop, one = asyncio.get_running_loop(), socket.socket()
        one.setblocking(False)
        await loop.sock_connect(one, ("127.0.0.1", self._port))
        self._of[one.fileno()] = listener = Listener(one, self._wish, loop.create_future())
        self._poll.register(one.fileno(), select.EPOLLIN)
        one.send(handshake(self._port))
        await listener.ready

    async def heard(self, last: int, seconds: float) -> None:
        """Until everybody has heard the last of it, or for so long."""
        until = time.perf_counter() + seconds
        for listener in self.clients:
            while not listener.has_heard(last) and time.perf_counter() < until:  # noqa: ASYNC110 - no event for each
                await asyncio.sleep(0.01)

    def _hear(self) -> None:
        for number, _ in self._poll.poll(0, len(self._of)):
            listener = self._of[number]
            listener.hear()
            if listener.lost:
                self._poll.unregister(number)

    def close(self) -> None:
        """Everybody leaves."""
        asyncio.get_running_loop().remove_reader(self._poll.fileno())
        self._poll.close()
        for listener in self._of.values():
            listener.socket.close()
