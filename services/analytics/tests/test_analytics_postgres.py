"""The same fold on a real PostgreSQL: the database's own recount of the trades, and what the dashboard is told."""

import random
from typing import Any

import pytest
from cleartide.contracts import TradeOrigin, TradingEvent
from cleartide.service import QueryError

from services.analytics.app import SERVICE
from services.analytics.queries import QUERIES
from services.analytics.tests.harness import Harness
from services.analytics.tests.tape import MARKETS, MINUTE, Tape, naive_candles
from tests.support.schema import ServiceSchema, migrated
from tests.support.servers import Database

BTC, ETH = MARKETS
HOUR = 60 * MINUTE
ORIGINS: tuple[TradeOrigin, ...] = ("book", "book", "outside", "liquidation", "takeover")
MIDNIGHT = 20_000 * 24 * HOUR


@pytest.fixture
async def schema(database: Database) -> ServiceSchema:
    """A migrated schema, seen as the service sees it."""
    return await migrated(database, SERVICE.fold, SERVICE.migrations)


def busy_hour() -> Tape:
    """An hour of two markets: trades of every origin, marks, a funding payment; 25 hours after one lonely trade."""
    draw = random.Random(7)
    tape = Tape(MIDNIGHT)
    tape.trade(BTC, 9_999, 1)
    tape.at = MIDNIGHT + 25 * HOUR
    while tape.at < MIDNIGHT + 26 * HOUR:
        origin = draw.choice(ORIGINS)
        tape.trade(draw.choice(MARKETS), draw.randint(900, 1_100), draw.randint(1, 500), origin)
        if draw.random() < 0.2:
            tape.mark(BTC, draw.randint(900, 1_100), index=1_000, open_interest=77)
        tape.at += draw.randint(1, 9_000_000)
    tape.fund(BTC, 12_500)
    tape.liquidate(BTC, 7, 3, mark=1_000)
    return tape


async def test_rows_and_answers_on_a_real_database(schema: ServiceSchema) -> None:
    """ANA-REBUILD-002, ANA-CANDLE-008 and the queries below."""
    events = busy_hour().events
    half = len(events) // 2
    await schema.run_trading_epoch(events[:half], 50)
    await schema.run_trading_epoch(events[half:], 7)
    in_memory = Harness()
    in_memory.feed(events)
    await schema.assert_holds(in_memory.tables)
    async with schema.pool() as pool:
        await check_recount(pool, events)
        await check_wider_candles(pool, events)
        await check_stats(pool, events)
        await check_feeds(pool, events)


async def check_recount(pool: Any, events: list[TradingEvent]) -> None:
    """ANA-CANDLE-008: GROUP BY over the trades gives the very candles that were kept."""
    sql = (
        "SELECT market, open_time, open_ticks, high_ticks, low_ticks, close_ticks, volume_lots, quote_quanta, entries "
        "FROM candles WHERE series = 'trade' AND market = $1 AND open_time >= $2 ORDER BY open_time"
    )
    start = MIDNIGHT + 24 * HOUR
    for market in MARKETS:
        kept = [dict(row) for row in await pool.fetch(sql, market, start)]
        answer = await QUERIES["recompute_candles"](pool, {"market": market, "from_time": start})
        assert len(kept) > 50
        assert answer["candles"] == kept
        counted = [bar for bar in naive_candles(events) if bar[0] == market and bar[1] >= start]
        assert [tuple(candle.values()) for candle in kept] == counted


async def check_older_candles(pool: Any, events: list[TradingEvent]) -> None:
    """ANA-QUERY-003: `next` leads on past minutes that have no candle, and is null on the oldest page alone."""
    bars = [bar[1] for bar in naive_candles(events) if bar[0] == BTC]
    for limit in (1, 4, 1_500):
        told: list[int] = []
        before: dict[str, int] = {}
        while True:
            page = await QUERIES["candles"](pool, {"market": BTC, "limit": limit, **before})
            assert 0 < len(page["candles"]) <= limit
            told = [candle["open_time"] for candle in page["candles"]] + told
            if page["next"] is None:
                break
            before = {"before": page["next"]}
        assert told == bars


async def check_wider_candles(pool: Any, events: list[TradingEvent]) -> None:
    """ANA-QUERY-001: ten minutes are the first, highest, lowest, last and sum of their minutes."""
    answer = await QUERIES["candles"](pool, {"market": BTC, "interval_seconds": 600, "limit": 4})
    assert [candle["open_time"] for candle in answer["candles"]] == [
        MIDNIGHT + 25 * HOUR + tens * 10 * MINUTE for tens in (2, 3, 4, 5)
    ]
    newest = answer["candles"][-1]
    bars = [bar for bar in naive_candles(events) if bar[0] == BTC and bar[1] >= newest["open_time"]]
    assert newest["open"] == tenth(bars[0][2])
    assert newest["high"] == tenth(max(bar[3] for bar in bars))
    assert newest["low"] == tenth(min(bar[4] for bar in bars))
    assert newest["close"] == tenth(bars[-1][5])
    assert newest["volume"] == thousandth(sum(bar[6] for bar in bars))
    assert newest["entries"] == sum(bar[8] for bar in bars)
    assert [candle["closed"] for candle in answer["candles"]] == [True, True, True, True]
    minutes = (await QUERIES["candles"](pool, {"market": BTC, "limit": 1_500}))["candles"]
    assert len(minutes) == len([bar for bar in naive_candles(events) if bar[0] == BTC]) - 1
    await check_older_candles(pool, events)
    early = await QUERIES["candles"](pool, {"market": BTC, "before": MIDNIGHT + HOUR})
    assert early["next"] is None
    assert [candle["close"] for candle in early["candles"]] == ["999.9"]
    marks = await QUERIES["candles"](pool, {"market": BTC, "series": "mark", "interval_seconds": 86_400})
    assert [(candle["volume"], candle["closed"]) for candle in marks["candles"]] == [("0.000", False)]
    for wrong in ({"interval_seconds": 90}, {"interval_seconds": 25_200}, {"series": "index"}, {"limit": 0}):
        with pytest.raises(QueryError):
            await QUERIES["candles"](pool, {"market": BTC, **wrong})
    with pytest.raises(QueryError, match="not listed"):
        await QUERIES["candles"](pool, {"market": "XRP-PERP"})


async def check_stats(pool: Any, events: list[TradingEvent]) -> None:
    """ANA-STATS-002: the window is the last 24 hours of sequenced time; the lonely trade before it is gone."""
    btc, eth = (await QUERIES["market_stats"](pool, {}))["markets"]
    bars = [bar for bar in naive_candles(events) if bar[0] == BTC and bar[1] >= MIDNIGHT + 24 * HOUR]
    assert (btc["market"], eth["market"]) == MARKETS
    assert btc["trades_24h"] == sum(bar[8] for bar in bars)
    assert btc["volume_24h"] == thousandth(sum(bar[6] for bar in bars))
    assert btc["high_24h"] == tenth(max(bar[3] for bar in bars))
    assert btc["low_24h"] == tenth(min(bar[4] for bar in bars))
    assert btc["open_24h"] == tenth(bars[0][2])
    assert btc["last"] == tenth(bars[-1][5])
    assert (btc["index"], btc["open_interest"], btc["funding_rate"]) == ("100.0", "0.077", "0.000012500")
    assert (btc["liquidations_24h"], btc["liquidated_24h"]) == (1, "0.010")
    assert btc["liquidated_quote_24h"] == "1.000000"
    assert (eth["mark"], eth["funding_rate"], eth["liquidations_24h"]) == (None, None, 0)
    only = await QUERIES["market_stats"](pool, {"market": ETH})
    assert only["markets"] == [eth]


async def _page(pool: Any, before: int | None) -> list[Any]:
    more = {} if before is None else {"before": before}
    found = await QUERIES["recent_trades"](pool, {"market": BTC, "limit": 7, **more})
    rows: list[Any] = found["trades"]
    return rows


async def check_feeds(pool: Any, events: list[TradingEvent]) -> None:
    """ANA-QUERY-002, ANA-LIQ-002"""
    trades = (await QUERIES["recent_trades"](pool, {"market": BTC, "limit": 500}))["trades"]
    assert [trade["seq"] for trade in trades] == sorted((trade["seq"] for trade in trades), reverse=True)
    assert trades[-1]["price"] == "999.9"
    paged: list[Any] = []
    while page := await _page(pool, paged[-1]["seq"] if paged else None):
        paged += page
    assert paged == trades
    assert "takeover" not in {trade["origin"] for trade in trades}
    (liquidation,) = (await QUERIES["liquidations"](pool, {}))["liquidations"]
    assert (await QUERIES["liquidations"](pool, {"before": liquidation["seq"]}))["liquidations"] == []
    assert (liquidation["account"], liquidation["closed"], liquidation["taken_over"]) == ("carol", "0.007", "0.003")
    assert (liquidation["mark"], liquidation["bankruptcy_price"], liquidation["fee"]) == ("100.0", "99.9", "0.000003")
    assert (await QUERIES["liquidations"](pool, {"market": ETH}))["liquidations"] == []


def tenth(ticks: int) -> str:
    return f"{ticks // 10}.{ticks % 10}"


def thousandth(lots: int) -> str:
    return f"{lots // 1000}.{lots % 1000:03}"
