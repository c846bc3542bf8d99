"""1,000 WebSockets in a room where 200 messages a second happen: how late each frame comes, while one client is frozen.

Prices are published as matching would say them; a room's frames are paced, so a client gets the newest state at most
every 50 ms. Late is from the moment at which the event that a frame is as of was published, by the one clock of this
process, until the frame has come here. The frozen client reads nothing at all.
"""

import asyncio
import os
import socket
import time
from functools import partial
from typing import Final

import msgspec
from cleartide.contracts import MarkPriceUpdated
from cleartide.contracts.codec import encode

from benchmarks.report import Row, percentile, write
from benchmarks.rest import gateway
from benchmarks.rooms import room
from deploy.local.sandbox.market import MARKET

CLIENTS: Final = 1_000
PER_SECOND: Final = 200
SECONDS: Final = 20
SUBSCRIBE: Final = msgspec.json.encode({"op": "subscribe", "channel": "prices", "market": MARKET})
FIRST_SEQ: Final = 1_000_000


class _Frame(msgspec.Struct):
    op: str
    seq: int = 0


_frame: Final = msgspec.json.Decoder(_Frame)


def masked(text: bytes) -> bytes:
    """A client's text frame."""
    mask = os.urandom(4)
    length = bytes([0x80 | len(text)]) if len(text) < 126 else b"\xfe" + len(text).to_bytes(2, "big")
    return b"\x81" + length + mask + bytes(byte ^ mask[place % 4] for place, byte in enumerate(text))


class Listening(asyncio.Protocol):
    """One good client: it notes when each frame came, and of what event it is."""

    def __init__(self, port: int) -> None:
        self._port, self._buffer, self._upgraded = port, b"", False
        self.ready = asyncio.get_running_loop().create_future()
        self.heard: list[tuple[int, float]] = []
        self.lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for a WebSocket."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(handshake(self._port))

    def data_received(self, data: bytes) -> None:
        """Frames of the server are not masked, and small."""
        self._buffer += data
        if not self._upgraded:
            head = self._buffer.find(b"\r\n\r\n")
            if head < 0:
                return
            self._upgraded, self._buffer = True, self._buffer[head + 4 :]
            self.transport.write(masked(SUBSCRIBE))
        now = time.perf_counter()
        while len(self._buffer) >= 2:
            length, start = self._buffer[1], 2
            if length == 126:
                if len(self._buffer) < 4:
                    return
                length, start = int.from_bytes(self._buffer[2:4], "big"), 4
            if len(self._buffer) < start + length:
                return
            opcode, body = self._buffer[0] & 0x0F, self._buffer[start : start + length]
            self._buffer = self._buffer[start + length :]
            if opcode == 0x9:
                self.transport.write(b"\x8a\x80" + os.urandom(4))
            elif opcode == 0x1:
                self._take(_frame.decode(body), now)

    def _take(self, frame: _Frame, now: float) -> None:
        if frame.op == "update":
            self.heard.append((frame.seq, now))
        elif not self.ready.done():
            self.ready.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - either way it is gone
        """A good client is not left alone."""
        self.lost = True


def _itself(one: Listening) -> Listening:
    return one


def handshake(port: int) -> bytes:
    """The request for a WebSocket."""
    return (
        f"GET /api/v1/ws HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode()


def price(seq: int) -> MarkPriceUpdated:
    """A price that differs from the one before."""
    ticks = 618_000 + seq % 100
    return MarkPriceUpdated(
        id=f"matching-{seq}",
        seq=seq,
        occurred_at=time.time_ns() // 1_000,
        source="matching",
        market=MARKET,
        mark_ticks=ticks,
        index_ticks=ticks,
        index_stale=False,
        best_bid_ticks=ticks - 1,
        best_ask_ticks=ticks + 1,
        last_ticks=None,
        open_interest_lots=1,
    )


def frozen(port: int) -> socket.socket:
    """A client with a small window that subscribes and then reads nothing."""
    found = socket.socket()
    found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_048)
    found.connect(("127.0.0.1", port))
    found.sendall(handshake(port) + masked(SUBSCRIBE))
    return found


async def run() -> None:
    """Measure and write `results/live.json`."""
    loop = asyncio.get_running_loop()
    async with room() as installed:
        port = await gateway(installed)
        installed.processes["matching"].stop()
        good = [Listening(port) for _ in range(CLIENTS)]
        for start in range(0, CLIENTS, 50):
            batch = good[start : start + 50]
            await asyncio.gather(*(loop.create_connection(partial(_itself, one), "127.0.0.1", port) for one in batch))
            await asyncio.gather(*(one.ready for one in batch))
        silent = frozen(port)
        said: dict[int, float] = {}
        async with installed.client("matching") as matching:
            began = time.perf_counter()
            for number in range(PER_SECOND * SECONDS):
                await asyncio.sleep(max(0.0, began + number / PER_SECOND - time.perf_counter()))
                seq = FIRST_SEQ + number
                said[seq] = time.perf_counter()
                await matching.publish("trading.main", b"[" + encode(price(seq)) + b"]")
            took = time.perf_counter() - began
            await asyncio.sleep(2)
        found = rows(good, said, took)
        silent.close()
        for one in good:
            one.transport.close()
    write("live", found)


def rows(good: list[Listening], said: dict[int, float], took: float) -> list[Row]:
    """How late, how many, and who was dropped or missed the last."""
    late = [now - said[seq] for one in good for seq, now in one.heard if seq in said]
    last = max(said)
    behind = sum(one.lost or not one.heard or one.heard[-1][0] != last for one in good)
    frames = len(late) / took
    note = (
        f"{CLIENTS} clients, {len(said) / took:.0f} messages/s, {frames / CLIENTS:.1f} frames/s to each; one is frozen"
    )
    return [
        *(
            Row(
                f"live.late.p{share}",
                percentile(late, share / 100) * 1_000,
                "ms",
                aim="<= 100" if share == 99 else "",
                note=note,
            )
            for share in (50, 95, 99)
        ),
        Row("live.frames", frames, "frames/s"),
        Row("live.dropped", behind, "good clients", aim="0", note="closed, or without the last message"),
    ]
