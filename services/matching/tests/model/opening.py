"""The call auction: what has been collected trades at one price, the middle of those at which most does (14.3)."""

from typing import Final

from cleartide.contracts import AuctionUncrossed, SelfTradePrevented

from services.matching.tests.model import fees
from services.matching.tests.model.fills import Side, trade
from services.matching.tests.model.guards import breaches, harms, is_full, most
from services.matching.tests.model.margin import stays_in_range
from services.matching.tests.model.matching import NAMES, close, may_fill, shrink, used_up
from services.matching.tests.model.rights import head
from services.matching.tests.model.world import INSURANCE, Market, Order, World

Offer = tuple[int, int]
"""A price and the lots that may trade there."""
SIDES: Final = (1, -1)


def is_crossed(world: World, market: Market) -> bool:
    """Whether somebody bids what somebody else asks, or more."""
    bid, ask = world.best(market.name, 1), world.best(market.name, -1)
    return bid is not None and ask is not None and bid >= ask


def uncross(world: World, market: Market) -> None:
    """Orders beyond the bands leave; then what crosses trades, and again while what is left still crosses."""
    for side in SIDES:
        for order in world.book(market.name, side):
            if breaches(market, side, order.price) or harms(market, side, order.price):
                close(world, order, "price_band")
    while is_crossed(world, market):
        prices = best_prices(offers(world, market, 1), offers(world, market, -1))
        if not prices:
            close(world, _idle(world, market), "reduce_only")
            continue
        price, lots = (prices[0] + prices[-1]) // 2, 0
        while (pair := _next_pair(world, market, price)) is not None:
            lots += _meet(world, market, price, *pair)
        if lots:
            world.say(
                AuctionUncrossed,
                market=market.name,
                price_ticks=price,
                lowest_ticks=prices[0],
                highest_ticks=prices[-1],
                size_lots=lots,
            )


def offers(world: World, market: Market, side: int) -> list[Offer]:
    """What each order of a side may trade: those that only reduce share what their account has to reduce."""
    given: dict[str, int] = {}
    found = list[Offer]()
    for order in world.book(market.name, side):
        lots = order.left
        if order.reduce_only:
            lots = min(lots, _reducible(world, market, order) - given.get(order.account, 0))
            given[order.account] = given.get(order.account, 0) + lots
        found.append((order.price, lots))
    return found


def best_prices(bids: list[Offer], asks: list[Offer]) -> list[int]:
    """(lowest, highest) price at which as much trades as at any; nothing where nothing can.

    Less is bid above a bid than at it, and less is asked below an ask: so the highest price is a bid, the lowest an
    ask, and nowhere does more trade than at one of them.
    """

    def traded(price: int) -> int:
        wanted = sum(lots for limit, lots in bids if limit >= price)
        return min(wanted, sum(lots for limit, lots in asks if limit <= price))

    volume = max(traded(price) for price, _ in [*bids, *asks])
    if not volume:
        return []
    lowest = min(price for price, _ in asks if traded(price) == volume)
    return [lowest, max(price for price, _ in bids if traded(price) == volume)]


def _reducible(world: World, market: Market, order: Order) -> int:
    return max(0, -order.side * world.accounts[order.account].position(market.name).lots)


def _idle(world: World, market: Market) -> Order:
    """The order in front that has nothing to reduce; a bid before an ask."""
    for side in SIDES:
        order = world.book(market.name, side)[0]
        if order.reduce_only and not _reducible(world, market, order):
            return order
    raise AssertionError("a crossed book in which everybody may trade, and nobody does")


def _next_pair(world: World, market: Market, price: int) -> tuple[Order, Order] | None:
    """The orders in front that take the price: the newer one, and the older one."""
    bids, asks = world.book(market.name, 1), world.book(market.name, -1)
    if not bids or not asks or bids[0].price < price or asks[0].price > price:
        return None
    older, newer = sorted((bids[0], asks[0]), key=lambda order: order.age)
    return newer, older


def _meet(world: World, market: Market, price: int, newer: Order, older: Order) -> int:
    """The newer one takes, the older one makes; returns the lots, 0 when one of them has had to go or to shrink."""
    if head(world, newer.account) == head(world, older.account):
        _part(world, newer, older)
        return 0
    taker, maker = world.accounts[newer.account], world.accounts[older.account]
    lots = min(newer.shown, older.shown)
    for order in (older, newer):
        if order.reduce_only:
            lots = min(lots, _reducible(world, market, order))
            if not lots:
                close(world, order, "reduce_only")
                return 0
    for order in (newer, older):
        if is_full(market, world.accounts[order.account], order.side):
            close(world, order, "position_cap")
            return 0
    buyer, seller = (taker, maker) if newer.side > 0 else (maker, taker)
    lots = most(world, market, buyer, seller, lots)
    if not lots:
        close(world, newer, "open_interest_cap")
        return 0
    notional = price * lots * market.unit
    fee = fees.taker_fee(world, taker.name, market, notional)
    made = fees.maker_fee(world, maker.name, market, notional, fee)
    for order, due in ((older, made), (newer, fee)):
        reason = _objection(world, market, order, price, lots, due)
        if reason is not None:
            close(world, order, reason)
            return 0
    taking = Side(taker, newer, fee, share=fees.share(world, taker.name, fee, max(0, -made)))
    _trade(world, market, price, lots, taking, Side(maker, older, made))
    return lots


def _objection(world: World, market: Market, order: Order, price: int, lots: int, fee: int) -> str | None:
    """Why an order's account may not make the trade (3.11)."""
    account = world.accounts[order.account]
    if not stays_in_range(account, account.position(market.name), price * lots * market.unit):
        return "balance_cap"
    safe = account.name == INSURANCE or may_fill(world, account, market.name, order.side * lots, price, fee)
    return None if safe else "insufficient_margin"


def _trade(world: World, market: Market, price: int, lots: int, taking: Side, making: Side) -> None:
    newer, older = taking.order, making.order
    assert newer is not None and older is not None
    shrink(world, older, lots)
    shrink(world, newer, lots)
    for side in (taking, making):
        fees.traded(world, side.account, price * lots * market.unit)
    buyer, seller = (taking, making) if newer.side > 0 else (making, taking)
    trade(world, market, price, lots, buyer, seller, "book", taker_side=NAMES[newer.side])
    for other in world.spent:
        if other.number in world.groups:
            close(world, other, "oco")
    world.spent = []
    for order in (older, newer):
        if not order.left:
            close(world, order, used_up(order))


def _part(world: World, newer: Order, older: Order) -> None:
    """Two orders of one family: the newer one's mode says which gives way (R29)."""
    if newer.prevention != "decrement":
        if newer.prevention != "expire_taker":
            close(world, older, "self_trade")
        if newer.prevention != "expire_maker":
            close(world, newer, "self_trade")
        return
    lots = min(newer.shown, older.shown)
    for order in (newer, older):
        order.prevented += lots
        shrink(world, order, lots)
    world.say(
        SelfTradePrevented,
        market=older.market,
        maker_order_id=older.number,
        taker_order_id=newer.number,
        price_ticks=older.price,
        prevented_lots=lots,
        maker_remaining_lots=older.left,
        taker_remaining_lots=newer.left,
    )
    for order in (older, newer):
        if not order.left:
            close(world, order, "self_trade")
