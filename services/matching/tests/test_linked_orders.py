"""One-cancels-other groups and brackets (domain 12.7)."""

from typing import Any

import pytest
from cleartide.contracts import (
    Message,
    OrderAccepted,
    OrderArmed,
    OrderClosed,
    OrderRejected,
    OrderTriggered,
    TradeExecuted,
)

from services.matching.tests.support import Exchange, of, only
from services.matching.tests.waiting import conditional, exchange, fired

EXITS: dict[str, Any] = {
    "take_profit": {"trigger_price": "1100", "trigger_source": "index"},
    "stop_loss": {"trigger_price": "900", "trigger_source": "index", "limit_price": "880"},
}


def closed(events: list[Message]) -> list[tuple[str, str]]:
    """(client id, reason) of the orders that ended."""
    return [(event.client_order_id, event.reason) for event in of(events, OrderClosed)]


def pair(ex: Exchange, group: str = "exit") -> None:
    """A resting order that takes the profit, and a stop; the first to fill or fire cancels the other."""
    ex.place("ann", "sell", "1", "1050", client_order_id="limit", oco_group=group, reduce_only=True)
    terms: dict[str, Any] = {"trigger_price": "950", "trigger_source": "index", "reduce_only": True}
    conditional(ex, "ann", "sell", "stop_market", client_order_id="stop", oco_group=group, **terms)


def test_match_oco_001_the_first_to_fire_cancels_the_other() -> None:
    """MATCH-OCO-001: before it is placed itself."""
    ex = exchange()
    pair(ex)
    ex.restart()
    events = ex.price("950")
    names = [(event.type, event.client_order_id) for event in events if hasattr(event, "client_order_id")]
    assert names[:3] == [("OrderTriggered", "stop"), ("OrderClosed", "limit"), ("OrderAccepted", "stop")]
    assert closed(events)[0] == ("limit", "oco")
    assert not ex.state.accounts["ann"].orders


def test_match_oco_002_the_first_lot_that_trades_cancels_the_other() -> None:
    """MATCH-OCO-002"""
    ex = exchange()
    pair(ex)
    ex.restart()
    events = ex.place("cat", "buy", "0.001", "1050")
    assert ("stop", "oco") in closed(events)
    assert list(ex.state.accounts["ann"].orders) == ["limit"]
    assert fired(ex.price("950")) == []


def test_match_oco_003_one_sweep_never_fills_two_of_a_group() -> None:
    """MATCH-OCO-003: both stand in the way of one taker, and only the first trades; a FOK order counts them so too."""
    ex = exchange()
    for name, price in (("near", "1010"), ("far", "1020")):
        ex.place("ann", "sell", "0.5", price, client_order_id=name, oco_group="either")
    ex.place("cat", "sell", "0.4", "1020")
    refused = ex.place("dan", "buy", "1", "1020", time_in_force="fok")
    assert only(refused, OrderRejected).reason == "fok_not_fillable"
    events = ex.place("dan", "buy", "0.9", "1020", time_in_force="fok")
    assert [(trade.seller, trade.size_lots) for trade in of(events, TradeExecuted)] == [("ann", 500), ("cat", 400)]
    assert ("far", "oco") in closed(events)


def test_match_oco_004_an_order_that_trades_at_once_cancels_those_of_its_group() -> None:
    """MATCH-OCO-004"""
    ex = exchange()
    pair(ex)
    ex.place("cat", "buy", "0.1", "990")
    events = ex.place("ann", "sell", "0.1", "990", client_order_id="taker", oco_group="exit")
    assert only(events, OrderAccepted).oco_group == "exit"
    assert closed(events) == [
        (f"c{ex.numbers['gateway'] - 1}", "filled"),
        ("limit", "oco"),
        ("stop", "oco"),
        ("taker", "filled"),
    ]


def test_match_oco_005_a_group_is_its_accounts_own_and_one_that_only_ends_cancels_nothing() -> None:
    """MATCH-OCO-005: cancelling or expiring one of a pair leaves the other, and others' groups of that name too."""
    ex = exchange()
    pair(ex)
    terms: dict[str, Any] = {
        "trigger_price": "1050",
        "trigger_source": "index",
        "oco_group": "exit",
        "client_order_id": "bobs",
    }
    conditional(ex, "bob", "buy", "stop_market", **terms)
    assert closed(ex.cancel("ann", "limit")) == [("limit", "canceled")]
    assert list(ex.state.accounts["ann"].orders) == ["stop"]
    assert fired(ex.price("950")) == ["stop"]
    assert list(ex.state.accounts["bob"].orders) == ["bobs"]
    assert len(ex.state.conditional.groups) == 1


def test_match_oco_006_of_two_that_are_due_by_one_price_only_the_first_fires() -> None:
    """MATCH-OCO-006: nearest trigger first."""
    ex = exchange()
    for name, trigger in (("far", "940"), ("near", "950")):
        terms: dict[str, Any] = {"trigger_price": trigger, "trigger_source": "index", "oco_group": "either"}
        conditional(ex, "ann", "sell", "stop_market", client_order_id=name, **terms)
    events = ex.price("900")
    assert fired(events) == ["near"]
    assert ("far", "oco") in closed(events)


def test_match_oco_007_an_own_order_of_the_group_stands_in_nobodys_way() -> None:
    """MATCH-OCO-007: the first fill cancels it, so the taker does not stop there, whatever its self-trade mode."""
    ex = exchange()
    ex.place("cat", "sell", "0.5", "1005")
    ex.place("ann", "sell", "0.5", "1010", client_order_id="own", oco_group="either")
    ex.place("dan", "sell", "0.5", "1012")
    terms: dict[str, Any] = {"self_trade_prevention": "expire_taker", "oco_group": "either"}
    events = ex.place("ann", "buy", "1", "1015", **terms)
    assert [trade.seller for trade in of(events, TradeExecuted)] == ["cat", "dan"]
    assert ("own", "oco") in closed(events)


def entry(ex: Exchange, **terms: Any) -> list[Message]:
    """cat buys 1 at 1000 with a bracket around it."""
    order = {"client_order_id": "in", **EXITS, **terms}
    return ex.place("cat", "buy", order.pop("size", "1"), order.pop("price", "1000"), **order)


def test_match_brk_001_exits_are_armed_by_the_fill_and_sized_to_it() -> None:
    """MATCH-BRK-001: nothing is armed before; each fill makes both exits larger."""
    ex = exchange()
    assert of(entry(ex), OrderArmed) == []
    ex.restart()
    parent = ex.state.accounts["cat"].orders["in"].order_id
    first = of(ex.place("dan", "sell", "0.3", "1000"), OrderArmed)
    assert [(event.client_order_id, event.order_type, event.size_lots) for event in first] == [
        ("in:tp", "take_profit_market", 300),
        ("in:sl", "stop_limit", 300),
    ]
    assert {(event.side, event.reduce_only, event.parent_order_id) for event in first} == {("sell", True, parent)}
    assert [(event.trigger_price_ticks, event.price_ticks) for event in first] == [(11_000, None), (9_000, 8_800)]
    ex.restart()
    later = of(ex.place("dan", "sell", "0.7", "1000"), OrderArmed)
    assert [(event.order_id, event.size_lots) for event in later] == [(event.order_id, 1_000) for event in first]


def test_match_brk_002_an_entry_that_takes_is_covered_by_the_same_command() -> None:
    """MATCH-BRK-002: two trades of one order, one size."""
    ex = exchange()
    for price in ("999", "1000"):
        ex.place("dan", "sell", "0.5", price)
    armed = of(entry(ex), OrderArmed)
    assert [event.size_lots for event in armed] == [500, 500, 1_000, 1_000]
    assert [order.size for order in ex.state.accounts["cat"].orders.values()] == [1_000, 1_000]


@pytest.mark.parametrize(("price", "exits"), [("1100", ["in:tp", "in:sl"]), ("900", ["in:sl", "in:tp"])])
def test_match_brk_003_the_first_exit_cancels_the_other_and_what_is_left_of_the_entry(
    price: str, exits: list[str]
) -> None:
    """MATCH-BRK-003: so no later fill stands without its exits."""
    ex = exchange()
    entry(ex)
    ex.place("dan", "sell", "0.4", "1000")
    ex.restart()
    ex.place("dan", "buy", "5", "1050")
    events = ex.price(price)
    assert fired(events) == exits[:1]
    assert sorted(closed(events)) == sorted([(exits[0], "filled"), (exits[1], "oco"), ("in", "oco")])
    assert ex.lots("cat") == 0 and not ex.state.accounts["cat"].orders
    assert not ex.state.conditional.brackets


def test_match_brk_004_an_entry_that_ends_without_a_fill_takes_its_exits_along() -> None:
    """MATCH-BRK-004: they were never armed, so nothing is said of them; their ids stay used."""
    ex = exchange()
    entry(ex)
    ex.restart()
    assert [event.type for event in ex.cancel("cat", "in")] == ["OrderClosed"]
    ex.commit()
    assert ex.rows("dormant_exits") == [] and not ex.state.conditional.brackets
    assert only(ex.place("cat", "buy", "1", "900", client_order_id="in:tp"), OrderRejected).reason == (
        "duplicate_client_order_id"
    )


def test_match_brk_005_exits_of_an_entry_that_ended_after_a_fill_stay() -> None:
    """MATCH-BRK-005: an immediate order's remainder, or a cancel."""
    ex = exchange()
    ex.place("dan", "sell", "0.4", "1000")
    events = entry(ex, time_in_force="ioc")
    assert closed(events)[-1] == ("in", "ioc_remainder")
    ex.restart()
    assert sorted(ex.state.accounts["cat"].orders) == ["in:sl", "in:tp"]
    assert {order.size for order in ex.state.accounts["cat"].orders.values()} == {400}


def test_match_brk_006_exits_wait_while_their_entry_may_still_fill() -> None:
    """MATCH-BRK-006: the position is closed by hand, the entry fills on, and is covered; then they go with both."""
    ex = exchange()
    entry(ex)
    ex.place("dan", "sell", "0.4", "1000")
    assert closed(ex.report("1000", "0.4", buyer="dan", seller="cat")) == []
    assert ex.lots("cat") == 0
    assert len(of(ex.place("dan", "sell", "0.1", "1000"), OrderArmed)) == 2
    ex.report("1000", "0.1", buyer="dan", seller="cat")
    events = ex.cancel("cat", "in")
    assert closed(events) == [("in", "canceled"), ("in:tp", "reduce_only"), ("in:sl", "reduce_only")]


def test_match_brk_007_a_conditional_entry_brings_its_bracket_along() -> None:
    """MATCH-BRK-007: armed, fired, filled, covered; across restarts."""
    ex = exchange()
    terms: dict[str, Any] = {
        "order_type": "stop_limit",
        "trigger_price": "1010",
        "trigger_source": "index",
        "price": "1020",
    }
    only(entry(ex, **terms), OrderArmed)
    ex.restart()
    ex.place("dan", "sell", "0.6", "1015")
    events = ex.price("1010")
    assert fired(events) == ["in"]
    assert [(event.client_order_id, event.size_lots) for event in of(events, OrderArmed)] == [
        ("in:tp", 600),
        ("in:sl", 600),
    ]
    ex.restart()
    ex.place("dan", "buy", "5", "880")
    assert fired(ex.price("899")) == ["in:sl"]


def test_match_brk_008_an_exit_that_is_due_when_it_is_armed_fires_at_once() -> None:
    """MATCH-BRK-008: the index has passed the take-profit before the entry fills."""
    ex = exchange()
    entry(ex, price="1200", time_in_force="gtc", take_profit={"trigger_price": "990", "trigger_source": "index"})
    events = ex.place("dan", "sell", "1", "1200")
    assert only(events, OrderTriggered).client_order_id == "in:tp"


@pytest.mark.parametrize(
    ("terms", "reason"),
    [
        ({"reduce_only": True}, "bracket_not_allowed"),
        ({"take_profit": {"trigger_price": "900", "trigger_source": "index"}}, "bracket_crossed"),
        ({"take_profit": {"trigger_price": "1100.01"}}, "off_grid"),
        ({"stop_loss": {"trigger_price": "900", "limit_price": "0"}}, "not_positive"),
        ({"client_order_id": "x" * 62}, "client_order_id_too_long"),
        ({"client_order_id": "was"}, "duplicate_client_order_id"),
    ],
)
def test_match_brk_009_a_bracket_that_cannot_work_is_refused_with_its_order(terms: dict[str, Any], reason: str) -> None:
    """MATCH-BRK-009"""
    ex = exchange()
    ex.place("dan", "buy", "2", "1000")
    ex.place("cat", "sell", "2", "1000")
    ex.place("cat", "buy", "1", "900", client_order_id="was:sl")
    assert only(entry(ex, **terms), OrderRejected).reason == reason
    assert not ex.state.conditional.brackets


def test_match_brk_010_one_exit_may_be_cancelled_or_moved_and_the_other_stays() -> None:
    """MATCH-BRK-010"""
    ex = exchange()
    entry(ex)
    ex.place("dan", "sell", "1", "1000")
    assert closed(ex.cancel("cat", "in:tp")) == [("in:tp", "canceled")]
    only(ex.amend("cat", "in:sl", trigger_price="950"), OrderArmed)
    ex.restart()
    ex.place("dan", "buy", "5", "880")
    assert fired(ex.price("950")) == ["in:sl"]
    assert not ex.state.conditional.brackets
