"""Health of an account: equity against maintenance margin, at mark, across all its positions (domain rule R10)."""

from typing import NamedTuple, Protocol

from cleartide.rules.collateral import collateral_value, quanta_of
from cleartide.rules.margin import AccountMargin, account_margin, requirements

from services.risk.domain.alerts import CollateralValue, PositionMargin
from services.risk.domain.state import Account


class Health(NamedTuple):
    """What decides an account's level, in quanta. worth: the signed value of its positions, which equity contains."""

    equity_quanta: int
    maintenance_margin_quanta: int
    worth_quanta: int


def health_of(account: Account) -> Health | None:
    """Equity and requirement as in `margin_of`, without what they do not need; None while a market has no price.

    Every fill and every account that a price reaches passes here, so it is one plain loop.
    """
    equity, required, worth = account.cash_quanta, 0, 0
    for position in account.positions.values():
        market, lots = position.market, position.lots
        mark = market.mark_ticks
        if not mark:
            return None
        value = lots * mark * market.quanta_per_lot_tick
        worth += value
        equity += position.quote_quanta - lots * (market.funding_index_quanta - position.funding_index_quanta)
        required += market.maintenance(value if value > 0 else -value)
    equity += worth
    if account.collateral:
        equity += collateral_value(stake.view() for stake in account.collateral.values())
    return Health(equity, required, worth)


def margin_of(account: Account) -> AccountMargin:
    """Equity, with unsettled funding and collateral, and both requirements, in quanta."""
    return account_margin(
        account.cash_quanta,
        [position.view(account.leverages.get(market, 0)) for market, position in account.positions.items()],
        [stake.view() for stake in account.collateral.values()],
    )


def collateral_values(account: Account) -> tuple[CollateralValue, ...]:
    """The account's collateral as it enters the health factor, by asset."""
    return tuple(
        CollateralValue(
            name, stake.units, stake.asset.price_text, stake.asset.spec.maintenance_weight_ppb, quanta_of(*stake.view())
        )
        for name, stake in sorted(account.collateral.items())
    )


def position_margins(account: Account) -> tuple[PositionMargin, ...]:
    """The account's positions as they enter the health factor, by market id."""
    return tuple(
        PositionMargin(
            market,
            position.lots,
            position.market.mark_ticks,
            position.value_quanta,
            position.quote_quanta,
            requirements(abs(position.value_quanta), position.market.brackets)[1],
        )
        for market, position in sorted(account.positions.items())
    )


def unsettled_funding(account: Account) -> int:
    """Funding that has moved equity but not cash yet, in quanta, credit > 0."""
    return sum(position.unsettled_funding_quanta for position in account.positions.values())


def has_prices(account: Account) -> bool:
    """Whether every market it holds has a mark price; without one there is no health factor."""
    return all(position.market.mark_ticks for position in account.positions.values())


def prices_are_fresh(account: Account) -> bool:
    """Whether the index is fresh in every market it holds; otherwise nobody is liquidated (domain rule R13)."""
    return not any(position.market.index_stale for position in account.positions.values())


class HasHealth(Protocol):
    """Equity and requirement, whatever else comes with them."""

    @property
    def equity_quanta(self) -> int: ...

    @property
    def maintenance_margin_quanta(self) -> int: ...


def compare_health(first: HasHealth, second: HasHealth) -> int:
    """Order by health factor, lowest first, by cross multiplication; no requirement comes last (domain rule R19)."""
    first_equity, first_margin = _ratio(first)
    second_equity, second_margin = _ratio(second)
    left, right = first_equity * second_margin, second_equity * first_margin
    return (left > right) - (left < right)


def _ratio(margin: HasHealth) -> tuple[int, int]:
    if margin.maintenance_margin_quanta:
        return margin.equity_quanta, margin.maintenance_margin_quanta
    return 1, 0
