"""Requests per second and their times at 1, 50 and 1,000 connections, beside a bare FastAPI handler of the same bytes.

Each number of connections is measured on the bare handler and on the gateway in turn, SECONDS each, by a client of this
process that keeps its connections open and asks again as soon as it is answered. The gateway does all that it does for
a stranger: both limiters, authorisation, cache, security headers, metrics.
"""

import asyncio
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.report import Row, percentile, write
from benchmarks.rooms import room
from deploy.local.ports import free_port
from tests.support.installation import ROOT, Installation
from tests.support.traffic import Traffic

CONNECTIONS: Final = (1, 50, 1_000)
SECONDS: Final = 8.0
WARM_SECONDS: Final = 2.0
PATH: Final = "/api/v1/markets"
LENGTH: Final = b"content-length: "


class Asking(asyncio.Protocol):
    """One connection: a request, its answer, the next request."""

    def __init__(self, request: bytes, ends: float, taken: list[float], faults: list[bytes]) -> None:
        self._request, self._ends, self._taken, self._faults = request, ends, taken, faults
        self._buffer = b""
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
        now = time.perf_counter()
        self._taken.append(now - self._sent)
        if not fields.startswith(b"http/1.1 200"):
            self._faults.append(self._buffer[:200])
        self._buffer = b""
        if now < self._ends:
            self._ask()
        else:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """The end."""
        if exc is not None:
            self._faults.append(str(exc).encode())
        if not self.closed.done():
            self.closed.set_result(None)


async def measured(port: int, connections: int, seconds: float) -> tuple[list[float], float]:
    """Seconds of every request, and of all together. RuntimeError when one was not answered with 200."""
    taken: list[float] = []
    faults: list[bytes] = []
    request = f"GET {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\n\r\n".encode()
    ends, loop = time.perf_counter() + seconds, asyncio.get_running_loop()
    asking = [Asking(request, ends, taken, faults) for _ in range(connections)]
    for start in range(0, connections, 50):
        batch = asking[start : start + 50]
        await asyncio.gather(*(loop.create_connection(partial(_itself, one), "127.0.0.1", port) for one in batch))
    async with asyncio.timeout(seconds + 60):
        await asyncio.gather(*(one.closed for one in asking))
    if faults:
        raise RuntimeError(f"{len(faults)} requests failed: {faults[0]!r}")
    return taken, time.perf_counter() - ends + seconds


def _itself(one: Asking) -> Asking:
    return one


@asynccontextmanager
async def bare(payload: Path) -> AsyncIterator[int]:
    """The bare handler as a process of its own; yields its port."""
    port = free_port()
    arguments = (sys.executable, "-m", "benchmarks.bare", str(port), str(payload))
    process = await asyncio.create_subprocess_exec(*arguments, cwd=ROOT)
    try:
        async with asyncio.timeout(60):
            while not _open(port):  # noqa: ASYNC110 - another process's port has no event
                await asyncio.sleep(0.05)
        yield port
    finally:
        process.terminate()
        await process.wait()


def _open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def gateway(installed: Installation) -> int:
    """The gateway's port, with a market to tell of and no limit that this client could reach."""
    port = free_port()
    limits = {"CLEARTIDE_RATE_PER_SECOND": "10000", "CLEARTIDE_RATE_BURST": "100000"}
    await installed.start("matching", "analytics")
    await installed.start("gateway", environment={"CLEARTIDE_GATEWAY_PORT": str(port), **limits})
    async with installed.client() as client:
        await Traffic(client, accounts=("maker",)).open_market()
    return port


async def payload(port: int) -> bytes:
    """What the gateway answers."""
    while True:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
        if head.startswith(b"HTTP/1.1 200") and b"BTC-PERP" in body:
            return body
        await asyncio.sleep(0.2)


def rows(connections: int, our: tuple[list[float], float], their: tuple[list[float], float]) -> list[Row]:
    """Requests a second, and how long they took."""
    (ours, seconds), (theirs, their_seconds) = our, their
    rate, bare_rate = len(ours) / seconds, len(theirs) / their_seconds
    name = f"rest.{connections}"
    found = [
        Row(f"{name}.rate", rate, "requests/s", "bare FastAPI, same bytes", rate / bare_rate, ">= 0.8"),
        Row(f"{name}.bare", bare_rate, "requests/s"),
    ]
    for share in (50, 95, 99):
        mine, other = (percentile(taken, share / 100) * 1_000 for taken in (ours, theirs))
        aim = "<= 100" if (connections, share) == (1_000, 95) else ""
        found.append(Row(f"{name}.p{share}", mine, "ms", "bare FastAPI, same bytes", mine / other, aim))
    return found


async def run() -> None:
    """Measure and write `results/rest.json`."""
    found: list[Row] = []
    async with room() as installed:
        port = await gateway(installed)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "payload.json"
            file.write_bytes(await payload(port))
            async with bare(file) as other:
                for connections in CONNECTIONS:
                    for one in (other, port):
                        await measured(one, connections, WARM_SECONDS)
                    theirs = await measured(other, connections, SECONDS)
                    ours = await measured(port, connections, SECONDS)
                    found += rows(connections, ours, theirs)
    write("rest", found)
