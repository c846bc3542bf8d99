"""Orders entering and leaving the book, with the sums that margin keeps of them."""

from cleartide.contracts import OrderClosed

from services.matching.domain.accounts import Account
from services.matching.domain.book import Order
from services.matching.domain.deadlines import Deadline
from services.matching.domain.jit import telling
from services.matching.domain.lifecycle import Step, after, end_of
from services.matching.domain.output import Output
from services.matching.domain.state import ClosedOrder, MatchingState


def rest(state: MatchingState, order: Order) -> None:
    """Put an order with something left behind the others of its price."""
    order.state = after(order.state, "rest")
    order.priority = _next_priority(state)
    register(state, order)
    enter(state, order)
    state.dirty.orders[order.order_id] = order


def register(state: MatchingState, order: Order) -> None:
    """Make an open order known to its account and to the clock, whether it is in the book or not."""
    state.accounts[order.account].orders[order.client_order_id] = order
    if order.expires_at:
        state.expiring[order.order_id] = order
        state.deadlines.set(_expiry(order))


def enter(state: MatchingState, order: Order) -> None:
    """Put an order into the book as the last of its price, and keep margin for it."""
    state.markets[order.market].book.half(order.side).add(order)
    _reserve(state, state.accounts[order.account], order, order.remaining)


def hold(state: MatchingState, order: Order) -> None:
    """Keep an order open outside the book, while it is auctioned, and keep margin for it."""
    order.state = after(order.state, "rest")
    register(state, order)
    set_aside(state, order)
    state.dirty.orders[order.order_id] = order


def set_aside(state: MatchingState, order: Order) -> None:
    """Keep margin for an order that is outside the book."""
    _reserve(state, state.accounts[order.account], order, order.remaining)


def draw(state: MatchingState, order: Order, lots: int) -> None:
    """An order that is kept outside the book became smaller."""
    if lots:
        _reserve(state, state.accounts[order.account], order, -lots)
        state.dirty.orders[order.order_id] = order


def lift(state: MatchingState, order: Order) -> None:
    """Take an order out of the book; it stays open, and known to its account."""
    state.markets[order.market].book.half(order.side).remove(order)
    _reserve(state, state.accounts[order.account], order, -order.remaining)


def take(state: MatchingState, order: Order, lots: int, quote: int) -> None:
    """Part of what a resting order shows traded, for `quote` quanta."""
    order.quote += quote
    order.state = after(order.state, "fill")
    _reduce(state, order, lots)


def prevent(state: MatchingState, order: Order, lots: int) -> None:
    """Part of what a resting order shows goes without a trade, because it met its own owner."""
    order.prevented += lots
    _reduce(state, order, lots)


def shrink(state: MatchingState, order: Order, lots: int) -> None:
    """Make a resting order smaller; it keeps its place."""
    state.markets[order.market].book.half(order.side).shrink(order, lots)
    _reserve(state, state.accounts[order.account], order, -lots)
    state.dirty.orders[order.order_id] = order


def hide(state: MatchingState, order: Order, display: int) -> None:
    """Show less of a resting order at a time, from now on; it keeps its place."""
    order.display = display
    state.markets[order.market].book.half(order.side).hide(order)
    state.dirty.orders[order.order_id] = order


def postpone(state: MatchingState, order: Order, expires_at: int) -> None:
    """Give an open order another end, earlier or later, or leave it the one that it has."""
    if expires_at == order.expires_at:
        return
    state.deadlines.drop(_expiry(order))
    order.expires_at = expires_at
    state.deadlines.set(_expiry(order))
    state.dirty.orders[order.order_id] = order


def reject(state: MatchingState, out: Output, order: Order, reason: str) -> None:
    """End an order that was accepted once, and may not work now that its price has come."""
    close(state, out, order, reason, "reject")


def close(state: MatchingState, out: Output, order: Order, reason: str, step: Step | None = None) -> None:
    """End an order, wherever it is, and say why."""
    if order.row:
        lift(state, order)
    elif order in state.auctions:
        _leave_auction(state, out, order, reason)
    if state.accounts[order.account].orders.pop(order.client_order_id, None) is not None:
        state.dirty.orders[order.order_id] = order
        if order.expires_at:
            del state.expiring[order.order_id]
            state.deadlines.drop(_expiry(order))
    order.state = after(order.state, step or end_of(reason))
    state.conditional.ended(order)
    state.dirty.closed_orders.append(ClosedOrder.of(order, reason, out.at))
    out.emit(
        OrderClosed,
        order_id=order.order_id,
        account=order.account,
        market=order.market,
        client_order_id=order.client_order_id,
        filled_lots=order.filled,
        unfilled_lots=order.size - order.filled,
        reason=reason,
        state=order.state,
    )


def finish(state: MatchingState, out: Output, order: Order) -> None:
    """End an order with nothing left: filled, unless self-trade prevention had a part in it."""
    close(state, out, order, "self_trade" if order.prevented else "filled")


def _leave_auction(state: MatchingState, out: Output, order: Order, reason: str) -> None:
    auction = state.auctions.end(order.order_id)
    state.deadlines.drop(auction.deadline)
    draw(state, order, order.remaining)
    telling.settled(out, auction, state.markets[order.market], reason)


def _reduce(state: MatchingState, order: Order, lots: int) -> None:
    """An order that shows nothing more, but has more, shows the next part behind the others of its price."""
    half = state.markets[order.market].book.half(order.side)
    half.reduce(order, lots)
    _reserve(state, state.accounts[order.account], order, -lots)
    if order.remaining and not order.shown:
        half.remove(order)
        order.priority = _next_priority(state)
        half.add(order)
    state.dirty.orders[order.order_id] = order


def _next_priority(state: MatchingState) -> int:
    state.counters.priorities += 1
    return state.counters.priorities


def _expiry(order: Order) -> Deadline:
    return Deadline(order.expires_at, "order_expiry", order.order_id)


def _reserve(state: MatchingState, account: Account, order: Order, lots: int) -> None:
    """Keep the open lots and the reserved loss in step; reduce-only orders are left out (R9)."""
    if order.reduce_only:
        return
    holding = state.holding(account, state.markets[order.market])
    if order.side > 0:
        holding.bids += lots
    else:
        holding.asks += lots
    account.reserved += lots * order.loss_per_lot
