"""Cancel-all and batches: many orders by one command, each answered on its own."""

import pytest
from cleartide.contracts import OrderAccepted, OrderClosed, OrderRejected, OrdersCanceled

from services.matching.tests.support import MARKET, Exchange, canceling, changing, of, only, placing


@pytest.fixture
def ex() -> Exchange:
    exchange = Exchange()
    exchange.list(market="ETH-PERP")
    exchange.price("1000", market="ETH-PERP")
    for account in ("ann", "bob"):
        exchange.deposit(account, "10000")
    return exchange


def test_match_cxl_001_cancel_all_closes_every_order_of_the_account_by_number(ex: Exchange) -> None:
    """MATCH-CXL-001"""
    ex.place("ann", "buy", "1", "990", client_order_id="b")
    ex.place("ann", "sell", "1", "1010", client_order_id="a", market="ETH-PERP")
    ex.place("bob", "buy", "1", "990")
    events = ex.cancel_all("ann")
    assert [(e.client_order_id, e.reason) for e in of(events, OrderClosed)] == [("b", "canceled"), ("a", "canceled")]
    answer = only(events, OrdersCanceled)
    assert (answer.canceled, answer.market, answer.reason) == (2, None, "canceled")
    assert not ex.state.accounts["ann"].orders
    assert len(ex.state.accounts["bob"].orders) == 1


def test_match_cxl_002_cancel_all_of_one_market_leaves_the_others(ex: Exchange) -> None:
    """MATCH-CXL-002"""
    ex.place("ann", "buy", "1", "990", client_order_id="here")
    ex.place("ann", "buy", "1", "990", client_order_id="there", market="ETH-PERP")
    events = ex.cancel_all("ann", MARKET)
    assert [e.client_order_id for e in of(events, OrderClosed)] == ["here"]
    assert list(ex.state.accounts["ann"].orders) == ["there"]


@pytest.mark.parametrize(
    ("account", "market", "reason"),
    [("ann", None, "canceled"), ("nobody", None, "unknown_account"), ("ann", "XRP-PERP", "unknown_market")],
)
def test_match_cxl_003_cancel_all_is_answered_when_there_is_nothing_to_cancel(
    ex: Exchange, account: str, market: str | None, reason: str
) -> None:
    """MATCH-CXL-003"""
    answer = only(ex.cancel_all(account, market), OrdersCanceled)
    assert (answer.canceled, answer.reason) == (0, reason)


def test_match_bat_001_a_batch_is_applied_in_order_and_answered_one_by_one(ex: Exchange) -> None:
    """MATCH-BAT-001: what is refused in between changes nothing and stops nothing."""
    ex.place("ann", "buy", "1", "990", client_order_id="old")
    events = ex.submit(
        "ann",
        placing("new", "buy", "1", "991"),
        placing("bad", "buy", "1", "991.05"),
        canceling("old"),
        canceling("new"),
        changing("new", price="992"),
        placing("last", "sell", "1", "1001"),
    )
    assert [(e.type, getattr(e, "client_order_id", ""), getattr(e, "reason", "")) for e in events] == [
        ("OrderAccepted", "new", ""),
        ("OrderRejected", "bad", "off_grid"),
        ("OrderClosed", "old", "canceled"),
        ("OrderClosed", "new", "canceled"),
        ("OrderRejected", "new", "unknown_order"),
        ("OrderAccepted", "last", ""),
    ]
    assert [e.action for e in of(events, OrderRejected)] == ["place", "amend"]


def test_match_bat_002_orders_of_a_batch_meet_others_like_single_ones(ex: Exchange) -> None:
    """MATCH-BAT-002"""
    ex.place("bob", "sell", "1", "1000")
    events = ex.submit("ann", placing("a", "buy", "0.4", "1000"), placing("b", "buy", "0.6", "1000"))
    assert [e.client_order_id for e in of(events, OrderAccepted)] == ["a", "b"]
    assert [e.account for e in of(events, OrderClosed)] == ["ann", "bob", "ann"]
