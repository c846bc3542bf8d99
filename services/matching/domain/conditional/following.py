"""What follows from a command: conditional orders fire, brackets arm, and orders that have lost their purpose go.

An order fires as soon as its price is met: that is told at once, and cancels its rivals. It is placed in its turn,
behind those that fired before it, and what its trades bring is done before the next one is placed: exits arm, orders
that have lost their purpose go, more orders fire. There is an end, because an armed order fires once and only fills of
orders with a bracket arm new ones, at most two each, which have none themselves.

One price may fire thousands, and to place them takes long. So a command that fires many is folded in steps, each a
commit of its own: in the first all of them fire, and are heard of before any is placed. Nothing comes between two steps
of a command; after a restart it goes on with the orders that have fired and are not placed yet.
"""

from typing import Final

from cleartide.contracts import OrderTriggered
from cleartide.money import MoneyError

from services.matching.domain.acceptance.pipeline import authorize_triggered
from services.matching.domain.book import Order
from services.matching.domain.conditional.arming import arm, grow
from services.matching.domain.conditional.kinds import LIMITED
from services.matching.domain.conditional.registry import Ended, Filled, Met, Reduced, Trigger
from services.matching.domain.draft import loss_per_lot
from services.matching.domain.errors import Refused
from services.matching.domain.lifecycle import after
from services.matching.domain.orders import announce, draft_of, require_fillable
from services.matching.domain.output import Output
from services.matching.domain.reading import bounded_price
from services.matching.domain.resting import close, reject
from services.matching.domain.state import MatchingState
from services.matching.domain.sweep import cancel_others
from services.matching.domain.working import work

FIRED_IN_A_STEP: Final = 16
PLACED_IN_A_STEP: Final = 256


def follow(state: MatchingState, out: Output) -> None:
    """Do what is due until nothing is."""
    while follow_a_step(state, out):
        pass


def follow_a_step(state: MatchingState, out: Output) -> bool:
    """Do what is due until nothing is, or so much is done that it is to be heard of. Returns whether more is due: then
    that is orders which have fired, to be placed.
    """
    conditional, told, placed = state.conditional, 0, 0
    cancel_others(state, out)
    while True:
        told += _settle(state, out)
        if not conditional.fired:
            return False
        if told >= FIRED_IN_A_STEP or placed == PLACED_IN_A_STEP:
            return True
        _place(state, out, conditional.next_fired())
        placed += 1


def _settle(state: MatchingState, out: Output) -> int:
    """Do what is pending, which places no order. Returns how many have fired."""
    conditional = state.conditional
    before = len(conditional.fired)
    for step in conditional.pending:
        match step:
            case Met():
                _fire(state, out, step)
            case Filled():
                _cover(state, out, step)
            case Ended():
                _part(state, out, step)
            case Reduced():
                _review(state, out, step)
    conditional.pending.clear()
    return len(conditional.fired) - before


def _fire(state: MatchingState, out: Output, met: Met) -> None:
    """An armed order is to be placed, unless something before this has ended it or made it wait on."""
    trigger = state.conditional.triggers.get(met.due.number)
    if trigger is None or trigger.due is not met:
        return
    order, rivals = trigger.order, _rivals(state, trigger)
    state.conditional.fire(trigger)
    state.conditional.groups.leave(order.order_id)
    out.emit(
        OrderTriggered,
        order_id=order.order_id,
        account=order.account,
        market=order.market,
        client_order_id=order.client_order_id,
        trigger_source=trigger.source,
        trigger_price_ticks=met.due.trigger,
        source_price_ticks=met.price,
        source_seq=out.seq,
        trade_id=met.trade_id,
        extreme_ticks=met.due.extreme,
    )
    for rival in rivals:
        close(state, out, rival, "oco")


def _rivals(state: MatchingState, trigger: Trigger) -> list[Order]:
    """What the first to fire cancels: the others of its group and of its bracket, and what is left of the entry."""
    conditional, order_id = state.conditional, trigger.order.order_id
    rivals = conditional.groups.others(order_id)
    bracket = conditional.brackets.get(trigger.parent)
    if bracket is not None:
        if bracket.parent is not None:
            rivals.append(bracket.parent)
        rivals += [leg.order for number, leg in sorted(bracket.legs.items()) if number != order_id and leg.order.size]
    return rivals


def _place(state: MatchingState, out: Output, trigger: Trigger) -> None:
    """Judge the order like one that comes now, and let it work; a refusal is final (R28)."""
    order = trigger.order
    market = state.markets[order.market]
    order.state = after(order.state, "trigger")
    state.dirty.orders[order.order_id] = order
    try:
        if order.order_type not in LIMITED:
            if not market.prices.mark:
                raise Refused("no_mark_price")
            order.price = bounded_price(market, order.side)
            order.time_in_force = "fok" if order.time_in_force == "fok" else "ioc"
        order.loss_per_lot = loss_per_lot(market, order.side, order.price)
        guarded = authorize_triggered(state, draft_of(state, order, batched=True), out.at)
        require_fillable(state, order, guarded)
    except (Refused, MoneyError) as verdict:
        reject(state, out, order, verdict.reason)
        return
    announce(state, out, order, trigger)
    work(state, out, order, guarded)


def _cover(state: MatchingState, out: Output, filled: Filled) -> None:
    """The exits of an order are armed by its first fill and grow with the others."""
    bracket = state.conditional.brackets.get(filled.order_id)
    legs = sorted(bracket.legs.items()) if bracket is not None else []
    for _, trigger in legs:
        if trigger.order.size:
            grow(state, out, trigger, filled.lots)
            continue
        trigger.order.size = trigger.order.remaining = filled.lots
        trigger.order.placed_at = out.at
        state.conditional.touched_exits[trigger.order.order_id] = trigger
        arm(state, out, trigger)


def _part(state: MatchingState, out: Output, ended: Ended) -> None:
    """An entry is over: exits that no fill has armed go with it, and the others answer for themselves."""
    conditional = state.conditional
    bracket = conditional.brackets.get(ended.order_id)
    if bracket is None:
        return
    for _, trigger in sorted(bracket.legs.items()):
        if not trigger.order.size:
            conditional.drop_leg(trigger)
    _review(state, out, Reduced(ended.account, ended.market))


def _review(state: MatchingState, out: Output, reduced: Reduced) -> None:
    """Armed reduce-only orders go when there is nothing they could reduce; exits wait for their entry's end."""
    conditional = state.conditional
    armed = conditional.reducing.get((reduced.account, reduced.market))
    if armed is None:
        return
    lots = state.accounts[reduced.account].holdings[reduced.market].lots
    for _, trigger in sorted(armed.items()):
        bracket = conditional.brackets.get(trigger.parent)
        entering = bracket is not None and bracket.parent is not None
        if lots * trigger.order.side >= 0 and not entering:
            close(state, out, trigger.order, "reduce_only")
