"""Self-trade prevention: orders of one owner never trade with each other (domain rule R29)."""

import pytest
from cleartide.contracts import (
    OpenSubaccount,
    OrderAccepted,
    OrderClosed,
    OrderRejected,
    PositionChanged,
    SelfTradePrevented,
    TradeExecuted,
)
from hypothesis import given, settings

from services.matching.tests.flows import TRADERS, Step, flows, perform
from services.matching.tests.support import MARKET, Exchange, of, only
from services.matching.tests.venue import halt, resume


@pytest.fixture
def ex() -> Exchange:
    """ann sells 1 at 1000 after bob's 0.4 and before bob's 2 at 1001."""
    exchange = Exchange()
    for account in ("ann", "bob", "cat"):
        exchange.deposit(account, "10000")
    exchange.place("bob", "sell", "0.4", "1000")
    exchange.place("ann", "sell", "1", "1000", client_order_id="own")
    exchange.place("bob", "sell", "2", "1001")
    return exchange


def test_match_stp_001_expire_maker_removes_the_old_order_and_goes_on(ex: Exchange) -> None:
    """MATCH-STP-001: the default."""
    events = ex.place("ann", "buy", "2", "1001", client_order_id="new")
    assert only(events, OrderAccepted).self_trade_prevention == "expire_maker"
    assert [(t.seller, t.size_lots) for t in of(events, TradeExecuted)] == [("bob", 400), ("bob", 1600)]
    closed = {e.client_order_id: (e.reason, e.state, e.filled_lots) for e in of(events, OrderClosed)}
    assert closed["own"] == ("self_trade", "canceled", 0)
    assert closed["new"] == ("filled", "filled", 2000)


def test_match_stp_002_expire_taker_stops_at_the_first_own_order(ex: Exchange) -> None:
    """MATCH-STP-002: what has traded before stays traded; the old order keeps its place."""
    events = ex.place("ann", "buy", "2", "1001", client_order_id="new", self_trade_prevention="expire_taker")
    assert [(t.seller, t.size_lots) for t in of(events, TradeExecuted)] == [("bob", 400)]
    closed = of(events, OrderClosed)[-1]
    assert (closed.client_order_id, closed.reason) == ("new", "self_trade")
    assert (closed.filled_lots, closed.unfilled_lots) == (400, 1600)
    assert ex.state.accounts["ann"].orders["own"].remaining == 1000


def test_match_stp_003_expire_both_ends_the_two(ex: Exchange) -> None:
    """MATCH-STP-003"""
    events = ex.place("ann", "buy", "2", "1001", client_order_id="new", self_trade_prevention="expire_both")
    assert [(t.seller, t.size_lots) for t in of(events, TradeExecuted)] == [("bob", 400)]
    ends = [(e.client_order_id, e.reason) for e in of(events, OrderClosed) if e.account == "ann"]
    assert ends == [("own", "self_trade"), ("new", "self_trade")]
    assert not ex.state.accounts["ann"].orders


def test_match_stp_004_decrement_shrinks_both_by_the_smaller_and_goes_on(ex: Exchange) -> None:
    """MATCH-STP-004: what is prevented is no fill: no fee, no position, no last price."""
    events = ex.place("ann", "buy", "2", "1001", client_order_id="new", self_trade_prevention="decrement")
    prevented = only(events, SelfTradePrevented)
    assert (prevented.prevented_lots, prevented.price_ticks) == (1000, 10_000)
    assert (prevented.maker_remaining_lots, prevented.taker_remaining_lots) == (0, 600)
    assert [(t.seller, t.size_lots) for t in of(events, TradeExecuted)] == [("bob", 400), ("bob", 600)]
    closed = {e.client_order_id: (e.reason, e.filled_lots, e.unfilled_lots) for e in of(events, OrderClosed)}
    assert closed["own"] == ("self_trade", 0, 1000)
    assert closed["new"] == ("self_trade", 1000, 1000)
    assert ex.lots("ann") == 1000
    assert ex.state.markets[MARKET].prices.last == 10_010


def test_match_stp_004_a_smaller_newcomer_leaves_the_old_order_its_place(ex: Exchange) -> None:
    """MATCH-STP-004"""
    ex.place("cat", "buy", "0.4", "1000")
    ex.place("cat", "sell", "1", "1000")
    events = ex.place("ann", "buy", "0.3", "1000", self_trade_prevention="decrement")
    assert not of(events, PositionChanged)
    assert only(events, OrderClosed).reason == "self_trade"
    own = ex.state.accounts["ann"].orders["own"]
    assert (own.remaining, own.prevented, own.filled) == (700, 300, 0)
    ex.restart()
    events = ex.place("bob", "buy", "0.8", "1000")
    assert [(t.seller, t.size_lots) for t in of(events, TradeExecuted)] == [("ann", 700), ("cat", 100)]


@pytest.mark.parametrize(
    ("mode", "left", "ends"),
    [
        ("expire_maker", None, [("own", "self_trade"), ("stop", "filled")]),
        ("expire_taker", 1_000, [("stop", "self_trade")]),
        ("expire_both", None, [("own", "self_trade"), ("stop", "self_trade")]),
        ("decrement", None, [("own", "self_trade"), ("stop", "self_trade")]),
    ],
)
def test_match_stp_011_a_triggered_order_meets_an_own_iceberg_by_its_own_mode(
    mode: str, left: int | None, ends: list[tuple[str, str]]
) -> None:
    """MATCH-STP-011: expiry takes the hidden part along; decrement takes part after part."""
    ex = Exchange()
    for account in ("ann", "bob"):
        ex.deposit(account, "10000")
    ex.place("ann", "sell", "1", "1000", client_order_id="own", display_size="0.3", self_trade_prevention="expire_both")
    ex.place("bob", "sell", "2", "1001")
    stop = {"order_type": "stop_market", "trigger_price": "1002", "trigger_source": "index"}
    ex.place("ann", "buy", "1.2", None, client_order_id="stop", self_trade_prevention=mode, **stop)
    events = ex.price("1002")
    assert [(event.client_order_id, event.reason) for event in of(events, OrderClosed)] == ends
    parts = [event.prevented_lots for event in of(events, SelfTradePrevented)]
    assert parts == ([300, 300, 300, 100] if mode == "decrement" else [])
    own = ex.state.accounts["ann"].orders.get("own")
    assert (own.remaining if own is not None else None) == left
    assert ex.lots("ann") == {"expire_maker": 1_200, "decrement": 200}.get(mode, 0)


def test_match_stp_005_the_incoming_orders_mode_decides(ex: Exchange) -> None:
    """MATCH-STP-005: whatever the resting one asked for."""
    ex.place("cat", "sell", "1", "999", client_order_id="old", self_trade_prevention="expire_taker")
    events = ex.place("cat", "buy", "1", "999", client_order_id="new", self_trade_prevention="expire_maker")
    assert [(e.client_order_id, e.reason) for e in of(events, OrderClosed)] == [("old", "self_trade")]
    assert "new" in ex.state.accounts["cat"].orders


def test_match_stp_006_a_post_only_check_comes_first(ex: Exchange) -> None:
    """MATCH-STP-006: an own order in the way is an order in the way."""
    events = ex.place("ann", "buy", "1", "1000", post_only=True)
    assert only(events, OrderRejected).reason == "post_only_would_cross"
    assert "own" in ex.state.accounts["ann"].orders


def test_match_stp_007_accounts_of_one_family_do_not_trade_with_each_other(ex: Exchange) -> None:
    """MATCH-STP-007: a sub-account's order is an own order of its parent, and of its siblings."""
    ex.send(OpenSubaccount, account="ann", name="two", margin_mode="cross")
    ex.deposit("ann--two", "10000")
    events = ex.place("ann--two", "buy", "2", "1001")
    assert [(t.seller, t.size_lots) for t in of(events, TradeExecuted)] == [("bob", 400), ("bob", 1600)]
    assert [e.client_order_id for e in of(events, OrderClosed) if e.reason == "self_trade"] == ["own"]


def test_match_stp_008_a_reduce_only_order_shrinks_without_using_up_the_position(ex: Exchange) -> None:
    """MATCH-STP-008: decrement takes from the order, the position is still there to be closed."""
    ex.place("cat", "sell", "0.4", "1000.5")
    ex.place("cat", "buy", "0.4", "1000")
    assert ex.lots("cat") == 400
    ex.cancel_all("cat")
    ex.place("cat", "buy", "0.3", "999", client_order_id="mine")
    ex.place("bob", "buy", "1", "998.9")
    events = ex.place("cat", "sell", "1", "998", reduce_only=True, self_trade_prevention="decrement")
    assert only(events, SelfTradePrevented).prevented_lots == 300
    assert only(events, TradeExecuted).size_lots == 400
    assert ex.lots("cat") == 0


@pytest.mark.parametrize(
    ("mode", "left", "prevented"),
    [
        ("expire_maker", {"new"}, 0),
        ("expire_taker", {"old"}, 0),
        ("expire_both", set(), 0),
        ("decrement", {"new"}, 300),
    ],
)
def test_match_stp_010_in_an_auction_the_newer_order_decides(
    ex: Exchange, mode: str, left: set[str], prevented: int
) -> None:
    """MATCH-STP-010: the two wait crossed until the auction; others trade beside them."""
    ex.cancel_all("bob")
    ex.cancel_all("ann")
    halt(ex)
    resume(ex, 10)
    ex.place("cat", "sell", "0.3", "1000", client_order_id="old")
    ex.place("cat", "buy", "0.5", "1000", client_order_id="new", self_trade_prevention=mode)
    events = resume(ex)
    assert not of(events, TradeExecuted)
    assert set(ex.state.accounts["cat"].orders) == left
    assert sum(event.prevented_lots for event in of(events, SelfTradePrevented)) == prevented


@settings(max_examples=40)
@given(flows)
def test_match_stp_009_nobody_ever_trades_with_themselves(steps: list[Step]) -> None:
    """MATCH-STP-009: and what is prevented, filled and open is always the whole order (see domain/verify.py)."""
    ex = Exchange()
    for account in TRADERS:
        ex.deposit(account, "500")
    for number, step in enumerate(steps):
        events = perform(ex, number, step)
        assert not [trade for trade in of(events, TradeExecuted) if trade.buyer == trade.seller]
