"""Rates and returns: one unit each, and the only ways from one to another.

A return is a fraction in 1e-12 (`_1e12`), a year's rate a fraction in 1e-9 (`_ppb`). 1 % = 100 bps = 10^7 ppb.
APR is simple (no interest on interest), APY compounds; each has its own name and they are never mixed.
"""

from collections.abc import Iterable, Sequence
from decimal import ROUND_DOWN, Context, Decimal
from typing import Final

from cleartide.contracts.types import JSON_SAFE
from cleartide.money import ceil_div, trunc_div
from cleartide.rules.calendar import DAY_MICROS, day_of

ONE_1E12: Final = 10**12
PPB: Final = 10**9
PPB_PER_BPS: Final = 10**5
BPS: Final = 10_000
DAYS_OF_YEAR: Final = 365
"""A year has 365 days in every rate here, leap year or not (domain rule R35)."""
LARGEST_RETURN: Final = JSON_SAFE
_EXACT: Final = Context(prec=60)
_TRUNCATE: Final = Context(prec=60, rounding=ROUND_DOWN)


def ppb_of_bps(bps: int) -> int:
    """A rate in basis points (1e-4) as parts per billion (1e-9, domain rule R2): times 100,000."""
    return bps * PPB_PER_BPS


def weighted_flow(flow: int, at: int) -> int:
    """What a flow counts for in its day: flow * the part of the day still to come, truncated to a unit.

    flow in smallest units, in > 0; at in microseconds. Source: Modified Dietz weights, domain section 15.3.
    """
    return trunc_div(flow * (day_of(at) + DAY_MICROS - at), DAY_MICROS)


def day_return_1e12(equity_start: int, equity_end: int, flows: int, weighted: int) -> int | None:
    """r = (E1 - E0 - F) / (E0 + sum of weighted flows), a fraction in 1e-12, truncated (domain rule R35).

    All four in smallest units. None when the denominator is not positive, or the return is beyond +-9007 (900,700 %):
    then too little was at work to speak of a return.
    """
    base = equity_start + weighted
    if base <= 0:
        return None
    result = trunc_div((equity_end - equity_start - flows) * ONE_1E12, base)
    return result if abs(result) <= LARGEST_RETURN else None


def apr_ppb(sum_1e12: int, days: int) -> int | None:
    """Mean daily return * 365, simple: an APR in 1e-9, truncated (domain section 15.4). None without a day."""
    return trunc_div(sum_1e12 * DAYS_OF_YEAR, days * (ONE_1E12 // PPB)) if days else None


def linked_1e12(returns: Sequence[int]) -> int:
    """prod(1 + r) - 1 in 1e-12, truncated: the time-weighted return of days in a row (domain section 15.3)."""
    return _times_1e12(_growth(returns))


def apy_ppb(returns: Sequence[int]) -> int | None:
    """prod(1 + r_d)^(365/n) - 1: an APY in 1e-9, truncated (domain section 15.4). None without a day or with all lost.

    returns: daily, in 1e-12. The power is taken in decimal arithmetic of 60 digits, the same on every machine.
    """
    return apy_of_growth_ppb(_growth(returns), len(returns))


def apy_of_growth_ppb(growth: Decimal, days: int) -> int | None:
    """The same from prod(1 + r_d) of so many days, where the product was kept day by day."""
    if not days or growth <= 0:
        return None
    power = _EXACT.power(growth, _EXACT.divide(Decimal(DAYS_OF_YEAR), Decimal(days)))
    return int(_TRUNCATE.to_integral_value(_EXACT.multiply(power - 1, Decimal(PPB))))


def grown(growth: Decimal, return_1e12: int) -> Decimal:
    """What a product of 1 + r becomes with one more day's return, in 60 digits (domain section 15.3)."""
    return _EXACT.divide(_EXACT.multiply(growth, Decimal(ONE_1E12 + return_1e12)), Decimal(ONE_1E12))


def apr_of_apy_ppb(apy: int) -> int:
    """The simple rate whose daily compounding over 365 days gives this APY: 365 * ((1 + apy)^(1/365) - 1), 1e-9.

    Truncated. Source: domain section 15.4, solved for the rate. A vault that lost everything has an APR of -365.
    """
    base = _EXACT.divide(Decimal(PPB + apy), Decimal(PPB))
    if base <= 0:
        return -DAYS_OF_YEAR * PPB
    root = _EXACT.power(base, _EXACT.divide(Decimal(1), Decimal(DAYS_OF_YEAR)))
    return int(_TRUNCATE.to_integral_value(_EXACT.multiply(root - 1, Decimal(DAYS_OF_YEAR * PPB))))


def fee_part_ppb(raw: int, performance_fee_bps: int) -> int:
    """What the performance fee takes of a raw APY, in 1e-9: rounded up, and nothing of a loss (domain section 15.5).

    The net APY is raw less this, so that raw = net + fee to the last digit.
    """
    return ceil_div(raw * performance_fee_bps, BPS) if raw > 0 else 0


def mean_rate_ppb(parts: Sequence[tuple[int, int]]) -> int:
    """The mean of (weight, rate in 1e-9), truncated towards zero (domain rule R35); the first where nothing weighs.

    Weights are what the rates are paid on, in smallest units.
    """
    whole = sum(weight for weight, _ in parts)
    return trunc_div(sum(weight * rate for weight, rate in parts), whole) if whole else parts[0][1]


def daily_interest(value: int, apr: int) -> int:
    """What a value earns in a day at a simple year's rate: value * apr / 365, floored, in the value's units.

    apr in 1e-9. Source: domain section 15.4, solved for a day; a compounded rate is turned into a simple one first.
    """
    return value * apr // (PPB * DAYS_OF_YEAR)


def accrued(parts: Iterable[tuple[int, int]]) -> int:
    """What values earned over times at compounded year's rates, in the values' smallest units, floored.

    parts: (sum of value * microseconds, APY in 1e-9); each APY earns as the simple rate that compounds to it (domain
    section 15.4).
    """
    return sum(weight * apr_of_apy_ppb(apy) for weight, apy in parts) // (PPB * DAYS_OF_YEAR * DAY_MICROS)


def _growth(returns: Sequence[int]) -> Decimal:
    growth = Decimal(1)
    for each in returns:
        growth = grown(growth, each)
    return growth


def _times_1e12(growth: Decimal) -> int:
    return int(_TRUNCATE.to_integral_value(_EXACT.multiply(growth - 1, Decimal(ONE_1E12))))
