"""1,000 WebSockets in a room where 200 messages a second happen: how late each comes, while one client is frozen.

Trades: each is one message to each client, none may be missing; what comes close together leaves in one write. A bare
room, which writes each line that it is given to everybody and knows nothing else, is told the same messages at the same
pace. Prices: the state of a market, so a client gets the newest at most every 50 ms. Both are published as matching
would say them. Late is from the moment at which the event that a message is as of was published, by the one clock of
this process, until it has come here. The frozen client reads nothing at all.
"""

import asyncio
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import msgspec
from cleartide.bus.streams import EVENTS
from cleartide.contracts import MarkPriceUpdated, TradeExecuted
from cleartide.contracts.codec import encode
from nats.aio.client import Client

from benchmarks.listeners import Crowd, Listener, handshake, masked
from benchmarks.processors import seconds_by_group
from benchmarks.report import Row, percentile, write
from benchmarks.rest import gateway, payload
from benchmarks.rooms import room
from deploy.local.ports import free_port
from deploy.local.sandbox.market import MARKET
from tests.support.installation import ROOT, Installation

CLIENTS: Final = 1_000
PER_SECOND: Final = 200
SECONDS: Final = 20
SETTLE_SECONDS: Final = 10.0
Say = Callable[[int], Awaitable[None]]


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


def trade(seq: int) -> TradeExecuted:
    """A trade."""
    return TradeExecuted(
        id=f"matching-{seq}",
        seq=seq,
        occurred_at=time.time_ns() // 1_000,
        source="matching",
        market=MARKET,
        trade_id=seq,
        price_ticks=618_000 + seq % 100,
        size_lots=1 + seq % 9,
        quote_quanta=1,
        buyer="a1",
        seller="a2",
        buy_order_id=1,
        sell_order_id=2,
        taker_side="buy",
        origin="book",
    )


def subscribe(channel: str) -> bytes:
    """What a client says."""
    return msgspec.json.encode({"op": "subscribe", "channel": channel, "market": MARKET})


def frozen(port: int, channel: str) -> socket.socket:
    """A client with a small window that subscribes and then reads nothing."""
    found = socket.socket()
    found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_048)
    found.connect(("127.0.0.1", port))
    found.sendall(handshake(port))
    found.recv(1_024)  # a wish that comes with the handshake is not heard
    found.sendall(masked(subscribe(channel)))
    return found


@dataclass(frozen=True)
class Heard:
    """What a room's clients have heard of what was said."""

    good: list[Listener]
    said: dict[int, float]
    seconds: float
    processor: float

    @property
    def late(self) -> list[float]:
        """Seconds, of every message to every client."""
        said = self.said
        return [now - said[seq] for one in self.good for now, seqs in one.heard for seq in seqs if seq in said]


async def attended(port: int, pid: int, channel: str, first: int, say: Say) -> Heard:
    """A room of good clients and a frozen one, while something is said PER_SECOND times a second."""
    crowd = Crowd(port, subscribe(channel))
    await crowd.join(CLIENTS)
    silent, said = await asyncio.to_thread(frozen, port, channel), dict[int, float]()
    before, began = seconds_by_group({"server": (pid,)})["server"], time.perf_counter()
    for number in range(PER_SECOND * SECONDS):
        await asyncio.sleep(max(0.0, began + number / PER_SECOND - time.perf_counter()))
        said[first + number] = time.perf_counter()
        await say(first + number)
    took = time.perf_counter() - began
    await crowd.heard(max(said), SETTLE_SECONDS)
    cost = seconds_by_group({"server": (pid,)})["server"] - before
    heard = Heard(crowd.clients, said, took, cost)
    silent.close()
    crowd.close()
    return heard


async def bare_room() -> Heard:
    """The same of a bare room."""
    port = free_port()
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.bare_room", str(port), cwd=ROOT, stdin=pipe
    )
    assert process.stdin is not None
    lines = process.stdin
    try:
        async with asyncio.timeout(60):
            while not _open(port):  # noqa: ASYNC110 - another process's port has no event
                await asyncio.sleep(0.05)

        async def say(seq: int) -> None:
            told = msgspec.json.decode(encode(trade(seq)))
            line = {"op": "update", "channel": "trades", "market": MARKET, "seq": seq, "data": told}
            lines.write(msgspec.json.encode(line) + b"\n")

        return await attended(port, process.pid, "trades", 1, say)
    finally:
        lines.close()
        process.terminate()
        await process.wait()


def _open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@asynccontextmanager
async def following(installed: Installation) -> AsyncIterator[tuple[Client, int]]:
    """Matching's own connection, in its place, and the number of its last event."""
    installed.processes["matching"].stop()
    async with installed.client() as operator:
        last = await operator.jetstream().get_last_msg(EVENTS.name, "trading.main")
    async with installed.client("matching") as matching:
        yield matching, int(msgspec.json.decode(last.data or b"[]")[-1]["seq"])


async def run() -> None:
    """Measure and write `results/live.json`."""
    async with room() as installed:
        port = await gateway(installed)
        pid = installed.processes["gateway"].process.pid
        await payload(port)
        async with following(installed) as (matching, head):

            async def trades(seq: int) -> None:
                await matching.publish("trading.main", b"[" + encode(trade(seq)) + b"]")

            async def prices(seq: int) -> None:
                await matching.publish("trading.main", b"[" + encode(price(seq)) + b"]")

            told = await attended(port, pid, "trades", head + 1, trades)
            newest = await attended(port, pid, "prices", max(told.said) + 1, prices)
        bare = await bare_room()
    write("live", [*every(told, bare), *rows(newest)])


def every(told: Heard, bare: Heard) -> list[Row]:
    """Of a channel that tells everything: how late, how many a second, what it cost, and what is missing."""
    note = f"{CLIENTS} clients, {len(told.said) / told.seconds:.0f} messages/s to each; one is frozen"
    late, other = sorted(told.late), sorted(bare.late)
    found = []
    for share in (50, 95, 99):
        mine, theirs = (percentile(each, share / 100) * 1_000 for each in (late, other))
        aim = "<= 100" if share == 99 else ""
        found.append(Row(f"live.every.late.p{share}", mine, "ms", "bare room, same messages", mine / theirs, aim, note))
    mine, theirs = len(late) / told.seconds, len(other) / bare.seconds
    cost, bare_cost = told.processor / len(late) * 1e6, bare.processor / len(other) * 1e6
    missing = len(told.said) * CLIENTS - len(late)
    return [
        *found,
        Row("live.every.messages", mine, "messages/s", "bare room, same messages", mine / theirs, ">= 200,000"),
        Row("live.every.processor", cost, "us a message", "bare room, same messages", cost / bare_cost),
        Row("live.every.missing", missing, "messages", aim="0"),
        Row("live.every.dropped", sum(one.lost for one in told.good), "good clients", aim="0"),
    ]


def rows(newest: Heard) -> list[Row]:
    """Of a channel that tells the newest: how late, how many, and who was dropped or missed the last."""
    late, good, took = newest.late, newest.good, newest.seconds
    last = max(newest.said)
    behind = sum(one.lost or not one.heard or one.heard[-1][1][-1] != last for one in good)
    frames = len(late) / took
    note = (
        f"{CLIENTS} clients, {len(newest.said) / took:.0f} messages/s, {frames / CLIENTS:.1f} frames/s to each; "
        "one is frozen"
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
