"""Liquidation: the book first, then the insurance fund, then everybody else (R19 to R25, 5.5)."""

from typing import Final

from cleartide.contracts import (
    KeeperRewarded,
    LiquidateAccount,
    LiquidationExecuted,
    LiquidationRejected,
    RequestLiquidation,
)

from services.matching.tests.model.disposal import quote_taken
from services.matching.tests.model.fills import Side, pay, trade
from services.matching.tests.model.margin import Standing, standing
from services.matching.tests.model.matching import Taker, close, sweep
from services.matching.tests.model.numbers import down, rate, up, within
from services.matching.tests.model.rights import head
from services.matching.tests.model.swaps import repay, restore
from services.matching.tests.model.waterfall import (
    AIM,
    bankruptcy_price,
    bankruptcy_quote,
    cool,
    deleverage,
    fund_bears,
    funds,
    is_large,
    maintenance,
    share,
    tell_funds,
    this_step,
    why_not,
)
from services.matching.tests.model.world import (
    INSURANCE,
    MOST_QUANTA,
    MOST_TICKS,
    RESERVED,
    Account,
    Market,
    Position,
    World,
)

MOST_STEPS: Final = 16
REASONS: Final = ("market_paused", "stale_index", "grace", "cooling_down")


def liquidate(world: World, command: LiquidateAccount) -> None:
    """Risk's request."""
    reason = _close(world, command.account, None)
    if reason is not None:
        _reject(world, command.account, command.market, reason)


def request(world: World, command: RequestLiquidation) -> None:
    """A keeper's request."""
    keeper = world.accounts.get(command.keeper)
    if keeper is None or keeper.name in RESERVED:
        reason: str | None = "unknown_keeper"
    elif command.account in world.accounts and head(world, command.account) == head(world, keeper.name):
        reason = "own_account"
    else:
        reason = _close(world, command.account, keeper)
    if reason is not None:
        _reject(world, command.account, command.market, reason)


def _close(world: World, name: str, keeper: Account | None) -> str | None:
    """Close an account's positions, the largest requirement first, until it is safe or nothing more can be done."""
    account = world.accounts.get(name)
    reason = _objection(world, account)
    if account is None or reason is not None:
        return reason or "unknown_account"
    before = funds(world)
    for order in world.orders_of(account.name):
        close(world, order, "liquidation")
    if account.collateral:
        restore(world, account)
        if not standing(world, account).is_due:
            return "collateral_sold"
    tried: set[str] = set()
    fees: dict[str, int] = {}
    taken = set[str]()
    for _ in range(MOST_STEPS):
        now = standing(world, account)
        market = _next_market(world, account, tried, now)
        if market is None or not now.is_due:
            break
        filled, fee = _step(world, account, market, now)
        if world.said[-1][1]["taken_over_lots"]:
            taken.add(market.name)
        fees[market.name] = fees.get(market.name, 0) + fee
        if not filled:
            tried.add(market.name)
    for name in sorted(taken):
        if world.markets[name].spec.liquidation is not None:
            quote_taken(world, world.markets[name])
    if keeper is not None:
        _reward(world, keeper, account, fees)
    tell_funds(world, before, "liquidation")
    return None


def _reward(world: World, keeper: Account, account: Account, fees: dict[str, int]) -> None:
    for name in sorted(fees):
        market = world.markets[name]
        rules = market.spec.liquidation
        amount = 0 if rules is None else min(down(fees[name] * rate(rules.keeper_share_ppb)), market.insurance)
        if amount:
            pay(world, market, keeper, amount, "keeper_reward")
            world.say(
                KeeperRewarded,
                keeper=keeper.name,
                account=account.name,
                market=name,
                reward_quanta=amount,
                cash_quanta=keeper.cash,
            )


def _objection(world: World, account: Account | None) -> str | None:
    if account is None:
        return "unknown_account"
    if account.name in RESERVED:
        return "reserved_account"
    held = [world.markets[name] for name, position in account.positions.items() if position.lots]
    if not held:
        return "no_position"
    now = standing(world, account)
    if not now.is_due:
        return "healthy"
    reasons = {why_not(world, account, market, now) for market in held}
    return None if None in reasons else next(reason for reason in REASONS if reason in reasons)


def _next_market(world: World, account: Account, tried: set[str], now: Standing) -> Market | None:
    """Where the largest requirement is; by market id among equals (R20). Some markets wait (R13)."""
    best: tuple[int, str] | None = None
    for name, position in account.positions.items():
        market = world.markets[name]
        if not position.lots or name in tried or why_not(world, account, market, now) is not None:
            continue
        rank = (-maintenance(market, abs(position.lots)), name)
        best = rank if best is None else min(best, rank)
    return None if best is None else world.markets[best[1]]


def lots_to_close(market: Market, position: Position, now: Standing) -> int:
    """Enough to restore 105 % of maintenance, if it fills at the mark (R20)."""
    held = abs(position.lots)
    notional = held * market.mark * market.unit
    shortage = up(now.maintenance * AIM) - now.equity
    for bracket in market.spec.brackets:
        if bracket.upper_notional_quanta is None or notional <= bracket.upper_notional_quanta:
            margin = rate(bracket.initial_margin_ppb) * rate(bracket.maintenance_fraction_ppb)
            break
    relief = margin * AIM - rate(market.spec.liquidation_fee_ppb)
    if relief <= 0:
        return held
    return min(held, up(shortage / (market.mark * market.unit * relief)))


def _step(world: World, account: Account, market: Market, before: Standing) -> tuple[bool, int]:
    """One step: whether the book gave all that was wanted, and the fee."""
    position = account.position(market.name)
    started = position.lots
    wanted = this_step(market, position, lots_to_close(market, position, before), before)
    if is_large(market, position):
        cool(world, account, market)
    price = bankruptcy_price(market, position, wanted, before)
    taker = Taker(account, market, -1 if started > 0 else 1, price, wanted)
    if 1 <= price <= MOST_TICKS:
        sweep(world, taker)
    swept = position.lots
    paid = kept = given = 0
    waits = "not_filled" if taker.left else None
    if taker.left and standing(world, account).is_beyond_help:
        price, paid, kept, given = _give_up(world, account, market)
        waits = "fund_short" if market.spec.liquidation is None else "no_counterparty"
    paid += _cover(world, account, market)
    if not position.lots or not standing(world, account).is_due:
        waits = None
    elif waits is None and why_not(world, account, market, standing(world, account)) is not None:
        waits = "cooling_down"
    given = given if started > 0 else -given
    world.liquidation_number += 1
    world.say(
        LiquidationExecuted,
        account=account.name,
        market=market.name,
        closed_lots=started - swept,
        taken_over_lots=swept - position.lots - given,
        remaining_lots=position.lots,
        mark_ticks=market.mark,
        bankruptcy_price_ticks=within(price, 1, MOST_TICKS),
        fee_quanta=taker.fees + kept,
        insurance_paid_quanta=paid,
        equity_before_quanta=readable(before.equity),
        maintenance_margin_before_quanta=readable(before.maintenance),
        deleveraged_lots=given,
        waits=waits,
    )
    return not taker.left, taker.fees + kept


def _give_up(world: World, account: Account, market: Market) -> tuple[int, int, int, int]:
    """By the fund, or by the other side: price, what the fund paid, what rounding brought it, lots deleveraged."""
    now, position = standing(world, account), account.position(market.name)
    if market.spec.liquidation is None:
        return (*_take_over(world, account, market), 0)
    price = within(bankruptcy_price(market, position, abs(position.lots), now), 1, MOST_TICKS)
    if fund_bears(world, market, position, price):
        return price, 0, _hand_over(world, account, market, price, now), 0
    price, closed, kept = deleverage(world, account, market, now)
    return price, 0, kept, closed


def _take_over(world: World, account: Account, market: Market) -> tuple[int, int, int]:
    """The insurance account gets the position at its bankruptcy price, if the fund can pay its loss to the mark.

    Returns price, loss and what rounding the price leaves above bankruptcy.
    """
    position = account.position(market.name)
    lots, long, now = abs(position.lots), position.lots > 0, standing(world, account)
    price = within(bankruptcy_price(market, position, lots, now), 1, MOST_TICKS)
    worse = price - market.mark if long else market.mark - price
    loss = max(0, worse) * lots * market.unit
    if loss > market.insurance:
        return price, 0, 0
    pay(world, market, world.open_account(INSURANCE), loss)
    return price, loss, _hand_over(world, account, market, price, now)


def _hand_over(world: World, account: Account, market: Market, price: int, now: Standing) -> int:
    """The trade with the insurance account; what rounding leaves above bankruptcy is the fund's (R3)."""
    position = account.position(market.name)
    lots, long = abs(position.lots), position.lots > 0
    exact = bankruptcy_quote(market, position, lots, now)
    brought = price * lots * market.unit
    rest = max(0, brought - exact if long else exact - brought)
    giving, taking = Side(account, fee=rest, to_insurance=True), Side(world.open_account(INSURANCE))
    sides = (taking, giving) if long else (giving, taking)
    trade(world, market, price, lots, *sides, "takeover", taker_side="sell" if long else "buy")
    return rest


def _cover(world: World, account: Account, market: Market) -> int:
    """What an account without positions still owes, as far as the fund reaches; then the others (R25)."""
    if account.cash < 0 and account.collateral:
        repay(world, account)
    if account.cash >= 0 or account.collateral or any(position.lots for position in account.positions.values()):
        return 0
    paid = max(0, min(-account.cash, market.insurance))
    pay(world, market, account, paid)
    if market.spec.liquidation is not None:
        share(world, account, market)
    return paid


def readable(quanta: int) -> int:
    """As far as readers hold it exactly."""
    return within(quanta, -MOST_QUANTA, MOST_QUANTA)


def _reject(world: World, name: str, market: str, reason: str) -> None:
    account = world.accounts.get(name)
    now = standing(world, account) if account is not None else Standing(0, 0, 0)
    world.say(
        LiquidationRejected,
        account=name,
        market=market,
        reason=reason,
        equity_quanta=readable(now.equity),
        maintenance_margin_quanta=readable(now.maintenance),
    )
