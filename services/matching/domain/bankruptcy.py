"""How much to close, and at which price nothing of the account would be left (domain rules R20, R21 and 5.5)."""

from typing import Final

from cleartide.money import ceil_div
from cleartide.rules.margin import AccountMargin, requirements

from services.matching.domain.accounts import Holding

BUFFER_PERCENT: Final = 5
"""How far above maintenance a step aims (b of R20)."""
RATE_SCALE: Final = 10**20


def beyond_help(now: AccountMargin) -> bool:
    """E <= 0 or E < 2/3 MM: whoever is so deep is closed without waiting for the book (R23)."""
    return now.equity_quanta <= 0 or 3 * now.equity_quanta < 2 * now.maintenance_margin_quanta


def maintenance_of(holding: Holding, lots: int) -> int:
    """Maintenance margin in quanta of `lots` lots at the mark."""
    market = holding.market
    return requirements(abs(lots) * market.prices.mark * market.unit, market.brackets)[1]


def close_size(holding: Holding, now: AccountMargin) -> int:
    """Lots to close (R20): shortage / (mark * u * (mmf * (1 + b) - f_max)), rounded up, at most the position.

    shortage = ceil(MM * (1 + b)) - E; mmf is the rate of the slice that the position's last lot lies in.
    """
    market, size = holding.market, abs(holding.lots)
    unit = market.prices.mark * market.unit
    aim = 100 + BUFFER_PERCENT
    shortage = ceil_div(now.maintenance_margin_quanta * aim, 100) - now.equity_quanta
    rate = _maintenance_rate(holding, size * unit) * aim - market.spec.liquidation_fee_ppb * 10**11
    if rate <= 0:
        return size
    return min(size, ceil_div(shortage * RATE_SCALE, unit * rate))


def _maintenance_rate(holding: Holding, notional: int) -> int:
    """imf * maintenance fraction of the slice that the notional ends in, scaled 1e18."""
    for bracket in holding.market.brackets:
        upper = bracket.upper_notional_quanta
        if upper is None or notional <= upper:
            break
    return bracket.initial_margin_ppb * bracket.maintenance_fraction_ppb


def bankruptcy_value(holding: Holding, close: int, now: AccountMargin) -> int:
    """The quote in quanta at which closing `close` lots uses up exactly their share of equity (B of 5.5).

    The share is E * dMM / MM, floored: closing a long brings at least value - share, closing a short costs at most
    value + share.
    """
    market, size = holding.market, abs(holding.lots)
    released = maintenance_of(holding, size) - maintenance_of(holding, size - close)
    share = now.equity_quanta * released // now.maintenance_margin_quanta
    value = close * market.prices.mark * market.unit
    return value - share if holding.lots > 0 else value + share


def bankruptcy_price(holding: Holding, close: int, now: AccountMargin) -> int:
    """The bankruptcy value per lot in ticks, up for a sale and down for a purchase (R21).

    A fill at this price or better never costs the insurance fund anything. The result may lie outside the range of
    prices; the caller bounds it.
    """
    value, lot = bankruptcy_value(holding, close, now), close * holding.market.unit
    return ceil_div(value, lot) if holding.lots > 0 else value // lot
