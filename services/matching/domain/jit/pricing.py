"""The price of an auction at each slot (domain rules R33, 11.1 and 11.2): integers, and always the taker's way."""

from typing import Final, NamedTuple

from cleartide.contracts import AuctionTerms
from cleartide.money import MAX_PRICE_TICKS, ceil_div, to_grid, trunc_div

from services.matching.domain.book import Order
from services.matching.domain.errors import Refused
from services.matching.domain.market import Market

SLOT_MICROS: Final = 400_000
SPREAD_PERMILLE: Final = 5
"""How far the defaults lie from the index, or from a limit that is better than it (11.2)."""


class Course(NamedTuple):
    """How the price moves. start, end: ticks, or distances from the index in force; a buyer's price does not fall."""

    start: int
    end: int
    offsets: bool
    slots: int

    def price(self, order: Order, index: int, elapsed: int) -> int:
        """The price in ticks after `elapsed` whole slots: within the range of prices, never past the order's limit."""
        ticks = interpolated(self.start, self.end, elapsed, self.slots)
        if self.offsets:
            ticks += index
        bounded = min(ticks, order.price) if order.side > 0 else max(ticks, order.price)
        return min(max(1, bounded), MAX_PRICE_TICKS)


def interpolated(start: int, end: int, elapsed: int, slots: int) -> int:
    """start + trunc((end - start) * min(t, T) / T); the end at once when T = 0 (11.1).

    Truncation rounds to the tick on the taker's side: a rising buy price down, a falling sell price up.
    """
    if not slots:
        return end
    return start + trunc_div((end - start) * min(elapsed, slots), slots)


def plan(market: Market, order: Order, terms: AuctionTerms) -> Course:
    """The course that is asked for. Raises Refused or MoneyError."""
    if order.time_in_force != "ioc":
        raise Refused("auction_not_immediate")
    if (terms.start is None) != (terms.end is None):
        raise Refused("auction_incomplete")
    if terms.start is None or terms.end is None:
        if terms.offsets:
            raise Refused("auction_incomplete")
        if not market.prices.index:
            raise Refused("no_mark_price")
        return default(order, market.prices.index, terms.slots)
    start, end = (to_grid(text, market.spec.tick_size, MAX_PRICE_TICKS, "price") for text in (terms.start, terms.end))
    if not terms.offsets and min(start, end) <= 0:
        raise Refused("not_positive")
    if (end - start) * order.side < 0:
        raise Refused("auction_backwards")
    return Course(start, end, terms.offsets, terms.slots)


def default(order: Order, index: int, slots: int) -> Course:
    """From the index to 0.5 % beyond it, never past the limit; from 0.5 % better than a limit that is better than it.

    Rounded to the tick on the taker's side: for a buyer down, for a seller up (11.2).
    """
    limit, side = order.price, order.side
    if (limit - index) * side < 0:
        return Course(_moved(limit, -side, side), limit, False, slots)
    beyond = _moved(index, side, side)
    return Course(index, min(beyond, limit) if side > 0 else max(beyond, limit), False, slots)


def _moved(ticks: int, direction: int, side: int) -> int:
    """0.5 % away from a price, up or down."""
    scaled = ticks * (1_000 + direction * SPREAD_PERMILLE)
    moved = scaled // 1_000 if side > 0 else ceil_div(scaled, 1_000)
    return min(max(1, moved), MAX_PRICE_TICKS)
