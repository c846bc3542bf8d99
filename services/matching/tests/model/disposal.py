"""How a fund gets rid of what it took over: quotes first, then the book, and the other side in danger (R23)."""

from cleartide.contracts import InsuranceQuoted

from services.matching.tests.model.margin import Standing
from services.matching.tests.model.matching import NAMES, Taker, close, sweep
from services.matching.tests.model.numbers import MINUTE, down, rate, up
from services.matching.tests.model.orders import say_accepted
from services.matching.tests.model.waterfall import (
    deleverage,
    fund_position,
    fund_worth,
    funds,
    maintenance,
    share,
    tell_funds,
)
from services.matching.tests.model.world import INSURANCE, MOST_LOTS, MOST_TICKS, Market, Order, World


def quote_of(world: World, market: Market) -> Order | None:
    """What the fund has in the book."""
    mine = [order for order in world.orders.values() if (order.account, order.market) == (INSURANCE, market.name)]
    assert len(mine) <= 1
    return mine[0] if mine else None


def step_aside(world: World, market: Market, index: int | None) -> int:
    """Before the new index counts: a quote further from where the mark will be than the fee is taken back."""
    quote = quote_of(world, market)
    if quote is None:
        return 0
    if index is None:
        close(world, quote, "index_stale")
        return 0
    mark = max(1, market.mark - market.index + index)
    distance = abs(quote.price - mark)
    if distance <= mark * rate(market.spec.liquidation_fee_ppb) or quote.price == _at(world, market, quote.side, mark):
        return 0
    close(world, quote, "mark_moved")
    return quote.left


def _at(world: World, market: Market, side: int, mark: int) -> int:
    """At the mark, unless that trades: then one tick behind the best of the others."""
    best = world.best(market.name, -side)
    if best is not None and side * (mark - best) >= 0:
        return best - side
    return mark


def _take_back(world: World, market: Market, reason: str) -> int:
    quote = quote_of(world, market)
    if quote is not None:
        close(world, quote, reason)
    return quote.left if quote is not None else 0


def _part(market: Market, held: int) -> int:
    rules = market.spec.liquidation
    assert rules is not None
    return up(abs(held) * rate(rules.disposal_ppb))


def _quote(world: World, market: Market, lots: int, reason: str) -> None:
    """A new quote, if there is anything to offer and a price for it."""
    held = fund_position(world, market).lots
    side = -1 if held > 0 else 1
    size, price = min(lots, abs(held), MOST_LOTS), _at(world, market, side, market.mark)
    if size < 1 or not 1 <= price <= MOST_TICKS:
        return
    world.order_number += 1
    order = Order(
        number=world.order_number,
        account=INSURANCE,
        market=market.name,
        name=f"disposal-{market.name}",
        side=side,
        price=price,
        size=size,
        left=size,
        reduce_only=True,
        loss=0,
        until=world.at - world.at % MINUTE + 2 * MINUTE,
        post_only=True,
        in_force="gtt",
    )
    say_accepted(world, order)
    world.rest(order)
    world.say(
        InsuranceQuoted,
        market=market.name,
        order_id=order.number,
        side=NAMES[side],
        price_ticks=price,
        size_lots=size,
        held_lots=held,
        mark_ticks=market.mark,
        reason=reason,
    )


def quote_taken(world: World, market: Market) -> None:
    """The fund has just taken something."""
    held, quote = fund_position(world, market).lots, quote_of(world, market)
    if quote is not None and quote.side * held >= 0:
        close(world, quote, "reduce_only")
        quote = None
    if held and quote is None:
        _quote(world, market, _part(market, held), "taken_over")


def tend(world: World, market: Market, minute_begins: bool, moved: int) -> None:
    """After a price; `moved`: lots of a quote that this price has just left behind."""
    account = world.accounts.get(INSURANCE)
    if market.spec.liquidation is None or account is None:
        return
    before = funds(world)
    _see_to(world, market, minute_begins, moved)
    if account.cash < 0 and not any(position.lots for position in account.positions.values()):
        share(world, account, market)
    tell_funds(world, before, "disposal")


def _see_to(world: World, market: Market, minute_begins: bool, moved: int) -> None:
    rules, held, quote = market.spec.liquidation, fund_position(world, market), quote_of(world, market)
    assert rules is not None
    if quote is not None and quote.side * held.lots >= 0:
        close(world, quote, "reduce_only")
    if not held.lots:
        return
    if not market.matches or world.at - max(market.fresh_since, market.since) < rules.grace_micros:
        _take_back(world, market, "grace" if market.matches else "market_paused")
        return
    now = Standing(fund_worth(world, market), 0, maintenance(market, abs(held.lots)))
    if now.is_beyond_help:
        _take_back(world, market, "deleveraged")
        deleverage(world, world.accounts[INSURANCE], market, now)
    elif minute_begins:
        rest = moved + _take_back(world, market, "renewed")
        if rest:
            _take(world, market, rest)
        if held.lots:
            _quote(world, market, _part(market, held.lots), "minute_began")
    elif moved:
        _quote(world, market, moved, "mark_moved")


def _take(world: World, market: Market, lots: int) -> None:
    """What was left of the last minute's part, at the book's price, near the mark."""
    account = world.accounts[INSURANCE]
    side = -1 if account.position(market.name).lots > 0 else 1
    limit = max(1, market.mark + side * down(market.mark * rate(market.spec.liquidation_fee_ppb)))
    sweep(world, Taker(account, market, side, limit, lots, disposal=True))
