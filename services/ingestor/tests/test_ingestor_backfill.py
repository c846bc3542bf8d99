"""Backfill against the simulator's HTTP: where data begins, what is missing, kills, limits, and what the rows say."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp
from cleartide.store.bulk import BulkWriter
from hypothesis import given
from hypothesis import strategies as st

from services.ingestor.adapters.history import histories
from services.ingestor.adapters.instrument import Instrument
from services.ingestor.adapters.venue import venues
from services.ingestor.backfill import Backfill, Plan, Progress, Task
from services.ingestor.domain.ranges import DAY_MICROS, SPANS, aligned, chunks, joined, without
from services.ingestor.repository import instant
from services.ingestor.simulator import past
from services.ingestor.simulator.faults import Faults
from services.ingestor.simulator.host import Host
from services.ingestor.simulator.replay import Pace, Replay
from services.ingestor.tests.rig import first_lines
from services.ingestor.tests.series import cleartide, on_both_kinds
from services.ingestor.transport.rest import VenueRest
from tests.support.schema import ServiceSchema

HOUR = SPANS["1h"]
MINUTE = SPANS["1m"]
LISTED, OUTAGE = past.LISTED * 1_000, tuple(at * 1_000 for at in past.OUTAGE)
START = OUTAGE[0] - DAY_MICROS - 12 * HOUR
"""Midnight, a day and a half before the outage."""
PLACES = {"binance-usdm": "BTCUSDT", "binance-coinm": "BTCUSD_PERP", "bybit": "BTCUSDT", "hyperliquid": "BTC"}
ranges = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=8)


def points(pieces: Any) -> set[int]:
    return {point for start, end in pieces for point in range(start, end)}


@given(ranges, ranges, st.integers(1, 9))
def test_stretches_are_sets_of_points(wanted: Any, covered: Any, length: int) -> None:
    """ING-BACK-001"""
    left = without(wanted, covered)
    assert points(left) == points(wanted) - points(covered)
    assert left == joined(left)
    pieces = list(chunks(left, length))
    assert sorted(point for start, end in pieces for point in range(start, end)) == sorted(points(left))
    assert all(0 < end - start <= length for start, end in pieces)


def test_only_whole_candles_are_asked_for() -> None:
    """ING-BACK-002"""
    assert aligned((1, 3 * HOUR - 1), "1h") == (HOUR, 2 * HOUR)
    assert aligned((HOUR + 1, 2 * HOUR - 1), "1h") == (2 * HOUR, 2 * HOUR)
    week = aligned((LISTED, LISTED + 21 * DAY_MICROS), "1w")
    assert [instant(at).weekday() for at in week] == [0, 0]
    assert week[1] - week[0] == 14 * DAY_MICROS


@asynccontextmanager
async def simulated() -> AsyncIterator[tuple[str, Replay, Host]]:
    """Every venue with a past, whose now is the recording's first moment."""
    faults = Faults()
    replay = Replay(first_lines(3_999), Pace(1.0), faults)
    host = Host([replay], dict.fromkeys(PLACES, ()), {name: Faults() for name in PLACES})
    address = f"127.0.0.1:{await host.start()}"
    try:
        yield address, replay, host
    finally:
        await host.stop()


class Rig:
    """A backfill of one venue."""

    def __init__(self, backfill: Backfill, rest: VenueRest, instrument: Instrument, name: str) -> None:
        self.backfill, self.rest, self.instrument, self.name = backfill, rest, instrument, name

    def task(self, kind: Any, span: str = "") -> Task:
        return Task(histories()[self.name], self.instrument, kind, span)

    async def fetch(self, task: Task, start: int | None, end: int, parallel: int = 4) -> tuple[Plan, Progress]:
        plan = await self.backfill.plan(task, start, end)
        return plan, await self.backfill.run([plan], parallel, lambda _: None)


@asynccontextmanager
async def rigged(schema: ServiceSchema, address: str, name: str, **options: bool) -> AsyncIterator[Rig]:
    venue = venues()[name]
    async with aiohttp.ClientSession() as session, BulkWriter(schema.dsn, "ingestor") as writer:
        rest = VenueRest(session, f"http://{address}/{name}", venue.limits, venue.used_weight_header)
        answers = [await rest.ask(request) for request in venue.listing]
        (instrument,) = venue.instruments(answers, [PLACES[name]], {})
        yield Rig(Backfill(writer, {name: rest}, **options), rest, instrument, name)


async def rows_of(schema: ServiceSchema, table: str) -> list[Any]:
    async with schema.pool() as pool:
        return list(await pool.fetch(f"SELECT * FROM {table} ORDER BY ts"))


async def test_candles_and_rates_of_every_venue(schema: ServiceSchema) -> None:
    """ING-BACK-003: in one test, since making a schema takes longer than a venue."""
    async with simulated() as (address, _, _):
        for name in PLACES:
            async with rigged(schema, address, name) as rig:
                await assert_past(schema, rig)


async def assert_past(schema: ServiceSchema, rig: Rig) -> None:
    """Two days' candles and rates are what the venue has, to the digit."""
    end = START + 2 * DAY_MICROS
    assert await rig.backfill.earliest(rig.task("klines", "1h"), end) == LISTED
    plan, progress = await rig.fetch(rig.task("klines", "1m"), START, end)
    assert (progress.failed, progress.done) == ([], len(plan.chunks))
    rows = [row for row in await rows_of(schema, "venue_candles") if row["venue"] == rig.name]
    assert [row["ts"] for row in rows] == [
        instant(at) for at in range(START, end, MINUTE) if not OUTAGE[0] <= at < OUTAGE[1]
    ]
    made = past.candles(rig.instrument.symbol, "1m", START // 1_000, START // 1_000, 1, START)[0]
    prices = [rig.instrument.prices[price] for price in made.prices]
    names = ("open_ticks", "high_ticks", "low_ticks", "close_ticks")
    assert [rows[0][column] for column in names] == prices
    assert {row["quality"] for row in rows} == {"ok"}
    _, rates = await rig.fetch(rig.task("funding_rates"), START, end)
    rows = [row for row in await rows_of(schema, "venue_funding_rates") if row["venue"] == rig.name]
    assert rates.new == len(rows) == 6
    assert [row["ts"] for row in rows] == [instant(at) for at in range(START, end, 8 * HOUR)]


@on_both_kinds
async def test_what_is_there_is_not_asked_for_again(schema: ServiceSchema) -> None:
    """ING-BACK-004"""
    start, end = LISTED, LISTED + 3 * DAY_MICROS
    async with simulated() as (address, _, _), rigged(schema, address, "binance-usdm") as rig:
        task = rig.task("klines", "1m")
        await rig.fetch(task, start + DAY_MICROS, start + 2 * DAY_MICROS)
        plan, progress = await rig.fetch(task, None, end)
        assert plan.missing == [(start, start + DAY_MICROS), (start + 2 * DAY_MICROS, end)]
        assert progress.new == progress.rows == 2 * 1_440
        asked = rig.rest.counts["requests"]
        again, nothing = await rig.fetch(task, None, end)
        assert (again.missing, nothing.done) == ([], 0)
        assert rig.rest.counts["requests"] == asked, "not even where the data begins"
        before = await rows_of(schema, "venue_candles")
    async with simulated() as (address, _, _), rigged(schema, address, "binance-usdm", force=True) as rig:
        forced, replaced = await rig.fetch(rig.task("klines", "1m"), start, end)
        assert (forced.missing, replaced.rows) == ([(start, end)], len(before))
    after = await rows_of(schema, "venue_candles")
    assert [_without_receipt(row) for row in after] == [_without_receipt(row) for row in before]
    assert min(row["received_at"] for row in after) > max(row["received_at"] for row in before)


def _without_receipt(row: Any) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "received_at"}


async def test_an_outage_of_the_venue_is_not_asked_for_again(schema: ServiceSchema) -> None:
    """ING-BACK-011"""
    async with simulated() as (address, _, _), rigged(schema, address, "bybit") as rig:
        task, end = rig.task("klines", "1m"), OUTAGE[1] + HOUR
        _, progress = await rig.fetch(task, OUTAGE[0] - HOUR, end)
        assert progress.new == 120
        assert (await rig.backfill.plan(task, OUTAGE[0] - HOUR, end)).missing == []


@on_both_kinds
async def test_gaps_between_recorded_candles_are_found(schema: ServiceSchema) -> None:
    """ING-BACK-005"""
    start, end = LISTED, LISTED + 2 * DAY_MICROS
    async with simulated() as (address, _, _), rigged(schema, address, "bybit") as rig:
        task = rig.task("klines", "1h")
        await rig.fetch(task, start, end)
        async with schema.pool() as pool:
            await pool.execute("TRUNCATE series_coverage")
            holes = [start + 5 * HOUR, start + 6 * HOUR, start + 30 * HOUR, end - HOUR]
            await pool.execute("DELETE FROM venue_candles WHERE ts = ANY($1)", [instant(at) for at in holes])
        plan, progress = await rig.fetch(task, start, end)
        assert plan.missing == [
            (start + 5 * HOUR, start + 7 * HOUR),
            (start + 30 * HOUR, start + 31 * HOUR),
            (end - HOUR, end),
        ]
        assert progress.new == 4
    assert len(await rows_of(schema, "venue_candles")) == 48


async def test_trades_come_page_after_page_under_the_ids_of_the_feed(schema: ServiceSchema) -> None:
    """ING-BACK-006"""
    start = LISTED + DAY_MICROS
    async with simulated() as (address, _, _), rigged(schema, address, "binance-usdm") as rig:
        rig.task("trades").history.__class__.trade_rows = 50
        try:
            _, progress = await rig.fetch(rig.task("trades"), start, start + 3 * HOUR)
        finally:
            rig.task("trades").history.__class__.trade_rows = 1_000
    rows = await rows_of(schema, "venue_trades")
    first = DAY_MICROS // 1_000 // past.TRADE_EVERY
    assert progress.failed == []
    assert [row["trade_id"] for row in rows] == [f"agg-{first + number}" for number in range(540)]
    deal = past.trades("BTCUSDT", 0, past.LISTED + 10**9, 1, past.LISTED + 10**10, first)[0]
    assert rows[0]["price_ticks"] == Instrument("BTCUSDT", "0.10", "0.001").prices[deal.price]
    assert rows[0]["taker_side"] == deal.side


@on_both_kinds
async def test_killed_at_any_chunk_the_next_run_goes_on_and_ends_with_the_same_rows(schema: ServiceSchema) -> None:
    """ING-BACK-007"""
    start, end = LISTED, LISTED + 3 * DAY_MICROS
    left: list[int] = []
    async with simulated() as (address, _, _):
        for stop_after in (1, 2, 3, 10**6):
            with suppress(Killed):
                async with rigged(schema, address, "hyperliquid") as rig:
                    plan = await rig.backfill.plan(rig.task("klines", "1m"), start, end)
                    left.append(len(plan.chunks))
                    await killed_after(rig, plan, stop_after)
    assert left[0] > left[1] > left[2] > left[3] > 0
    rows = await rows_of(schema, "venue_candles")
    assert [row["ts"] for row in rows] == [instant(at) for at in range(start, end, MINUTE)]


class Killed(Exception):  # noqa: N818 - not a fault
    """The run was cut off."""


async def killed_after(rig: Rig, plan: Plan, chunks_done: int) -> None:
    """Run, and cut the connection off in the middle of what follows that many chunks."""

    def said(progress: Progress) -> None:
        if progress.done == chunks_done:
            rig.backfill._writer.connection.terminate()
            raise Killed

    try:
        await rig.backfill.run([plan], 2, said)
    except BaseExceptionGroup as ended:
        raise Killed from ended


async def test_the_venue_that_asks_for_a_pause_gets_it_and_loses_nothing(schema: ServiceSchema) -> None:
    """ING-BACK-008"""
    async with simulated() as (address, _, host), rigged(schema, address, "bybit") as rig:
        host.stages["bybit"].faults.refusals += [(429, 0), (418, 0)]
        _, progress = await rig.fetch(rig.task("klines", "1m"), LISTED, LISTED + DAY_MICROS)
        assert rig.rest.counts["pauses"] == 2
        assert (progress.failed, progress.new) == ([], 1_440)


async def test_a_grid_that_was_finer_is_rounded_and_said(schema: ServiceSchema) -> None:
    """ING-BACK-009"""
    coarse = Instrument("BTCUSDT", "0.5", "0.01", base="BTC", quote="USDT")
    async with simulated() as (address, _, _), rigged(schema, address, "binance-usdm") as rig:
        rig.instrument = coarse
        await rig.fetch(rig.task("klines", "1h"), LISTED, LISTED + DAY_MICROS)
    rows = await rows_of(schema, "venue_candles")
    assert len(rows) == 24
    assert "rounded" in {row["quality"] for row in rows}
    made = past.candles("BTCUSDT", "1h", past.LISTED, past.LISTED, 1, past.LISTED + 1)[0]
    assert rows[0]["open_ticks"] == coarse.nearest_ticks(made.prices[0])


async def test_the_command_line_fetches_says_what_is_missing_and_shows_how_far_it_is(schema: ServiceSchema) -> None:
    """ING-BACK-010"""
    async with simulated() as (address, _, _):

        async def run(*arguments: str) -> Any:
            given = ("backfill", "--database-url", schema.dsn, "--simulator", address, *arguments)
            return await asyncio.to_thread(cleartide, given)

        what = ("-e", "binance-usdm,bybit", "-s", "BTC/USDT", "--start-date", "2024-01-10", "--end-date", "2024-01-12")
        dry = await run(*what, "--dry-run", "-f", "json")
        assert [each["requests"] for each in dry.json] == [1, 1, 1, 1]
        assert await rows_of(schema, "venue_candles") == []
        done = await run(*what, "-f", "json", "--progress", "always")
        assert done.json[0] == {"series": 4, "requests": 4, "rows": 108, "new": 108, "failed": 0}
        assert "4/4 requests" in done.err
        assert (await run(*what, "-f", "json")).json[0]["requests"] == 0
        assert "no interval 7m" in (await run(*what, "--intervals", "7m")).err
        assert "bybit does not tell past trades" in (await run(*what, "--data-types", "trades")).err
        assert "is not listed" in (await run("-e", "bybit", "-s", "XYZUSDT")).err
    assert {(row["venue"], row["base"]) for row in await _instruments(schema)} == {
        ("binance-usdm", "BTC"),
        ("bybit", "BTC"),
    }
    cleaned = ("db", "clean", "--database-url", schema.dsn, "--truncate", "--tables", "venue_candles", "--yes")
    assert (await asyncio.to_thread(cleartide, cleaned)).code == 0
    async with schema.pool() as pool:
        assert await pool.fetchval("SELECT count(*) FROM series_coverage WHERE series = 'venue_candles'") == 0


async def _instruments(schema: ServiceSchema) -> list[Any]:
    async with schema.pool() as pool:
        return list(await pool.fetch("SELECT * FROM venue_instruments"))
