"""Candles kept trade by trade are the candles one would count from the trades afterwards."""

from typing import Any

from cleartide.contracts import TradingEvent
from hypothesis import given, settings
from hypothesis import strategies as st

from services.analytics.tests.harness import Harness
from services.analytics.tests.tape import MARKETS, MINUTE, Bar, Tape, naive_candles
from tests.support.fold_bench import in_batches

markets = st.sampled_from(MARKETS)
origins = st.sampled_from(("book", "outside", "liquidation", "takeover"))
moves = st.one_of(
    st.tuples(st.just("trade"), markets, st.integers(1, 10**6), st.integers(1, 10**6), origins),
    st.tuples(st.just("mark"), markets, st.integers(1, 10**6)),
    st.tuples(st.just("wait"), st.sampled_from((1, MINUTE // 3, MINUTE - 1, MINUTE, 7 * MINUTE))),
)


def play(script: list[Any]) -> list[TradingEvent]:
    tape = Tape()
    for kind, *rest in script:
        match kind:
            case "trade":
                tape.trade(*rest)
            case "mark":
                tape.mark(*rest)
            case "wait":
                tape.at += rest[0]
    return tape.events


def trade_bars(harness: Harness) -> list[Bar]:
    rows = [tuple(row.values()) for row in harness.rows("candles") if row["series"] == "trade"]
    return [(market, *figures) for market, _, *figures, _, _ in rows]


@given(st.lists(moves, max_size=60))
@settings(max_examples=150, deadline=None)
def test_candles_equal_a_recount_of_the_trades(script: list[Any]) -> None:
    """ANA-CANDLE-006, ANA-CANDLE-003: every candle, and each closed one told exactly once with the same figures."""
    events = play(script)
    harness = Harness()
    harness.feed(events)
    expected = naive_candles(events)
    assert trade_bars(harness) == expected
    minute = max(event.occurred_at for event in events) // MINUTE * MINUTE
    told = [tuple(event.values())[8:] for event in harness.published]
    assert sorted((bar[0], bar[1], MINUTE, *bar[2:]) for bar in expected if bar[1] < minute) == sorted(told)
    assert {row["open_time"] for row in harness.rows("candles") if not row["closed"]} <= {minute}


@given(st.lists(moves, max_size=60), st.integers(1, 9))
@settings(max_examples=100, deadline=None)
def test_batches_and_restarts_change_nothing(script: list[Any], size: int) -> None:
    """ANA-REBUILD-001: tables and stream are the same however the events were cut and however often we started."""
    events = play(script)
    whole, again = Harness(), Harness()
    whole.feed(events)
    for batch in in_batches(events, size):
        again.feed(batch)
        again.restart()
    assert again.tables == whole.tables
    assert again.published == whole.published
