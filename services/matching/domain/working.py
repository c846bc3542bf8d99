"""An accepted order at work: it trades what crosses, and what is left rests or is closed."""

from services.matching.domain.book import Order
from services.matching.domain.lifecycle import after
from services.matching.domain.output import Output
from services.matching.domain.resting import close, finish, rest
from services.matching.domain.state import MatchingState
from services.matching.domain.sweep import Taker, sweep, taker_of


def work(state: MatchingState, out: Output, order: Order, guarded: bool) -> None:
    """Let an order that stands outside the book trade, then rest if it may.

    guarded: it was not funded in full at entry, so each of its fills is checked by itself (3.11).
    """
    account = state.accounts[order.account]
    market = state.markets[order.market]
    holding = state.holding(account, market)
    stop = None
    if not order.post_only and market.status.matches:
        taker = taker_of(account, holding, order, guarded)
        stop = sweep(state, out, taker)
        absorb(order, taker)
    if not order.remaining:
        finish(state, out, order)
    elif stop is not None:
        close(state, out, order, stop)
    elif order.reduce_only and not holding.lots:
        close(state, out, order, "reduce_only")
    elif order.time_in_force in ("ioc", "fok"):
        close(state, out, order, "ioc_remainder")
    else:
        rest(state, order)


def absorb(order: Order, taker: Taker) -> None:
    """What the taker did becomes the order's."""
    order.remaining -= taker.filled + taker.prevented
    order.prevented += taker.prevented
    order.quote += taker.quote
    if taker.filled:
        order.state = after(order.state, "fill")
