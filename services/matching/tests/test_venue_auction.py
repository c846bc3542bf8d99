"""The call auction: one price, the most volume, nothing lost, and never a crossed book afterwards (14.3, R31)."""

from typing import Any

import pytest
from cleartide.contracts import (
    AuctionUncrossed,
    LiquidationExecuted,
    LiquidationRejected,
    MarketStateChanged,
    OpenSubaccount,
    OrderAccepted,
    OrderClosed,
    OrderRejected,
    PositionChanged,
    TradeExecuted,
)
from cleartide.fold import Reject
from hypothesis import given, settings
from hypothesis import strategies as st

from services.matching.domain.venue.clearing import Clearing, clear
from services.matching.tests.support import MARKET, SECOND, Events, Exchange, of, only
from services.matching.tests.venue import delist, guarded, halt, resume, state_of, states, switch

NAMES = ("ann", "bob", "cat", "dan")
Levels = list[tuple[int, int]]


def executable(bids: Levels, asks: Levels, price: int) -> int:
    """What trades at one price: the lesser of what is bid at or above it and what is offered at or below it."""
    return min(sum(lots for level, lots in bids if level >= price), sum(lots for level, lots in asks if level <= price))


orders = st.lists(st.tuples(st.integers(1, 40), st.integers(1, 9)), max_size=12)


@settings(max_examples=400)
@given(orders, orders)
def test_venue_auc_001_the_price_is_the_middle_of_those_at_which_most_trades(bids: Levels, asks: Levels) -> None:
    """VENUE-AUC-001: against trying every price."""
    bids, asks = sorted(bids, reverse=True), sorted(asks)
    volumes = {price: executable(bids, asks, price) for price in range(1, 42)}
    most = max(volumes.values())
    found = clear(bids, asks)
    if not most:
        assert found is None
        return
    best = [price for price, volume in volumes.items() if volume == most]
    assert found == Clearing(most, best[0], best[-1])
    assert best == list(range(best[0], best[-1] + 1))
    assert found.price == (best[0] + best[-1]) // 2


def paused(**limits: Any) -> Exchange:
    """Four traders with money, and a market whose breaker has just tripped at 1100."""
    ex = guarded(**limits)
    for name in NAMES:
        ex.deposit(name, "100000")
    ex.price("1100")
    return ex


def reopen(ex: Exchange) -> Events:
    """Wait until the pause is over; everything that is said then."""
    ex.wait(60 * SECOND)
    return ex.price("1100")


def waiting(ex: Exchange, name: str, side: str, size: str, price: str, **more: Any) -> None:
    """An order that waits for the auction."""
    only(ex.place(name, side, size, price, **{"post_only": True, **more}), OrderAccepted)


def test_venue_auc_002_a_crossed_book_is_uncrossed_before_trading_goes_on() -> None:
    """VENUE-AUC-002: every fill at the one price; the newer order pays the taker's fee, the older one the maker's."""
    ex = paused()
    waiting(ex, "ann", "buy", "0.3", "1110")
    waiting(ex, "bob", "sell", "0.2", "1095")
    waiting(ex, "cat", "sell", "0.2", "1100")
    waiting(ex, "dan", "buy", "0.1", "1090")
    events = reopen(ex)
    assert states(events) == [("auction", "crossed"), ("trading", "post_only_over")]
    said = only(events, AuctionUncrossed)
    assert (said.price_ticks, said.lowest_ticks, said.highest_ticks, said.size_lots) == (11_050, 11_000, 11_100, 300)
    trades = of(events, TradeExecuted)
    assert [(trade.buyer, trade.seller, trade.size_lots, trade.taker_side) for trade in trades] == [
        ("ann", "bob", 200, "sell"),
        ("ann", "cat", 100, "sell"),
    ]
    fees = {event.account: event.fee_quanta for event in of(events, PositionChanged)}
    quote = 11_050 * 100 * 100
    assert fees["ann"] == -(-quote * 150_000 // 10**9) and fees["cat"] == -(-quote * 450_000 // 10**9)
    book = ex.state.markets[MARKET].book
    assert (book.bids.best_price, book.asks.best_price) == (10_900, 11_000)


def test_venue_auc_003_a_book_that_is_not_crossed_opens_without_an_auction() -> None:
    """VENUE-AUC-003"""
    ex = paused()
    waiting(ex, "ann", "buy", "0.3", "1099")
    waiting(ex, "bob", "sell", "0.3", "1100")
    events = reopen(ex)
    assert states(events) == [("trading", "post_only_over")]
    assert not of(events, TradeExecuted)


def test_venue_auc_004_at_the_margin_the_older_order_trades_first() -> None:
    """VENUE-AUC-004: price, then time, as everywhere."""
    ex = paused()
    for name in ("ann", "bob", "cat"):
        waiting(ex, name, "buy", "0.1", "1100")
    waiting(ex, "dan", "sell", "0.2", "1100")
    assert [trade.buyer for trade in of(reopen(ex), TradeExecuted)] == ["ann", "bob"]


def test_venue_auc_005_own_orders_do_not_trade_with_each_other() -> None:
    """VENUE-AUC-005: the newer intent wins (R29), and what is left is cleared again."""
    ex = paused()
    waiting(ex, "ann", "buy", "0.2", "1105", client_order_id="older")
    waiting(ex, "ann", "sell", "0.1", "1100", client_order_id="newer")
    waiting(ex, "bob", "buy", "0.1", "1102")
    events = reopen(ex)
    closed = {event.client_order_id: event.reason for event in of(events, OrderClosed)}
    assert closed["older"] == "self_trade" and closed["newer"] == "filled"
    assert [(t.buyer, t.seller) for t in of(events, TradeExecuted)] == [("bob", "ann")]


def idle(ex: Exchange, name: str, side: str, size: str, price: str, other: str) -> None:
    """A waiting order that only reduces, and whose position is gone."""
    seller, buyer = (name, other) if side == "buy" else (other, name)
    ex.report("1100", size, buyer=buyer, seller=seller)
    waiting(ex, name, side, size, price, reduce_only=True)
    ex.report("1100", size, buyer=seller, seller=buyer)


@pytest.mark.parametrize(("side", "front"), [("buy", "1115"), ("sell", "1085")])
def test_venue_auc_016_an_order_in_front_without_anything_to_reduce_costs_nobody_else_theirs(
    side: str, front: str
) -> None:
    """VENUE-AUC-016: it leaves, and those behind it trade as if it had not been there."""
    ex = paused()
    idle(ex, "ann", side, "0.1", front, "dan")
    waiting(ex, "bob", "sell", "0.1", "1090")
    waiting(ex, "cat", "buy", "0.1", "1110")
    events = reopen(ex)
    said, trade = only(events, AuctionUncrossed), only(events, TradeExecuted)
    assert (trade.buyer, trade.seller) == ("cat", "bob")
    assert (said.price_ticks, said.lowest_ticks, said.highest_ticks) == (11_000, 10_900, 11_100)
    closed = {event.account: event.reason for event in of(events, OrderClosed)}
    assert (closed["bob"], closed["cat"], closed.get("ann", "reduce_only")) == ("filled", "filled", "reduce_only")


@pytest.mark.parametrize(("side", "front"), [("buy", "1115"), ("sell", "1085")])
def test_venue_auc_016_it_leaves_alone_where_nobody_else_crosses(side: str, front: str) -> None:
    """VENUE-AUC-016: bob asks more than cat bids, and both stay."""
    ex = paused()
    idle(ex, "ann", side, "0.1", front, "dan")
    waiting(ex, "bob", "sell", "0.1", "1110")
    waiting(ex, "cat", "buy", "0.1", "1090")
    closed = only(reopen(ex), OrderClosed)
    assert (closed.account, closed.reason) == ("ann", "reduce_only")


def test_venue_auc_017_an_order_without_anything_to_reduce_does_not_hide_those_behind_it_from_the_price() -> None:
    """VENUE-AUC-017: ann's second bid reduces nothing beyond her first; cat's, behind both, counts all the same."""
    ex = paused()
    ex.report("1100", "0.1", buyer="dan", seller="ann")
    waiting(ex, "ann", "buy", "0.1", "1112", reduce_only=True, client_order_id="first")
    waiting(ex, "ann", "buy", "0.1", "1111", reduce_only=True, client_order_id="second")
    waiting(ex, "cat", "buy", "0.1", "1110")
    waiting(ex, "bob", "sell", "0.2", "1090")
    said = only(reopen(ex), AuctionUncrossed)
    assert (said.lowest_ticks, said.highest_ticks, said.size_lots) == (10_900, 11_100, 200)


def test_venue_auc_012_nor_do_orders_of_one_family() -> None:
    """VENUE-AUC-012: sub-accounts count as one with their parent (R29)."""
    ex = paused()
    ex.send(OpenSubaccount, account="ann", name="two")
    ex.deposit("ann--two", "1000")
    waiting(ex, "ann", "buy", "0.1", "1105")
    waiting(ex, "ann--two", "sell", "0.1", "1100")
    events = reopen(ex)
    assert only(events, OrderClosed).reason == "self_trade"
    assert not of(events, TradeExecuted)


def test_venue_auc_006_reduce_only_orders_give_no_more_than_the_position() -> None:
    """VENUE-AUC-006: neither to the price nor to the trades (R30)."""
    ex = guarded()
    for name in NAMES:
        ex.deposit(name, "100000")
    ex.place("bob", "sell", "0.1", "1000")
    ex.place("ann", "buy", "0.1", "1000")
    ex.price("1100")
    waiting(ex, "ann", "sell", "0.5", "1090", post_only=False, reduce_only=True, client_order_id="first")
    waiting(ex, "ann", "sell", "0.5", "1091", post_only=False, reduce_only=True, client_order_id="second")
    waiting(ex, "cat", "buy", "0.4", "1110")
    events = reopen(ex)
    said = only(events, AuctionUncrossed)
    assert (said.size_lots, said.lowest_ticks, said.highest_ticks) == (100, 10_900, 11_100)
    assert ex.lots("ann") == 0
    reasons = {event.client_order_id: event.reason for event in of(events, OrderClosed)}
    assert reasons["first"] == reasons["second"] == "reduce_only"


def test_venue_auc_007_orders_beyond_the_bands_leave_before_the_price_is_found() -> None:
    """VENUE-AUC-007: a bid that has come to lie beyond the band would let its owner pay what nobody may."""
    ex = paused()
    waiting(ex, "ann", "buy", "0.1", "1205", client_order_id="high")
    waiting(ex, "bob", "sell", "0.1", "1100")
    ex.wait(30 * SECOND)
    ex.price("1090")
    ex.wait(30 * SECOND)
    events = ex.price("1090")
    assert only(events, OrderClosed).reason == "price_band"
    assert not of(events, AuctionUncrossed)
    assert state_of(ex) == "trading"


def test_venue_auc_008_an_auction_of_the_operator_collects_orders_for_its_time() -> None:
    """VENUE-AUC-008: any order that may rest; then one price, then trading."""
    ex = guarded()
    for name in NAMES:
        ex.deposit(name, "100000")
    halt(ex)
    begun = resume(ex, auction_seconds=300)
    assert states(begun) == [("auction", "operator")]
    assert only(begun, MarketStateChanged).ends_at == ex.effects.at + 300 * SECOND
    ex.place("ann", "buy", "0.2", "1010")
    ex.place("bob", "sell", "0.2", "990")
    ex.wait(299 * SECOND)
    assert states(ex.price("1000")) == []
    ex.wait(SECOND)
    events = ex.price("1000")
    assert states(events) == [("trading", "auction_over")]
    assert only(events, TradeExecuted).price_ticks == 10_000


def test_venue_auc_009_who_cannot_afford_the_fill_leaves() -> None:
    """VENUE-AUC-009: margin is checked for both at the fill (3.11), and the others trade without them."""
    ex = guarded()
    ex.deposit("ann", "235")
    for name in NAMES[1:]:
        ex.deposit(name, "100000")
    ex.place("bob", "buy", "1", "1000")
    ex.place("ann", "sell", "1", "1000")
    ex.price("1100")
    waiting(ex, "ann", "sell", "0.1", "1100", client_order_id="poor")
    waiting(ex, "cat", "sell", "0.1", "1101")
    waiting(ex, "dan", "buy", "0.1", "1150")
    ex.wait(60 * SECOND)
    events = ex.price("1140")
    closed = {event.client_order_id: event.reason for event in of(events, OrderClosed)}
    assert closed["poor"] == "insufficient_margin"
    assert [(t.buyer, t.seller) for t in of(events, TradeExecuted)] == [("dan", "cat")]


def test_venue_auc_010_the_caps_hold_in_an_auction() -> None:
    """VENUE-AUC-010: what would raise open interest above the cap drops the newer order; the older one stays."""
    ex = paused(open_interest_cap="0.1")
    waiting(ex, "ann", "buy", "0.3", "1100", client_order_id="older")
    waiting(ex, "bob", "sell", "0.3", "1100", client_order_id="newer")
    events = reopen(ex)
    assert only(events, TradeExecuted).size_lots == 100
    closed = only(events, OrderClosed)
    assert (closed.client_order_id, closed.reason, closed.unfilled_lots) == ("newer", "open_interest_cap", 200)
    assert ex.state.markets[MARKET].open_interest == 100


@pytest.mark.parametrize("name", ["kill_switch", "maintenance"])
def test_venue_auc_013_a_switch_keeps_a_crossed_book_from_trading(name: str) -> None:
    """VENUE-AUC-013: it is uncrossed with the first price after the switch is off; a book that is not crossed opens."""
    ex = paused()
    waiting(ex, "ann", "buy", "0.3", "1110", client_order_id="crossing")
    waiting(ex, "bob", "sell", "0.2", "1095")
    switch(ex, name)
    for _ in range(2):
        assert not of(reopen(ex), TradeExecuted)
        assert state_of(ex) == "post_only"
    switch(ex, name, on=False)
    events = reopen(ex)
    assert states(events) == [("auction", "crossed"), ("trading", "post_only_over")]
    assert only(events, AuctionUncrossed).size_lots == 200
    opens = paused()
    waiting(opens, "ann", "buy", "0.3", "1090")
    switch(opens, name)
    assert states(reopen(opens)) == [("trading", "post_only_over")], "so that reducing goes on"


@pytest.mark.parametrize("name", ["kill_switch", "maintenance"])
def test_venue_auc_014_nor_does_the_operator_open_it_before(name: str) -> None:
    """VENUE-AUC-014: whichever state would match, the answer is the switch; halting it is free."""
    ex = paused()
    waiting(ex, "ann", "buy", "0.3", "1110")
    waiting(ex, "bob", "sell", "0.2", "1095")
    switch(ex, name)
    for command in (resume, delist, lambda ex: halt(ex, "reduce_only")):
        with pytest.raises(Reject) as verdict:
            command(ex)
        assert (verdict.value.reason, state_of(ex)) == (name, "post_only")
    assert states(halt(ex)) == [("halted", "operator")]
    assert states(resume(ex, auction_seconds=5)) == [("auction", "operator")]
    switch(ex, name, on=False)
    assert only(reopen(ex), AuctionUncrossed).size_lots == 200


@pytest.mark.parametrize("name", ["kill_switch", "maintenance"])
def test_venue_auc_015_what_crosses_is_cancelled_and_the_market_opens_under_the_switch(name: str) -> None:
    """VENUE-AUC-015: a crossed book under a switch holds up its market's liquidations until what crosses is gone."""
    ex = guarded()
    for trader, amount in (*((trader, "100000") for trader in NAMES), ("eve", "110")):
        ex.deposit(trader, amount)
    ex.place("dan", "buy", "1", "1000")
    only(ex.place("eve", "sell", "1", "1000"), TradeExecuted)
    ex.price("1100")
    waiting(ex, "ann", "buy", "0.3", "1110", client_order_id="crossing")
    waiting(ex, "bob", "sell", "0.2", "1095")
    switch(ex, name)
    reopen(ex)
    assert only(ex.liquidate("eve"), LiquidationRejected).reason == "market_paused"
    only(ex.cancel("ann", "crossing"), OrderClosed)
    assert states(reopen(ex)) == [("trading", "post_only_over")]
    assert of(ex.liquidate("eve"), LiquidationExecuted)
    assert only(ex.place("cat", "buy", "0.1", "1090"), OrderRejected).reason == name


entries = st.lists(
    st.tuples(
        st.sampled_from(NAMES),
        st.sampled_from(["buy", "sell"]),
        st.integers(1, 300),
        st.integers(-60, 60),
        st.booleans(),
    ),
    max_size=14,
)


@settings(max_examples=120, deadline=None)
@given(entries, entries)
def test_venue_auc_011_nothing_is_lost_and_the_book_is_not_crossed(
    before: list[tuple[str, str, int, int, bool]], during: list[tuple[str, str, int, int, bool]]
) -> None:
    """VENUE-AUC-011: money, positions and books agree (checked after each command); trades are within each limit."""
    ex = guarded(position_cap="0.9", open_interest_cap="1")
    for name in NAMES:
        ex.deposit(name, "400")
    for name, side, size, offset, reduce in before:
        ex.place(name, side, f"{size / 1000:.3f}", f"{1000 + offset}", reduce_only=reduce)
    ex.price("1100")
    for name, side, size, offset, reduce in during:
        ex.place(name, side, f"{size / 1000:.3f}", f"{1050 + offset}", reduce_only=reduce, post_only=not reduce)
    limits = {order.order_id: order for account in ex.state.accounts.values() for order in account.orders.values()}
    events = reopen(ex)
    market = ex.state.markets[MARKET]
    assert market.status.state == "trading" and not market.is_crossed
    prices = {trade.price_ticks for trade in of(events, TradeExecuted)}
    assert len(prices) <= len(of(events, AuctionUncrossed))
    for trade in of(events, TradeExecuted):
        assert trade.buy_order_id is not None and trade.sell_order_id is not None
        assert limits[trade.sell_order_id].price <= trade.price_ticks <= limits[trade.buy_order_id].price
    assert market.open_interest <= 1000 and all(abs(ex.lots(name)) <= 900 for name in NAMES)
