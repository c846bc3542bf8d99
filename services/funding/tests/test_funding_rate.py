"""The formula, against its own definition and against two years of a real venue's rates."""

import csv
import gzip
import json
import os
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from cleartide.contracts import MarginBracket
from hypothesis import given
from hypothesis import strategies as st

from services.funding.domain.rate import HOUR_MICROS, MINUTE_MICROS, Terms, cap_8h_ppb, hourly_rate_ppb, interval_rate

FIXTURES = Path(os.environ.get("CLEARTIDE_FIXTURES", Path(__file__).parents[4] / "shared" / "fixtures"))
HISTORY = FIXTURES / "market_history" / "hyperliquid_premium_funding"
USUAL = Terms(interest_8h_ppb=100_000, clamp_ppb=500_000, cap_8h_ppb=120_000_000, cap_hourly_ppb=40_000_000)
needs_history = pytest.mark.skipif(not HISTORY.is_dir(), reason="no recorded venue history beside this checkout")

ppb = st.integers(-(10**12), 10**12)
bounds = st.integers(0, 10**12)
terms = st.builds(Terms, interest_8h_ppb=ppb, clamp_ppb=bounds, cap_8h_ppb=bounds, cap_hourly_ppb=bounds)


def recorded_terms(scale: int) -> Terms:
    """The recorded venue's constants in units of 1e-9 / scale: 0.01 % interest, 0.05 % clamp, 4 % hourly cap."""
    return Terms(100_000 * scale, 500_000 * scale, 10**15, 40_000_000 * scale)


@needs_history
@pytest.mark.parametrize("scale", [1, 10])
def test_real_hourly_rates_follow_the_formula(scale: int) -> None:
    """FUND-RATE-001: every recorded hour within one unit, in ppb and in the venue's own tenth of a ppb."""
    expected = json.loads((HISTORY / "expected" / "ETH.expected.json").read_text())
    with gzip.open(HISTORY / "ETH_hourly_premium_and_funding.csv.gz", "rt") as text:
        rows = [(Decimal(row["premium"]), Decimal(row["funding_rate"])) for row in csv.DictReader(text)]
    assert len(rows) == expected["rows"]
    unit = Decimal(10**9 * scale)
    ours = [hourly_rate_ppb(int(premium * unit), recorded_terms(scale)) for premium, _ in rows]
    assert max(abs(rate - venue * unit) for rate, (_, venue) in zip(ours, rows, strict=True)) <= 1
    assert abs(sum(ours) / unit - Decimal(expected["sum_of_rates"])) <= len(rows) / unit
    lowest, highest = (Decimal(text) * unit for text in expected["min_max"])
    assert abs(min(ours) - lowest) <= 1
    assert abs(max(ours) - highest) <= 1


@given(premium=ppb, terms=terms)
def test_the_rate_is_the_formula_truncated(premium: int, terms: Terms) -> None:
    """FUND-RATE-002: F8h = P + clamp(interest - P, -c, c), capped, an eighth of it, capped; R17 in fractions."""
    spread = min(max(terms.interest_8h_ppb - premium, -terms.clamp_ppb), terms.clamp_ppb)
    rate_8h = min(max(premium + spread, -terms.cap_8h_ppb), terms.cap_8h_ppb)
    exact = min(max(Fraction(rate_8h, 8), Fraction(-terms.cap_hourly_ppb)), Fraction(terms.cap_hourly_ppb))
    assert hourly_rate_ppb(premium, terms) == int(exact)


@given(premiums=st.lists(ppb, min_size=1, max_size=60), terms=terms, minutes=st.integers(1, 1_440))
def test_an_interval_pays_its_part_of_an_hour(premiums: list[int], terms: Terms, minutes: int) -> None:
    """FUND-RATE-003: mean over all slots, missing ones 0; the hourly rate times minutes / 60, toward zero."""
    counted = premiums[:minutes]
    rate = interval_rate(sum(counted), len(counted), minutes, minutes * MINUTE_MICROS, terms)
    assert rate.average_premium_ppb == int(Fraction(sum(counted), minutes))
    assert rate.rate_ppb == int(Fraction(hourly_rate_ppb(rate.average_premium_ppb, terms) * minutes, 60))


@given(premium=st.integers(0, 10**12))
def test_the_rate_is_odd_in_its_inputs(premium: int) -> None:
    """FUND-RATE-004: longs and shorts are treated alike; mirrored premium and interest give the mirrored rate."""
    mirrored = USUAL._replace(interest_8h_ppb=-USUAL.interest_8h_ppb)
    assert hourly_rate_ppb(-premium, mirrored) == -hourly_rate_ppb(premium, USUAL)


def test_a_small_premium_pays_the_interest() -> None:
    """FUND-RATE-005: within the clamp the rate is interest / 8, 0.00125 % an hour."""
    assert [hourly_rate_ppb(premium, USUAL) for premium in (-400_000, 0, 600_000)] == [12_500] * 3
    assert hourly_rate_ppb(600_008, USUAL) == 12_501


def test_the_caps_hold() -> None:
    """FUND-RATE-006: |F8h| <= 6 * (imf - mmf) and the hourly rate stays within its own cap."""
    bracket = MarginBracket(
        upper_notional_quanta=None, initial_margin_ppb=50_000_000, maintenance_fraction_ppb=600_000_000
    )
    assert cap_8h_ppb(bracket) == 6 * 20_000_000
    assert hourly_rate_ppb(10**12, USUAL) == 120_000_000 // 8
    assert hourly_rate_ppb(-(10**12), USUAL._replace(cap_hourly_ppb=7)) == -7


def test_no_sample_pays_nothing() -> None:
    """FUND-RATE-007: an interval without samples pays 0, interest included (10.12)."""
    assert interval_rate(0, 0, 60, HOUR_MICROS, USUAL) == (0, 0)
    assert interval_rate(0, 1, 60, HOUR_MICROS, USUAL) == (0, 12_500)
