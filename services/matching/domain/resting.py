"""Orders entering and leaving the book, with the sums that margin keeps of them."""

from cleartide.contracts import OrderClosed

from services.matching.domain.accounts import Account
from services.matching.domain.book import Order
from services.matching.domain.output import Output
from services.matching.domain.state import MatchingState


def rest(state: MatchingState, order: Order) -> None:
    """Put an order with something left behind the others of its price."""
    reinstate(state, order)
    state.dirty.orders[order.order_id] = order


def reinstate(state: MatchingState, order: Order) -> None:
    """Put a stored order back where it was: orders return by their numbers, which is their time priority."""
    account, market = state.accounts[order.account], state.markets[order.market]
    market.book.half(order.side).add(order)
    account.orders[order.client_order_id] = order
    _reserve(state, account, order, order.remaining)


def take(state: MatchingState, order: Order, lots: int) -> None:
    """Part of a resting order traded."""
    state.markets[order.market].book.half(order.side).reduce(order, lots)
    _reserve(state, state.accounts[order.account], order, -lots)
    state.dirty.orders[order.order_id] = order


def close(state: MatchingState, out: Output, order: Order, reason: str) -> None:
    """Take a resting order out of the book and say why."""
    account = state.accounts[order.account]
    state.markets[order.market].book.half(order.side).remove(order)
    del account.orders[order.client_order_id]
    _reserve(state, account, order, -order.remaining)
    state.dirty.orders[order.order_id] = order
    announce_closed(out, order, reason)


def announce_closed(out: Output, order: Order, reason: str) -> None:
    """Say that an order is over."""
    out.emit(
        OrderClosed,
        order_id=order.order_id,
        account=order.account,
        market=order.market,
        client_order_id=order.client_order_id,
        filled_lots=order.size - order.remaining,
        unfilled_lots=order.remaining,
        reason=reason,
    )


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
