"""Closing a funding interval over millions of positions: one row per market, against an UPDATE of every balance.

Both run on the same server with every fsync on, over the same rows. `close` is what the sequencer does: it folds the
settlements of 50 markets and commits them, with the commands as they came, the events that it says and a row of history
for each market, in one statement and one fsync. Not in it: the way of the commands to it and of the events from it.
The first close stands apart: its statement is planned, and pages are logged whole after the checkpoint.

`eager` is set-based SQL: a ledger entry per position and a new balance per account. WAL is what the server wrote in
between.
"""

import os
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import asyncpg
from cleartide.bus.ports import Commit, Delivery
from cleartide.contracts import ListMarket, Message, SettleFunding, UpdateIndexPrice
from cleartide.contracts.codec import encode
from cleartide.store.postgres import PostgresStore

from benchmarks.report import Row, disk_sync_rows, median, write
from benchmarks.rooms import room
from services.matching.app import SERVICE
from services.matching.tests.support import HOUR, START, spec
from tests.support.fold_bench import new_folder
from tests.support.installation import Installation

MARKETS = 50
POSITIONS = int(os.environ.get("CLEARTIDE_BENCH_POSITIONS", "3000000"))
ROUNDS = 12
MOST_MILLISECONDS = 5
MOST_KILOBYTES = 50

_FILL = """
INSERT INTO positions (account, market, lots, funding_index_quanta)
SELECT 'holder-' || n / 3, 'M' || lpad((n % 50)::text, 2, '0') || '-PERP',
       CASE WHEN n / 50 % 2 = 0 THEN 7 ELSE -7 END, 0
FROM generate_series(0, $1::bigint - 1) AS n
"""
_BALANCES = """
INSERT INTO ledger_balances (account, balance_quanta, asset)
SELECT 'cash:holder-' || n, 1000000000, 'USDC' FROM generate_series(0, ($1::bigint - 1) / 3) AS n
UNION ALL SELECT 'bench:opposite', -1000000000 * (($1::bigint - 1) / 3 + 1), 'USDC'
"""
_EAGER = """
WITH paid AS (
    INSERT INTO eager_entries SELECT account, market, -lots * 79 FROM positions RETURNING account, amount
), sums AS (SELECT account, sum(amount) AS amount FROM paid GROUP BY account)
UPDATE ledger_balances b SET balance_quanta = balance_quanta + s.amount FROM sums s
WHERE b.account = 'cash:' || s.account
"""


async def run() -> None:
    """Measure and write `results/funding.json`."""
    async with room() as installed:
        await installed.start("matching")
        installed.stop_services()
        closes, residual = await _closes(installed)
        eager, eager_wal = await _eager(installed)
    write(
        "funding",
        [
            *disk_sync_rows(),
            Row("funding.positions", POSITIONS, "positions"),
            *_close_rows(closes, eager, eager_wal),
            Row("funding.eager", eager, "ms"),
            Row("funding.eager.wal", eager_wal, "kB"),
            Row("funding.residual", residual, "quanta", aim="0"),
        ],
    )


class Close(NamedTuple):
    """One close: milliseconds of folding and of the commit, kB of WAL, and what was written, in kB, by table."""

    fold: float
    commit: float
    wal: float
    written: Mapping[str, float]

    @property
    def milliseconds(self) -> float:
        """From the commands to the commit."""
        return self.fold + self.commit


def _close_rows(closes: Sequence[Close], eager: float, eager_wal: float) -> list[Row]:
    """The close against the eager way, and beside it where its time and its log go."""
    first, *later = closes
    whole, wal = median([close.milliseconds for close in later]), median([close.wal for close in later])
    fold, commit = median([close.fold for close in later]), median([close.commit for close in later])
    where = f"{fold:.1f} ms fold {MARKETS} commands, {commit:.1f} ms are one statement and its fsync"
    parts = ", ".join(
        f"{name} {size:.1f}" for name, size in sorted(closes[-1].written.items(), key=lambda one: -one[1])
    )
    return [
        Row("funding.close", whole, "ms", "eager", eager / whole, "<= 5", where if whole > MOST_MILLISECONDS else ""),
        Row("funding.close.fold", fold, "ms"),
        Row("funding.close.commit", commit, "ms"),
        Row(
            *("funding.close.wal", wal, "kB", "eager", eager_wal / wal, "<= 50"),
            f"values handed over, in kB: {parts}" if wal > MOST_KILOBYTES else "",
        ),
        Row("funding.close.first", first.milliseconds, "ms"),
        Row("funding.close.first.wal", first.wal, "kB"),
    ]


def _written(commit: Commit) -> dict[str, float]:
    """How many kB of values each table is given."""
    sizes = {table.name: len(repr(rows)) / 1_000 for table, rows in commit.changes.rows.items()}
    sizes["outbox"] = sum(len(row.payload) for row in commit.outbox) / 1_000
    sizes["journal"] = sum(len(delivery.payload) for delivery in commit.journal) / 1_000
    return sizes


def _deliveries(first: int, messages: list[Message], at: int) -> list[Delivery]:
    return [
        Delivery(first + number, at, message.subject, encode(message), "", 0) for number, message in enumerate(messages)
    ]


def _names() -> list[str]:
    return [f"M{number:02}-PERP" for number in range(MARKETS)]


def _opening() -> list[Message]:
    envelope: dict[str, Any] = {"occurred_at": START}
    listed: list[Message] = [
        ListMarket(id=f"l-{name}", source="operator", spec=spec(market=name), **envelope) for name in _names()
    ]
    priced: list[Message] = [
        UpdateIndexPrice(
            id=f"p-{name}", source="ingestor", seq=number, market=name, price="1000", sources=(), **envelope
        )
        for number, name in enumerate(_names(), start=1)
    ]
    return listed + priced


def _close(interval: int) -> list[Message]:
    body: dict[str, Any] = {
        "interval_start": interval * HOUR,
        "interval_micros": HOUR,
        "rate_ppb": 79_000,
        "samples": 60,
    }
    return [
        SettleFunding(
            id=f"s-{interval}-{name}",
            source="funding",
            seq=interval * MARKETS + number,
            occurred_at=START,
            market=name,
            **body,
        )
        for number, name in enumerate(_names(), start=1)
    ]


async def _closes(installed: Installation) -> tuple[list[Close], int]:
    """Each close, and what payments leave over: lots sum to zero, so must they."""
    fold = SERVICE.fold
    store = PostgresStore(installed.service_dsn("matching"), "matching")
    try:
        epoch = await store.begin()
        state = fold.repository.restore(await store.load([table for table in fold.repository.tables if table.load]))
        folder = new_folder(fold, state, epoch)
        last = epoch.progress.stream_seq + 1
        opening = _opening()
        commit, _ = folder.fold(folder.decode(_deliveries(last, opening, START)), "", "stream")
        await store.commit(commit)
        last += len(opening)
        await _execute(installed, _FILL, POSITIONS)
        await _execute(installed, _BALANCES, POSITIONS)
        await _execute(installed, "CHECKPOINT")
        closes = []
        for interval in range(ROUNDS):
            settlements = _deliveries(last, _close(interval), START + interval + 1)
            last += len(settlements)
            before, started = await _wal(installed), time.perf_counter()
            commit, _ = folder.fold(folder.decode(settlements), "", "stream")
            folded = time.perf_counter()
            await store.commit(commit)
            ended = time.perf_counter()
            wal = (await _wal(installed) - before) / 1000
            closes.append(Close((folded - started) * 1000, (ended - folded) * 1000, wal, _written(commit)))
        (residual,) = (await installed.fetch("matching", "SELECT coalesce(sum(lots), 0)::bigint FROM positions"))[0]
        return closes, residual
    finally:
        await store.close()


async def _eager(installed: Installation) -> tuple[float, float]:
    """Milliseconds and WAL of the same interval with a row and a balance for everybody."""
    await _execute(installed, "CREATE TABLE eager_entries (account text, market text, amount bigint)")
    before, started = await _wal(installed), time.perf_counter()
    await _execute(installed, _EAGER)
    seconds = time.perf_counter() - started
    return seconds * 1000, (await _wal(installed) - before) / 1000


async def _wal(installed: Installation) -> int:
    rows = await installed.fetch("matching", "SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint")
    return int(rows[0][0])


async def _execute(installed: Installation, statement: str, *arguments: int) -> None:
    """As the owner of everything, in the service's schema."""
    connection = await asyncpg.connect(installed.admin_dsn)
    try:
        await connection.execute("SET search_path = matching")
        await connection.execute(statement, *arguments)
    finally:
        await connection.close()
