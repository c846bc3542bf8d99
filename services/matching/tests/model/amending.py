"""Changing a resting order: less keeps its place, all else is judged and works like a new one (R26, 12.8)."""

from copy import copy

from cleartide.contracts import AmendOrder, OrderAmended

from services.matching.tests.model.matching import close
from services.matching.tests.model.orders import admit, loss_of, own, reject, work
from services.matching.tests.model.rearming import end_of, rearm, require_shown
from services.matching.tests.model.rights import require_right
from services.matching.tests.model.texts import steps_of
from services.matching.tests.model.world import MOST_LOTS, MOST_PARTS, MOST_TICKS, Order, Refusal, World


def amend(world: World, command: AmendOrder) -> None:
    """Another limit, total size, end or part that is shown; a total that has traded already cancels the order."""
    order, account = own(world, command), world.accounts.get(command.account)
    try:
        if account is not None:
            require_right(world, account, command.actor, "trade")
        if order is None:
            raise Refusal("unknown_order")
        if order.number in world.auctions:
            raise Refusal("in_auction")
        if order.number in world.armed:
            rearm(world, world.armed[order.number], command)
            return
        wanted = _wanted(world, order, command)
        if wanted.left <= 0:
            close(world, order, "canceled")
        elif wanted.price == order.price and wanted.size <= order.size and not 0 < order.display < wanted.display:
            order.size, order.left = wanted.size, wanted.left
            order.until = wanted.until
            order.shown = min(order.shown, order.left)
            if wanted.display != order.display:
                order.display, order.shown = wanted.display, min(order.shown, wanted.display)
            _say(world, order, kept=True)
        else:
            _replace(world, order, wanted)
    except Refusal as refusal:
        reject(world, command, "amend", refusal.reason)


def _wanted(world: World, order: Order, command: AmendOrder) -> Order:
    market, wanted = world.markets[order.market], copy(order)
    if (command.trigger_price, command.trail_amount, command.trail_rate_ppb) != (None, None, None):
        raise Refusal("trigger_not_allowed")
    if command.price is not None:
        wanted.price = steps_of(command.price, market.tick, MOST_TICKS)
        wanted.loss = loss_of(market, order.side, wanted.price)
    if command.size is not None:
        wanted.size = steps_of(command.size, market.lot, MOST_LOTS)
        wanted.left = wanted.size - order.filled - order.prevented
    wanted.until = end_of(world, order, command)
    if command.display_size is not None:
        wanted.display = steps_of(command.display_size, market.lot, MOST_LOTS)
        require_shown(wanted.display, wanted.size)
    terms = (wanted.price, wanted.size, wanted.until, wanted.display)
    if terms == (order.price, order.size, order.until, order.display):
        raise Refusal("nothing_to_amend")
    if wanted.display and wanted.display * MOST_PARTS < wanted.size:
        raise Refusal("display_too_small")
    return wanted


def _replace(world: World, order: Order, wanted: Order) -> None:
    """Judged as if the old order were not there; if it is refused, the old one stays where it was."""
    del world.orders[order.number]
    try:
        guarded = admit(world, wanted, amends=True)
    except Refusal:
        world.orders[order.number] = order
        raise
    _say(world, wanted, kept=False)
    work(world, wanted, guarded)


def _say(world: World, order: Order, *, kept: bool) -> None:
    world.say(
        OrderAmended,
        order_id=order.number,
        account=order.account,
        market=order.market,
        client_order_id=order.name,
        price_ticks=order.price,
        size_lots=order.size,
        remaining_lots=order.left,
        kept_priority=kept,
        expires_at=order.until or None,
        display_lots=order.display or None,
    )
