"""Requests per second and their times at 1, 50 and 1,000 connections, beside a bare FastAPI handler of the same bytes.

Each number of connections is measured on the bare handler and on the gateway in turn, SECONDS each, by a client of this
process that keeps its connections open and asks again as soon as it is answered; time counts from when each connection
has been answered once. The gateway does all that it does for a stranger: limiter, cache, security headers, meter,
metrics. Client and server share the machine, so the processor time of a request is told beside the rate. So asked, a
request of 1,000 connections takes 1,000 / rate whatever the server does, and the bare handler's is as late; `paced` has
them ask as many times a second together as PACED says, as people would.

`own` is what somebody who has signed in reads of his account, and `order` an order that he places and that matching
answers: each request is checked against its session and counted in its person's quotas, by PEOPLE in turn. An order is
measured against a bare handler that places the same one through the same durable sequence (`benchmarks.bare_orders`);
`order.*.same_bytes` is a handler that does nothing at all.
"""

import asyncio
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cleartide.bus.permissions import OPERATOR

from benchmarks.asking import DONE, LENGTH, measured
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
PACED: Final = {"rest": 2_000, "rest.own": 2_000, "rest.order": 500}
"""Requests a second of all connections together; orders are fewer than reads, as they are of people."""
PATH: Final = "/api/v1/markets"
PEOPLE: Final = 50
PRICE_SECONDS: Final = 10.0
BYTES: Final = "bare FastAPI, same bytes"
ORDERS: Final = "bare FastAPI, same order placed and decided"
Server = tuple[int, int]
"""Its port and its process."""


@asynccontextmanager
async def bare(module: str, *given: str) -> AsyncIterator[Server]:
    """A bare handler as a process of its own; yields its port and process."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", module, str(port), *given, cwd=ROOT)
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


def rows(name: str, our: Measured, their: Measured, peer: str, *, paced: bool = False) -> list[Row]:
    """Requests a second, how long they took, and what they cost."""
    found = []
    for share in (50, 95, 99):
        mine, other = (percentile(one.taken, share / 100) * 1_000 for one in (our, their))
        aim = "<= 100" if share == 95 and ".1000" in name else ""
        note = f"{our.rate:.0f} requests/s asked" if paced else ""
        found.append(Row(f"{name}.p{share}", mine, "ms", peer, mine / other, aim, note))
    if paced:
        return found
    mine, other = (one.processor / len(one.taken) * 1e6 for one in (our, their))
    return [
        Row(f"{name}.rate", our.rate, "requests/s", peer, our.rate / their.rate, ">= 0.8"),
        Row(f"{name}.bare", their.rate, "requests/s"),
        Row(f"{name}.processor", mine, "us a request", peer, mine / other),
        *found,
    ]


async def compared(
    name: str, gateway: Server, other: Server, requests: Sequence[bytes], counts: Sequence[int], peer: str = BYTES
) -> list[Row]:
    """The gateway and a bare handler, in turn."""
    found: list[Row] = []
    for connections in counts:
        theirs = await watched(*other, connections, requests)
        found += rows(f"{name}.{connections}", await watched(*gateway, connections, requests), theirs, peer)
    theirs = await watched(*other, counts[-1], requests, PACED[name])
    ours = await watched(*gateway, counts[-1], requests, PACED[name])
    return found + rows(f"{name}.{counts[-1]}.paced", ours, theirs, peer, paced=True)


async def beside_bytes(name: str, gateway: Server, requests: Sequence[bytes], counts: Sequence[int]) -> list[Row]:
    """Beside a handler that gives the bytes of the gateway's answer."""
    async with same_bytes(gateway, requests[0]) as other:
        return await compared(name, gateway, other, requests, counts)


async def orders(gateway: Server, nats: Sequence[str], requests: Sequence[bytes], counts: Sequence[int]) -> list[Row]:
    """Beside a handler that places the same order, and then what a handler does in the time that does nothing."""
    async with bare("benchmarks.bare_orders", *nats) as other:
        found = await compared("rest.order", gateway, other, requests, counts, ORDERS)
    ours = {row.id: row.value for row in found}
    async with same_bytes(gateway, requests[0]) as other:
        for connections in counts:
            name = f"rest.order.{connections}"
            rate = (await watched(*other, connections, requests)).rate
            found.append(
                Row(f"{name}.same_bytes", ours[f"{name}.rate"], "requests/s", BYTES, ours[f"{name}.rate"] / rate)
            )
    return found


@asynccontextmanager
async def same_bytes(gateway: Server, request: bytes) -> AsyncIterator[Server]:
    """A bare handler of what the gateway answers to the request."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "payload.json"
        file.write_bytes(await payload(gateway[0], request))
        async with bare("benchmarks.bare", str(file)) as other:
            yield other


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
            found = await beside_bytes("rest", server, [asked("GET", PATH)], CONNECTIONS)
            found += await beside_bytes("rest.own", server, [person.reads(asked) for person in people], crowd)
            nats = (installed.nats.url, OPERATOR, f"nats-{OPERATOR}")
            found += await orders(server, nats, [person.orders(asked) for person in people], crowd)
            telling.cancel()
    write("rest", found)


async def _priced(traffic: Traffic) -> None:
    """Orders are refused while the index is stale: it is told again until cancelled."""
    while True:
        await asyncio.sleep(PRICE_SECONDS)
        await traffic.price(traffic.mark_ticks)
