"""An order's auction from its opening to its end (domain rule R33).

    slot 0: the book, at the start price        nothing left: no auction
    slots 1 to T: book and quotes, at the price of the slot
    slot T + 1: once more at the end price      the rest is dropped

A slot is 0.4 s of sequenced time. Slots that pass while nothing is said come up one by one, each in its place among all
that is due, before the next command. Slots in which the order would be refused, by the venue's switches, the state of
market or account or a stale index, pass without a trade.
"""

from services.matching.domain.acceptance.pipeline import require_open
from services.matching.domain.book import Order
from services.matching.domain.deadlines import Deadline
from services.matching.domain.draft import Draft
from services.matching.domain.errors import Refused
from services.matching.domain.jit import telling
from services.matching.domain.jit.floor import AuctionFloor
from services.matching.domain.jit.pricing import Course
from services.matching.domain.jit.record import Auction
from services.matching.domain.output import Output
from services.matching.domain.resting import close, draw, finish, hold
from services.matching.domain.state import MatchingState
from services.matching.domain.sweep import meet, taker_of
from services.matching.domain.working import absorb


def begin(state: MatchingState, out: Output, order: Order, course: Course, guarded: bool) -> None:
    """Let an accepted order take what the book gives at the start price, and auction the rest.

    guarded: it was not funded in full at entry, so each of its fills is checked by itself (3.11).
    """
    auction = Auction(order, course, out.at)
    stop = _meet(state, out, auction, 0, guarded)
    if _is_over(state, out, auction, stop):
        return
    hold(state, order)
    state.auctions.open(auction)
    state.deadlines.set(auction.deadline)
    telling.opened(out, auction, state.markets[order.market])


def pass_slot(state: MatchingState, deadline: Deadline, out: Output) -> None:
    """A slot begins: whoever offers its price or better trades. Time has passed since entry, so fills are checked."""
    auction = state.auctions.running[deadline.number]
    order, slot, open_lots = auction.order, auction.next_slot, auction.order.remaining
    stop = _meet(state, out, auction, slot, guarded=True)
    draw(state, order, open_lots - order.remaining)
    if _is_over(state, out, auction, stop):
        return
    if slot > auction.course.slots:
        close(state, out, order, "ioc_remainder")
        return
    auction.next_slot += 1
    state.auctions.touched.add(auction.number)
    state.deadlines.set(auction.deadline)


def _meet(state: MatchingState, out: Output, auction: Auction, slot: int, guarded: bool) -> str | None:
    """Trade at the price of a slot, unless the order could not be placed now; a reason when it has to stop there."""
    order, market = auction.order, state.markets[auction.order.market]
    account = state.accounts[order.account]
    holding = state.holding(account, market)
    try:
        require_open(state, Draft(account, holding, order, batched=True), out.at)
    except Refused:
        return None
    taker = taker_of(account, holding, order, guarded)
    taker.limit = auction.price(market.prices.index, slot)
    stop = meet(state, out, AuctionFloor(state, out, taker, auction), taker)
    absorb(order, taker)
    return stop


def _is_over(state: MatchingState, out: Output, auction: Auction, stop: str | None) -> bool:
    """Close the order if it is filled, may not go on, or has nothing left to reduce (R30)."""
    order = auction.order
    holding = state.holding(state.accounts[order.account], state.markets[order.market])
    if not order.remaining:
        finish(state, out, order)
    elif stop is not None:
        close(state, out, order, stop)
    elif order.reduce_only and holding.lots * order.side >= 0:
        close(state, out, order, "reduce_only")
    else:
        return False
    return True
