"""Backfill: what is missing of the past is found, asked for in chunks within the venue's limits, and written.

A chunk that is written is noted as covered, in this order: a run that is killed repeats a few chunks, which changes
nothing, and the next run goes on where it was. What a venue has no rows for stays empty and is not asked for again.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import msgspec
from cleartide.fold import Row, Table
from cleartide.money import MoneyError
from cleartide.store.bulk import BulkWriter
from cleartide.store.coverage import cover, covered
from cleartide.store.partitions import Partitioned, ensure_days

from services.ingestor.adapters.history import History, Kind, PastTrade
from services.ingestor.adapters.instrument import HOUR_MICROS, Instrument
from services.ingestor.domain.ranges import DAY_MICROS, SPANS, Range, aligned, chunks, joined, without
from services.ingestor.repository import CANDLES, EPOCH, FUNDING_RATES, TRADES, instant
from services.ingestor.transport.rest import VenueRefused, VenueRest

FIVE_YEARS: Final = 1_826 * DAY_MICROS
TABLES: Final[dict[Kind, Table]] = {"klines": CANDLES, "funding_rates": FUNDING_RATES, "trades": TRADES}
EARLIEST: Final = Table(
    "series_earliest",
    key=("series", "scope"),
    columns={
        "series": "text",
        "scope": "text",
        "earliest_at": "timestamptz",
        "requests": "integer",
        "found_at": "timestamptz",
    },
)
_MISSING: Final = """SELECT before, ts FROM (
    SELECT ts, lag(ts) OVER (ORDER BY ts) AS before FROM venue_candles
    WHERE venue = $1 AND symbol = $2 AND span = $3 AND ts >= $4 AND ts < $5) t
WHERE before IS NULL OR ts - before > $6 ORDER BY ts LIMIT 1000000"""
_NEWEST: Final = (
    "SELECT max(ts) FROM venue_candles WHERE venue = $1 AND symbol = $2 AND span = $3 AND ts >= $4 AND ts < $5"
)
_FOUND: Final = "SELECT earliest_at, requests FROM series_earliest WHERE series = $1 AND scope = $2 LIMIT 1"


@dataclass(frozen=True)
class Task:
    """One thing that is fetched on its own: a symbol's candles of one length, its funding rates, its trades."""

    history: History
    instrument: Instrument
    kind: Kind
    span: str = ""

    @property
    def table(self) -> Table:
        """Where it is written."""
        return TABLES[self.kind]

    @property
    def scope(self) -> str:
        """What it is called in the notes on what is covered."""
        return "/".join(filter(None, (self.history.name, self.instrument.symbol, self.span)))

    @property
    def chunk_micros(self) -> int:
        """How much time one request can bring."""
        if self.kind == "klines":
            return self.history.candle_rows * SPANS[self.span]
        return self.history.funding_rows * HOUR_MICROS if self.kind == "funding_rates" else HOUR_MICROS

    def within(self, wanted: Range) -> Range:
        """What of a range can be asked for: whole candles."""
        return aligned(wanted, self.span) if self.kind == "klines" else wanted


@dataclass
class Plan:
    """What is to be fetched for one task. `earliest`: where the venue's data begins, None when it has none."""

    task: Task
    earliest: int | None
    missing: list[Range]

    @property
    def chunks(self) -> list[Range]:
        """The requests, oldest first."""
        return list(chunks(self.missing, self.task.chunk_micros))


@dataclass
class Progress:
    """How far a run has come."""

    chunks: int
    done: int = 0
    rows: int = 0
    new: int = 0
    failed: list[str] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)


class Backfill:
    """One run, on one writer. Clients of one venue share its `VenueRest`, which keeps its limits."""

    def __init__(self, writer: BulkWriter, rests: dict[str, VenueRest], *, force: bool = False) -> None:
        self._writer, self._rests, self._force = writer, rests, force
        self._turn = asyncio.Lock()
        self._days: set[tuple[str, datetime]] = set()

    async def plan(self, task: Task, start: int | None, end: int) -> Plan:
        """What is missing of [start, end); without a start, from where the venue's data begins."""
        earliest = start if start is not None else await self.earliest(task, end)
        if earliest is None:
            return Plan(task, None, [])
        wanted = task.within((earliest, end))
        if self._force:
            return Plan(task, earliest, joined([wanted]))
        async with self._turn:
            known = await covered(self._writer.connection, task.table.name, task.scope)
            stretches = [(_micros(first), _micros(last)) for first, last in known]
            if task.kind == "klines":
                stretches += await self._recorded(task, wanted)
        return Plan(task, earliest, without([wanted], stretches))

    async def earliest(self, task: Task, end: int) -> int | None:
        """Where the venue's data of a symbol begins, at most five years back: asked for once, by candles of a day."""
        scope = f"{task.history.name}/{task.instrument.symbol}"
        async with self._turn:
            found = await self._writer.connection.fetchrow(_FOUND, CANDLES.name, scope)
        if found is not None and not self._force and found["earliest_at"] is not None:
            return _micros(found["earliest_at"])
        spans = task.history.spans
        span = "1d" if "1d" in spans else max(spans, key=SPANS.__getitem__)
        daily, requests, earliest = Task(task.history, task.instrument, "klines", span), 0, None
        for chunk in chunks([daily.within((end - FIVE_YEARS, end))], daily.chunk_micros):
            requests += 1
            body = await self._rests[task.history.name].ask(task.history.ask_candles(task.instrument, span, chunk))
            if candles := task.history.candles(task.instrument, body):
                earliest = min(each.open_at for each in candles)
                break
        row = (CANDLES.name, scope, None if earliest is None else instant(earliest), requests, datetime.now(UTC))
        async with self._turn:
            await self._writer.write(EARLIEST, [row])
        return earliest

    async def run(self, plans: Sequence[Plan], parallel: int, said: Callable[[Progress], None]) -> Progress:
        """Fetch what the plans miss, so many requests at a time; `said` hears of every chunk."""
        work = [(plan.task, chunk) for plan in plans for chunk in plan.chunks]
        progress = Progress(len(work))
        left = iter(work)
        said(progress)
        async with asyncio.TaskGroup() as group:
            for _ in range(max(1, parallel)):
                group.create_task(self._work(left, progress, said))
        return progress

    async def _work(
        self, left: Iterable[tuple[Task, Range]], progress: Progress, said: Callable[[Progress], None]
    ) -> None:
        for task, chunk in left:
            try:
                rows = await self._fetch(task, chunk)
                new = await self._keep(task, chunk, rows)
                progress.rows, progress.new = progress.rows + len(rows), progress.new + new
            except (VenueRefused, MoneyError, msgspec.MsgspecError, ValueError) as error:
                progress.failed.append(f"{task.scope} {task.kind} from {instant(chunk[0]):%Y-%m-%d %H:%M}: {error}")
            progress.done += 1
            said(progress)

    async def _fetch(self, task: Task, chunk: Range) -> list[Row]:
        history, instrument, rest = task.history, task.instrument, self._rests[task.history.name]
        if task.kind == "klines":
            candles = history.candles(instrument, await rest.ask(history.ask_candles(instrument, task.span, chunk)))
            return [
                (
                    *_head(task, each.open_at, each.open_at, "ok" if each.exact else "rounded"),
                    task.span,
                    instant(each.open_at),
                    *each.prices,
                    each.volume_lots,
                )
                for each in candles
                if chunk[0] <= each.open_at < chunk[1]
            ]
        if task.kind == "funding_rates":
            rates = history.funding(instrument, await rest.ask(history.ask_funding(instrument, chunk)))
            return [(*_head(task, each.at, each.at), each.rate_ppb) for each in rates if chunk[0] <= each.at < chunk[1]]
        return [
            (*_head(task, each.at, each.number), each.trade_id, each.price_ticks, each.size_lots, each.taker_side)
            for each in await self._trades(task, chunk)
        ]

    async def _trades(self, task: Task, chunk: Range) -> list[PastTrade]:
        """Page after page, until one is not full or leaves the chunk."""
        found: list[PastTrade] = []
        while True:
            request = task.history.ask_trades(task.instrument, chunk, found[-1] if found else None)
            page = task.history.trades(task.instrument, await self._rests[task.history.name].ask(request))
            found += [each for each in page if chunk[0] <= each.at < chunk[1]]
            if len(page) < task.history.trade_rows or page[-1].at >= chunk[1]:
                return found

    async def _keep(self, task: Task, chunk: Range, rows: Sequence[Row]) -> int:
        """Write, then note it as covered."""
        async with self._turn:
            await self._make_days(task.table.name, {row[0] for row in rows})
            new = await self._writer.write(task.table, rows, replace=self._force)
            stretch = (instant(chunk[0]), instant(chunk[1]))
            await cover(self._writer.connection, task.table.name, task.scope, stretch)
        return new

    async def _make_days(self, table: str, times: Iterable[datetime]) -> None:
        days = {at.replace(hour=0, minute=0, second=0, microsecond=0) for at in times}
        missing = sorted(day for day in days if (table, day) not in self._days)
        await ensure_days(self._writer.connection, Partitioned(table), missing)
        self._days |= {(table, day) for day in missing}

    async def _recorded(self, task: Task, wanted: Range) -> list[Range]:
        """Unbroken stretches of candles that are there, whoever wrote them."""
        step, which = SPANS[task.span], (task.history.name, task.instrument.symbol, task.span)
        between = (instant(wanted[0]), instant(wanted[1]))
        records = await self._writer.connection.fetch(_MISSING, *which, *between, instant(step) - EPOCH)
        newest = await self._writer.connection.fetchval(_NEWEST, *which, *between)
        starts = [_micros(each["ts"]) for each in records]
        ends = [_micros(each["before"]) + step for each in records if each["before"] is not None]
        return list(zip(starts, [*ends, _micros(newest) + step], strict=True)) if newest is not None else []


def _head(task: Task, at: int, seq: int, quality: str = "ok") -> Row:
    return instant(at), task.history.name, task.instrument.symbol, seq, datetime.now(UTC), quality


def _micros(moment: datetime) -> int:
    return (moment - EPOCH) // (instant(1) - EPOCH)
