"""`make bench ONLY=risk_live`: the service on real servers: its cold start, and a price's way to the alert on the bus.

The service starts with so many accounts in its tables (every fsync on; `LIVE_ACCOUNTS`, default 10,000 and 1,000,000).
Prices come at a steady rate on the stream of trading events, calm at first and then falling. Timed on one clock: from
just before a price is published until its alert is received from the bus, committed before it was said.

Healths begin at the first level, so that calm prices lead to alerts too: to several hundred at 10,000 accounts. In
larger venues prices move less, by the root of the size, or all of the time would be that of saying alerts.
"""

import asyncio
import json
import math
import os
import random
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import asyncpg
from cleartide.bus.confirm import confirm
from cleartide.contracts.codec import encode
from cleartide.store.names import enter_schema
from nats.aio.client import Client
from nats.aio.msg import Msg

from benchmarks.report import Row, disk_sync_rows, percentile, write
from benchmarks.risk_scale.service import MARKETS, price_of, state_rows
from benchmarks.rooms import room
from services.risk import repository
from services.risk.app import SERVICE
from tests.support.installation import Installation, ServiceProcess

COUNTS: Final = tuple(int(count) for count in os.environ.get("LIVE_ACCOUNTS", "10000,1000000").split(","))
TICKS: Final = int(os.environ.get("LIVE_TICKS", "1500"))
RATE: Final = 50
"""Prices a second: each of the markets has one every second."""
PHASES: Final = (("first", 0.001, 0.0), ("calm", 0.001, 0.0), ("crash", 0.001, -0.15))
"""Name, size of a step, and how far all prices fall over the phase; in venues of at most SMALL accounts.

The first prices after a start take whoever is upon a level; they are no part of the calm.
"""
SMALL: Final = 10_000
LOWEST: Final = 1.5
START_SECONDS: Final = 600
AIMS: Final = {10_000: "<= 20", 1_000_000: "<= 50"}


async def run() -> None:
    """Measure and write `results/risk_live.json`."""
    rows = disk_sync_rows()
    for count in COUNTS:
        async with room() as installed:
            rows += await measure(installed, count, TICKS)
    write("risk_live", rows)


async def measure(installed: Installation, count: int, ticks: int) -> list[Row]:
    """One size: cold start, memory, and both phases."""
    name, held = f"risk_live.{count}", state_rows(random.Random(3), count, LOWEST)
    positions = len(held["positions"])
    await fill(installed, held)
    started = time.perf_counter()
    service = installed.spawn("risk")
    await service.ready(START_SECONDS)
    seconds = time.perf_counter() - started
    mark = list(repository.MARKETS.columns).index("mark_ticks")
    prices = [row[mark] for row in held["markets"]]
    del held
    rows = [
        Row(f"{name}.positions", positions, "positions"),
        Row(f"{name}.start", seconds, "s from the process's start to ready, its rows read from PostgreSQL"),
        Row(f"{name}.memory", memory(service) / count, "bytes per account, the whole process"),
    ]
    async with installed.client() as client:
        desk = Desk(client, prices)
        await desk.listen()
        less = math.sqrt(SMALL / max(SMALL, count))
        for phase, step, fall in PHASES:
            began = time.perf_counter()
            await desk.play(ticks, step * less, fall * less)
            await installed.settled(["risk"], START_SECONDS)
            print(name, phase, f"{time.perf_counter() - began:.1f} s", flush=True)
            aim = AIMS.get(count, "") if phase != "first" else ""
            rows += latency_rows(f"{name}.{phase}", await desk.heard(), aim)
    installed.stop_services()
    return rows


def latency_rows(name: str, took: Sequence[float], aim: str) -> list[Row]:
    """How long alerts took, in milliseconds."""
    if not took:
        return [Row(f"{name}.alerts", 0, "alerts")]
    return [
        Row(f"{name}.alerts", len(took), "alerts"),
        Row(f"{name}.p50", percentile(took, 0.5), "ms from price to alert, both on the bus"),
        Row(f"{name}.p99", percentile(took, 0.99), "ms from price to alert, both on the bus", aim=aim),
    ]


async def fill(installed: Installation, rows: Mapping[str, Sequence[tuple[Any, ...]]]) -> None:
    """Put the rows where the service looks for them, as its own role."""
    connection = await asyncpg.connect(installed.admin_dsn)
    try:
        await enter_schema(connection, "risk")
        for table in SERVICE.fold.repository.tables:
            if table.load and rows[table.name]:
                await connection.copy_records_to_table(
                    table.name, records=rows[table.name], columns=list(table.columns), timeout=START_SECONDS
                )
        await connection.execute("ANALYZE")
    finally:
        await connection.close()


def memory(service: ServiceProcess) -> int:
    """Resident bytes of a process."""
    pages = int(Path(f"/proc/{service.process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


class Desk:
    """Publishes prices and hears the alerts that they lead to."""

    def __init__(self, client: Client, prices: list[int]) -> None:
        self._client, self._prices = client, prices
        self._chance, self._seq = random.Random(5), 0
        self._sent: dict[str, float] = {}
        self._heard: list[tuple[bytes, float]] = []

    async def listen(self) -> None:
        """Note every alert and when it came."""

        async def note(message: Msg) -> None:
            self._heard.append((message.data, time.perf_counter()))

        await self._client.subscribe("risk.alerts.>", cb=note)
        await confirm(self._client)

    async def play(self, ticks: int, step: float, fall: float) -> None:
        """Prices at the rate, each market in turn."""
        started = time.perf_counter()
        stream = self._client.jetstream()
        drift = fall * MARKETS / ticks
        for number in range(ticks):
            await asyncio.sleep(max(0.0, started + number / RATE - time.perf_counter()))
            market = number % MARKETS
            moved = self._prices[market] * (1 + drift + self._chance.gauss(0, step))
            self._prices[market] = max(1, round(moved))
            self._seq += 1
            event = price_of(market, self._prices[market], self._seq, time.time_ns() // 1_000)
            self._sent[event.id] = time.perf_counter()
            await stream.publish("trading.main", b"[" + encode(event) + b"]")

    async def heard(self) -> list[float]:
        """Milliseconds of every alert since it was asked last; the service has said all that it has to say."""
        await self._client.flush()
        came = [(json.loads(data)["causation_id"], when) for data, when in self._heard]
        took = [(when - self._sent[cause]) * 1_000 for cause, when in came if cause in self._sent]
        self._heard.clear()
        return took
