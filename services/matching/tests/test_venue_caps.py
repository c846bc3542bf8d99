"""Caps on open interest and on single positions, at the exact lot on both sides (R32, 1.6)."""

import pytest
from cleartide.contracts import MarketLimits, OrderAccepted, OrderClosed, OrderRejected, TradeExecuted
from hypothesis import given
from hypothesis import strategies as st

from services.matching.domain.positions import open_interest_change
from services.matching.domain.venue.fills import Barred, fillable, room
from services.matching.tests.support import MARKET, Exchange, of, only
from services.matching.tests.venue import change

NAMES = ("ann", "bob", "cat", "dan")


def capped(**caps: str) -> Exchange:
    ex = Exchange(limits=MarketLimits(**caps))  # type: ignore[arg-type]
    for name in NAMES:
        ex.deposit(name, "100000")
    return ex


def trade(ex: Exchange, buyer: str, seller: str, size: str) -> list[int]:
    """The seller offers, the buyer takes; the lots that traded."""
    ex.place(seller, "sell", size, "1000")
    lots = [trade.size_lots for trade in of(ex.place(buyer, "buy", size, "1000"), TradeExecuted)]
    for name in (buyer, seller):
        for order in list(ex.state.accounts[name].orders):
            ex.cancel(name, order)
    return lots


def test_venue_cap_001_open_interest_reaches_its_cap_and_not_a_lot_more() -> None:
    """VENUE-CAP-001: the taker opens up to the cap; the rest of its order is dropped, the maker's stays."""
    ex = capped(open_interest_cap="1")
    ex.place("bob", "sell", "2", "1000", client_order_id="maker")
    events = ex.place("ann", "buy", "1.001", "1000")
    assert only(events, TradeExecuted).size_lots == 1000
    closed = only(events, OrderClosed)
    assert (closed.account, closed.reason, closed.unfilled_lots) == ("ann", "open_interest_cap", 1)
    assert ex.state.accounts["bob"].orders["maker"].remaining == 1000


def test_venue_cap_002_at_the_cap_positions_still_change_hands_and_close() -> None:
    """VENUE-CAP-002: only what raises open interest is refused: opener against closer and two closers trade."""
    ex = capped(open_interest_cap="1")
    assert trade(ex, "ann", "bob", "1") == [1000]
    assert trade(ex, "cat", "dan", "0.001") == []
    assert trade(ex, "cat", "ann", "0.4") == [400]
    assert trade(ex, "bob", "ann", "0.6") == [600]
    assert ex.state.markets[MARKET].open_interest == 400


def test_venue_cap_003_a_cap_below_what_is_open_lets_it_only_shrink() -> None:
    """VENUE-CAP-003: the operator may lower the cap at any time; nobody is closed by it."""
    ex = capped(open_interest_cap="2")
    trade(ex, "ann", "bob", "2")
    change(ex, limits=MarketLimits(open_interest_cap="0.5"))
    assert trade(ex, "cat", "dan", "0.1") == []
    assert trade(ex, "bob", "ann", "0.5") == [500]
    assert trade(ex, "cat", "dan", "0.1") == []
    assert trade(ex, "cat", "ann", "0.1") == [100]


def test_venue_cap_004_a_position_with_its_open_orders_stays_within_the_cap() -> None:
    """VENUE-CAP-004: refused at entry, to the lot; the other side of a position does not count against it."""
    ex = capped(position_cap="1")
    only(ex.place("ann", "buy", "0.6", "990"), OrderAccepted)
    assert only(ex.place("ann", "buy", "0.401", "990"), OrderRejected).reason == "position_cap"
    only(ex.place("ann", "buy", "0.4", "990"), OrderAccepted)
    only(ex.place("ann", "sell", "1", "1010"), OrderAccepted)


def test_venue_cap_005_who_is_above_the_cap_may_only_come_down() -> None:
    """VENUE-CAP-005: after the cap was lowered; turning the position is possible up to the cap."""
    ex = capped()
    trade(ex, "ann", "bob", "2")
    change(ex, limits=MarketLimits(position_cap="0.5"))
    assert only(ex.place("ann", "buy", "0.001", "990"), OrderRejected).reason == "position_cap"
    only(ex.place("ann", "sell", "1", "1010", client_order_id="part"), OrderAccepted)
    ex.cancel("ann", "part")
    only(ex.place("ann", "sell", "2.5", "1010"), OrderAccepted)
    assert only(ex.place("ann", "sell", "0.001", "1010"), OrderRejected).reason == "position_cap"


def test_venue_cap_006_a_maker_that_its_position_has_outgrown_leaves_the_book() -> None:
    """VENUE-CAP-006: reported trades are not capped; its waiting bid fills up to the cap and not beyond."""
    ex = capped(position_cap="1")
    ex.place("ann", "buy", "0.5", "1000", client_order_id="waits")
    ex.report("1000", "0.8", buyer="ann")
    events = ex.place("bob", "sell", "0.5", "1000")
    assert only(events, TradeExecuted).size_lots == 200
    assert (of(events, OrderClosed)[0].client_order_id, of(events, OrderClosed)[0].reason) == ("waits", "position_cap")


def test_venue_cap_007_sizes_of_orders_are_bounded() -> None:
    """VENUE-CAP-007: at the exact lot; what only reduces may be smaller, so that nobody is kept in by a remainder."""
    ex = capped(min_order_size="0.005", max_order_size="0.5")
    assert only(ex.place("ann", "buy", "0.004", "990"), OrderRejected).reason == "below_min_size"
    assert only(ex.place("ann", "buy", "0.501", "990"), OrderRejected).reason == "above_max_size"
    only(ex.place("ann", "buy", "0.005", "990"), OrderAccepted)
    only(ex.place("ann", "buy", "0.5", "990"), OrderAccepted)
    trade(ex, "cat", "dan", "0.1")
    only(ex.place("cat", "sell", "0.001", "1000", reduce_only=True), OrderAccepted)


lots = st.integers(-30, 30)


@given(lots, lots, st.integers(0, 60), st.integers(0, 40), st.integers(1, 40), st.integers(1, 50))
def test_venue_cap_008_the_most_lots_are_those_of_trying_every_size(
    long: int, short: int, others: int, cap: int, position_cap: int, wanted: int
) -> None:
    """VENUE-CAP-008: the largest fill after which neither cap is exceeded further than before."""
    ex = capped(open_interest_cap=f"{cap / 1000 + 0.001:.3f}", position_cap=f"{position_cap / 1000:.3f}")
    market = ex.state.markets[MARKET]
    buys, sells = (ex.state.holding(ex.state.accounts[name], market) for name in ("ann", "bob"))
    buys.lots, sells.lots = long, short
    market.open_interest = max(0, long) + max(0, short) + others

    def allowed(size: int) -> bool:
        raised = open_interest_change(long, size) + open_interest_change(short, -size)
        if raised > 0 and market.open_interest + raised > market.guards.open_interest_cap:
            return False
        return size <= room(buys, 1) and size <= room(sells, -1)

    most = max((size for size in range(1, wanted + 1) if allowed(size)), default=0)
    found = fillable(buys, sells, 1, 10_000, wanted, banded=False)
    assert (0 if isinstance(found, Barred) else found) == most


@pytest.mark.parametrize(("held", "side", "expected"), [(0, 1, 5), (5, 1, 0), (7, 1, 0), (-7, 1, 12), (5, -1, 10)])
def test_venue_cap_009_room_is_what_is_left_to_the_cap_on_that_side(held: int, side: int, expected: int) -> None:
    """VENUE-CAP-009"""
    ex = capped(position_cap="0.005")
    holding = ex.state.holding(ex.state.accounts["ann"], ex.state.markets[MARKET])
    holding.lots = held
    assert room(holding, side) == expected
