"""Margin: the requirement grows with the position, never jumps at a bracket, and maintenance never exceeds initial."""

from fractions import Fraction
from itertools import pairwise

from cleartide.contracts import MarginBracket
from cleartide.money import PPB
from cleartide.rules.margin import (
    PPM,
    PositionView,
    account_margin,
    is_below,
    is_liquidatable,
    open_interest_scale,
    requirements,
)
from hypothesis import given
from hypothesis import strategies as st

NOTIONAL = st.integers(0, 2**52)


@st.composite
def bracket_tables(draw: st.DrawFn) -> tuple[MarginBracket, ...]:
    """A market's table: rising bounds, the last without one, rates that do not fall."""
    bounds = sorted(draw(st.sets(st.integers(1, 2**50), max_size=5)))
    rates = sorted(draw(st.lists(st.integers(0, PPB), min_size=len(bounds) + 1, max_size=len(bounds) + 1)))
    fraction = st.integers(0, PPB)
    return tuple(
        MarginBracket(upper_notional_quanta=upper, initial_margin_ppb=rate, maintenance_fraction_ppb=draw(fraction))
        for upper, rate in zip([*bounds, None], rates, strict=True)
    )


@given(bracket_tables(), NOTIONAL, NOTIONAL)
def test_a_larger_position_never_needs_less(brackets: tuple[MarginBracket, ...], one: int, other: int) -> None:
    """Both requirements are monotone in the notional (domain rule R8)."""
    smaller, larger = sorted((one, other))
    for less, more in zip(requirements(smaller, brackets), requirements(larger, brackets), strict=True):
        assert 0 <= less <= more


@given(bracket_tables(), NOTIONAL)
def test_maintenance_never_exceeds_initial(brackets: tuple[MarginBracket, ...], notional: int) -> None:
    """Who may open a position is not liquidated by the opening itself."""
    initial, maintenance = requirements(notional, brackets)
    assert maintenance <= initial <= notional + len(brackets)


@given(bracket_tables(), st.integers(-3, 3))
def test_crossing_a_bracket_does_not_jump(brackets: tuple[MarginBracket, ...], offset: int) -> None:
    """One quantum more of notional moves a requirement by no more than its own slices' rounding: rates apply to
    slices, so nobody is liquidated for growing by a dollar."""
    for bracket in brackets[:-1]:
        assert bracket.upper_notional_quanta is not None
        notional = max(bracket.upper_notional_quanta + offset, 0)
        here, there = requirements(notional, brackets), requirements(notional + 1, brackets)
        assert there[0] - here[0] <= 2
        assert there[1] - here[1] <= 3


def test_each_slice_is_charged_at_its_own_rate_rounded_up() -> None:
    """A worked example: 100 at 1 %, 50 at 10 %, half of it for maintenance."""
    table = (
        MarginBracket(upper_notional_quanta=100, initial_margin_ppb=10_000_000, maintenance_fraction_ppb=PPB // 2),
        MarginBracket(upper_notional_quanta=None, initial_margin_ppb=100_000_000, maintenance_fraction_ppb=PPB // 2),
    )
    assert requirements(100, table) == (1, 1)
    assert requirements(150, table) == (6, 4)
    assert requirements(151, table) == (7, 4)
    assert requirements(0, table) == (0, 0)


@given(bracket_tables(), NOTIONAL, st.integers(0, 1_000), st.integers(0, PPM))
def test_leverage_and_open_interest_only_ever_raise_initial_margin(
    brackets: tuple[MarginBracket, ...], notional: int, leverage: int, scale: int
) -> None:
    """ACC-LEV-001, ACC-OI-001: maintenance is the same to the quantum; initial never passes the whole notional."""
    plain, raised = requirements(notional, brackets), requirements(notional, brackets, leverage, scale)
    assert raised[1] == plain[1]
    assert plain[0] <= raised[0] <= notional + len(brackets)
    exact = sum(
        (top - lower) * (Fraction(rate, PPB) + (1 - Fraction(rate, PPB)) * Fraction(scale, PPM))
        for lower, top, rate in _slices(notional, brackets)
    )
    assert 0 <= requirements(notional, brackets, 0, scale)[0] - exact < len(brackets)
    if leverage:
        assert raised[0] * leverage >= notional


def _slices(notional: int, brackets: tuple[MarginBracket, ...]) -> list[tuple[int, int, int]]:
    """(lower, top, initial rate) of each slice that the notional reaches into."""
    bounds = [0, *(bracket.upper_notional_quanta or notional for bracket in brackets)]
    return [
        (lower, min(upper, notional), bracket.initial_margin_ppb)
        for (lower, upper), bracket in zip(pairwise(bounds), brackets, strict=True)
        if lower < notional
    ]


@given(st.integers(0, 2**60), st.integers(0, 2**53), st.integers(0, 2**53))
def test_the_scale_of_open_interest_stays_within_its_bounds(open_interest: int, lower: int, upper: int) -> None:
    """ACC-OI-001: 0 up to the lower bound, 1 from the upper one on, floored between; off where the bounds are equal."""
    scale = open_interest_scale(open_interest, lower, upper)
    if open_interest <= lower or upper <= lower:
        assert scale == 0
    elif open_interest >= upper:
        assert scale == PPM
    else:
        assert scale <= Fraction(PPM * (open_interest - lower), upper - lower) < scale + 1


@given(bracket_tables(), st.lists(st.tuples(st.integers(-(2**40), 2**40), st.integers(-(2**40), 2**40)), max_size=6))
def test_an_account_is_the_sum_of_its_positions(
    brackets: tuple[MarginBracket, ...], positions: list[tuple[int, int]]
) -> None:
    """Cross margin (R10): equity adds up every position's value, the requirements never net against each other."""
    views = [PositionView(1, value, quote, 7, brackets) for value, quote in positions]
    margin = account_margin(1_000, views)
    assert margin.equity_quanta == 1_000 + sum(value + quote + 7 for value, quote in positions)
    each = [requirements(abs(value), brackets) for value, _ in positions]
    assert margin.initial_margin_quanta == sum(initial for initial, _ in each)
    assert margin.maintenance_margin_quanta == sum(maintenance for _, maintenance in each)


def test_exactly_at_maintenance_is_safe() -> None:
    """Equal is not liquidatable; one quantum below is; without a requirement nobody is (R10)."""
    assert [is_liquidatable(equity, 100) for equity in (101, 100, 99)] == [False, False, True]
    assert not is_liquidatable(-5, 0)


@given(st.integers(-(2**53), 2**53), st.integers(0, 2**53))
def test_the_alert_levels_are_nested(equity: int, requirement: int) -> None:
    """Whoever is critical is also warned and watched, and 1.0 is liquidation itself."""
    levels = [is_below(equity, requirement, threshold) for threshold in (1_500_000, 1_200_000, 1_050_000, 1_000_000)]
    assert all(wider or not narrower for wider, narrower in pairwise(levels))
    assert levels[-1] == is_liquidatable(equity, requirement)
