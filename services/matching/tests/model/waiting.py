"""Arming orders, and what follows from a command: they fire, or go because nothing is left to reduce (R28, 12.5)."""

from fractions import Fraction
from typing import Final

from cleartide.contracts import OrderArmed, OrderClosed, OrderTriggered, PlaceOrder

from services.matching.tests.model.brackets import read_exits
from services.matching.tests.model.linked import Ended, Filled, exits, others, over
from services.matching.tests.model.matching import NAMES, close
from services.matching.tests.model.numbers import BILLION
from services.matching.tests.model.orders import (
    admit,
    bound_of,
    fills,
    loss_of,
    name_all,
    read_display,
    require_batch,
    require_end,
    require_known,
    require_size,
    say_accepted,
    work,
)
from services.matching.tests.model.terms import require_sender
from services.matching.tests.model.texts import SIDES, steps_of
from services.matching.tests.model.triggers import Armed, Met, Moved, make_due
from services.matching.tests.model.venue import live_price, require_open
from services.matching.tests.model.world import (
    MOST_LOTS,
    MOST_TICKS,
    Market,
    Order,
    Refusal,
    World,
)

LIMITED: Final = ("stop_limit", "take_profit_limit")


def arm(world: World, command: PlaceOrder, *, batched: bool = False) -> None:
    """Let an order wait; one whose price is there already is due at once. Raises Refusal."""
    if command.auction is not None:
        raise Refusal("auction_not_allowed")
    armed = _read(world, command)
    bracket = read_exits(world, armed.order, command)
    require_sender(world, armed.order)
    require_size(world.markets[armed.order.market], armed.order)
    require_open(world, world.markets[armed.order.market], armed.order)
    if not batched:
        require_batch(world.markets[armed.order.market], armed.order)
    name_all(world, armed.order, bracket, command.oco_group)
    _wait(world, armed)


def _wait(world: World, armed: Armed) -> None:
    """From here on it looks at prices."""
    order = armed.order
    world.armed[order.number] = armed
    price = live_price(world, world.markets[order.market], armed.source)
    if armed.level is None:
        armed.extreme = price
    elif price is not None and armed.look(price) is not None:
        make_due(world, armed, armed.level, price, None)
    say_armed(world, armed)


def say_armed(world: World, armed: Armed) -> None:
    """What it waits for now."""
    order = armed.order
    world.say(
        OrderArmed,
        order_id=order.number,
        account=order.account,
        market=order.market,
        client_order_id=order.name,
        side=NAMES[order.side],
        order_type=order.kind,
        size_lots=order.size,
        price_ticks=order.price or None,
        time_in_force=order.in_force,
        post_only=order.post_only,
        reduce_only=order.reduce_only,
        expires_at=order.until or None,
        extreme_ticks=armed.extreme,
        oco_group=world.groups.get(order.number),
        **_condition(armed),
    )


def follow(world: World) -> None:
    """What is due, until nothing is: all that fires is said before any of it is placed, one after the other, and what
    an order brings is done before the next one is placed.
    """
    _settle(world)
    while world.fired:
        _place(world, world.fired.pop(0))
        _settle(world)


def _settle(world: World) -> None:
    for step in world.pending:
        if isinstance(step, Moved):
            _review(world, step.account, step.market)
        elif isinstance(step, Filled):
            _cover(world, step)
        elif isinstance(step, Ended):
            _part(world, step)
        elif step.number in world.armed and world.armed[step.number].due is step:
            _fire(world, world.armed[step.number], step)
    world.pending = []


def _read(world: World, command: PlaceOrder) -> Armed:
    account, market = require_known(world, command)
    require_end(world, command)
    side, size = SIDES[command.side], steps_of(command.size, market.lot, MOST_LOTS)
    rests = command.order_type in LIMITED and command.time_in_force in ("gtc", "gtt")
    if command.post_only and not rests:
        raise Refusal("post_only_not_resting")
    position = account.positions.get(market.name)
    if command.reduce_only and (position is None or position.lots * side >= 0):
        raise Refusal("reduce_only")
    price = _limit(market, command)
    display = read_display(market, command, size, rests=rests)
    order = Order(
        number=0,
        account=account.name,
        market=market.name,
        name=command.client_order_id,
        side=side,
        price=price,
        size=size,
        left=size,
        reduce_only=command.reduce_only,
        loss=0,
        prevention=command.self_trade_prevention,
        display=display,
        until=command.expires_at or 0,
        post_only=command.post_only,
        kind=command.order_type,
        in_force=command.time_in_force,
    )
    way = -side if command.order_type.startswith("take_profit") else side
    return _triggered_by(market, command, Armed(order, command.trigger_source, way, None))


def _limit(market: Market, command: PlaceOrder) -> int:
    """The limit in ticks, 0 for what will be a market order."""
    if command.order_type in LIMITED:
        if command.price is None:
            raise Refusal("price_missing")
        return steps_of(command.price, market.tick, MOST_TICKS)
    if command.price is not None:
        raise Refusal("price_not_allowed")
    return 0


def _triggered_by(market: Market, command: PlaceOrder, armed: Armed) -> Armed:
    amount, rate_ppb = command.trail_amount, command.trail_rate_ppb
    if command.order_type != "trailing_stop":
        if (amount, rate_ppb) != (None, None):
            raise Refusal("trail_not_allowed")
        if command.trigger_price is None:
            raise Refusal("trigger_missing")
        armed.level = steps_of(command.trigger_price, market.tick, MOST_TICKS)
        return armed
    if command.trigger_price is not None:
        raise Refusal("trigger_not_allowed")
    armed.amount, armed.share = distance_of(market, amount, rate_ppb)
    return armed


def distance_of(market: Market, amount: str | None, rate_ppb: int | None) -> tuple[int | None, Fraction | None]:
    """How far behind the best price: ticks, or a share of it. Raises Refusal."""
    if amount is not None and rate_ppb is not None:
        raise Refusal("trail_ambiguous")
    if amount is not None:
        return steps_of(amount, market.tick, MOST_TICKS), None
    if rate_ppb is None:
        raise Refusal("trail_missing")
    if not 0 < rate_ppb < BILLION:
        raise Refusal("trail_out_of_range")
    return None, Fraction(rate_ppb, BILLION)


def _condition(armed: Armed) -> dict[str, object]:
    """What was waited for, as events say it."""
    return {
        "trigger_source": armed.source,
        "trigger_price_ticks": armed.level,
        "trail_ticks": armed.amount,
        "trail_rate_ppb": int(armed.share * BILLION) if armed.share is not None else None,
        "parent_order_id": armed.parent or None,
    }


def _fire(world: World, armed: Armed, met: Met) -> None:
    """It waits no more, and its rivals are over."""
    order = armed.order
    rivals = _rivals(world, armed)
    del world.armed[order.number]
    world.groups.pop(order.number, None)
    world.say(
        OrderTriggered,
        order_id=order.number,
        account=order.account,
        market=order.market,
        client_order_id=order.name,
        trigger_source=armed.source,
        trigger_price_ticks=met.trigger,
        source_price_ticks=met.price,
        trade_id=met.trade_id,
        extreme_ticks=met.extreme,
    )
    for rival in rivals:
        close(world, rival, "oco")
    world.fired.append(armed)


def _place(world: World, armed: Armed) -> None:
    """Placed as if it came now; if it may not be, it is over (R28)."""
    order = armed.order
    try:
        guarded = _judge(world, order)
    except Refusal as refusal:
        over(world, order)
        world.say(OrderClosed, order_id=order.number, filled_lots=0, reason=refusal.reason, state="rejected")
        return
    say_accepted(world, order, **_condition(armed))
    work(world, order, guarded)


def _judge(world: World, order: Order) -> bool:
    market = world.markets[order.market]
    if order.kind not in LIMITED:
        order.price = bound_of(market, order.side)
        order.in_force = "fok" if order.in_force == "fok" else "ioc"
    order.loss = loss_of(market, order.side, order.price)
    guarded = admit(world, order, batched=True, counted=True)
    if order.in_force == "fok" and not fills(world, order, guarded):
        raise Refusal("fok_not_fillable")
    return guarded


def _rivals(world: World, armed: Armed) -> list[Order]:
    """What the first to fire ends: its group; of an exit the rest of the entry, and the other exit."""
    rivals = others(world, armed.order)
    if armed.parent:
        waiting = {number: entry.order for number, entry in world.armed.items()}
        rivals += [order for number, order in {**world.orders, **waiting}.items() if number == armed.parent]
        rivals += [one.order for one in exits(world, armed.parent) if one is not armed and one.order.size]
    return rivals


def _cover(world: World, filled: Filled) -> None:
    """Exits are as large as what their entry has traded: the first fill arms them."""
    for armed in exits(world, filled.number):
        order = armed.order
        order.size += filled.lots
        order.left += filled.lots
        if order.number in world.dormant:
            _wait(world, world.dormant.pop(order.number))
        else:
            say_armed(world, armed)


def _part(world: World, ended: Ended) -> None:
    """The entry is over: exits that nothing has armed are gone, and the others answer for themselves."""
    left = exits(world, ended.number)
    for armed in left:
        world.dormant.pop(armed.order.number, None)
    if left:
        _review(world, ended.account, ended.market)


def _review(world: World, account: str, market: str) -> None:
    """Reduce-only orders go when there is nothing that they could reduce; exits wait for their entry's end."""
    held = world.accounts[account].position(market).lots
    for _, armed in sorted(world.armed.items()):
        order = armed.order
        mine = (order.account, order.market) == (account, market)
        if mine and order.reduce_only and held * order.side >= 0 and armed.parent not in world.entries:
            close(world, order, "reduce_only")
