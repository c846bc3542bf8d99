"""Domain rule R17 at its exact bounds, and mutants of the rate that these tests notice."""

import sys

import pytest
from cleartide.contracts import MarginBracket

from services.funding.domain.rate import Terms, cap_8h_ppb, hourly_rate_ppb, interval_rate
from tests.support.mutation import Mutant, Product, Suite

HOUR = 3_600_000_000
USUAL = Terms(interest_8h_ppb=100_000, clamp_ppb=500_000, cap_8h_ppb=10_000_000, cap_hourly_ppb=40_000_000)


@pytest.mark.parametrize(
    ("premium", "rate"),
    [
        (0, 12_500),
        (600_000, 12_500),
        (600_008, 12_501),
        (600_007, 12_500),
        (-400_000, 12_500),
        (-400_008, 12_499),
        (-400_007, 12_499),
        (1_000_000, 62_500),
        (-600_007, -12_500),
        (-600_008, -12_501),
        (-600_001, -12_500),
    ],
)
def test_the_rate_is_premium_and_clamped_interest_by_eight(premium: int, rate: int) -> None:
    """RULE-R17-001: P + clamp(0.01 % - P, -+0.05 %), an eighth of it truncated toward zero."""
    assert hourly_rate_ppb(premium, USUAL) == rate


@pytest.mark.parametrize(
    ("premium", "rate"),
    [(10_500_000, 1_250_000), (10_500_008, 1_250_000), (10_499_992, 1_249_999), (-10_500_008, -1_250_000)],
)
def test_the_rate_of_eight_hours_is_capped_before_it_is_divided(premium: int, rate: int) -> None:
    """RULE-R17-002"""
    assert hourly_rate_ppb(premium, USUAL) == rate


@pytest.mark.parametrize(("premium", "rate"), [(500_800, 100), (500_808, 100), (500_792, 99), (-500_808, -100)])
def test_the_hourly_rate_is_capped(premium: int, rate: int) -> None:
    """RULE-R17-003"""
    terms = Terms(interest_8h_ppb=0, clamp_ppb=500_000, cap_8h_ppb=10**9, cap_hourly_ppb=100)
    assert hourly_rate_ppb(premium, terms) == rate


@pytest.mark.parametrize(
    ("initial", "fraction", "cap"), [(100_000_000, 500_000_000, 300_000_000), (3, 500_000_000, 6), (5, 10**9, 0)]
)
def test_the_cap_is_six_times_the_gap_between_the_margins(initial: int, fraction: int, cap: int) -> None:
    """RULE-R17-004: the maintenance rate is rounded up, so the cap is never a ppb too high."""
    bracket = MarginBracket(upper_notional_quanta=None, initial_margin_ppb=initial, maintenance_fraction_ppb=fraction)
    assert cap_8h_ppb(bracket) == cap


@pytest.mark.parametrize(
    ("total", "samples", "mean"), [(59, 60, 0), (60, 1, 1), (-59, 60, 0), (-60, 59, -1), (119, 60, 1), (-119, 2, -1)]
)
def test_the_mean_is_over_all_minutes_and_truncated(total: int, samples: int, mean: int) -> None:
    """RULE-R17-005: a slot without a sample counts zero."""
    assert interval_rate(total, samples, 60, HOUR, USUAL).average_premium_ppb == mean


def test_an_interval_without_samples_pays_nothing() -> None:
    """RULE-R17-006: not even interest (10.12)."""
    assert interval_rate(0, 0, 60, HOUR, USUAL) == (0, 0)
    assert interval_rate(0, 1, 60, HOUR, USUAL) == (0, 12_500)


@pytest.mark.parametrize(("minutes", "rate"), [(60, -12_500), (1, -208), (480, -100_000)])
def test_an_interval_pays_its_part_of_an_hour_truncated(minutes: int, rate: int) -> None:
    """RULE-R17-007: of -12,500 a sixtieth is -208.33."""
    total = -600_000 * minutes
    assert interval_rate(total, minutes, minutes, minutes * HOUR // 60, USUAL).rate_ppb == rate


MUTANTS = (
    Mutant("RULE-R17-001", "rate_8h = premium + _within(", "rate_8h = premium - _within("),
    Mutant(
        "RULE-R17-001",
        "_within(terms.interest_8h_ppb - premium, terms.clamp_ppb)",
        "_within(terms.interest_8h_ppb - premium, terms.clamp_ppb + 1)",
    ),
    Mutant(
        "RULE-R17-001",
        "trunc_div(_within(rate_8h, terms.cap_8h_ppb), HOURS_OF_RATE)",
        "_within(rate_8h, terms.cap_8h_ppb) // HOURS_OF_RATE",
    ),
    Mutant(
        "RULE-R17-001",
        "trunc_div(_within(rate_8h, terms.cap_8h_ppb), HOURS_OF_RATE)",
        "-(-_within(rate_8h, terms.cap_8h_ppb) // HOURS_OF_RATE)",
    ),
    Mutant("RULE-R17-001", "HOURS_OF_RATE: Final = 8", "HOURS_OF_RATE: Final = 7"),
    Mutant("RULE-R17-002", "_within(rate_8h, terms.cap_8h_ppb)", "rate_8h"),
    Mutant("RULE-R17-002", "_within(rate_8h, terms.cap_8h_ppb)", "_within(rate_8h, terms.cap_8h_ppb - 1)"),
    Mutant("RULE-R17-003", "HOURS_OF_RATE), terms.cap_hourly_ppb)", "HOURS_OF_RATE), terms.cap_hourly_ppb + 1)"),
    Mutant(
        "RULE-R17-004",
        "maintenance_ppb = ceil_div(bracket.initial_margin_ppb * bracket.maintenance_fraction_ppb, PPB)",
        "maintenance_ppb = bracket.initial_margin_ppb * bracket.maintenance_fraction_ppb // PPB",
    ),
    Mutant("RULE-R17-004", "CAP_TIMES_MARGIN_GAP: Final = 6", "CAP_TIMES_MARGIN_GAP: Final = 5"),
    Mutant("RULE-R17-005", "average = trunc_div(premium_sum_ppb, slots)", "average = premium_sum_ppb // slots"),
    Mutant(
        "RULE-R17-005", "average = trunc_div(premium_sum_ppb, slots)", "average = trunc_div(premium_sum_ppb, samples)"
    ),
    Mutant("RULE-R17-006", "    if not samples:\n        return Rate(0, 0)\n", ""),
    Mutant("RULE-R17-006", "    if not samples:\n", "    if samples <= 1:\n"),
    Mutant(
        "RULE-R17-007",
        "trunc_div(hourly_rate_ppb(average, terms) * interval_micros, HOUR_MICROS)",
        "hourly_rate_ppb(average, terms) * interval_micros // HOUR_MICROS",
    ),
    Mutant("RULE-R17-007", "HOUR_MICROS: Final = 60 * MINUTE_MICROS", "HOUR_MICROS: Final = 59 * MINUTE_MICROS"),
)
PRODUCT = Product("services/funding/domain")


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_a_mutant_of_the_rate_is_noticed(mutant: Mutant) -> None:
    """RULE-MUT-002"""
    with PRODUCT.planted(mutant):
        assert Suite([sys.modules[__name__]]).notices(mutant.criterion), f"{mutant}: survives"
