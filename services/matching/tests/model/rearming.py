"""Other terms for an order that waits for a price: it keeps its number and the best price that it has seen (12.8)."""

from dataclasses import replace
from fractions import Fraction

from cleartide.contracts import AmendOrder

from services.matching.tests.model.orders import require_batch, require_size
from services.matching.tests.model.terms import require_sender
from services.matching.tests.model.texts import steps_of
from services.matching.tests.model.triggers import Armed, make_due
from services.matching.tests.model.venue import live_price, require_open
from services.matching.tests.model.waiting import LIMITED, distance_of, say_armed
from services.matching.tests.model.world import MOST_LOTS, MOST_PARTS, MOST_TICKS, Market, Order, Refusal, World


def rearm(world: World, armed: Armed, command: AmendOrder) -> None:
    """A stop looks at its price again; a trailing one goes on, if its price has not come already. Raises Refusal."""
    order, market = armed.order, world.markets[armed.order.market]
    if armed.level is None and armed.due is not None:
        raise Refusal("already_triggered")
    price, size = _limit(market, armed, command), _size(market, armed, command)
    level = _level(market, armed, command)
    amount, share = _distance(market, armed, command)
    until, display = end_of(world, order, command), _display(market, armed, command, size)
    wanted = (price, size, level, amount, share, until, display)
    if wanted == (order.price, order.size, armed.level, armed.amount, armed.share, order.until, order.display):
        raise Refusal("nothing_to_amend")
    require_sender(world, order, amends=True)
    require_size(market, replace(order, size=size))
    require_open(world, market, order)
    require_batch(market, order)
    order.price, order.size, order.left = price, size, size
    order.until, order.display = until, display
    armed.level, armed.amount, armed.share = level, amount, share
    if level is not None:
        armed.due, now = None, live_price(world, market, armed.source)
        if now is not None and armed.look(now) is not None:
            make_due(world, armed, level, now, None)
    say_armed(world, armed)


def _limit(market: Market, armed: Armed, command: AmendOrder) -> int:
    if command.price is None:
        return armed.order.price
    if armed.order.kind not in LIMITED:
        raise Refusal("price_not_allowed")
    return steps_of(command.price, market.tick, MOST_TICKS)


def _size(market: Market, armed: Armed, command: AmendOrder) -> int:
    if command.size is None:
        return armed.order.size
    return steps_of(command.size, market.lot, MOST_LOTS)


def end_of(world: World, order: Order, command: AmendOrder) -> int:
    """The end that is asked for, or the one that the order has. Raises Refusal."""
    if command.expires_at is None:
        return order.until
    if order.in_force != "gtt":
        raise Refusal("expires_at_not_allowed")
    if command.expires_at <= world.at:
        raise Refusal("already_expired")
    return command.expires_at


def require_shown(display: int, size: int) -> None:
    """Of an iceberg: no more than all of it, and no less than a hundredth. Raises Refusal."""
    if display > size:
        raise Refusal("display_exceeds_size")
    if display * MOST_PARTS < size:
        raise Refusal("display_too_small")


def _display(market: Market, armed: Armed, command: AmendOrder, size: int) -> int:
    """What it will show at a time; exits show everything."""
    order, shown = armed.order, armed.order.display
    if command.display_size is not None:
        if armed.parent:
            raise Refusal("display_not_allowed")
        if order.kind not in LIMITED or order.in_force in ("ioc", "fok"):
            raise Refusal("display_not_resting")
        shown = steps_of(command.display_size, market.lot, MOST_LOTS)
    if shown:
        require_shown(shown, size)
    return shown


def _level(market: Market, armed: Armed, command: AmendOrder) -> int | None:
    if command.trigger_price is None:
        return armed.level
    if armed.level is None:
        raise Refusal("trigger_not_allowed")
    return steps_of(command.trigger_price, market.tick, MOST_TICKS)


def _distance(market: Market, armed: Armed, command: AmendOrder) -> tuple[int | None, Fraction | None]:
    if (command.trail_amount, command.trail_rate_ppb) == (None, None):
        return armed.amount, armed.share
    if armed.level is not None:
        raise Refusal("trail_not_allowed")
    return distance_of(market, command.trail_amount, command.trail_rate_ppb)
