"""Trades that were taken back or corrected: what was told stays, and what is asked for is as it holds now."""

import random
from typing import Any

import pytest
from cleartide.contracts import TradeExecuted, TradingEvent

from services.analytics.app import SERVICE
from services.analytics.queries import QUERIES
from services.analytics.tests.harness import Harness
from services.analytics.tests.tape import MARKETS, MINUTE, START, Tape, naive_candles, trades_now
from tests.support.schema import ServiceSchema, migrated
from tests.support.servers import Database

BTC, ETH = MARKETS


@pytest.fixture
async def schema(database: Database) -> ServiceSchema:
    """A migrated schema, seen as the service sees it."""
    return await migrated(database, SERVICE.fold, SERVICE.migrations)


def told(harness: Harness) -> list[tuple[str, int, int]]:
    """Each message about a candle: its type, the minute, and how many trades or restatements it speaks of."""
    return [
        (event["type"], (event["open_time"] - START) // MINUTE, event.get("trades") or event["restatements"])
        for event in harness.published
    ]


def test_a_told_candle_stays_and_is_told_to_be_restated() -> None:
    """ANA-RESTATE-001: at once; and the last price is the one that matching names."""
    tape, harness = Tape(), Harness()
    bad = tape.trade(BTC, 900, 5, "outside")
    tape.trade(BTC, 100, 1)
    tape.at += MINUTE
    tape.mark(BTC, 100)
    tape.bust(bad)
    harness.feed(tape.events)
    assert told(harness) == [("CandleClosed", 0, 2), ("CandleRestated", 0, 1)]
    (_, candle) = harness.rows("candles")
    assert (candle["high_ticks"], candle["entries"], candle["closed"]) == (900, 2, True)
    assert [row["last_ticks"] for row in harness.rows("markets")] == [77, None]


def test_what_is_restated_in_its_own_minute_is_told_when_the_candle_closes() -> None:
    """ANA-RESTATE-002: once for all of them, after the candle as it was traded; also across a restart."""
    tape, harness = Tape(), Harness()
    first, second = tape.trade(BTC, 900, 5, "outside"), tape.trade(BTC, 800, 5, "outside")
    tape.bust(first)
    tape.correct(second, 810, 5)
    harness.feed(tape.events)
    harness.restart()
    assert told(harness) == []
    tape.at += 2 * MINUTE
    tape.mark(ETH, 1)
    harness.feed(tape.events[-1:])
    assert told(harness) == [("CandleClosed", 0, 2), ("CandleRestated", 0, 2)]


def test_restatements_are_rows_of_their_own() -> None:
    """ANA-RESTATE-003: the trades stay as they were told."""
    tape, harness = Tape(), Harness()
    trade = tape.trade(BTC, 900, 5, "outside")
    tape.correct(trade, 910, 4, "sell")
    tape.bust(trade)
    harness.feed(tape.events)
    (kept,) = harness.rows("trades")
    assert (kept["price_ticks"], kept["size_lots"], kept["trade_id"]) == (900, 5, trade.trade_id)
    corrected, busted = harness.rows("restatements")
    assert (corrected["first_trade_id"], corrected["minute"], corrected["price_ticks"]) == (trade.trade_id, START, 910)
    assert (corrected["size_lots"], corrected["quote_quanta"], corrected["taker_side"]) == (4, 364_000, "sell")
    assert (busted["first_trade_id"], busted["price_ticks"], busted["taker_side"]) == (trade.trade_id, None, None)


def disturbed_hours() -> list[TradingEvent]:
    """Three hours of trades, a tenth of which are restated, some more than once, some hours later."""
    draw, tape = random.Random(5), Tape()
    outside: list[TradeExecuted] = []
    while tape.at < START + 180 * MINUTE:
        trade = tape.trade(draw.choice(MARKETS), draw.randint(900, 1_100), draw.randint(1, 500), "outside")
        if draw.random() < 0.2:
            outside.append(trade)
        if outside and draw.random() < 0.2:
            chosen = draw.choice(outside[-20:])
            if draw.random() < 0.5:
                outside.remove(chosen)
                tape.bust(chosen)
            else:
                tape.correct(chosen, draw.randint(800, 1_200), draw.randint(1, 500), draw.choice(("buy", "sell")))
        tape.at += draw.randint(1, 20_000_000)
    return tape.events


async def test_questions_are_answered_as_it_holds_now(schema: ServiceSchema) -> None:
    """ANA-RESTATE-004: candles of any width, the day's figures and the tape equal a recount of what holds."""
    events = disturbed_hours()
    await schema.run_trading_epoch(events, 40)
    in_memory = Harness()
    in_memory.feed(events)
    await schema.assert_holds(in_memory.tables)
    async with schema.pool() as pool:
        for market in MARKETS:
            await check_market(pool, market, [trade for trade in trades_now(events) if trade.market == market])
        answer = await QUERIES["recompute_candles"](pool, {"market": BTC, "from_time": START - START % (1440 * MINUTE)})
        first_told = [tuple(candle.values()) for candle in answer["candles"]]
        assert first_told == [bar for bar in naive_candles(events) if bar[0] == BTC][: len(first_told)]


async def check_market(pool: Any, market: str, trades: list[TradeExecuted]) -> None:
    bars = naive_candles(trades)
    answer = await QUERIES["candles"](pool, {"market": market, "limit": 1_500})
    minutes = [(c["open_time"], c["open"], c["high"], c["low"], c["close"], c["entries"]) for c in answer["candles"]]
    assert minutes == [(bar[1], *(f"{price / 10:.1f}" for price in bar[2:6]), bar[8]) for bar in bars]
    hours = (await QUERIES["candles"](pool, {"market": market, "interval_seconds": 3_600}))["candles"]
    assert sum(hour["entries"] for hour in hours) == len(trades)
    (stats,) = (await QUERIES["market_stats"](pool, {"market": market}))["markets"]
    assert stats["trades_24h"] == len(trades)
    assert stats["high_24h"] == f"{max(trade.price_ticks for trade in trades) / 10:.1f}"
    assert stats["volume_24h"] == f"{sum(trade.size_lots for trade in trades) / 1000:.3f}"
    tape = (await QUERIES["recent_trades"](pool, {"market": market, "limit": 100}))["trades"]
    newest = trades[: -len(tape) - 1 : -1]
    assert [(t["seq"], t["price"], t["taker_side"]) for t in tape] == [
        (trade.seq, f"{trade.price_ticks / 10:.1f}", trade.taker_side) for trade in newest
    ]
    assert any(trade["restated"] for trade in tape) and not all(trade["restated"] for trade in tape)
