"""What if: the same margin rules at other prices, or after an order (domain rules R8 to R11). Nothing here is stored.

Prices of a scenario are today's times (1 + shock), floored to whole ticks and never below one. A stress is a jump: no
one trades, tops up or is liquidated on the way, which is the worst that the move can do to those it reaches.
"""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from cleartide.money import PPB, ceil_div
from cleartide.rules.collateral import CollateralView
from cleartide.rules.liquidation_price import PricedPosition, liquidation_price
from cleartide.rules.margin import AccountMargin, PositionView, account_margin, is_liquidatable, requirements

from services.risk.domain.health import margin_of
from services.risk.domain.state import Account, Market, Position

PPM: Final = 1_000_000
LEAST_SHOCK_PPM: Final = -990_000
MOST_SHOCK_PPM: Final = 10_000_000

Shocks = Mapping[str, int]
"""Change of price by market, in ppm; a market that is not named stays."""


class Stress(NamedTuple):
    """What a scenario does to a set of accounts, in quanta.

    liquidatable, bankrupt: how many are below maintenance, and below zero. lost: what the losing accounts' equity falls
    by. liquidated: notional, at the scenario's prices, of those who are liquidatable. shortfall: what bankrupt accounts
    owe beyond their equity, by the market whose insurance fund would have to pay it.
    """

    accounts: int
    liquidatable: int
    bankrupt: int
    lost_quanta: int
    liquidated_quanta: int
    shortfall_quanta: Mapping[str, int]


class OrderOutcome(NamedTuple):
    """An account after an order has filled in full at one price. Prices in ticks, None where there is none.

    allowed: equity covers initial margin, or the account is no riskier than before (3.11).
    """

    before: AccountMargin
    after: AccountMargin
    lots: int
    fee_quanta: int
    allowed: bool
    liquidation_ticks: int | None


def shocked_ticks(ticks: int, shock_ppm: int) -> int:
    """A price after a shock; 0 stays 0, which means no price."""
    return max(1, ticks * (PPM + shock_ppm) // PPM) if ticks else 0


def margin_under(account: Account, shocks: Shocks) -> AccountMargin:
    """Equity and requirements at a scenario's prices, collateral included."""
    positions = [
        _view(account, position, shocked_ticks(position.market.mark_ticks, shocks.get(name, 0)))
        for name, position in account.positions.items()
    ]
    return account_margin(account.cash_quanta, positions, _collateral(account, shocks))


def stress(accounts: Iterable[Account], shocks: Shocks) -> Stress:
    """A scenario over accounts whose markets all have prices."""
    counted = liquidatable = bankrupt = lost = liquidated = 0
    shortfall: dict[str, int] = {}
    for account in accounts:
        counted += 1
        after = margin_under(account, shocks)
        lost += max(0, margin_of(account).equity_quanta - after.equity_quanta)
        if not is_liquidatable(after.equity_quanta, after.maintenance_margin_quanta):
            continue
        liquidatable += 1
        liquidated += sum(_notional(position, shocks) for position in account.positions.values())
        if after.equity_quanta < 0:
            bankrupt += 1
            for market, part in _by_market(account, shocks, -after.equity_quanta).items():
                shortfall[market] = shortfall.get(market, 0) + part
    return Stress(counted, liquidatable, bankrupt, lost, liquidated, shortfall)


def _by_market(account: Account, shocks: Shocks, owed_quanta: int) -> dict[str, int]:
    """Share a debt over the account's markets by their requirement (5.5), floored; the largest bears the rest."""
    asked = {
        name: requirements(_notional(position, shocks), position.market.brackets)[1]
        for name, position in account.positions.items()
    }
    total = sum(asked.values())
    parts = {name: owed_quanta * margin // total for name, margin in asked.items()}
    largest = min(asked, key=lambda name: (-asked[name], name))
    parts[largest] += owed_quanta - sum(parts.values())
    return parts


def after_order(account: Account, market: Market, lots: int, ticks: int) -> OrderOutcome:
    """What an order, bought > 0, filled in full at a price, would leave: fee from cash, cost to Q (R4, R6).

    Every market of the account, and this one, has a price.
    """
    before = margin_of(account)
    fee = ceil_div(abs(lots) * ticks * market.quanta_per_lot_tick * market.taker_fee_ppb, PPB)
    held = account.positions.get(market.market, Position(market, 0, 0, market.funding_index_quanta))
    traded = _view(account, held, market.mark_ticks)
    new_lots = held.lots + lots
    value = new_lots * market.mark_ticks * market.quanta_per_lot_tick
    quote = held.quote_quanta - lots * ticks * market.quanta_per_lot_tick
    views = [
        _view(account, position, position.market.mark_ticks)
        for name, position in account.positions.items()
        if name != market.market
    ]
    views.append(traded._replace(lots=new_lots, value_quanta=value, quote_quanta=quote))
    after = account_margin(account.cash_quanta - fee, views, _collateral(account, {}))
    priced = PricedPosition(new_lots * market.quanta_per_lot_tick, market.mark_ticks, market.brackets)
    return OrderOutcome(before, after, new_lots, fee, _allowed(before, after), liquidation_price(after, priced))


def _allowed(before: AccountMargin, after: AccountMargin) -> bool:
    if after.equity_quanta >= after.initial_margin_quanta:
        return True
    if after.maintenance_margin_quanta > before.maintenance_margin_quanta:
        return False
    if not before.maintenance_margin_quanta:
        return after.equity_quanta > before.equity_quanta
    left = after.equity_quanta * before.maintenance_margin_quanta
    return left >= before.equity_quanta * after.maintenance_margin_quanta


def _view(account: Account, position: Position, ticks: int) -> PositionView:
    market = position.market
    view = position.view(account.leverages.get(market.market, 0))
    return view._replace(value_quanta=position.lots * ticks * market.quanta_per_lot_tick)


def _notional(position: Position, shocks: Shocks) -> int:
    market = position.market
    ticks = shocked_ticks(market.mark_ticks, shocks.get(market.market, 0))
    return abs(position.lots) * ticks * market.quanta_per_lot_tick


def _collateral(account: Account, shocks: Shocks) -> list[CollateralView]:
    views = []
    for stake in account.collateral.values():
        asset = stake.asset
        shock = shocks.get(asset.market.market, 0) if asset.market is not None else 0
        ticks = shocked_ticks(asset.ticks, shock) if asset.market is not None else asset.ticks
        views.append(stake.view()._replace(price=asset.per_tick.at(ticks)))
    return views


class Cover(NamedTuple):
    """A market's insurance fund against the debt that a scenario leaves it, in quanta."""

    fund_quanta: int
    shortfall_quanta: int

    @property
    def uncovered_quanta(self) -> int:
        """What deleveraging and shared loss would have to bear."""
        return max(0, self.shortfall_quanta - self.fund_quanta)


def sufficiency(funds_quanta: Mapping[str, int], shortfall_quanta: Mapping[str, int]) -> dict[str, Cover]:
    """Each market's fund against its own debt: one market's fund does not pay for another's."""
    markets = sorted({*funds_quanta, *shortfall_quanta})
    return {name: Cover(funds_quanta.get(name, 0), shortfall_quanta.get(name, 0)) for name in markets}
