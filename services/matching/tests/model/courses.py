"""Running auctions: the price of a slot, and how a course is asked for (R33, 11.1, 11.2)."""

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from cleartide.contracts import AuctionTerms, JitAuctionSettled

from services.matching.tests.model.numbers import down, toward_zero, up, within
from services.matching.tests.model.texts import signed_steps_of
from services.matching.tests.model.world import MOST_TICKS, Market, Order, Refusal, World

SLOT: Final = 400_000
SPREAD: Final = Fraction(5, 1_000)
SIDES: Final = {1: "buy", -1: "sell"}

if TYPE_CHECKING:
    Ends = tuple[int, int]


@dataclass
class Auction:
    """An order that meets the book and `quotes` at each slot. made: lots that quotes have filled.

    start and end are ticks, or distances from the index. slot: the next to come.
    """

    order: Order
    start: int
    end: int
    offsets: bool
    slots: int
    opened_at: int
    slot: int = 1
    made: int = 0
    quotes: list[Order] = field(default_factory=list)

    @property
    def comes_at(self) -> int:
        """When the next slot begins."""
        return self.opened_at + self.slot * SLOT

    def price(self, index: int, slot: int) -> int:
        """In ticks: from start to end in equal steps, rounded so that the taker pays no more than that (11.1)."""
        part = Fraction(min(slot, self.slots), self.slots)
        ticks = self.start + toward_zero((self.end - self.start) * part) + (index if self.offsets else 0)
        limit = self.order.price
        return within(min(ticks, limit) if self.order.side > 0 else max(ticks, limit), 1, MOST_TICKS)


def plan(market: Market, order: Order, terms: AuctionTerms, at: int) -> Auction:
    """The auction that is asked for. Raises Refusal."""
    if order.in_force != "ioc":
        raise Refusal("auction_not_immediate")
    if terms.start is None or terms.end is None:
        if terms.offsets or (terms.start, terms.end) != (None, None):
            raise Refusal("auction_incomplete")
        if not market.index:
            raise Refusal("no_mark_price")
        return Auction(order, *_usual(order, market.index), False, terms.slots, at)
    start, end = (signed_steps_of(text, market.tick, MOST_TICKS) for text in (terms.start, terms.end))
    if not terms.offsets and (start <= 0 or end <= 0):
        raise Refusal("not_positive")
    if order.side * end < order.side * start:
        raise Refusal("auction_backwards")
    return Auction(order, start, end, terms.offsets, terms.slots, at)


def _usual(order: Order, index: int) -> "Ends":
    """From the index to 0.5 % beyond, or to the limit; to a limit better than the index from 0.5 % before it (11.2)."""
    limit, side = order.price, order.side
    if side * limit < side * index:
        return _away(limit, -side, side), limit
    beyond = _away(index, side, side)
    return index, min(beyond, limit) if side > 0 else max(beyond, limit)


def _away(ticks: int, way: int, side: int) -> int:
    exact = ticks * (1 + way * SPREAD)
    return within(down(exact) if side > 0 else up(exact), 1, MOST_TICKS)


def settle(world: World, auction: Auction, reason: str) -> None:
    """The auction is over, and what it has brought beyond the end price is told."""
    order, market = auction.order, world.markets[auction.order.market]
    del world.auctions[order.number]
    end = auction.price(market.index, auction.slots)
    world.say(
        JitAuctionSettled,
        auction_id=order.number,
        account=order.account,
        market=market.name,
        side=SIDES[order.side],
        filled_lots=order.filled,
        maker_lots=auction.made,
        unfilled_lots=order.size - order.filled,
        quote_quanta=order.paid,
        end_ticks=end,
        improvement_quanta=order.side * (end * market.unit * order.filled - order.paid),
        reason=reason,
    )
