"""Reduce-only orders never open or flip a position (domain rule R30)."""

import pytest
from cleartide.contracts import OrderAccepted, OrderClosed, OrderRejected, TradeExecuted

from services.matching.tests.support import MARKET, Exchange, of, only


@pytest.fixture
def ex() -> Exchange:
    """ann is long 1, bob is short 1, at 1000."""
    exchange = Exchange()
    for account in ("ann", "bob", "cat"):
        exchange.deposit(account, "10000")
    exchange.place("bob", "sell", "1", "1000")
    exchange.place("ann", "buy", "1", "1000")
    return exchange


@pytest.mark.parametrize(("account", "side"), [("cat", "sell"), ("ann", "buy"), ("bob", "sell")])
def test_match_rdo_001_without_anything_to_reduce_it_is_refused(ex: Exchange, account: str, side: str) -> None:
    """MATCH-RDO-001"""
    assert only(ex.place(account, side, "1", "1000", reduce_only=True), OrderRejected).reason == "reduce_only"


def test_match_rdo_002_it_takes_no_more_than_the_position(ex: Exchange) -> None:
    """MATCH-RDO-002"""
    ex.place("cat", "buy", "5", "999")
    events = ex.place("ann", "sell", "3", "999", reduce_only=True)
    assert only(events, TradeExecuted).size_lots == 1000
    closed = only(events, OrderClosed)
    assert (closed.reason, closed.filled_lots, closed.unfilled_lots) == ("reduce_only", 1000, 2000)
    assert ex.lots("ann") == 0


def test_match_rdo_003_a_resting_one_is_cut_at_match_time(ex: Exchange) -> None:
    """MATCH-RDO-003: 2 rest against a position of 1; the taker then goes on with the next order."""
    ex.place("ann", "sell", "2", "1001", reduce_only=True, client_order_id="cut")
    ex.place("bob", "sell", "1", "1002")
    events = ex.place("cat", "buy", "2", "1002")
    assert [(t.seller, t.size_lots) for t in of(events, TradeExecuted)] == [("ann", 1000), ("bob", 1000)]
    cut = next(e for e in of(events, OrderClosed) if e.client_order_id == "cut")
    assert (cut.reason, cut.unfilled_lots) == ("reduce_only", 1000)
    assert ex.lots("ann") == 0


def test_match_rdo_004_a_resting_one_with_nothing_left_to_reduce_is_cancelled(ex: Exchange) -> None:
    """MATCH-RDO-004"""
    ex.place("ann", "sell", "1", "1001", reduce_only=True)
    ex.place("cat", "buy", "1", "999")
    ex.place("ann", "sell", "1", "999")
    events = ex.place("cat", "buy", "1", "1001")
    assert [e.reason for e in of(events, OrderClosed)] == ["reduce_only"]
    assert not of(events, TradeExecuted)
    assert ex.state.markets[MARKET].book.bids.best_price == 10_010


def test_match_rdo_005_what_is_not_filled_may_rest_while_a_position_is_left(ex: Exchange) -> None:
    """MATCH-RDO-005"""
    ex.place("cat", "buy", "0.4", "1000")
    events = ex.place("ann", "sell", "1", "1000", reduce_only=True)
    assert of(events, OrderAccepted)
    assert [e.account for e in of(events, OrderClosed)] == ["cat"]
    assert ex.state.markets[MARKET].book.asks.best_price == 10_000
    assert ex.lots("ann") == 600
