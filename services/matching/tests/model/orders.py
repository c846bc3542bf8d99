"""Placing and cancelling orders, and the checks before the book (R9, R26 to R30)."""

from copy import copy
from typing import Final

from cleartide.contracts import (
    AmendOrder,
    CancelAllOrders,
    CancelOrder,
    OrderAccepted,
    OrderRejected,
    OrdersCanceled,
    PlaceOrder,
)

from services.matching.tests.model import fees, terms
from services.matching.tests.model.brackets import read_exits
from services.matching.tests.model.guards import breaches, position_cap, sizes
from services.matching.tests.model.margin import can_fund, only_closes, stays_in_range
from services.matching.tests.model.matching import NAMES, Taker, close, crosses, say_closed, sweep, used_up
from services.matching.tests.model.numbers import down, rate, up
from services.matching.tests.model.rights import may, require_market, require_right
from services.matching.tests.model.texts import SIDES, steps_of
from services.matching.tests.model.triggers import Armed
from services.matching.tests.model.venue import require_open, require_state
from services.matching.tests.model.world import (
    MOST_LOTS,
    MOST_NOTIONAL,
    MOST_OPEN_INTEREST,
    MOST_PARTS,
    MOST_TICKS,
    NAMES_REMEMBERED,
    RESERVED,
    Account,
    Market,
    Order,
    Refusal,
    World,
    is_stale,
)

LIMITED: Final = ("limit", "stop_limit", "take_profit_limit")
"""Kinds with a limit of their own."""


def place(world: World, command: PlaceOrder, *, batched: bool = False) -> None:
    """An order is accepted and matched, and what is left is kept or dropped. Raises Refusal."""
    order, bracket = read_order(world, command)
    guarded = admit(world, order, batched=batched)
    if order.in_force == "fok" and not fills(world, order, guarded):
        raise Refusal("fok_not_fillable")
    name_all(world, order, bracket, command.oco_group)
    say_accepted(world, order)
    work(world, order, guarded)


def work(world: World, order: Order, guarded: bool) -> None:
    """Let an order outside the book trade; what is left rests, if it may."""
    account, market = world.accounts[order.account], world.markets[order.market]
    stopped = None
    if not order.post_only and market.matches:
        stopped = sweep(world, Taker(account, market, order.side, order.price, order.left, order, guarded))
    if not order.left:
        say_closed(world, order, used_up(order))
    elif stopped is not None:
        say_closed(world, order, stopped)
    elif order.reduce_only and not account.position(order.market).lots:
        say_closed(world, order, "reduce_only")
    elif order.in_force in ("ioc", "fok"):
        say_closed(world, order, "ioc_remainder")
    else:
        world.rest(order)


def fills(world: World, order: Order, guarded: bool) -> bool:
    """Work it in a trial, and look whether all of it has traded (R27)."""
    tried, trial = copy(order), world.trial()
    work(trial, tried, guarded)
    return tried.filled == tried.size


def cancel(world: World, command: CancelOrder) -> None:
    """Take one of the account's own resting orders out of its market's book."""
    order, account = own(world, command), world.accounts.get(command.account)
    if account is not None and not may(world, account, command.actor, "cancel"):
        reject(world, command, "cancel", "not_permitted")
    elif order is None:
        reject(world, command, "cancel", "unknown_order")
    else:
        close(world, order, "canceled")


def cancel_all(world: World, command: CancelAllOrders) -> None:
    """Everything that an account has open, in one market or in all, oldest first; who has nothing is told so."""
    reason, mine = "canceled", list[Order]()
    if command.account not in world.accounts:
        reason = "unknown_account"
    elif command.market is not None and command.market not in world.markets:
        reason = "unknown_market"
    elif not may(world, world.accounts[command.account], command.actor, "cancel"):
        reason = "not_permitted"
    else:
        waiting = [armed.order for armed in world.armed.values() if armed.order.account == command.account]
        mine = [
            order for order in [*world.orders_of(command.account), *waiting] if command.market in (None, order.market)
        ]
    for order in sorted(mine, key=lambda order: order.number):
        close(world, order, "canceled")
    world.say(OrdersCanceled, account=command.account, market=command.market, canceled=len(mine), reason=reason)


def own(world: World, command: CancelOrder | AmendOrder) -> Order | None:
    """The account's open order of this name, if it is in this market."""
    waiting = [armed.order for armed in world.armed.values() if armed.order.account == command.account]
    for order in [*world.orders_of(command.account), *waiting]:
        if (order.name, order.market) == (command.client_order_id, command.market):
            return order
    return None


def _is_immediate(command: PlaceOrder) -> bool:
    return command.order_type == "market" or command.time_in_force in ("ioc", "fok")


def read_order(world: World, command: PlaceOrder) -> tuple[Order, list[Armed]]:
    """The order with its exits, before it is judged. Raises Refusal, check by check."""
    account, market = require_known(world, command)
    if command.order_type == "market" and command.time_in_force == "gtt":
        raise Refusal("market_order_not_resting")
    require_end(world, command)
    if command.post_only and _is_immediate(command):
        raise Refusal("post_only_not_resting")
    side = SIDES[command.side]
    size = steps_of(command.size, market.lot, MOST_LOTS)
    display = read_display(market, command, size, rests=not _is_immediate(command))
    price = _limit(market, command, side)
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
        loss=loss_of(market, side, price),
        prevention=command.self_trade_prevention,
        display=display,
        until=command.expires_at or 0,
        post_only=command.post_only,
        kind=command.order_type,
        in_force=_in_force(command),
    )
    return order, read_exits(world, order, command)


def require_batch(market: Market, order: Order) -> None:
    """Where takers are batched, what comes in the open waits or reduces. Raises Refusal."""
    if market.spec.batching is not None and not order.post_only and not order.reduce_only:
        raise Refusal("batched_only")


def admit(world: World, order: Order, *, batched: bool = False, amends: bool = False, counted: bool = False) -> bool:
    """The checks of an order, new or changed; whether its fills must be checked one by one. Raises Refusal.

    batched: it may take where takers are batched. amends: it takes a resting order's place. counted: it has waited.
    """
    account, market = world.accounts[order.account], world.markets[order.market]
    if counted:
        terms.require_standing(world, order)
    else:
        terms.require_sender(world, order, amends=amends)
    _check_amount(world, account, market, order)
    require_open(world, market, order)
    require_state(market, order)
    best = world.best(market.name, -order.side)
    if not batched and not (amends and (best is None or not crosses(order.side, order.price, best))):
        require_batch(market, order)
    _check_market(world, market, order, order.post_only)
    guarded = _is_guarded(world, account, market, order, order.post_only)
    _check_reach(world, account, market, order)
    return guarded


def loss_of(market: Market, side: int, price: int) -> int:
    """To the mark, by each lot that fills at this price."""
    return max(0, side * (price - market.mark)) * market.unit


def read_display(market: Market, command: PlaceOrder, size: int, *, rests: bool) -> int:
    """Lots that an iceberg shows at a time; 0 shows all."""
    if command.display_size is None:
        return 0
    if not rests:
        raise Refusal("display_not_resting")
    display = steps_of(command.display_size, market.lot, MOST_LOTS)
    if display > size:
        raise Refusal("display_exceeds_size")
    if display * MOST_PARTS < size:
        raise Refusal("display_too_small")
    return display


def require_end(world: World, command: PlaceOrder) -> None:
    """An end ahead belongs to GTT orders and to no others (R26)."""
    if command.time_in_force != "gtt":
        if command.expires_at is not None:
            raise Refusal("expires_at_not_allowed")
        return
    if command.expires_at is None:
        raise Refusal("expires_at_missing")
    if command.expires_at <= world.at:
        raise Refusal("already_expired")


def require_known(world: World, command: PlaceOrder) -> tuple[Account, Market]:
    """Who orders where, under a name that is new. Raises Refusal."""
    if command.account in RESERVED:
        raise Refusal("reserved_account")
    if command.market not in world.markets:
        raise Refusal("unknown_market")
    if command.account not in world.accounts:
        raise Refusal("unknown_account")
    account = world.accounts[command.account]
    require_right(world, account, command.actor, "trade")
    require_market(account, command.market)
    live = [order.name for order in world.orders_of(account.name)]
    if command.client_order_id in account.names or command.client_order_id in live:
        raise Refusal("duplicate_client_order_id")
    return account, world.markets[command.market]


def _limit(market: Market, command: PlaceOrder, side: int) -> int:
    """The worst price in ticks."""
    if command.order_type == "limit":
        if command.price is None:
            raise Refusal("price_missing")
        return steps_of(command.price, market.tick, MOST_TICKS)
    if command.price is not None:
        raise Refusal("price_not_allowed")
    return bound_of(market, side)


def bound_of(market: Market, side: int) -> int:
    """A market order's worst price: the mark and its band, rounded toward the mark (R27). Raises Refusal."""
    if not market.mark:
        raise Refusal("no_mark_price")
    bound = market.mark * (1 + side * rate(market.spec.market_order_band_ppb))
    return min(down(bound), MOST_TICKS) if side > 0 else up(bound)


def _in_force(command: PlaceOrder) -> str:
    """A market order is immediate."""
    if command.order_type == "market" and command.time_in_force == "gtc":
        return "ioc"
    return command.time_in_force


def require_size(market: Market, order: Order) -> None:
    """Between the market's bounds; what only reduces may be smaller. Raises Refusal."""
    least, most = sizes(market)
    if order.size < least and not order.reduce_only:
        raise Refusal("below_min_size")
    if order.size > most:
        raise Refusal("above_max_size")


def _check_amount(world: World, account: Account, market: Market, order: Order) -> None:
    require_size(market, order)
    quote = max(order.price, market.mark) * order.left * market.unit
    if quote > MOST_NOTIONAL:
        raise Refusal("notional_cap")
    if not stays_in_range(account, account.position(market.name), quote):
        raise Refusal("balance_cap")
    if not order.reduce_only:
        terms.require_leverage(world, account, order)
        terms.require_luck(world, account)
    if order.kind in LIMITED and breaches(market, order.side, order.price):
        raise Refusal("price_band")


def _check_market(world: World, market: Market, order: Order, post_only: bool) -> None:
    if not market.mark:
        raise Refusal("no_mark_price")
    if not order.reduce_only and is_stale(world, market):
        raise Refusal("index_stale")
    best = world.best(market.name, -order.side)
    if post_only and market.matches and best is not None and crosses(order.side, order.price, best):
        raise Refusal("post_only_would_cross")


def _check_reach(world: World, account: Account, market: Market, order: Order) -> None:
    if order.reduce_only:
        return
    position = account.positions.get(market.name)
    held = position.lots if position is not None else 0
    beside = [other for other in world.orders_of(account.name) if not other.reduce_only]
    waiting = sum(other.left for other in beside if (other.market, other.side) == (market.name, order.side))
    reach = max(0, held * order.side + waiting + order.left)
    if reach > position_cap(market) or world.open_interest(market.name) + order.left > MOST_OPEN_INTEREST:
        raise Refusal("position_cap")
    value = reach * market.mark * market.unit
    if value > MOST_NOTIONAL:
        raise Refusal("notional_cap")
    terms.require_position(world, value)


def _is_guarded(world: World, account: Account, market: Market, order: Order, post_only: bool) -> bool:
    if order.reduce_only:
        position = account.positions.get(market.name)
        if position is None or position.lots * order.side >= 0:
            raise Refusal("reduce_only")
        return True
    notional = order.price * order.left * market.unit
    fee = fees.taker_fee(world, account.name, market, notional)
    if can_fund(world, account, order, fees.maker_fee(world, account.name, market, notional, 0) if post_only else fee):
        return False
    if only_closes(world, account, order):
        return True
    raise Refusal("insufficient_margin")


def name_it(world: World, order: Order) -> None:
    """Give an order its number; its account may not use its name again for a while."""
    world.order_number += 1
    order.number = world.order_number
    names = world.accounts[order.account].names
    names[order.name] = order.number
    if len(names) > NAMES_REMEMBERED:
        del names[min(names, key=lambda name: names[name])]


def name_all(world: World, order: Order, bracket: list[Armed], group: str | None) -> None:
    """Number an order and then its exits, and let it join its group."""
    name_it(world, order)
    for armed in bracket:
        name_it(world, armed.order)
        armed.parent = order.number
        world.dormant[armed.order.number] = armed
        world.entries.add(order.number)
    if group is not None:
        world.groups[order.number] = group


def say_accepted(world: World, order: Order, **condition: object) -> None:
    """An order goes to work; `condition` is what it has waited for."""
    world.say(
        OrderAccepted,
        order_id=order.number,
        account=order.account,
        market=order.market,
        client_order_id=order.name,
        side=NAMES[order.side],
        order_type=order.kind,
        price_ticks=order.price,
        size_lots=order.size,
        time_in_force=order.in_force,
        post_only=order.post_only,
        reduce_only=order.reduce_only,
        expires_at=order.until or None,
        self_trade_prevention=order.prevention,
        display_lots=order.display or None,
        oco_group=world.groups.get(order.number),
        **condition,
    )


def reject(world: World, command: PlaceOrder | CancelOrder | AmendOrder, action: str, reason: str) -> None:
    """A command about an order is refused."""
    world.say(
        OrderRejected,
        account=command.account,
        market=command.market,
        client_order_id=command.client_order_id,
        reason=reason,
        action=action,
    )
