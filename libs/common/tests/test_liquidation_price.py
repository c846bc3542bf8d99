"""The liquidation price agrees with the liquidation test, tick by tick, whatever the brackets."""

from fractions import Fraction

from cleartide.contracts import MarginBracket
from cleartide.money import MAX_PRICE_TICKS, PPB
from cleartide.rules.liquidation_price import PricedPosition, liquidation_price, margin_at
from cleartide.rules.margin import AccountMargin, is_liquidatable, requirements
from hypothesis import given
from hypothesis import strategies as st

ONE: tuple[MarginBracket, ...] = (
    MarginBracket(upper_notional_quanta=None, initial_margin_ppb=PPB // 10, maintenance_fraction_ppb=PPB // 2),
)


@st.composite
def bracket_tables(draw: st.DrawFn) -> tuple[MarginBracket, ...]:
    """Rising bounds within reach of the prices below; the rates that a market may have."""
    bounds = sorted(draw(st.sets(st.integers(1, 3_000), max_size=4)))
    rates = st.integers(1, PPB)
    return tuple(
        MarginBracket(upper_notional_quanta=upper, initial_margin_ppb=draw(rates), maintenance_fraction_ppb=draw(rates))
        for upper in [*bounds, None]
    )


def standing(equity: int, others: int, position: PricedPosition) -> AccountMargin:
    """An account with this equity, this requirement from other positions, and this position."""
    return AccountMargin(equity, 0, others + position.maintenance_at(position.mark_ticks))


def due(now: AccountMargin, position: PricedPosition, ticks: int) -> bool:
    there = margin_at(now, position, ticks)
    return is_liquidatable(there.equity_quanta, there.maintenance_margin_quanta)


@given(
    bracket_tables(),
    st.integers(-9, 9).filter(bool),
    st.integers(1, 400),
    st.integers(-2_000, 4_000),
    st.integers(0, 500),
)
def test_at_the_price_it_is_safe_and_one_tick_beyond_it_is_not(
    brackets: tuple[MarginBracket, ...], quanta: int, mark: int, equity: int, others: int
) -> None:
    """ACC-LQP-001: and nothing between the price and the safe end is due; without a price nothing ever changes."""
    position = PricedPosition(quanta, mark, brackets)
    now = standing(equity, others, position)
    price, beyond = liquidation_price(now, position), -1 if quanta > 0 else 1
    if price is None:
        answers = {due(now, position, ticks) for ticks in (1, mark, 2 * mark, 9_999, MAX_PRICE_TICKS)}
        assert len(answers) == 1
        return
    assert not due(now, position, price)
    assert due(now, position, price + beyond)
    safe_side = range(price, min(price + 700, MAX_PRICE_TICKS)) if quanta > 0 else range(max(1, price - 700), price)
    assert not any(due(now, position, ticks) for ticks in safe_side)


@given(bracket_tables(), st.integers(1, 2**20), st.integers(1, 2**12), st.integers(0, 2**30))
def test_a_longs_cushion_never_shrinks_as_its_price_rises(
    brackets: tuple[MarginBracket, ...], quanta: int, steps: int, notional: int
) -> None:
    """ACC-LQP-002: what makes the search exact: MM grows by at most what E grows by."""
    step = quanta * steps
    assert requirements(notional + step, brackets)[1] - requirements(notional, brackets)[1] <= step


@given(st.integers(1, 10**6), st.integers(1, 10**5), st.integers(1, 100))
def test_it_is_the_closed_form_rounded_against_the_trader(quanta: int, mark: int, percent: int) -> None:
    """ACC-LQP-003: p = -(W + Q) / (s * (1 - m)) for one bracket (5.1), but for a ceiling."""
    cash = quanta * mark * percent // 1_000
    for side in (1, -1):
        position = PricedPosition(side * quanta, mark, ONE)
        now = standing(cash, 0, position)
        price = liquidation_price(now, position)
        exact = Fraction(mark * quanta * side - cash, quanta) / (Fraction(19, 20) if side > 0 else Fraction(-21, 20))
        if price is not None:
            assert abs(price - exact) < 1 + Fraction(2, quanta)


def test_prices_that_do_not_exist() -> None:
    """ACC-LQP-004: a long worth its cost in cash is safe at every price; so is nobody who owes more than all."""
    position = PricedPosition(100, 1_000, ONE)
    assert liquidation_price(standing(100_000, 0, position), position) is None
    assert liquidation_price(standing(-(2**60), 0, position), position) is None
    assert liquidation_price(standing(5, 0, position), position._replace(mark_ticks=0)) is None
    assert liquidation_price(standing(5_000, 0, position), position) == 1_000
    assert liquidation_price(standing(4_999, 0, position), position) == 1_001
