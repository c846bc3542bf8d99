"""Liquidity from the book to the answer: measured as books change, stored once in each span, told in decimals."""

from collections.abc import AsyncIterator
from decimal import Decimal
from functools import cache
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from services.ingestor.adapters import events
from services.ingestor.adapters.core import Core
from services.ingestor.adapters.events import MarketStruct
from services.ingestor.adapters.venue import venues
from services.ingestor.app import SERVICE
from services.ingestor.domain.liquidity.depth import DISTANCES, TENTHS, depth
from services.ingestor.domain.liquidity.slippage import slippage
from services.ingestor.domain.liquidity.worth import PPT, Worth
from services.ingestor.queries import QUERIES
from services.ingestor.settings import VenueSettings
from services.ingestor.tests.harness import Harness, fold_of, market_message
from services.ingestor.tests.support import BTCUSDT, SYMBOL, new_core, play, recorded
from services.ingestor.views import BPS, SIZES
from tests.support.fold_bench import in_batches
from tests.support.schema import migrated
from tests.support.servers import Database

LINES = 9_000
SPAN = 10_000_000
WORTH = Worth.of(BTCUSDT.tick_size, BTCUSDT.lot_size)


@cache
def measured(every: int = 1_000_000) -> tuple[Core, list[MarketStruct]]:
    """What a core says that measures, of the start of the recording; with its terms first."""
    core = new_core()
    core.measure_liquidity(every, (10, 100))
    said: list[MarketStruct] = [*core.terms(recorded()[0][0])]
    for _, out in play(core, recorded()[:LINES]):
        said += [each for each in out if isinstance(each, MarketStruct)]
    return core, said


def of(kind: type[MarketStruct], every: int = 1_000_000) -> list[Any]:
    return [each for each in measured(every)[1] if isinstance(each, kind)]


def test_books_are_measured_as_they_change_and_no_more_often_than_asked() -> None:
    """ING-LIQ-008"""
    said = of(events.Liquidity)
    times = [each.venue_time for each in said]
    assert all(later - earlier >= 1_000_000 for earlier, later in pairwise(times))
    assert len(times) >= (times[-1] - times[0]) // 1_300_000
    assert len(of(events.Liquidity, 0)) == len(of(events.BookTop, 0)), "with every change that is said"
    silent = new_core()
    said = [each for _, out in play(silent, recorded()[:3_000]) for each in out]
    assert not [each for each in said if isinstance(each, events.Liquidity)]


def test_a_measure_is_that_of_the_whole_book() -> None:
    """ING-LIQ-008: of all its levels, not of the twenty that are said."""
    core, _ = measured(0)
    book, last = core.symbol(SYMBOL).sync.book, of(events.Liquidity, 0)[-1]
    assert book is not None
    core.symbol(SYMBOL).meter.every = 0
    found = core.symbol(SYMBOL).meter.measure(book, 10**16)
    deep, cost = depth(book.bids, book.asks, WORTH), slippage(book.bids, book.asks, WORTH)
    assert found is not None
    assert found[:4] == (book.bids.order[-1], book.asks.order[0], list(deep.bids), list(deep.asks))
    assert found[6] == [None if fill is None else fill.slippage for fill in cost.buys]
    assert len(last.bid_depths) == len(last.buy_slippages) == 7
    assert last.bid_depths[-1] > sum(ticks * lots for ticks, lots in book.top(20)[0]) * 100


def test_the_first_measure_of_each_span_is_stored() -> None:
    """ING-LIQ-009"""
    harness, said = Harness(), of(events.Liquidity)
    for each in said:
        harness.feed([each], each.received_at)
    rows = harness.rows("venue_liquidity")
    starts = [int(row["ts"].timestamp() * 1_000_000) for row in rows]
    assert starts == sorted({each.venue_time // SPAN * SPAN for each in said})
    first = {each.venue_time // SPAN: each for each in reversed(said)}
    assert [row["bid_depths"] for row in rows] == [first[start // SPAN].bid_depths for start in starts]
    again = len(rows)
    harness.feed([said[0]], said[-1].received_at + 1)
    assert len(harness.rows("venue_liquidity")) == again


def test_the_first_book_of_each_span_is_stored_in_steps() -> None:
    """ING-LIQ-013"""
    harness, said = Harness(), of(events.GroupedBook)
    for _ in range(2):
        for each in said:
            harness.feed([each], each.received_at)
    first = {(each.multiple, each.venue_time // SPAN * SPAN): each for each in reversed(said)}
    rows = harness.rows("venue_grouped_books")
    assert len(first) > 4
    stored = {(row["multiple"], int(row["ts"].timestamp()) * 1_000_000): row for row in rows}
    assert len(stored) == len(rows)
    assert {key: (row["bids"], row["asks"], row["venue_seq"]) for key, row in stored.items()} == {
        key: ([list(level) for level in each.bids], [list(level) for level in each.asks], each.venue_seq)
        for key, each in first.items()
    }


def test_terms_are_remembered_and_fees_come_from_the_settings() -> None:
    """ING-LIQ-010"""
    dear = VenueSettings(symbols=(SYMBOL,), fees=("-0.00005", "0.00031"))
    instrument = dear.with_fees(BTCUSDT)
    assert (instrument.maker_ppb, instrument.taker_ppb) == (-50_000, 310_000)
    assert VenueSettings(symbols=(SYMBOL,)).with_fees(BTCUSDT) is BTCUSDT
    harness = Harness()
    harness.feed(list(measured()[1][:1]), 1)
    (row,) = harness.rows("venue_instruments")
    assert (row["venue"], row["symbol"], row["tick_size"], row["lot_size"]) == ("binance-usdm", SYMBOL, "0.10", "0.001")


@pytest.fixture
async def pool(database: Database) -> AsyncIterator[Any]:
    """The tables of an ingestor that has read the start of the recording."""
    schema = await migrated(database, fold_of(), SERVICE.migrations)
    kinds = (events.InstrumentTerms, events.Liquidity, events.Trade)
    said = [each for each in measured()[1] if isinstance(each, kinds)]
    messages = [market_message([each], each.received_at) for each in [*said, *figures(said[-1].venue_time)]]
    assert await schema.run_epoch(in_batches(messages, 200)) == 0
    async with schema.pool() as made:
        yield made


def figures(at: int) -> list[MarketStruct]:
    """Four fundings, open interest and volume of four hours."""
    core = new_core()
    feed = core.symbol(SYMBOL)
    out: list[Any] = []
    for hour, rate in enumerate((100_000, 150_000, 50_000, 100_000)):
        when = at - (3 - hour) * 3_600_000_000
        out += feed.funding(when, "61800.0", "61793.82", rate, when + 1, when, when)
        out += feed.interest(when, 50_000 + 1_000 * hour, when, when)
        out += feed.stats(when, "61800.0", "62000.0", "61000.0", "100.000", when, when)
    return out


async def test_what_is_stored_is_told_in_decimals(pool: Any) -> None:
    """ING-LIQ-011"""
    answer = await QUERIES["liquidity"](pool, {"base": "NONE"})
    assert (answer["instruments"], answer["shares"]) == ([], [])
    answer = await QUERIES["liquidity"](pool, {"symbol": SYMBOL})
    assert (answer["bps"], answer["sizes"]) == (BPS, SIZES)
    assert (BPS[1], SIZES[-1]) == ("2.5", "10000000")
    (row,) = answer["instruments"]
    newest = of(events.Liquidity)[-1]
    start = newest.venue_time // SPAN * SPAN
    kept = next(each for each in of(events.Liquidity) if each.venue_time >= start)
    assert row["ts"] == start
    assert row["bid"] == f"{kept.bid_ticks // 10}.{kept.bid_ticks % 10}0"
    assert row["bid_depths"] == [f"{each // 10**6}.{each % 10**6:06d}" for each in kept.bid_depths]
    assert [share["share"] for share in answer["shares"]] == ["1.000000000"] * 7
    reach = min(kept.bid_reach, kept.ask_reach)
    assert [share["partial"] for share in answer["shares"]] == [reach < each * PPT // TENTHS for each in DISTANCES]
    history = await QUERIES["liquidity_history"](pool, {"venue": "binance-usdm", "symbol": SYMBOL, "limit": 2})
    assert [each["ts"] for each in history["rows"]] == [start, start - SPAN]
    earlier = await QUERIES["liquidity_history"](pool, {"venue": "binance-usdm", "symbol": SYMBOL, "before": start})
    assert earlier["rows"][0]["ts"] == start - SPAN


async def test_slippage_may_hold_the_fee(pool: Any) -> None:
    """ING-LIQ-011"""
    await pool.execute("UPDATE venue_instruments SET taker_ppb = 500000")
    (plain,) = (await QUERIES["liquidity"](pool, {"symbol": SYMBOL}))["instruments"]
    (dear,) = (await QUERIES["liquidity"](pool, {"symbol": SYMBOL, "fees": True}))["instruments"]
    assert plain["taker_fee"] == "5.0000"
    pairs = zip(plain["buy_slippages"][:4], dear["buy_slippages"][:4], strict=True)
    assert [Decimal(above) - Decimal(below) for below, above in pairs] == [5] * 4
    (terms,) = await QUERIES["instruments"](pool, {"symbol": SYMBOL})
    assert (terms["taker_fee"], terms["contract_type"]) == ("0.000500000", "linear")


async def test_statistics_of_an_instrument(pool: Any) -> None:
    """ING-LIQ-011: a deviation of 0.0000353553 for rates of 1, 1.5, 0.5 and 1 hundredths of a percent."""
    found = await QUERIES["statistics"](pool, {"venue": "binance-usdm", "symbol": SYMBOL})
    assert found["funding"]["count"] == 4
    assert found["funding"]["mean"] == "0.000100000000"
    assert found["funding"]["deviation"] == "0.000035355339"
    assert (found["funding"]["least"], found["funding"]["largest"]) == ("0.000050000", "0.000150000")
    turnover = found["turnover"]
    assert (turnover["count"], turnover["least"], turnover["largest"]) == (4, "0.500000000", "0.530000000")
    assert found["deviation"]["mark_from_index"] == "1.0033"
    assert found["deviation"]["absolute"]["median"] == "1.0033"
    none = await QUERIES["statistics"](pool, {"venue": "nowhere", "symbol": SYMBOL})
    assert (none["funding"], none["turnover"], none["deviation"]) == (None, None, None)
    assert msgspec.json.encode(found)


def test_every_venue_says_its_fees() -> None:
    """ING-LIQ-010: a venue may pay its makers, and nobody asks a hundredth of the money."""
    assert all(-(10**6) < venue.fees.maker_ppb <= venue.fees.taker_ppb < 10**7 for venue in venues().values())
