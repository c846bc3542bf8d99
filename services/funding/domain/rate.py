"""The funding rate of domain rule R17, in parts per billion (ppb), integers only, every quotient truncated.

F8h = P + clamp(interest - P, -c, +c), bounded by the 8-hour cap; hourly = F8h / 8, bounded by the hourly cap.
P is the mean premium over all minute slots of the interval; a slot without a sample counts 0.
"""

from typing import Final, NamedTuple

from cleartide.contracts import MarginBracket, MarketSpec
from cleartide.money import PPB, ceil_div, trunc_div

SECOND_MICROS: Final = 1_000_000
MINUTE_MICROS: Final = 60_000_000
HOUR_MICROS: Final = 60 * MINUTE_MICROS
HOURS_OF_RATE: Final = 8
CAP_TIMES_MARGIN_GAP: Final = 6


class Terms(NamedTuple):
    """A market's funding configuration: interest and clamp of 8 hours, and both caps as magnitudes."""

    interest_8h_ppb: int
    clamp_ppb: int
    cap_8h_ppb: int
    cap_hourly_ppb: int


class Rate(NamedTuple):
    """Mean premium of an interval and what a position pays for the interval at that premium."""

    average_premium_ppb: int
    rate_ppb: int


def terms_of(spec: MarketSpec) -> Terms:
    """The terms a market was listed with; the 8-hour cap follows from its first margin bracket."""
    return Terms(
        interest_8h_ppb=spec.interest_8h_ppb,
        clamp_ppb=spec.funding_clamp_ppb,
        cap_8h_ppb=cap_8h_ppb(spec.brackets[0]),
        cap_hourly_ppb=spec.funding_cap_hourly_ppb,
    )


def cap_8h_ppb(bracket: MarginBracket) -> int:
    """6 * (imf - mmf) of the bracket, never negative (R17)."""
    maintenance_ppb = ceil_div(bracket.initial_margin_ppb * bracket.maintenance_fraction_ppb, PPB)
    return max(0, CAP_TIMES_MARGIN_GAP * (bracket.initial_margin_ppb - maintenance_ppb))


def hourly_rate_ppb(average_premium_ppb: int, terms: Terms) -> int:
    """What one hour costs a long at this mean premium; negative: what it earns."""
    premium = average_premium_ppb
    rate_8h = premium + _within(terms.interest_8h_ppb - premium, terms.clamp_ppb)
    return _within(trunc_div(_within(rate_8h, terms.cap_8h_ppb), HOURS_OF_RATE), terms.cap_hourly_ppb)


def interval_rate(premium_sum_ppb: int, samples: int, slots: int, interval_micros: int, terms: Terms) -> Rate:
    """The rate of an interval over `slots` minutes: the hourly rate scaled by the interval's part of an hour.

    An interval without a single sample pays 0, interest included (domain rule 10.12).
    """
    if not samples:
        return Rate(0, 0)
    average = trunc_div(premium_sum_ppb, slots)
    return Rate(average, trunc_div(hourly_rate_ppb(average, terms) * interval_micros, HOUR_MICROS))


def set_rate(hourly_ppb: int, premium_sum_ppb: int, slots: int, interval_micros: int) -> Rate:
    """An interval's part of an hourly rate that the operator has set; the premium is told as it was."""
    return Rate(trunc_div(premium_sum_ppb, slots), trunc_div(hourly_ppb * interval_micros, HOUR_MICROS))


def _within(value: int, bound: int) -> int:
    return max(-bound, min(value, bound))
