"""Orders that start to wait, wait on with other terms, or get larger with what their parent trades."""

from cleartide.contracts import OrderArmed

from services.matching.domain.book import Order
from services.matching.domain.conditional.registry import Met, Trigger
from services.matching.domain.conditional.sources import live_price
from services.matching.domain.conditional.trailing import Due
from services.matching.domain.lifecycle import after
from services.matching.domain.output import Output
from services.matching.domain.resting import register
from services.matching.domain.state import MatchingState


def arm(state: MatchingState, out: Output, trigger: Trigger) -> None:
    """Let a numbered order wait. One whose price is there already is due at once (12.5)."""
    order = trigger.order
    order.state = after(order.state, "arm")
    register(state, order)
    state.conditional.add(trigger)
    wait(state, trigger, out.at)
    announce(state, out, trigger)


def wait(state: MatchingState, trigger: Trigger, at: int) -> None:
    """Put an armed order into its trigger book, or among what is due. One that trails does so from this moment on."""
    order, conditional = trigger.order, state.conditional
    book = conditional.book(trigger.key)
    price = live_price(state.markets[order.market], trigger.source, at)
    touch(state, trigger)
    if not trigger.level:
        book.trail(order.side).arm(order.order_id, trigger.distance, price)
    elif price is not None and trigger.way * (price - trigger.level) >= 0:
        conditional.make_due(trigger, Met(Due(order.order_id, trigger.level, None), price, None))
        return
    else:
        book.arm(order.order_id, trigger.way, trigger.level)
    trigger.waiting = True


def grow(state: MatchingState, out: Output, trigger: Trigger, lots: int) -> None:
    """An exit is as large as what its parent has traded."""
    trigger.order.size += lots
    trigger.order.remaining += lots
    touch(state, trigger)
    announce(state, out, trigger)


def touch(state: MatchingState, trigger: Trigger) -> None:
    """Have the rows of an armed order written."""
    state.dirty.orders[trigger.order.order_id] = trigger.order
    state.conditional.touched.add(trigger.order.order_id)


def link(state: MatchingState, order: Order, group: str | None, exits: list[Trigger]) -> None:
    """A numbered order joins its group and gets its bracket."""
    conditional = state.conditional
    if group is not None:
        conditional.groups.join(order, group)
    for trigger in exits:
        trigger.parent = order.order_id
        conditional.add_leg(order, trigger)
        conditional.touched_exits[trigger.order.order_id] = trigger


def announce(state: MatchingState, out: Output, trigger: Trigger) -> None:
    """Say what an armed order waits for."""
    order, conditional = trigger.order, state.conditional
    trails = not trigger.level
    extreme = conditional.book(trigger.key).trail(order.side).extreme_of(order.order_id) if trails else None
    out.emit(
        OrderArmed,
        order_id=order.order_id,
        account=order.account,
        market=order.market,
        client_order_id=order.client_order_id,
        side="buy" if order.side > 0 else "sell",
        order_type=order.order_type,
        size_lots=order.size,
        price_ticks=order.price or None,
        time_in_force=order.time_in_force,
        post_only=order.post_only,
        reduce_only=order.reduce_only,
        expires_at=order.expires_at or None,
        trigger_source=trigger.source,
        trigger_price_ticks=trigger.level or None,
        trail_ticks=trigger.distance.ticks or None,
        trail_rate_ppb=trigger.distance.ppb or None,
        extreme_ticks=extreme,
        oco_group=conditional.groups.name_of(order.order_id),
        parent_order_id=trigger.parent or None,
    )
