"""Liquidation: the book first, then the insurance fund (R19 to R25, 5.5)."""

from fractions import Fraction
from typing import Final

from cleartide.contracts import LiquidateAccount, LiquidationExecuted, LiquidationRejected, TransferApplied

from services.matching.tests.model.fills import Side, trade
from services.matching.tests.model.margin import Standing, slices, standing
from services.matching.tests.model.numbers import down, rate, up, within
from services.matching.tests.model.orders import Taker, close, is_stale, sweep
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
AIM: Final = Fraction(105, 100)
"""Of maintenance: what a step wants to restore (R20)."""


def liquidate(world: World, command: LiquidateAccount) -> None:
    """Close an account's positions, the largest requirement first, until it is safe or nothing more can be done."""
    account = world.accounts.get(command.account)
    now = standing(world, account) if account is not None else Standing(0, 0, 0)
    reason = _objection(world, account, now)
    if account is None or reason is not None:
        _reject(world, command, reason or "unknown_account", now)
        return
    for order in world.orders_of(account.name):
        close(world, order, "liquidation")
    tried: set[str] = set()
    for _ in range(MOST_STEPS):
        market = _next_market(world, account, tried)
        now = standing(world, account)
        if market is None or not now.is_due:
            return
        if not _step(world, account, market, now):
            tried.add(market.name)


def _objection(world: World, account: Account | None, now: Standing) -> str | None:
    if account is None:
        return "unknown_account"
    if account.name in RESERVED:
        return "reserved_account"
    if not any(position.lots for position in account.positions.values()):
        return "no_position"
    if not now.is_due:
        return "healthy"
    return "stale_index" if _next_market(world, account, set()) is None else None


def _next_market(world: World, account: Account, tried: set[str]) -> Market | None:
    """Where the largest requirement is; by market id among equals (R20). Stale markets wait (R13)."""
    best: tuple[int, str] | None = None
    for name, position in account.positions.items():
        market = world.markets[name]
        if not position.lots or name in tried or is_stale(world, market):
            continue
        rank = (-maintenance(market, abs(position.lots)), name)
        best = rank if best is None else min(best, rank)
    return None if best is None else world.markets[best[1]]


def maintenance(market: Market, lots: int) -> int:
    """Of so many lots at the mark."""
    return slices(market, lots * market.mark * market.unit)[1]


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


def bankruptcy_quote(market: Market, position: Position, lots: int, now: Standing) -> int:
    """What closing `lots` must bring (of a long) or may cost (of a short) to use up their share of equity (5.5)."""
    held = abs(position.lots)
    part = maintenance(market, held) - maintenance(market, held - lots)
    share = down(Fraction(now.equity * part, now.maintenance))
    worth = lots * market.mark * market.unit
    return worth - share if position.lots > 0 else worth + share


def bankruptcy_price(market: Market, position: Position, lots: int, now: Standing) -> int:
    """In ticks; rounded so that the book can never cost the fund anything (R21)."""
    per_lot = Fraction(bankruptcy_quote(market, position, lots, now), lots * market.unit)
    return up(per_lot) if position.lots > 0 else down(per_lot)


def _step(world: World, account: Account, market: Market, before: Standing) -> bool:
    """One step; False when the book did not give all that was wanted."""
    position = account.position(market.name)
    started = position.lots
    wanted = lots_to_close(market, position, before)
    price = bankruptcy_price(market, position, wanted, before)
    taker = Taker(account, market, -1 if started > 0 else 1, price, wanted)
    if 1 <= price <= MOST_TICKS:
        sweep(world, taker)
    swept = position.lots
    paid = kept = 0
    if taker.wanted and standing(world, account).is_beyond_help:
        price, paid, kept = _take_over(world, account, market)
    paid += _cover(world, account, market)
    world.liquidation_number += 1
    world.say(
        LiquidationExecuted,
        account=account.name,
        market=market.name,
        closed_lots=started - swept,
        taken_over_lots=swept - position.lots,
        remaining_lots=position.lots,
        mark_ticks=market.mark,
        bankruptcy_price_ticks=within(price, 1, MOST_TICKS),
        fee_quanta=taker.fees + kept,
        insurance_paid_quanta=paid,
        equity_before_quanta=readable(before.equity),
        maintenance_margin_before_quanta=readable(before.maintenance),
    )
    return not taker.wanted


def _take_over(world: World, account: Account, market: Market) -> tuple[int, int, int]:
    """The insurance account gets the position at its bankruptcy price, if the fund can pay its loss to the mark.

    What the rounding of the price leaves above bankruptcy is the fund's (R3). Returns price, loss and that rest.
    """
    position = account.position(market.name)
    lots, long, now = abs(position.lots), position.lots > 0, standing(world, account)
    price = within(bankruptcy_price(market, position, lots, now), 1, MOST_TICKS)
    worse = price - market.mark if long else market.mark - price
    loss = max(0, worse) * lots * market.unit
    if loss > market.insurance:
        return price, 0, 0
    exact = bankruptcy_quote(market, position, lots, now)
    brought = price * lots * market.unit
    rest = max(0, brought - exact if long else exact - brought)
    fund = world.open_account(INSURANCE)
    _pay(world, market, fund, loss)
    giving, taking = Side(account, fee=rest, to_insurance=True), Side(fund)
    if long:
        trade(world, market, price, lots, taking, giving, "takeover", taker_side="sell")
    else:
        trade(world, market, price, lots, giving, taking, "takeover", taker_side="buy")
    return price, loss, rest


def _cover(world: World, account: Account, market: Market) -> int:
    """What an account without positions still owes, as far as the fund reaches (R25)."""
    if any(position.lots for position in account.positions.values()):
        return 0
    paid = max(0, min(-account.cash, market.insurance))
    _pay(world, market, account, paid)
    return paid


def _pay(world: World, market: Market, account: Account, amount: int) -> None:
    if not amount:
        return
    market.insurance -= amount
    account.cash += amount
    world.say(TransferApplied, account=account.name, amount_quanta=amount, cash_quanta=account.cash)


def readable(quanta: int) -> int:
    """As far as readers hold it exactly."""
    return within(quanta, -MOST_QUANTA, MOST_QUANTA)


def _reject(world: World, command: LiquidateAccount, reason: str, now: Standing) -> None:
    world.say(
        LiquidationRejected,
        account=command.account,
        market=command.market,
        reason=reason,
        equity_quanta=readable(now.equity),
        maintenance_margin_quanta=readable(now.maintenance),
    )
