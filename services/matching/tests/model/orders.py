"""Placing, matching and cancelling orders (R9, R26 to R30)."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from cleartide.contracts import CancelOrder, OrderAccepted, OrderClosed, OrderRejected, PlaceOrder

from services.matching.tests.model import fees
from services.matching.tests.model.fills import Side, fill, trade
from services.matching.tests.model.margin import can_fund, may_become, only_closes, standing, stays_in_range
from services.matching.tests.model.numbers import MINUTE, down, rate, up
from services.matching.tests.model.world import (
    MOST_LOTS,
    MOST_NOTIONAL,
    MOST_OPEN_INTEREST,
    MOST_ORDERS,
    MOST_TICKS,
    NAMES_REMEMBERED,
    RESERVED,
    Account,
    Market,
    Order,
    Refusal,
    World,
)

SIDES: Final = {"buy": 1, "sell": -1}
NAMES: Final = {1: "buy", -1: "sell"}


@dataclass
class Taker:
    """Who takes from the book. guarded: each fill must by itself leave the account safe.

    For a liquidation `order` is None; its fee goes to the insurance fund and never passes what the fill brings above
    the limit, which is the bankruptcy price. disposal: the fund gives something back, and pays like anyone.
    """

    account: Account
    market: Market
    side: int
    limit: int
    wanted: int
    order: int | None = None
    guarded: bool = False
    fees: int = 0
    disposal: bool = False

    def fee(self, world: World, price: int, lots: int) -> int:
        """The taker's fee: rounded up, a liquidation's down (R6, R22)."""
        notional = price * lots * self.market.unit
        if self.order is not None or self.disposal:
            return fees.taker_fee(world, self.account.name, self.market, notional)
        surplus = abs(price - self.limit) * lots * self.market.unit
        return min(down(notional * rate(self.market.spec.liquidation_fee_ppb)), surplus)


def steps_of(text: str, step: Fraction, most: int) -> int:
    """Decimal text in whole steps."""
    count = Fraction(text) / step
    if count.denominator != 1:
        raise Refusal("off_grid")
    if count > most:
        raise Refusal("overflow")
    if not count:
        raise Refusal("not_positive")
    return int(count)


def is_stale(world: World, market: Market) -> bool:
    """No fresh index: declared so, or silent for more than a minute (R13)."""
    return market.stale or world.at - market.heard_at > MINUTE


def place(world: World, command: PlaceOrder) -> None:
    """An order: refused with a reason, or accepted, matched, and what is left kept or dropped."""
    try:
        order, guarded = _judge(world, command)
    except Refusal as refusal:
        _reject(world, command, refusal.reason)
        return
    _accept(world, command, order)
    account, market = world.accounts[order.account], world.markets[order.market]
    stopped = None
    if not command.post_only:
        wanted = order.size
        if order.reduce_only:
            wanted = min(wanted, abs(account.position(market.name).lots))
        taker = Taker(account, market, order.side, order.price, wanted, order.number, guarded)
        stopped = sweep(world, taker)
        order.left -= wanted - taker.wanted
    reason = _ending(command, order, account, stopped)
    if reason is None:
        world.orders[order.number] = order
    else:
        say_closed(world, order, reason)


def cancel(world: World, command: CancelOrder) -> None:
    """Take one of the account's own resting orders out of its market's book."""
    for order in world.orders_of(command.account):
        if (order.name, order.market) == (command.client_order_id, command.market):
            close(world, order, "canceled")
            return
    _reject(world, command, "unknown_order")


def close(world: World, order: Order, reason: str) -> None:
    """A resting order leaves the book."""
    del world.orders[order.number]
    say_closed(world, order, reason)


def say_closed(world: World, order: Order, reason: str) -> None:
    """An order is over."""
    world.say(
        OrderClosed,
        order_id=order.number,
        account=order.account,
        market=order.market,
        client_order_id=order.name,
        filled_lots=order.size - order.left,
        unfilled_lots=order.left,
        reason=reason,
    )


def sweep(world: World, taker: Taker) -> str | None:
    """Trade against the other side until there is enough or nothing crosses; a reason when it had to stop early."""
    while taker.wanted:
        waiting = world.book(taker.market.name, -taker.side)
        if not waiting or not _crosses(taker.side, taker.limit, waiting[0].price):
            return None
        maker = waiting[0]
        reason = _maker_fault(world, taker, maker)
        if reason is not None:
            close(world, maker, reason)
            continue
        lots = _tradable(world, taker, maker)
        fee = taker.fee(world, maker.price, lots)
        if taker.guarded and not _may_fill(world, taker.account, maker.market, taker.side * lots, maker.price, fee):
            return "insufficient_margin"
        _match(world, taker, maker, lots, fee)
    return None


def _match(world: World, taker: Taker, maker: Order, lots: int, fee: int) -> None:
    maker.left -= lots
    taker.wanted -= lots
    notional, liquidated = maker.price * lots * taker.market.unit, taker.order is None and not taker.disposal
    made = fees.maker_fee(world, maker.account, taker.market, notional, fee)
    rebate = max(0, -made)
    taker.fees += fee - (rebate if liquidated else 0)
    kept = 0 if liquidated else fees.share(world, taker.account.name, fee, rebate)
    taking = Side(taker.account, taker.order, fee, to_insurance=liquidated, share=kept)
    making = Side(world.accounts[maker.account], maker.number, made, to_insurance=liquidated and rebate > 0)
    for side in (taking, making):
        if side.order is not None:
            fees.traded(world, side.account, notional)
    buyer, seller = (taking, making) if taker.side > 0 else (making, taking)
    origin = "book" if taker.order is not None else "liquidation"
    trade(world, taker.market, maker.price, lots, buyer, seller, origin, taker_side=NAMES[taker.side])
    if not maker.left:
        close(world, maker, "filled")


def _maker_fault(world: World, taker: Taker, maker: Order) -> str | None:
    """Why a resting order may not trade now (R29, R30, 3.11)."""
    if maker.account == taker.account.name:
        return "self_trade"
    lots = _tradable(world, taker, maker)
    if not lots:
        return "reduce_only"
    owner, market = world.accounts[maker.account], taker.market
    if not stays_in_range(owner, owner.position(market.name), maker.price * lots * market.unit):
        return "balance_cap"
    taken = taker.fee(world, maker.price, lots)
    fee = fees.maker_fee(world, maker.account, market, maker.price * lots * market.unit, taken)
    if not _may_fill(world, owner, market.name, maker.side * lots, maker.price, fee):
        return "insufficient_margin"
    return None


def _tradable(world: World, taker: Taker, maker: Order) -> int:
    """Lots of the next fill; a reduce-only maker never turns its position."""
    lots = min(taker.wanted, maker.left)
    if maker.reduce_only:
        held = world.accounts[maker.account].position(maker.market).lots
        lots = min(lots, max(0, -maker.side * held))
    return lots


def _may_fill(world: World, account: Account, market: str, lots: int, price: int, fee: int) -> bool:
    """Make the fill on a copy, and look."""
    tried = account.copy()
    fill(tried, world.markets[market], lots, price, fee)
    return may_become(standing(world, account), standing(world, tried))


def _crosses(side: int, limit: int, price: int) -> bool:
    return price <= limit if side > 0 else price >= limit


def _ending(command: PlaceOrder, order: Order, account: Account, stopped: str | None) -> str | None:
    """Why the order is over after it has traded; None: what is left rests."""
    if not order.left:
        return "filled"
    if stopped is not None:
        return stopped
    if order.reduce_only and not account.position(order.market).lots:
        return "reduce_only"
    return "ioc_remainder" if _is_immediate(command) else None


def _is_immediate(command: PlaceOrder) -> bool:
    return command.order_type == "market" or command.time_in_force == "ioc"


def _judge(world: World, command: PlaceOrder) -> tuple[Order, bool]:
    """The order, and whether its fills must be checked one by one. Raises Refusal, in the order of the checks."""
    account, market = _who_and_where(world, command)
    side = SIDES[command.side]
    size = steps_of(command.size, market.lot, MOST_LOTS)
    price = _limit(market, command, side)
    loss = max(0, side * (price - market.mark)) * market.unit
    order = Order(
        0, account.name, market.name, command.client_order_id, side, price, size, size, command.reduce_only, loss
    )
    if not _is_immediate(command) and len(world.orders_of(account.name)) >= MOST_ORDERS:
        raise Refusal("too_many_orders")
    _check_amount(account, market, order)
    _check_market(world, market, order, command.post_only)
    guarded = _is_guarded(world, account, market, order, command.post_only)
    _check_reach(world, account, market, order)
    return order, guarded


def _who_and_where(world: World, command: PlaceOrder) -> tuple[Account, Market]:
    if command.account in RESERVED:
        raise Refusal("reserved_account")
    if command.market not in world.markets:
        raise Refusal("unknown_market")
    if command.account not in world.accounts:
        raise Refusal("unknown_account")
    account = world.accounts[command.account]
    live = [order.name for order in world.orders_of(account.name)]
    if command.client_order_id in account.names or command.client_order_id in live:
        raise Refusal("duplicate_client_order_id")
    if command.post_only and _is_immediate(command):
        raise Refusal("post_only_not_resting")
    return account, world.markets[command.market]


def _limit(market: Market, command: PlaceOrder, side: int) -> int:
    """The worst price in ticks; a market order's is the mark and its band, rounded toward the mark (R27)."""
    if command.order_type == "limit":
        if command.price is None:
            raise Refusal("price_missing")
        return steps_of(command.price, market.tick, MOST_TICKS)
    if command.price is not None:
        raise Refusal("price_not_allowed")
    if not market.mark:
        raise Refusal("no_mark_price")
    bound = market.mark * (1 + side * rate(market.spec.market_order_band_ppb))
    return min(down(bound), MOST_TICKS) if side > 0 else up(bound)


def _check_amount(account: Account, market: Market, order: Order) -> None:
    quote = max(order.price, market.mark) * order.size * market.unit
    if quote > MOST_NOTIONAL:
        raise Refusal("notional_cap")
    if not stays_in_range(account, account.position(market.name), quote):
        raise Refusal("balance_cap")


def _check_market(world: World, market: Market, order: Order, post_only: bool) -> None:
    if not market.mark:
        raise Refusal("no_mark_price")
    if not order.reduce_only and is_stale(world, market):
        raise Refusal("index_stale")
    best = world.best(market.name, -order.side)
    if post_only and best is not None and _crosses(order.side, order.price, best):
        raise Refusal("post_only_would_cross")


def _check_reach(world: World, account: Account, market: Market, order: Order) -> None:
    if order.reduce_only:
        return
    position = account.positions.get(market.name)
    held = position.lots if position is not None else 0
    beside = [other for other in world.orders_of(account.name) if not other.reduce_only]
    waiting = sum(other.left for other in beside if (other.market, other.side) == (market.name, order.side))
    reach = max(0, held * order.side + waiting + order.size)
    if reach > MOST_LOTS or world.open_interest(market.name) + order.size > MOST_OPEN_INTEREST:
        raise Refusal("position_cap")
    if reach * market.mark * market.unit > MOST_NOTIONAL:
        raise Refusal("notional_cap")


def _is_guarded(world: World, account: Account, market: Market, order: Order, post_only: bool) -> bool:
    if order.reduce_only:
        position = account.positions.get(market.name)
        if position is None or position.lots * order.side >= 0:
            raise Refusal("reduce_only")
        return True
    notional = order.price * order.size * market.unit
    fee = fees.taker_fee(world, account.name, market, notional)
    if can_fund(world, account, order, fees.maker_fee(world, account.name, market, notional, 0) if post_only else fee):
        return False
    if only_closes(world, account, order):
        return True
    raise Refusal("insufficient_margin")


def _accept(world: World, command: PlaceOrder, order: Order) -> None:
    world.order_number += 1
    order.number = world.order_number
    names = world.accounts[order.account].names
    names[order.name] = order.number
    if len(names) > NAMES_REMEMBERED:
        del names[min(names, key=lambda name: names[name])]
    world.say(
        OrderAccepted,
        order_id=order.number,
        account=order.account,
        market=order.market,
        client_order_id=order.name,
        side=command.side,
        order_type=command.order_type,
        price_ticks=order.price,
        size_lots=order.size,
        time_in_force="ioc" if _is_immediate(command) else "gtc",
        post_only=command.post_only,
        reduce_only=command.reduce_only,
    )


def _reject(world: World, command: PlaceOrder | CancelOrder, reason: str) -> None:
    world.say(
        OrderRejected,
        account=command.account,
        market=command.market,
        client_order_id=command.client_order_id,
        reason=reason,
    )
