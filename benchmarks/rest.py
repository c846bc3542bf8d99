"""Requests per second and their times at 1, 50 and 1,000 connections, beside a bare FastAPI handler of the same bytes.

Each number of connections is measured on the bare handler and on the gateway in turn, SECONDS each, by a client of this
process that keeps its connections open and asks again as soon as it is answered; time counts from when each connection
has been answered once. The gateway does all that it does for a stranger: limiter, cache, security headers, meter,
metrics. Client and server share the machine, so the processor time of a request is told beside the rate. So asked, a
request of 1,000 connections takes 1,000 / rate whatever the server does, and the bare handler's is as late; `paced` has
them ask as many times a second together as PACED says, as people would.

`own` is what somebody who has signed in reads of his account, and `order` an order that he places and that matching
answers: each request is checked against its session and counted in its person's quotas, by PEOPLE in turn.
"""

import asyncio
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.people import signed_in
from benchmarks.processors import seconds_by_group
from benchmarks.report import Row, percentile, write
from benchmarks.rooms import room
from deploy.local.ports import free_port
from tests.support.installation import ROOT, Installation
from tests.support.traffic import Traffic

CONNECTIONS: Final = (1, 50, 1_000)
SECONDS: Final = 8.0
WARM_SECONDS: Final = 2.0
AT_ONCE: Final = 50
"""Connections opened together, each from an address of its own: one address alone would meet its limit."""
PACED: Final = {"rest": 2_000, "rest.own": 2_000, "rest.order": 500}
"""Requests a second of all connections together; orders are fewer than reads, as they are of people."""
PATH: Final = "/api/v1/markets"
PEOPLE: Final = 50
PRICE_SECONDS: Final = 10.0
NOTES: Final = {"rest.order": "a durable order that matching has decided; the bare handler only gives the same bytes"}
"""What is not like for like, by the beginning of a row's id."""
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


@asynccontextmanager
async def bare(payload: Path) -> AsyncIterator[tuple[int, int]]:
    """The bare handler as a process of its own; yields its port and process."""
    port = free_port()
    arguments = (sys.executable, "-m", "benchmarks.bare", str(port), str(payload))
    process = await asyncio.create_subprocess_exec(*arguments, cwd=ROOT)
    try:
        async with asyncio.timeout(60):
            while not _open(port):  # noqa: ASYNC110 - another process's port has no event
                await asyncio.sleep(0.05)
        yield port, process.pid
    finally:
        process.terminate()
        await process.wait()


def _open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def gateway(installed: Installation) -> int:
    """The gateway's port, with a market to tell of and no limit that this client could reach."""
    port = await closed(installed)
    async with installed.client() as client:
        await Traffic(client, accounts=("maker",)).open_market()
    return port


async def closed(installed: Installation) -> int:
    """The same before there is a market."""
    port = free_port()
    limits = {"CLEARTIDE_RATE_PER_SECOND": "10000", "CLEARTIDE_RATE_BURST": "100000"}
    await installed.start("matching", "analytics")
    await installed.start("gateway", environment={"CLEARTIDE_GATEWAY_PORT": str(port), **limits})
    return port


def asked(method: str, path: str, body: bytes = b"", **fields: str) -> bytes:
    """A request that leaves its connection open."""
    given = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    if body:
        given += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{given}\r\n".encode() + body


async def payload(port: int, request: bytes | None = None) -> bytes:
    """What the gateway answers, once it does."""
    while True:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request or asked("GET", PATH))
        head = await reader.readuntil(b"\r\n\r\n")
        fields = head.lower()
        body = await reader.readexactly(int(fields.partition(LENGTH)[2].split(b"\r\n", 1)[0]))
        writer.close()
        if fields.startswith(DONE) and (request or b"BTC-PERP" in body):
            return body
        await asyncio.sleep(0.2)


@dataclass(frozen=True)
class Measured:
    """What one server did."""

    taken: list[float]
    seconds: float
    processor: float

    @property
    def rate(self) -> float:
        """Requests a second."""
        return len(self.taken) / self.seconds


async def watched(port: int, pid: int, connections: int, requests: Sequence[bytes], rate: float = 0.0) -> Measured:
    """The same with the processor seconds of the server's process."""
    await measured(port, connections, WARM_SECONDS, rate, requests)
    before = seconds_by_group({"server": (pid,)})["server"]
    taken, seconds = await measured(port, connections, SECONDS, rate, requests)
    return Measured(taken, seconds, seconds_by_group({"server": (pid,)})["server"] - before)


def rows(name: str, our: Measured, their: Measured, *, paced: bool = False) -> list[Row]:
    """Requests a second, how long they took, and what they cost."""
    found = []
    for share in (50, 95, 99):
        mine, other = (percentile(one.taken, share / 100) * 1_000 for one in (our, their))
        aim = "<= 100" if share == 95 and ".1000" in name else ""
        note = f"{our.rate:.0f} requests/s asked" if paced else ""
        found.append(Row(f"{name}.p{share}", mine, "ms", "bare FastAPI, same bytes", mine / other, aim, note))
    if paced:
        return found
    mine, other = (one.processor / len(one.taken) * 1e6 for one in (our, their))
    told = next((note for start, note in NOTES.items() if name.startswith(start)), "")
    return [
        Row(f"{name}.rate", our.rate, "requests/s", "bare FastAPI, same bytes", our.rate / their.rate, ">= 0.8", told),
        Row(f"{name}.bare", their.rate, "requests/s"),
        Row(f"{name}.processor", mine, "us a request", "bare FastAPI, same bytes", mine / other, "", told),
        *found,
    ]


async def compared(name: str, gateway: tuple[int, int], requests: Sequence[bytes], counts: Sequence[int]) -> list[Row]:
    """The gateway, by port and process, and a bare handler that gives the same bytes, in turn."""
    found: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "payload.json"
        file.write_bytes(await payload(gateway[0], requests[0]))
        async with bare(file) as other:
            for connections in counts:
                theirs = await watched(*other, connections, requests)
                found += rows(f"{name}.{connections}", await watched(*gateway, connections, requests), theirs)
            theirs = await watched(*other, counts[-1], requests, PACED[name])
            ours = await watched(*gateway, counts[-1], requests, PACED[name])
            found += rows(f"{name}.{counts[-1]}.paced", ours, theirs, paced=True)
    return found


async def run() -> None:
    """Measure and write `results/rest.json`."""
    async with room() as installed:
        port = await closed(installed)
        people = await signed_in(f"http://127.0.0.1:{port}", installed.service_dsn("gateway"), PEOPLE)
        async with installed.client() as client, asyncio.TaskGroup() as tasks:
            traffic = Traffic(client, accounts=tuple(person.user for person in people))
            await traffic.open_market()
            telling = tasks.create_task(_priced(traffic))
            await payload(port)
            server = (port, installed.processes["gateway"].process.pid)
            crowd = CONNECTIONS[1:]
            found = await compared("rest", server, [asked("GET", PATH)], CONNECTIONS)
            found += await compared("rest.own", server, [person.reads(asked) for person in people], crowd)
            found += await compared("rest.order", server, [person.orders(asked) for person in people], crowd)
            telling.cancel()
    write("rest", found)


async def _priced(traffic: Traffic) -> None:
    """Orders are refused while the index is stale: it is told again until cancelled."""
    while True:
        await asyncio.sleep(PRICE_SECONDS)
        await traffic.price(traffic.mark_ticks)
