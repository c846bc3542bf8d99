"""How long a service stands still when its active process goes, with a standby beside it, every fsync on.

matching with a book of 20,000 orders over 1,000 accounts, orders flowing at a steady rate. Timed from the signal to the
first commit of the successor: `kill -9`, `kill -STOP` (nothing ends; the lease runs out), and SIGTERM.
"""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from benchmarks.flow import Flow
from benchmarks.report import Row, disk_sync_rows, median, write
from benchmarks.rooms import room
from benchmarks.sequencer import published, send
from tests.support.installation import Installation, ServiceProcess

ROUNDS = 15
BOOK = 20_000
RATE = 500
CALM_SECONDS = 0.5
LOOK_SECONDS = 0.001
SIGNALS = {"killed": signal.SIGKILL, "frozen": signal.SIGSTOP, "stopped": signal.SIGTERM}


async def run() -> None:
    """Measure and write `results/takeover.json`."""
    found: dict[str, list[float]] = {name: [] for name in SIGNALS}
    async with room() as installed:
        flow = Flow()
        active = installed.spawn("matching")
        await active.becomes("active")
        await send(installed, flow.opening(BOOK))
        await published(installed)
        async with _flowing(installed, flow):
            for _ in range(ROUNDS):
                for name, number in SIGNALS.items():
                    standby = installed.spawn("matching", beside=True)
                    await standby.becomes("standby")
                    await asyncio.sleep(CALM_SECONDS)
                    found[name].append(await _takeover(installed, active, number))
                    await _end(active)
                    active = standby
                print({name: round(seconds[-1], 1) for name, seconds in found.items()}, flush=True)
    write("takeover", [*_rows(found), *disk_sync_rows()])


@asynccontextmanager
async def _flowing(installed: Installation, flow: Flow) -> AsyncIterator[None]:
    """Orders at a steady rate while the body runs."""
    ended = asyncio.Event()

    async def trade() -> None:
        async with installed.client() as client:
            while not ended.is_set():
                await send(installed, flow.commands(RATE // 50), client)
                await asyncio.sleep(0.02)

    task = asyncio.create_task(trade())
    try:
        yield
    finally:
        ended.set()
        await task


async def _takeover(installed: Installation, active: ServiceProcess, number: signal.Signals) -> float:
    """Milliseconds from the signal to the first commit of the next epoch."""
    connection = await asyncpg.connect(installed.service_dsn("matching"))
    try:
        started = time.perf_counter()
        active.process.send_signal(number)
        epoch, position = await _where(connection)
        while True:
            now_epoch, now = await _where(connection)
            if now_epoch == epoch:
                position = now
            elif now > position:
                return (time.perf_counter() - started) * 1000
            await asyncio.sleep(LOOK_SECONDS)
    finally:
        await connection.close()


async def _where(connection: "asyncpg.Connection[Any]") -> tuple[int, int]:
    row = await connection.fetchrow("SELECT epoch, position FROM consumer_position")
    assert row is not None
    return row["epoch"], row["position"]


async def _end(process: ServiceProcess) -> None:
    """A frozen process is woken up, sees that it was overtaken, and ends."""
    if process.process.poll() is None:
        process.thaw()
    await asyncio.to_thread(process.process.wait, 30)


def _rows(found: dict[str, list[float]]) -> list[Row]:
    aims = {"killed": "<= 250", "frozen": "<= 1,000"}
    rows = []
    for name, milliseconds in found.items():
        rows.append(Row(f"takeover.{name}.median", median(milliseconds), "ms to commit", aim=aims.get(name, "")))
        rows.append(Row(f"takeover.{name}.max", max(milliseconds), "ms to commit"))
    return rows
