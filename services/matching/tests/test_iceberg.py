"""Icebergs: a part is shown and stands in line, the rest waits unseen and goes to the back part by part."""

import pytest
from cleartide.contracts import OrderAccepted, OrderRejected, TradeExecuted

from services.matching.domain.limits import MAX_ICEBERG_PARTS
from services.matching.tests.support import MARKET, Exchange, of, only
from services.matching.tests.venue import halt, resume


@pytest.fixture
def ex() -> Exchange:
    exchange = Exchange()
    for account in ("ann", "bob", "cat"):
        exchange.deposit(account, "10000")
    return exchange


def test_match_ice_001_only_the_displayed_part_is_in_the_book(ex: Exchange) -> None:
    """MATCH-ICE-001"""
    accepted = only(ex.place("ann", "sell", "1", "1000", display_size="0.3"), OrderAccepted)
    assert (accepted.size_lots, accepted.display_lots) == (1000, 300)
    assert list(ex.state.markets[MARKET].book.asks.levels()) == [(10_000, 300)]


def test_match_ice_002_a_part_that_is_gone_is_followed_by_one_behind_the_others(ex: Exchange) -> None:
    """MATCH-ICE-002"""
    ex.place("ann", "sell", "1", "1000", display_size="0.3")
    ex.place("bob", "sell", "0.5", "1000")
    events = ex.place("cat", "buy", "1.2", "1000")
    fills = [(t.seller, t.size_lots) for t in of(events, TradeExecuted)]
    assert fills == [("ann", 300), ("bob", 500), ("ann", 300), ("ann", 100)]
    assert list(ex.state.markets[MARKET].book.asks.levels()) == [(10_000, 200)]


def test_match_ice_002_an_auction_takes_the_parts_of_an_iceberg_one_by_one(ex: Exchange) -> None:
    """MATCH-ICE-002"""
    halt(ex)
    resume(ex, 10)
    ex.place("ann", "sell", "1", "1000", display_size="0.3")
    ex.place("bob", "sell", "0.4", "1000")
    ex.place("cat", "buy", "1.2", "1000")
    fills = [(t.seller, t.size_lots) for t in of(resume(ex), TradeExecuted)]
    assert fills == [("ann", 300), ("bob", 400), ("ann", 300), ("ann", 200)]


def test_match_ice_003_a_part_that_is_touched_keeps_its_place_and_is_not_topped_up(ex: Exchange) -> None:
    """MATCH-ICE-003"""
    ex.place("ann", "sell", "1", "1000", display_size="0.3")
    ex.place("bob", "sell", "0.5", "1000")
    ex.place("cat", "buy", "0.1", "1000")
    assert list(ex.state.markets[MARKET].book.asks.levels()) == [(10_000, 700)]
    events = ex.place("cat", "buy", "0.3", "1000")
    assert [(t.seller, t.size_lots) for t in of(events, TradeExecuted)] == [("ann", 200), ("bob", 100)]


@pytest.mark.parametrize("times", [1, 3])
def test_match_ice_004_a_restart_keeps_parts_and_places(ex: Exchange, times: int) -> None:
    """MATCH-ICE-004: the second part of an iceberg stands behind orders that came after it."""
    ex.place("ann", "sell", "1", "1000", display_size="0.3")
    ex.place("bob", "sell", "0.5", "1000")
    ex.place("cat", "buy", "0.3", "1000")
    ex.place("cat", "buy", "0.6", "1000")
    for _ in range(times):
        ex.restart()
    assert list(ex.state.markets[MARKET].book.asks.levels()) == [(10_000, 200)]
    ex.place("bob", "sell", "0.5", "1000")
    events = ex.place("cat", "buy", "0.4", "1000")
    assert [(t.seller, t.size_lots) for t in of(events, TradeExecuted)] == [("ann", 200), ("bob", 200)]


def test_match_ice_005_margin_is_kept_for_all_of_it(ex: Exchange) -> None:
    """MATCH-ICE-005: hidden lots are open lots."""
    ex.place("ann", "sell", "1", "1000", display_size="0.3")
    assert ex.state.accounts["ann"].holdings[MARKET].asks == 1000
    ex.deposit("dan", "50")
    events = ex.place("dan", "sell", "1", "1000", display_size="0.1")
    assert only(events, OrderRejected).reason == "insufficient_margin"


@pytest.mark.parametrize(
    ("size", "display", "more", "reason"),
    [
        ("1", "1.001", {}, "display_exceeds_size"),
        ("1.001", "0.01", {}, "display_too_small"),
        ("1", "0.0005", {}, "off_grid"),
        ("1", "0", {}, "not_positive"),
        ("1", "0.5", {"time_in_force": "ioc"}, "display_not_resting"),
        ("1", "0.5", {"time_in_force": "fok"}, "display_not_resting"),
        ("1", "0.5", {"price": None}, "display_not_resting"),
    ],
)
def test_match_ice_006_what_cannot_be_an_iceberg_is_refused(
    ex: Exchange, size: str, display: str, more: dict[str, str | None], reason: str
) -> None:
    """MATCH-ICE-006: an immediate order, a part above the whole, or one so small that the parts are too many."""
    assert MAX_ICEBERG_PARTS == 100
    body = {"price": "1000", **more}
    assert only(ex.place("ann", "sell", size, display_size=display, **body), OrderRejected).reason == reason


def test_match_ice_006_a_hundred_parts_are_not_too_many(ex: Exchange) -> None:
    """MATCH-ICE-006"""
    assert of(ex.place("ann", "sell", "1", "1000", display_size="0.01"), OrderAccepted)


def test_match_ice_007_less_size_comes_off_what_is_hidden_first(ex: Exchange) -> None:
    """MATCH-ICE-007: and the part that is shown keeps its place."""
    ex.place("ann", "sell", "1", "1000", display_size="0.3", client_order_id="ice")
    ex.place("bob", "sell", "0.5", "1000")
    ex.amend("ann", "ice", size="0.4")
    assert list(ex.state.markets[MARKET].book.asks.levels()) == [(10_000, 800)]
    ex.amend("ann", "ice", size="0.2")
    assert list(ex.state.markets[MARKET].book.asks.levels()) == [(10_000, 700)]
    events = ex.place("cat", "buy", "0.3", "1000")
    assert [(t.seller, t.size_lots) for t in of(events, TradeExecuted)] == [("ann", 200), ("bob", 100)]
