"""A client that keeps many connections open and asks on each again as soon as it is answered, or at a pace."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

AT_ONCE: Final = 50
"""Connections opened together, each from an address of its own: one address alone would meet its limit."""
DONE: Final = (b"http/1.1 200", b"http/1.1 201")
LENGTH: Final = b"content-length: "


@dataclass
class Run:
    """All connections' answers between two moments; it begins when each connection has been answered once."""

    connections: int
    seconds: float
    taken: list[float] = field(default_factory=list)
    faults: list[bytes] = field(default_factory=list)
    waiting: "list[Asking]" = field(default_factory=list)
    begins: float = float("inf")
    ends: float = float("inf")

    def first_answer(self, one: "Asking") -> None:
        """Of one more connection; it asks again when all have theirs, so that none is kept from its first."""
        self.waiting.append(one)
        if len(self.waiting) == self.connections:
            self.begins = time.perf_counter()
            self.ends = self.begins + self.seconds
            for place, each in enumerate(self.waiting):
                each.begin(place / self.connections)


class Asking(asyncio.Protocol):
    """One connection: a request, its answer, the next request; or each `every` seconds, as people ask."""

    def __init__(self, request: bytes, run: Run, every: float = 0.0) -> None:
        self._request, self._run, self._every = request, run, every
        self._buffer, self._first = b"", True
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask at once."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._ask()

    def _ask(self) -> None:
        self._sent = time.perf_counter()
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """An answer is whole when its head and as many bytes as it names have come."""
        self._buffer += data
        head = self._buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        fields = self._buffer[:head].lower()
        start = fields.index(LENGTH) + len(LENGTH)
        length = int(fields[start:].split(b"\r\n", 1)[0])
        if len(self._buffer) < head + 4 + length:
            return
        now, run = time.perf_counter(), self._run
        if not fields.startswith(DONE):
            run.faults.append(self._buffer[:200])
        self._buffer = b""
        if self._first:
            self._first = False
            run.first_answer(self)
            return
        run.taken.append(now - self._sent)
        if now >= run.ends:
            self._transport.close()
        elif self._every:
            asyncio.get_running_loop().call_at(self._due, self._ask_again)
        else:
            self._ask()

    def begin(self, share: float) -> None:
        """Ask from now on; those that ask at a pace begin spread over it."""
        if self._every:
            self._due = asyncio.get_running_loop().time() + share * self._every
            asyncio.get_running_loop().call_at(self._due, self._ask_again)
        else:
            self._ask()

    def _ask_again(self) -> None:
        self._due += self._every
        if self._transport.is_closing():
            return
        if time.perf_counter() < self._run.ends:
            self._ask()
        else:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """The end."""
        if exc is not None:
            self._run.faults.append(str(exc).encode())
        if not self.closed.done():
            self.closed.set_result(None)


async def measured(
    port: int, connections: int, seconds: float, rate: float, requests: Sequence[bytes]
) -> tuple[list[float], float]:
    """Seconds of every request, and of all together. RuntimeError when one was not answered as one that is done.

    `rate`: requests a second of all connections together, whatever the answers take; 0: as fast as answers come.
    `requests`: one for each connection, in turn.
    """
    run = Run(connections, seconds)
    loop, every = asyncio.get_running_loop(), connections / rate if rate else 0.0
    asking = [Asking(requests[place % len(requests)], run, every) for place in range(connections)]
    for start in range(0, connections, AT_ONCE):
        batch = asking[start : start + AT_ONCE]
        await asyncio.gather(
            *(
                loop.create_connection(partial(_itself, one), "127.0.0.1", port, local_addr=(f"127.0.0.{home}", 0))
                for home, one in enumerate(batch, start=1)
            )
        )
    async with asyncio.timeout(seconds + 60):
        await asyncio.gather(*(one.closed for one in asking))
    if run.faults:
        raise RuntimeError(f"{len(run.faults)} requests failed: {run.faults[0]!r}")
    return run.taken, time.perf_counter() - run.begins


def _itself(one: Asking) -> Asking:
    return one
