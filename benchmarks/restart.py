"""How long a big sequencer takes to come back: 100,000 accounts with collateral and 100,000 orders in the book.

Timed from the start of the process to its first commit, with a command waiting for it; every fsync on. Reading the rows
and making the state of them are timed beside it, in this process.
"""

import asyncio
import sys
import time
from typing import Final

from cleartide.service.memory import expect_batches
from cleartide.store.postgres import PostgresStore

from benchmarks.flow import Flow
from benchmarks.report import Row, disk_sync_rows, median, write
from benchmarks.rooms import room
from benchmarks.sequencer import published, send
from services.matching.app import SERVICE
from tests.support.installation import Installation

ACCOUNTS: Final = 100_000
ORDERS: Final = 100_000
ROUNDS: Final = 3
LOOK_SECONDS: Final = 0.005
BEGAN: Final = time.monotonic()


async def run() -> None:
    """Measure and write `results/restart.json`."""
    expect_batches()
    _tell("installing")
    async with room() as installed:
        flow = Flow(accounts=ACCOUNTS)
        await installed.start("matching")
        _tell(f"sending {ACCOUNTS:,} deposits and {ORDERS:,} orders")
        await send(installed, flow.opening(ORDERS))
        await published(installed)
        installed.processes["matching"].stop()
        loads, restores, seconds = [], [], []
        for number in range(ROUNDS):
            _tell(f"restart {number + 1} of {ROUNDS}")
            seconds.append(await _restart(installed, flow))
        _tell("the same in parts")
        for _ in range(ROUNDS):
            load, restore = await _restore(installed)
            loads.append(load)
            restores.append(restore)
    rows = [
        Row(
            "restart.big",
            median(seconds),
            "s from start to commit, 100,000 accounts and as many open orders",
            note=f"median of {ROUNDS}",
        ),
        Row("restart.big.load", median(loads), "s of it: rows out of the database"),
        Row("restart.big.restore", median(restores), "s of processor time of it: rows to state"),
    ]
    print([(row.id, round(row.value, 2)) for row in rows], flush=True)
    write("restart", [*rows, *disk_sync_rows()])


def _tell(what: str) -> None:
    """Progress, for who waits."""
    print(f"{time.monotonic() - BEGAN:5.0f} s  {what}", file=sys.stderr, flush=True)


async def _restart(installed: Installation, flow: Flow) -> float:
    """From spawning to the first commit; ends with the process drained."""
    before = await installed.position("matching")
    await send(installed, flow.commands(2))
    started = time.perf_counter()
    installed.spawn("matching")
    while await installed.position("matching") == before:  # noqa: ASYNC110 - another process's commit
        await asyncio.sleep(LOOK_SECONDS)
    seconds = time.perf_counter() - started
    await published(installed)
    installed.processes["matching"].stop()
    return seconds


async def _restore(installed: Installation) -> tuple[float, float]:
    store = PostgresStore(installed.service_dsn("matching"), "matching")
    try:
        started = time.perf_counter()
        rows = await store.load(SERVICE.fold.tables)
        loaded, busy = time.perf_counter(), time.process_time()
        SERVICE.repository.restore(rows)
        return loaded - started, time.process_time() - busy
    finally:
        await store.close()
