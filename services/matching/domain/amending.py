"""Amending open orders: what changes the queue loses its place in it (domain rules R26 and 12.8)."""

from copy import copy
from operator import attrgetter
from typing import Final

from cleartide.contracts import AmendTerms, OrderAmended
from cleartide.money import MoneyError

from services.matching.domain.acceptance.pipeline import authorize
from services.matching.domain.access import permits
from services.matching.domain.answers import Sender, reject
from services.matching.domain.book import Order
from services.matching.domain.canceling import find
from services.matching.domain.conditional.amending import rearm
from services.matching.domain.draft import Draft, loss_per_lot
from services.matching.domain.errors import Refused
from services.matching.domain.lifecycle import after
from services.matching.domain.limits import MAX_ICEBERG_PARTS
from services.matching.domain.output import Output
from services.matching.domain.reading import read_end, require_display
from services.matching.domain.resting import close, hide, lift, postpone, shrink
from services.matching.domain.state import MatchingState
from services.matching.domain.working import work

_TERMS: Final = attrgetter("price", "size", "expires_at", "display")
"""What may be changed of an order in the book."""


def amend(state: MatchingState, out: Output, sender: Sender, terms: AmendTerms) -> None:
    """Change an open order's terms; a total size that has been reached already cancels it."""
    order = find(state, sender, terms.client_order_id)
    try:
        if not permits(state, sender, "trade"):
            raise Refused("not_permitted")
        if order is None:
            raise Refused("unknown_order")
        if order in state.auctions:
            raise Refused("in_auction")
        if order.state == "armed":
            rearm(state, out, order, terms)
            return
        wanted = _read(state, order, terms, out.at)
        if wanted.remaining <= 0:
            close(state, out, order, "canceled")
        elif wanted.price == order.price and wanted.size <= order.size and not _shows_more(order, wanted):
            _keep_place(state, out, order, wanted)
        else:
            _replace(state, out, order, wanted)
    except (Refused, MoneyError) as verdict:
        reject(out, sender, terms.client_order_id, "amend", verdict.reason)


def _shows_more(order: Order, wanted: Order) -> bool:
    """What was hidden and is to be shown would stand before the others of its price."""
    return 0 < order.display < wanted.display


def _read(state: MatchingState, order: Order, terms: AmendTerms, at: int) -> Order:
    """A copy of the order as it is wanted. Raises Refused or MoneyError."""
    market = state.markets[order.market]
    if (terms.trigger_price, terms.trail_amount, terms.trail_rate_ppb) != (None, None, None):
        raise Refused("trigger_not_allowed")
    wanted = copy(order)
    if terms.price is not None:
        wanted.price = market.price_steps.parse(terms.price)
        wanted.loss_per_lot = loss_per_lot(market, order.side, wanted.price)
    if terms.size is not None:
        wanted.size = market.size_steps.parse(terms.size)
        wanted.remaining += wanted.size - order.size
    if terms.expires_at is not None:
        wanted.expires_at = read_end(order.time_in_force, terms.expires_at, at)
    if terms.display_size is not None:
        wanted.display = market.size_steps.parse(terms.display_size)
        require_display(wanted.display, wanted.size)
    if _TERMS(wanted) == _TERMS(order):
        raise Refused("nothing_to_amend")
    if wanted.display and wanted.display * MAX_ICEBERG_PARTS < wanted.size:
        raise Refused("display_too_small")
    return wanted


def _keep_place(state: MatchingState, out: Output, order: Order, wanted: Order) -> None:
    """Less at the same price, less of it shown, or another end takes nothing from anybody: no check, the same place."""
    if wanted.remaining < order.remaining:
        shrink(state, order, order.remaining - wanted.remaining)
    order.size = wanted.size
    if wanted.display != order.display:
        hide(state, order, wanted.display)
    postpone(state, order, wanted.expires_at)
    order.state = after(order.state, "amend")
    _announce(out, order, kept_priority=True)


def _replace(state: MatchingState, out: Output, order: Order, wanted: Order) -> None:
    """Another price, more size or more of it shown is judged like a new order, and works like one. Raises Refused
    before any change.
    """
    account = state.accounts[order.account]
    holding = state.holding(account, state.markets[order.market])
    guarded = authorize(state, Draft(account, holding, wanted, replaced=order), out.at)
    lift(state, order)
    order.price, order.loss_per_lot = wanted.price, wanted.loss_per_lot
    order.size, order.remaining, order.display = wanted.size, wanted.remaining, wanted.display
    postpone(state, order, wanted.expires_at)
    order.state = after(order.state, "amend")
    _announce(out, order, kept_priority=False)
    work(state, out, order, guarded)


def _announce(out: Output, order: Order, *, kept_priority: bool) -> None:
    out.emit(
        OrderAmended,
        order_id=order.order_id,
        account=order.account,
        market=order.market,
        client_order_id=order.client_order_id,
        price_ticks=order.price,
        size_lots=order.size,
        remaining_lots=order.remaining,
        kept_priority=kept_priority,
        expires_at=order.expires_at or None,
        display_lots=order.display or None,
    )
