"""Matching, market bounds, self-trades and reduce-only (domain rules R26 to R30)."""

import pytest
from cleartide.contracts import OrderAccepted, OrderClosed, OrderRejected, TradeExecuted

from services.matching.tests.rules.bench import hand_over, mark, one_quantum, order, pay_in
from services.matching.tests.support import MARKET, Exchange, of, only


def crowd() -> Exchange:
    """ann, bob and cat have more than they need."""
    ex = one_quantum()
    for name in ("ann", "bob", "cat"):
        pay_in(ex, name, 100_000_000)
    return ex


@pytest.mark.parametrize(
    ("side", "limit", "trades"), [("buy", 1_000, 1), ("buy", 999, 0), ("sell", 1_000, 1), ("sell", 1_001, 0)]
)
def test_equal_prices_cross_and_a_tick_less_does_not(side: str, limit: int, trades: int) -> None:
    """RULE-R26-001"""
    ex = crowd()
    order(ex, "bob", "sell" if side == "buy" else "buy", 1, 1_000)
    assert len(of(order(ex, "ann", side, 1, limit), TradeExecuted)) == trades


@pytest.mark.parametrize(
    ("side", "limit", "rests"),
    [("buy", 999, True), ("buy", 1_000, False), ("sell", 1_001, True), ("sell", 1_000, False)],
)
def test_post_only_is_refused_where_it_would_trade(side: str, limit: int, rests: bool) -> None:
    """RULE-R26-002"""
    ex = crowd()
    order(ex, "bob", "sell" if side == "buy" else "buy", 1, 1_000)
    events = order(ex, "ann", side, 1, limit, post_only=True)
    assert bool(of(events, OrderAccepted)) is rests
    assert [event.reason for event in of(events, OrderRejected)] == ([] if rests else ["post_only_would_cross"])


def test_best_price_first_then_the_older_order_and_partial_fills_keep_their_place() -> None:
    """RULE-R26-003"""
    ex = crowd()
    for lots, ticks in ((2, 1_001), (2, 1_000), (2, 1_000)):
        order(ex, "bob", "sell", lots, ticks)
    order(ex, "ann", "buy", 1, 1_001)
    trades = of(order(ex, "ann", "buy", 4, 1_001), TradeExecuted)
    assert [(trade.sell_order_id, trade.price_ticks, trade.size_lots) for trade in trades] == [
        (2, 1_000, 1),
        (3, 1_000, 2),
        (1, 1_001, 1),
    ]


@pytest.mark.parametrize(
    ("side", "now", "bound"), [("buy", 1_001, 1_051), ("sell", 1_001, 951), ("buy", 1_000, 1_050), ("sell", 1_000, 950)]
)
def test_a_market_order_is_bounded_by_five_percent_of_the_mark(side: str, now: int, bound: int) -> None:
    """RULE-R27-001: 1,051.05 and 950.95 are rounded toward the mark; the order never rests."""
    ex = crowd()
    mark(ex, now)
    events = order(ex, "ann", side, 1)
    accepted = only(events, OrderAccepted)
    assert (accepted.price_ticks, accepted.time_in_force) == (bound, "ioc")
    assert only(events, OrderClosed).reason == "ioc_remainder"


def test_an_own_order_in_the_way_is_removed_and_is_no_fill() -> None:
    """RULE-R29-001: expire_maker, the default: the new order goes on; no fee, no last price for what was prevented."""
    ex = crowd()
    order(ex, "ann", "sell", 5, 1_000)
    order(ex, "bob", "sell", 5, 1_001)
    events = order(ex, "ann", "buy", 5, 1_001)
    assert [(event.order_id, event.reason, event.filled_lots) for event in of(events, OrderClosed)] == [
        (1, "self_trade", 0),
        (2, "filled", 5),
        (3, "filled", 5),
    ]
    assert [trade.price_ticks for trade in of(events, TradeExecuted)] == [1_001]


def test_a_reduce_only_order_is_cut_at_match_time_and_never_flips() -> None:
    """RULE-R30-001: ann is long 5 of which 3 go elsewhere; her resting reduce-only sale of 5 can then sell 2."""
    ex = crowd()
    hand_over(ex, "ann", "bob", 5, 1_000)
    order(ex, "ann", "sell", 5, 1_001, reduce_only=True)
    hand_over(ex, "cat", "ann", 3, 1_000)
    events = order(ex, "bob", "buy", 5, 1_001)
    assert [trade.size_lots for trade in of(events, TradeExecuted)] == [2]
    assert [event.reason for event in of(events, OrderClosed)] == ["reduce_only"]
    assert (ex.lots("ann"), ex.state.markets[MARKET].book.asks.best_price) == (0, None)


@pytest.mark.parametrize(("lots", "size", "filled"), [(5, 7, 5), (5, 5, 5), (5, 4, 4)])
def test_a_reduce_only_taker_takes_no_more_than_the_position(lots: int, size: int, filled: int) -> None:
    """RULE-R30-002"""
    ex = crowd()
    hand_over(ex, "ann", "cat", lots, 1_000)
    order(ex, "bob", "buy", 10, 1_000)
    trades = of(order(ex, "ann", "sell", size, 1_000, reduce_only=True), TradeExecuted)
    assert sum(trade.size_lots for trade in trades) == filled
    assert ex.lots("ann") == lots - filled


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_reduce_only_needs_something_to_reduce(side: str) -> None:
    """RULE-R30-003: no position, or one of the same side."""
    ex = crowd()
    assert only(order(ex, "ann", side, 1, 1_000, reduce_only=True), OrderRejected).reason == "reduce_only"
    hand_over(ex, *(("ann", "bob") if side == "buy" else ("bob", "ann")), 5, 1_000)
    assert only(order(ex, "ann", side, 1, 1_000, reduce_only=True), OrderRejected).reason == "reduce_only"
