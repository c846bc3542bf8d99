"""Canceling orders: one by the client's id, or all of an account."""

from cleartide.contracts import CancelAllOrders, CancelTerms, OrdersCanceled

from services.matching.domain.access import may, permits
from services.matching.domain.accounts import Account
from services.matching.domain.answers import Sender, reject
from services.matching.domain.book import Order
from services.matching.domain.output import Output
from services.matching.domain.resting import close
from services.matching.domain.state import MatchingState


def cancel(state: MatchingState, out: Output, sender: Sender, terms: CancelTerms) -> None:
    """Take an open order out of the book by the client's id."""
    if not permits(state, sender, "cancel"):
        reject(out, sender, terms.client_order_id, "cancel", "not_permitted")
        return
    order = find(state, sender, terms.client_order_id)
    if order is None:
        reject(out, sender, terms.client_order_id, "cancel", "unknown_order")
        return
    close(state, out, order, "canceled")


def cancel_all(state: MatchingState, command: CancelAllOrders, out: Output) -> None:
    """Close an account's open orders, in one market or in all; who is or has nothing is answered with a count of 0."""
    account, reason = state.accounts.get(command.account), "canceled"
    if account is None:
        reason = "unknown_account"
    elif command.market is not None and command.market not in state.markets:
        reason = "unknown_market"
    elif not may(account, command.actor, "cancel"):
        account, reason = None, "not_permitted"
    orders = open_orders(account, command.market) if account is not None else []
    for order in orders:
        close(state, out, order, "canceled")
    out.emit(OrdersCanceled, account=command.account, market=command.market, canceled=len(orders), reason=reason)


def find(state: MatchingState, sender: Sender, client_order_id: str) -> Order | None:
    """The sender's open order of this id, if it is in the sender's market."""
    account = state.accounts.get(sender.account)
    order = account.orders.get(client_order_id) if account is not None else None
    return order if order is not None and order.market == sender.market else None


def open_orders(account: Account, market: str | None = None) -> list[Order]:
    """An account's open orders by their numbers, in one market or in all."""
    orders = [order for order in account.orders.values() if market is None or order.market == market]
    return sorted(orders, key=lambda order: order.order_id)
