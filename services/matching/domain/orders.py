"""Placing orders: every one is answered, by OrderAccepted or OrderRejected with a reason."""

from typing import NamedTuple

from cleartide.contracts import OrderAccepted, OrderTerms
from cleartide.money import MoneyError

from services.matching.domain.acceptance.pipeline import authorize, authorize_waiting, note_attempt
from services.matching.domain.answers import Sender, reject
from services.matching.domain.book import Order
from services.matching.domain.conditional.arming import arm, link
from services.matching.domain.conditional.kinds import CONDITIONAL
from services.matching.domain.conditional.reading import read as read_trigger
from services.matching.domain.conditional.reading import read_exits
from services.matching.domain.conditional.registry import Trigger
from services.matching.domain.draft import Draft
from services.matching.domain.errors import Refused
from services.matching.domain.jit import auctioning
from services.matching.domain.jit.pricing import Course, plan
from services.matching.domain.output import Output
from services.matching.domain.reading import read
from services.matching.domain.rehearsal import fills_completely
from services.matching.domain.state import MatchingState
from services.matching.domain.working import work


def place(state: MatchingState, out: Output, sender: Sender, terms: OrderTerms, *, batched: bool = False) -> None:
    """Check an order; let it wait for its price, or trade what crosses and rest with what is left, if it may.

    batched: it comes from a batch of sealed orders.
    """
    try:
        if terms.order_type in CONDITIONAL:
            prepared = _prepare_armed(state, sender, terms, out.at, batched)
        else:
            prepared = _prepare(state, sender, terms, out.at, batched)
    except (Refused, MoneyError) as verdict:
        note_attempt(state, sender.market, verdict.reason)
        reject(out, sender, terms.client_order_id, "place", verdict.reason)
        return
    note_attempt(state, sender.market)
    order = prepared.order
    _number(state, order)
    for trigger in prepared.exits:
        _number(state, trigger.order)
    link(state, order, terms.oco_group, prepared.exits)
    if prepared.trigger is not None:
        arm(state, out, prepared.trigger)
        return
    announce(state, out, order)
    if prepared.course is not None:
        auctioning.begin(state, out, order, prepared.course, prepared.guarded)
    else:
        work(state, out, order, prepared.guarded)


class _Prepared(NamedTuple):
    """An order that has passed its checks. guarded: each of its fills is to be checked by itself (3.11)."""

    order: Order
    exits: list[Trigger]
    trigger: Trigger | None
    guarded: bool
    course: Course | None = None


def _prepare(state: MatchingState, sender: Sender, terms: OrderTerms, at: int, batched: bool) -> _Prepared:
    order = read(state, sender, terms, at)
    exits, course = read_exits(state, order, terms), _course(state, order, terms)
    guarded = authorize(state, draft_of(state, order, batched=batched), at)
    require_fillable(state, order, guarded)
    return _Prepared(order, exits, None, guarded, course)


def _prepare_armed(state: MatchingState, sender: Sender, terms: OrderTerms, at: int, batched: bool) -> _Prepared:
    if terms.auction is not None:
        raise Refused("auction_not_allowed")
    trigger = read_trigger(state, sender, terms, at)
    exits = read_exits(state, trigger.order, terms)
    authorize_waiting(state, draft_of(state, trigger.order, batched=batched), at)
    return _Prepared(trigger.order, exits, trigger, False)


def _course(state: MatchingState, order: Order, terms: OrderTerms) -> Course | None:
    """How the order is auctioned, if it is; what hangs on other orders is not. Raises Refused."""
    if terms.auction is None:
        return None
    if (terms.oco_group, terms.take_profit, terms.stop_loss) != (None, None, None):
        raise Refused("auction_not_allowed")
    return plan(state.markets[order.market], order, terms.auction)


def draft_of(state: MatchingState, order: Order, *, batched: bool) -> Draft:
    """An order that is to work, with its account and what that holds."""
    account = state.accounts[order.account]
    return Draft(account, state.holding(account, state.markets[order.market]), order, batched=batched)


def require_fillable(state: MatchingState, order: Order, guarded: bool) -> None:
    """Of a FOK order, that it fills in full (R27). Raises Refused."""
    if order.time_in_force == "fok" and not fills_completely(state, order, guarded):
        raise Refused("fok_not_fillable")


def _number(state: MatchingState, order: Order) -> None:
    """Give an order its number, and remember the client's id."""
    state.counters.orders += 1
    order.order_id = state.counters.orders
    account = state.accounts[order.account]
    forgotten = account.client_ids.add(order.client_order_id)
    if forgotten is not None:
        state.dirty.client_ids[(account.name, forgotten)] = None
    state.dirty.client_ids[(account.name, order.client_order_id)] = order.order_id


def announce(state: MatchingState, out: Output, order: Order, trigger: Trigger | None = None) -> None:
    """Say that an order is accepted; `trigger` is what it has waited for."""
    waited: dict[str, object] = {}
    if trigger is not None:
        waited = {
            "trigger_price_ticks": trigger.level or None,
            "trigger_source": trigger.source,
            "trail_ticks": trigger.distance.ticks or None,
            "trail_rate_ppb": trigger.distance.ppb or None,
            "parent_order_id": trigger.parent or None,
        }
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
        oco_group=state.conditional.groups.name_of(order.order_id),
        **waited,
    )
