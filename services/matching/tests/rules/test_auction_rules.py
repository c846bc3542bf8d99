"""R33 at the exact tick and microsecond: the price of an auction, whom it meets in which order, and when it is over."""

import pytest
from cleartide.contracts import AuctionTerms, JitAuctionSettled, OrderClosed, TradeExecuted

from services.matching.domain.book import Order
from services.matching.domain.jit.pricing import Course, default, interpolated
from services.matching.tests.support import Events, Exchange, of, only


def opened(**terms: object) -> tuple[Exchange, int]:
    """ann buys 1.000 from 1,000.0 to 1,001.0 within ten slots; dan, eve and fay have money and nothing else."""
    ex = Exchange()
    for account in ("ann", "dan", "eve", "fay", "clock"):
        ex.deposit(account, "100000")
    ex.auction("ann", "buy", "1", "1100", **{"start": "1000", "end": "1001", **terms})
    return ex, ex.state.counters.orders


def at_slot(ex: Exchange, slot: int, micros: int = 0) -> Events:
    """Let time pass to a slot of the one auction that runs, and have somebody say something."""
    (auction,) = ex.state.auctions.running.values()
    ex.wait(auction.opened_at + slot * 400_000 + micros - ex.effects.at)
    return ex.deposit("clock", "1")


def fills(events: Events) -> list[tuple[int, int, str]]:
    return [(trade.price_ticks, trade.size_lots, trade.seller) for trade in of(events, TradeExecuted)]


@pytest.mark.parametrize(
    ("start", "end", "elapsed", "slots", "ticks"),
    [
        (10_000, 10_010, 0, 10, 10_000),
        (10_000, 10_010, 1, 10, 10_001),
        (10_000, 10_010, 10, 10, 10_010),
        (10_000, 10_010, 11, 10, 10_010),
        (10_000, 10_005, 1, 10, 10_000),
        (10_000, 10_005, 3, 10, 10_001),
        (10_000, 10_005, 9, 10, 10_004),
        (10_000, 9_995, 1, 10, 10_000),
        (10_000, 9_995, 3, 10, 9_999),
        (10_000, 9_995, 9, 10, 9_996),
        (-7, 3, 1, 3, -4),
        (7, -3, 1, 3, 4),
        (5, 5, 1, 3, 5),
        (10_000, 10_010, 0, 0, 10_010),
    ],
)
def test_interpolation(start: int, end: int, elapsed: int, slots: int, ticks: int) -> None:
    """RULE-R33-001: start + trunc((end - start) * min(t, T) / T), to the tick on the taker's side; T = 0 is the end."""
    assert interpolated(start, end, elapsed, slots) == ticks


def order(side: int, limit: int) -> Order:
    return Order(
        order_id=1, account="ann", market="M", client_order_id="c", side=side, price=limit, size=1, remaining=1,
        reduce_only=False, loss_per_lot=0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("side", "limit", "course"),
    [
        (1, 11_000, (10_001, 10_051)),
        (1, 10_020, (10_001, 10_020)),
        (1, 10_001, (10_001, 10_001)),
        (1, 10_000, (9_950, 10_000)),
        (1, 9_999, (9_949, 9_999)),
        (-1, 9_000, (10_001, 9_951)),
        (-1, 9_990, (10_001, 9_990)),
        (-1, 10_001, (10_001, 10_001)),
        (-1, 10_002, (10_053, 10_002)),
        (-1, 10_003, (10_054, 10_003)),
    ],
)
def test_defaults(side: int, limit: int, course: tuple[int, int]) -> None:
    """RULE-R33-002: index to 0.5 % beyond, within the limit; from 0.5 % better than a limit that beats the index."""
    assert default(order(side, limit), 10_001, 10) == Course(*course, False, 10)
    assert AuctionTerms().slots == 10


def test_bounds_of_the_price() -> None:
    """RULE-R33-003: max(tick, index + offset), and never past the limit."""
    falling, rising = Course(-30, -200, True, 10), Course(-30, 200, True, 10)
    assert [rising.price(order(1, 10_100), 10_000, slot) for slot in (0, 5, 6, 10)] == [9_970, 10_085, 10_100, 10_100]
    assert [falling.price(order(-1, 9_900), 10_000, slot) for slot in (0, 4, 5, 10)] == [9_970, 9_902, 9_900, 9_900]
    assert Course(-200, -150, True, 10).price(order(1, 10), 100, 0) == 1


def test_a_slot_is_four_tenths_of_a_second() -> None:
    """RULE-R33-004: its price is offered from its first microsecond on."""
    ex, _ = opened()
    for price in ("1000.1", "1000.3"):
        ex.place("dan", "sell", "0.2", price)
    assert fills(at_slot(ex, 1, -1)) == []
    assert fills(at_slot(ex, 1)) == [(10_001, 200, "dan")]
    assert fills(at_slot(ex, 3, -1)) == []
    assert fills(at_slot(ex, 3)) == [(10_003, 200, "dan")]


def test_best_price_then_the_book_then_sequence() -> None:
    """RULE-R33-005: at equal or better price the book has priority; makers compete by price, then sequence."""
    ex, number = opened()
    ex.offer("dan", number, "1000.4", "0.1")
    ex.offer("eve", number, "1000.4", "0.1")
    ex.offer("fay", number, "1000.2", "0.1")
    ex.place("eve", "sell", "0.1", "1000.4")
    ex.place("fay", "sell", "0.1", "1000.3")
    assert fills(at_slot(ex, 1)) == []
    found = fills(at_slot(ex, 4))
    assert found == [
        (10_002, 100, "fay"),
        (10_003, 100, "fay"),
        (10_004, 100, "eve"),
        (10_004, 100, "dan"),
        (10_004, 100, "eve"),
    ]


def test_a_seller_meets_the_highest_first() -> None:
    """RULE-R33-005: the mirror image."""
    ex = Exchange()
    for account in ("ann", "dan", "eve", "clock"):
        ex.deposit(account, "100000")
    ex.auction("ann", "sell", "1", "900", start="1001", end="1000")
    number = ex.state.counters.orders
    ex.offer("dan", number, "1000.5", "0.1")
    ex.offer("eve", number, "1000.6", "0.1")
    ex.place("eve", "buy", "0.1", "1000.5")
    trades = of(at_slot(ex, 5), TradeExecuted)
    assert [(trade.price_ticks, trade.buyer, trade.buy_order_id is None) for trade in trades] == [
        (10_006, "eve", True),
        (10_005, "eve", False),
        (10_005, "dan", True),
    ]


def test_the_end_price_stands_for_one_more_slot() -> None:
    """RULE-R33-006: complete when more than T slots have passed; then the rest is dropped, at the end price."""
    ex, number = opened()
    assert of(at_slot(ex, 10), OrderClosed) == []
    ex.offer("dan", number, "1001", "0.1")
    ex.place("eve", "sell", "0.1", "1001.1")
    assert of(at_slot(ex, 11, -1), OrderClosed) == []
    events = at_slot(ex, 11)
    assert fills(events) == [(10_010, 100, "dan")]
    assert only(events, OrderClosed).reason == "ioc_remainder"


def test_improvement_is_against_the_end_price() -> None:
    """RULE-R33-007: 100 lots 8 ticks and 100 lots 1 tick better, at 100 quanta per lot and tick."""
    ex, number = opened()
    ex.offer("dan", number, "1000.2", "0.1")
    ex.offer("eve", number, "1000.9", "0.1")
    at_slot(ex, 10)
    settled = only(at_slot(ex, 11), JitAuctionSettled)
    assert (settled.filled_lots, settled.maker_lots, settled.unfilled_lots) == (200, 200, 800)
    assert (settled.end_ticks, settled.improvement_quanta) == (10_010, (8 * 100 + 1 * 100) * 100)
    assert settled.quote_quanta == (10_002 + 10_009) * 100 * 100


def test_no_auction_for_what_rests() -> None:
    """RULE-R33-008: post-only orders, and any that would rest, are refused one."""
    ex = Exchange()
    ex.deposit("ann", "100000")
    for terms in ({"time_in_force": "gtc"}, {"time_in_force": "gtc", "post_only": True}, {"time_in_force": "fok"}):
        events = ex.auction("ann", "buy", "1", "1000", **terms)
        assert [event.type for event in events] == ["OrderRejected"]
