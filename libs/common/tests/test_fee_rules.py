"""How a fee is computed and shared out (domain rule R6): every rounding is against the payer or for the venue."""

from fractions import Fraction
from math import ceil, floor

from cleartide.money import PPB
from cleartide.rules.fees import (
    DAY_MICROS,
    TRAILING_DAYS,
    day_number,
    maker_fee,
    referral_share,
    taker_fee,
    trailing_volume,
)
from hypothesis import given
from hypothesis import strategies as st

quotes = st.integers(0, 2**53 - 1)
rates = st.integers(0, PPB - 1)


@given(quotes, rates, rates)
def test_acc_fee_010_a_taker_pays_the_exact_fee_rounded_up_once(quote: int, rate: int, discount: int) -> None:
    """ACC-FEE-010"""
    exact = Fraction(quote * rate, PPB) * (1 - Fraction(discount, PPB))
    assert taker_fee(quote, rate, discount) == ceil(exact)


@given(quotes, st.integers(1 - PPB, PPB - 1), st.integers(0, 2**53 - 1))
def test_acc_fee_011_a_maker_pays_rounded_up_or_gets_rounded_down_never_more_than_is_taken(
    quote: int, rate: int, taken: int
) -> None:
    """ACC-FEE-011"""
    fee = maker_fee(quote, rate, taken)
    if rate >= 0:
        assert fee == ceil(Fraction(quote * rate, PPB))
    else:
        assert -fee == min(floor(Fraction(-quote * rate, PPB)), taken)


@given(quotes, rates, rates, st.integers(-(10**8), 10**8), st.integers(0, PPB))
def test_acc_fee_012_rebate_share_and_venue_are_the_taker_fee(
    quote: int, rate: int, discount: int, maker_rate: int, share_rate: int
) -> None:
    """ACC-FEE-012: nobody gets anything that the taker has not paid, and the venue never pays on top."""
    fee = taker_fee(quote, rate, discount)
    rebate = max(0, -maker_fee(quote, maker_rate, fee))
    share = referral_share(fee, share_rate, rebate)
    assert 0 <= share <= Fraction(fee * share_rate, PPB)
    assert rebate + share <= fee
    assert share == min(floor(Fraction(fee * share_rate, PPB)), fee - rebate)


def test_acc_fee_013_the_volume_is_that_of_the_whole_days_before_this_one() -> None:
    """ACC-FEE-013: today does not count yet, and the thirty-first day before does not count any more."""
    today = 20_000
    days = [(today - TRAILING_DAYS - 1, 1), (today - TRAILING_DAYS, 10), (today - 1, 100), (today, 1_000)]
    assert trailing_volume(days, today) == 110
    assert (day_number(today * DAY_MICROS - 1), day_number(today * DAY_MICROS)) == (today - 1, today)
