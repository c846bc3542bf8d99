"""Placing orders: every one is answered, by OrderAccepted or OrderRejected with a reason."""

from cleartide.contracts import OrderAccepted, OrderTerms
from cleartide.money import MoneyError

from services.matching.domain.acceptance.pipeline import authorize, note_attempt
from services.matching.domain.answers import Sender, reject
from services.matching.domain.book import Order
from services.matching.domain.draft import Draft
from services.matching.domain.errors import Refused
from services.matching.domain.output import Output
from services.matching.domain.reading import read
from services.matching.domain.rehearsal import fills_completely
from services.matching.domain.state import MatchingState
from services.matching.domain.working import work


def place(state: MatchingState, out: Output, sender: Sender, terms: OrderTerms) -> None:
    """Check an order, trade what crosses, and let the rest wait in the book if it may."""
    try:
        order = read(state, sender, terms, out.at)
        guarded = _authorize(state, order, out.at)
    except (Refused, MoneyError) as verdict:
        note_attempt(state, sender.market, verdict.reason)
        reject(out, sender, terms.client_order_id, "place", verdict.reason)
        return
    note_attempt(state, sender.market)
    _number(state, order)
    announce(out, order)
    work(state, out, order, guarded)


def _authorize(state: MatchingState, order: Order, at: int) -> bool:
    """Every check, and of a FOK order that it fills in full; returns whether its fills must be checked (3.11)."""
    account = state.accounts[order.account]
    guarded = authorize(state, Draft(account, state.holding(account, state.markets[order.market]), order), at)
    if order.time_in_force == "fok" and not fills_completely(state, order, guarded):
        raise Refused("fok_not_fillable")
    return guarded


def _number(state: MatchingState, order: Order) -> None:
    """Give the order its number, and remember the client's id."""
    state.counters.orders += 1
    order.order_id = state.counters.orders
    account = state.accounts[order.account]
    forgotten = account.client_ids.add(order.client_order_id)
    if forgotten is not None:
        state.dirty.client_ids[(account.name, forgotten)] = None
    state.dirty.client_ids[(account.name, order.client_order_id)] = order.order_id


def announce(out: Output, order: Order) -> None:
    """Say that an order is accepted."""
    out.emit(
        OrderAccepted,
        order_id=order.order_id,
        account=order.account,
        market=order.market,
        client_order_id=order.client_order_id,
        side="buy" if order.side > 0 else "sell",
        order_type=order.order_type,
        price_ticks=order.price,
        size_lots=order.size,
        time_in_force=order.time_in_force,
        post_only=order.post_only,
        reduce_only=order.reduce_only,
        expires_at=order.expires_at or None,
        self_trade_prevention=order.prevention,
        display_lots=order.display or None,
    )
