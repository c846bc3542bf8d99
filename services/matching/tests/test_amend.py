"""Amending: another price or more size goes to the back of the line, less size does not (domain 12.8)."""

from typing import Any

import pytest
from cleartide.contracts import (
    BracketLeg,
    OrderAccepted,
    OrderAmended,
    OrderArmed,
    OrderClosed,
    OrderRejected,
    TradeExecuted,
)
from hypothesis import given, settings

from services.matching.tests.flows import Step, act, flows, pause
from services.matching.tests.support import MARKET, Exchange, of, only


@pytest.fixture
def ex() -> Exchange:
    """ann and bob each sell 1 at 1000, ann first."""
    exchange = Exchange()
    for account in ("ann", "bob", "cat"):
        exchange.deposit(account, "10000")
    exchange.place("ann", "sell", "1", "1000", client_order_id="mine")
    exchange.place("bob", "sell", "1", "1000")
    return exchange


def sellers(ex: Exchange, size: str) -> list[tuple[str, int]]:
    """Who sells when cat buys."""
    return [(t.seller, t.size_lots) for t in of(ex.place("cat", "buy", size, "1000"), TradeExecuted)]


def test_match_amd_001_less_size_keeps_the_place(ex: Exchange) -> None:
    """MATCH-AMD-001"""
    amended = only(ex.amend("ann", "mine", size="0.6"), OrderAmended)
    assert (amended.size_lots, amended.remaining_lots, amended.kept_priority) == (600, 600, True)
    ex.restart()
    assert sellers(ex, "1") == [("ann", 600), ("bob", 400)]


def test_match_amd_002_more_size_goes_to_the_back(ex: Exchange) -> None:
    """MATCH-AMD-002: also after a restart, though its number is the lower one."""
    amended = only(ex.amend("ann", "mine", size="1.5"), OrderAmended)
    assert (amended.size_lots, amended.remaining_lots, amended.kept_priority) == (1500, 1500, False)
    ex.restart()
    assert sellers(ex, "1.2") == [("bob", 1000), ("ann", 200)]


def test_match_amd_003_another_price_goes_to_the_back_of_that_price(ex: Exchange) -> None:
    """MATCH-AMD-003: there and back again is behind the others; the client's id and the number stay."""
    number = ex.state.accounts["ann"].orders["mine"].order_id
    ex.amend("ann", "mine", price="1001")
    assert list(ex.state.markets[MARKET].book.asks.levels()) == [(10_000, 1000), (10_010, 1000)]
    amended = only(ex.amend("ann", "mine", price="1000", size="0.5"), OrderAmended)
    assert (amended.order_id, amended.client_order_id, amended.kept_priority) == (number, "mine", False)
    assert sellers(ex, "1.2") == [("bob", 1000), ("ann", 200)]


def test_match_amd_014_another_end_keeps_the_place(ex: Exchange) -> None:
    """MATCH-AMD-014: sooner or later; the order ends then, and not when it was to end before."""
    end = ex.effects.at + 20_000_000
    ex.place("ann", "sell", "1", "1001", client_order_id="brief", time_in_force="gtt", expires_at=end)
    ex.place("bob", "sell", "1", "1001")
    later = only(ex.amend("ann", "brief", expires_at=end + 20_000_000), OrderAmended)
    assert (later.expires_at, later.kept_priority, later.remaining_lots) == (end + 20_000_000, True, 1000)
    ex.restart()
    ex.wait(end + 1 - ex.effects.at)
    assert not of(ex.deposit("cat", "1"), OrderClosed)
    assert [trade.seller for trade in of(ex.place("cat", "buy", "2.1", "1001"), TradeExecuted)] == ["ann", "bob", "ann"]
    sooner = ex.effects.at + 5_000_000
    assert only(ex.amend("ann", "brief", expires_at=sooner, size="0.9"), OrderAmended).expires_at == sooner
    ex.wait(sooner - ex.effects.at)
    assert only(ex.deposit("cat", "1"), OrderClosed).reason == "expired"
    ex.wait(end + 30_000_000 - ex.effects.at)
    assert not of(ex.deposit("cat", "1"), OrderClosed)


def test_match_amd_015_less_that_is_shown_keeps_the_place(ex: Exchange) -> None:
    """MATCH-AMD-015: at once, also of an order that was shown whole; the next parts are as small."""
    amended = only(ex.amend("ann", "mine", display_size="0.3"), OrderAmended)
    assert (amended.display_lots, amended.size_lots, amended.kept_priority) == (300, 1000, True)
    assert list(ex.state.markets[MARKET].book.asks.levels()) == [(10_000, 1300)]
    ex.restart()
    assert sellers(ex, "0.1") == [("ann", 100)]
    assert only(ex.amend("ann", "mine", display_size="0.25"), OrderAmended).kept_priority
    assert list(ex.state.markets[MARKET].book.asks.levels()) == [(10_000, 1200)], "what is shown is not topped up"
    assert sellers(ex, "1.5") == [("ann", 200), ("bob", 1000), ("ann", 250), ("ann", 50)]


def test_match_amd_016_more_that_is_shown_goes_to_the_back(ex: Exchange) -> None:
    """MATCH-AMD-016: what was hidden would stand before the others; all of it may be shown."""
    ex.place("ann", "sell", "1", "999", client_order_id="ice", display_size="0.2")
    ex.place("bob", "sell", "1", "999")
    amended = only(ex.amend("ann", "ice", display_size="1"), OrderAmended)
    assert (amended.display_lots, amended.kept_priority) == (1000, False)
    ex.restart()
    assert sellers(ex, "1.5") == [("bob", 1000), ("ann", 500)]


@pytest.mark.parametrize(
    ("order", "terms", "reason"),
    [
        ({}, {"expires_at": 3 * 10**15}, "expires_at_not_allowed"),
        ({"time_in_force": "gtt", "expires_at": 3 * 10**15}, {"expires_at": 1}, "already_expired"),
        ({"time_in_force": "gtt", "expires_at": 3 * 10**15}, {"expires_at": 3 * 10**15}, "nothing_to_amend"),
        ({"display_size": "0.2"}, {"display_size": "0.2"}, "nothing_to_amend"),
        ({}, {"display_size": "1.001"}, "display_exceeds_size"),
        ({}, {"display_size": "0.009"}, "display_too_small"),
        ({}, {"display_size": "0.5", "size": "0.4"}, "display_exceeds_size"),
        ({}, {"display_size": "0.0005"}, "off_grid"),
    ],
)
def test_match_amd_017_an_end_and_a_part_shown_are_held_to_what_a_new_order_is(
    ex: Exchange, order: dict[str, Any], terms: dict[str, Any], reason: str
) -> None:
    """MATCH-AMD-017: and a refusal changes nothing."""
    ex.place("ann", "sell", "1", "1001", client_order_id="other", **order)
    before = list(ex.state.markets[MARKET].book.asks.levels())
    assert only(ex.amend("ann", "other", **terms), OrderRejected).reason == reason
    assert list(ex.state.markets[MARKET].book.asks.levels()) == before


def test_match_amd_018_an_order_that_waits_gets_another_end_and_part_shown(ex: Exchange) -> None:
    """MATCH-AMD-018: they hold when it is placed; an exit of a bracket is shown whole, and what never rests shows
    nothing."""
    stop = {"order_type": "stop_limit", "trigger_price": "995", "time_in_force": "gtt", "trigger_source": "index"}
    ex.place("ann", "sell", "1", "994", client_order_id="stop", expires_at=ex.effects.at + 5_000_000, **stop)
    end = ex.effects.at + 40_000_000
    assert only(ex.amend("ann", "stop", expires_at=end), OrderArmed).expires_at == end
    only(ex.amend("ann", "stop", display_size="0.4"), OrderArmed)
    ex.wait(6_000_000)
    ex.restart()
    accepted = only(ex.price("994"), OrderAccepted)
    assert (accepted.client_order_id, accepted.display_lots) == ("stop", 400)
    ex.place("ann", "sell", "1", None, client_order_id="market", order_type="stop_market", trigger_price="900")
    assert only(ex.amend("ann", "market", display_size="0.4"), OrderRejected).reason == "display_not_resting"
    leg = BracketLeg(trigger_price="900", limit_price="890")
    ex.place("bob", "buy", "0.1", "1000", client_order_id="entry", stop_loss=leg)
    assert only(ex.amend("bob", "entry:sl", display_size="0.1"), OrderRejected).reason == "display_not_allowed"


def test_match_amd_004_the_total_counts_what_has_traded(ex: Exchange) -> None:
    """MATCH-AMD-004"""
    assert sellers(ex, "0.4") == [("ann", 400)]
    amended = only(ex.amend("ann", "mine", size="0.7"), OrderAmended)
    assert (amended.size_lots, amended.remaining_lots) == (700, 300)
    closed = of(ex.place("cat", "buy", "0.3", "1000"), OrderClosed)[0]
    assert (closed.account, closed.filled_lots, closed.unfilled_lots) == ("ann", 700, 0)


@pytest.mark.parametrize("size", ["0.4", "0.3"])
def test_match_amd_005_a_total_that_is_reached_already_cancels(ex: Exchange, size: str) -> None:
    """MATCH-AMD-005"""
    sellers(ex, "0.4")
    closed = only(ex.amend("ann", "mine", size=size, price="1001"), OrderClosed)
    assert (closed.reason, closed.filled_lots, closed.unfilled_lots) == ("canceled", 400, 600)
    assert not ex.state.accounts["ann"].orders


def test_match_amd_006_a_price_that_crosses_trades(ex: Exchange) -> None:
    """MATCH-AMD-006: as a taker, with its fee; what is left rests at the new price."""
    ex.place("cat", "buy", "0.4", "990")
    events = ex.amend("ann", "mine", price="990")
    assert [event.type for event in events][:2] == ["OrderAmended", "TradeExecuted"]
    trade = only(events, TradeExecuted)
    assert (trade.seller, trade.price_ticks, trade.taker_side) == ("ann", 9900, "sell")
    assert next(ex.state.markets[MARKET].book.asks.levels()) == (9900, 600)


def test_match_amd_007_post_only_holds_for_the_new_price(ex: Exchange) -> None:
    """MATCH-AMD-007"""
    ex.place("cat", "buy", "0.4", "990", post_only=True, client_order_id="maker")
    events = ex.amend("cat", "maker", price="1000")
    rejected = only(events, OrderRejected)
    assert (rejected.reason, rejected.action) == ("post_only_would_cross", "amend")
    assert ex.state.accounts["cat"].orders["maker"].price == 9900
    assert only(ex.amend("cat", "maker", price="999"), OrderAmended).price_ticks == 9990


def test_match_amd_008_margin_is_asked_for_the_difference(ex: Exchange) -> None:
    """MATCH-AMD-008: to the quantum; what the order held back before is free again."""
    ex.deposit("dan", "100.45")
    ex.place("dan", "sell", "1", "1000", client_order_id="d")
    rejected = only(ex.amend("dan", "d", size="1.001"), OrderRejected)
    assert rejected.reason == "insufficient_margin"
    assert only(ex.amend("dan", "d", price="999.9"), OrderRejected).reason == "insufficient_margin"
    assert only(ex.amend("dan", "d", price="1001"), OrderRejected).reason == "insufficient_margin"
    assert ex.state.accounts["dan"].orders["d"].remaining == 1000
    ex.deposit("dan", "0.00045")
    assert only(ex.amend("dan", "d", price="1001"), OrderAmended).remaining_lots == 1000


def test_match_amd_009_a_stale_index_lets_size_go_down_only(ex: Exchange) -> None:
    """MATCH-AMD-009"""
    ex.price(None)
    assert only(ex.amend("ann", "mine", size="1.1"), OrderRejected).reason == "index_stale"
    assert only(ex.amend("ann", "mine", price="1001"), OrderRejected).reason == "index_stale"
    assert only(ex.amend("ann", "mine", size="0.9"), OrderAmended).kept_priority


@pytest.mark.parametrize(
    ("name", "terms", "reason"),
    [
        ("none", {"size": "1"}, "unknown_order"),
        ("mine", {}, "nothing_to_amend"),
        ("mine", {"size": "1", "price": "1000"}, "nothing_to_amend"),
        ("mine", {"size": "0.0001"}, "off_grid"),
        ("mine", {"size": "0"}, "not_positive"),
        ("mine", {"price": "1000.01"}, "off_grid"),
        ("mine", {"size": "1200000"}, "notional_cap"),
        ("mine", {"trigger_price": "1000"}, "trigger_not_allowed"),
        ("mine", {"size": "0.5", "market": "ETH-PERP"}, "unknown_order"),
    ],
)
def test_match_amd_010_a_refused_change_changes_nothing(
    ex: Exchange, name: str, terms: dict[str, str], reason: str
) -> None:
    """MATCH-AMD-010"""
    before = ex.kept()
    assert only(ex.amend("ann", name, **terms), OrderRejected).reason == reason
    assert ex.kept() == before


def test_match_amd_011_a_reduce_only_order_needs_something_to_reduce(ex: Exchange) -> None:
    """MATCH-AMD-011: more size is asked about again, less is not."""
    ex.place("cat", "buy", "1", "1000")
    ex.place("cat", "sell", "1", "1010", reduce_only=True, client_order_id="exit")
    ex.place("bob", "buy", "1", "999")
    ex.place("cat", "sell", "1", "999")
    assert only(ex.amend("cat", "exit", size="2"), OrderRejected).reason == "reduce_only"
    assert only(ex.amend("cat", "exit", size="0.5"), OrderAmended).kept_priority


def test_match_amd_012_an_iceberg_keeps_to_its_parts(ex: Exchange) -> None:
    """MATCH-AMD-012: more size must not make them too many."""
    ex.place("cat", "sell", "1", "1002", display_size="0.01", client_order_id="ice")
    assert only(ex.amend("cat", "ice", size="1.001"), OrderRejected).reason == "display_too_small"


@settings(max_examples=40)
@given(flows)
def test_match_amd_013_refused_or_done_but_never_half(steps: list[Step]) -> None:
    """MATCH-AMD-013: whatever the account and the book look like; see domain/verify.py for what holds then."""
    ex = Exchange()
    for account in ("ann", "bob", "cat", "dan"):
        ex.deposit(account, "60")
    for number, step in enumerate(steps):
        pause(ex, step)
        ex.withdraw("nobody", "1")
        events = act(ex, number, step)
        if any(event.action == "amend" for event in of(events, OrderRejected)):
            assert len(events) == 1, "what time brings came before"
