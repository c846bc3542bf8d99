"""The traps of units, rounding and calendars, each by its name, against figures worked out elsewhere."""

from datetime import UTC, date, datetime
from decimal import Decimal, getcontext
from fractions import Fraction

import pytest
from cleartide.rules.calendar import DAY_MICROS, date_of, day_of, micros_of, month_of, months_between
from cleartide.rules.returns import (
    PPB,
    apr_of_apy_ppb,
    apr_ppb,
    apy_ppb,
    daily_interest,
    day_return_1e12,
    fee_part_ppb,
    linked_1e12,
    mean_rate_ppb,
    ppb_of_bps,
    weighted_flow,
)
from hypothesis import given
from hypothesis import strategies as st

from services.vaults.domain.ledger import Point

DAY = DAY_MICROS


class TestRates:
    def test_percent_basis_points_and_fractions_are_three_names_of_one_rate(self) -> None:
        """VLT-UNIT-001: 5 % = 500 bps = 0.05 = 50,000,000 ppb, and not 5, 0.5 or 500 of anything."""
        assert ppb_of_bps(500) == 50_000_000
        assert Fraction(ppb_of_bps(500), PPB) == Fraction(5, 100)
        assert ppb_of_bps(1) * 100 * 100 == PPB

    def test_an_apy_is_not_an_apr(self) -> None:
        """VLT-UNIT-002: 10 % a year compounded daily is 9.5323 % simple; the other way round is 10.5156 %."""
        assert apr_of_apy_ppb(100_000_000) == 95_322_624
        assert apy_ppb([10**12 // 10 // 365] * 365) == 105_155_781

    def test_a_day_earns_a_365th_of_the_simple_rate_not_of_the_compounded_one(self) -> None:
        """VLT-UNIT-003: 1,000 USDC at 10.41 % APY earn 0.271353 a day; a 365th of the APY would be 0.285205."""
        apr = apr_of_apy_ppb(104_100_000)
        assert daily_interest(1_000_000_000, apr) == 271_353
        assert 1_000_000_000 * 104_100_000 // (PPB * 365) == 285_205

    def test_the_mean_of_daily_returns_is_simple_and_the_product_compounds(self) -> None:
        """VLT-UNIT-002: one percent on each of two days."""
        days = [10**10, 10**10]
        assert linked_1e12(days) == 20_100_000_000
        assert apr_ppb(sum(days), 2) == 3_650_000_000
        assert apy_ppb(days) == 36_783_434_332

    def test_a_fee_is_taken_of_the_gain_and_never_of_a_loss(self) -> None:
        """VLT-UNIT-004: raw = net + fee to the last digit, the fee rounded up."""
        assert fee_part_ppb(62_000_000, 1_000) == 6_200_000
        assert fee_part_ppb(7, 1_000) == 1
        assert fee_part_ppb(-62_000_000, 1_000) == 0

    def test_nothing_to_average_is_no_rate(self) -> None:
        """VLT-UNIT-005"""
        assert apr_ppb(0, 0) is None
        assert apy_ppb([]) is None
        assert apy_ppb([-(10**12)]) is None
        assert apr_of_apy_ppb(-PPB) == -365 * PPB

    def test_a_mean_of_rates_weighs_by_assets_and_is_cut_towards_zero(self) -> None:
        """VLT-UNIT-006: not the mean of the rates, and a loss is no larger for being averaged."""
        assert mean_rate_ppb([(300, 40_000_000), (100, 80_000_000)]) == 50_000_000
        assert mean_rate_ppb([(1, 2), (2, 3)]) == -mean_rate_ppb([(1, -2), (2, -3)]) == 2
        assert mean_rate_ppb([(0, -7), (0, 9)]) == -7

    @given(st.integers(-(10**9) + 1, 5 * 10**9))
    def test_a_rate_comes_back_from_its_round_trip(self, apy: int) -> None:
        """VLT-UNIT-002: APY -> APR -> APY by another way of computing, to a millionth of a percent."""
        getcontext().prec = 50
        apr = Decimal(apr_of_apy_ppb(apy)) / PPB
        back = (1 + apr / 365) ** 365 - 1
        assert abs(back - Decimal(apy) / PPB) < Decimal("0.00000002") * 10


class TestReturns:
    def test_a_flow_counts_for_the_rest_of_its_day(self) -> None:
        """VLT-RET-001: at midnight whole, at noon half, in the last microsecond next to nothing."""
        assert weighted_flow(1_000, 5 * DAY) == 1_000
        assert weighted_flow(1_000, 5 * DAY + DAY // 2) == 500
        assert weighted_flow(-1_001, 5 * DAY + DAY // 2) == -500
        assert weighted_flow(10**9, 6 * DAY - 1) == 0

    def test_a_days_return_is_by_modified_dietz(self) -> None:
        """VLT-RET-001: 1,000 at work all day, 1,000 from noon on, 15 gained: 1 % of 1,500."""
        assert day_return_1e12(1_000, 2_015, 1_000, 500) == 10**10
        assert day_return_1e12(1_000, 985, 0, 0) == -15 * 10**9

    def test_where_nothing_was_at_work_there_is_no_return(self) -> None:
        """VLT-RET-002"""
        assert day_return_1e12(0, 0, -300, -150) is None
        assert day_return_1e12(0, 10**12, 0, 1) is None

    @given(st.integers(1, 10**15), st.integers(0, 10**15), st.integers(-(10**9), 10**9))
    def test_it_is_truncated_towards_zero(self, start: int, end: int, flow: int) -> None:
        """VLT-RET-001"""
        found = day_return_1e12(start, end, flow, 0)
        exact = Fraction((end - start - flow) * 10**12, start)
        assert found == int(exact) if abs(int(exact)) < 2**53 else found is None


class TestCalendar:
    def test_a_day_is_utc_and_ends_with_its_last_microsecond(self) -> None:
        """VLT-TIME-001: 23:59:59.999999 UTC belongs to the day, though it is the next one already in Tokyo."""
        midnight = int(datetime(2026, 3, 29, tzinfo=UTC).timestamp()) * 1_000_000
        assert day_of(midnight + DAY - 1) == midnight
        assert day_of(midnight + DAY) == midnight + DAY
        assert date_of(midnight) == date(2026, 3, 29)

    @pytest.mark.parametrize(
        ("month", "days"), [(202602, 28), (202402, 29), (200002, 29), (210002, 28), (202604, 30), (202612, 31)]
    )
    def test_months_end_where_the_calendar_says(self, month: int, days: int) -> None:
        """VLT-TIME-002: leap years and centuries too; no month ends on a 31st that it does not have."""
        first, after = months_between(month)
        assert (after - first) // DAY == days
        assert month_of(first) == month_of(after - 1) == month
        assert month_of(after) != month

    def test_the_year_turns(self) -> None:
        """VLT-TIME-002"""
        assert months_between(202612)[1] == months_between(202701)[0] == micros_of(date(2027, 1, 1))

    @given(st.dates(date(1970, 1, 1), date(2200, 12, 31)))
    def test_dates_and_instants_are_one_to_one(self, day: date) -> None:
        """VLT-TIME-001"""
        assert date_of(micros_of(day)) == day
        assert month_of(micros_of(day)) == day.year * 100 + day.month


class TestShares:
    def test_a_share_is_worth_its_part_floored(self) -> None:
        """VLT-SHARE-001: floor(shares * (A + a) / (T + v)); no shares are worth nothing, nor is an empty vault."""
        point = Point(0, 0, 0, "s", "solana", 1_000, 3_000, 1, 1_000)
        assert point.value(7) == 7 * 1_001 // 4_000
        assert point.value(0) == point.value(-5) == 0
        assert Point(0, 0, 0, "s", "solana", 1_000, 0, 0, 0).value(10) == 0
