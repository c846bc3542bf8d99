"""Money is exact: what goes in as text comes out as the same number, and what cannot be held is refused by name."""

from decimal import Decimal
from fractions import Fraction

import pytest
from cleartide.money import (
    MAX_PRICE_TICKS,
    MAX_QUANTA,
    MAX_SIZE_LOTS,
    Grid,
    MoneyError,
    ceil_div,
    checked_quanta,
    half_up_div,
    health_factor_text,
    parse_decimal,
    quanta_from_text,
    quanta_to_text,
    to_grid,
    trunc_div,
)
from hypothesis import given
from hypothesis import strategies as st

BTC = Grid.of("0.1", "0.001")
quanta = st.integers(-MAX_QUANTA, MAX_QUANTA)
decimals = st.integers(0, 6)
numbers = st.integers(-(10**40), 10**40)
divisors = st.integers(1, 10**20)


@given(quanta)
def test_a_balance_survives_the_way_to_text_and_back(amount: int) -> None:
    """Every amount that an account can hold is printed and read without losing a quantum."""
    text = quanta_to_text(amount)
    assert quanta_from_text(text) == amount
    assert Decimal(text) == Decimal(amount) / 10**6


@given(st.integers(1, MAX_PRICE_TICKS), st.integers(1, MAX_SIZE_LOTS), decimals, decimals)
def test_a_price_and_a_size_survive_the_way_to_text_and_back(ticks: int, lots: int, tick: int, lot: int) -> None:
    """On every market's steps, what was ordered is what is printed."""
    grid = _grid(min(tick, 6 - lot) if tick + lot > 6 else tick, lot)
    assert grid.ticks(grid.price_text(ticks)) == ticks
    assert grid.lots(grid.size_text(lots)) == lots


@given(st.integers(1, 10**6), st.integers(1, 10**6), decimals)
def test_notional_is_price_times_size(ticks: int, lots: int, tick: int) -> None:
    """A trade costs price * size to the last quantum, whatever the steps."""
    grid = _grid(tick, 6 - tick)
    exact = Decimal(grid.price_text(ticks)) * Decimal(grid.size_text(lots)) * 10**6
    assert grid.notional(lots, ticks) == exact
    assert grid.notional(-lots, ticks) == exact


@pytest.mark.parametrize(
    "text", ["NaN", "sNaN", "-nan", "Infinity", "-inf", "1e", "", " ", "0x10", "1,5", "½", "1e" + "9" * 30]
)
def test_what_is_no_number_is_refused(text: str) -> None:
    """NaN, infinities and typing errors never become money."""
    with pytest.raises(MoneyError) as refused:
        quanta_from_text(text)
    assert refused.value.reason == "not_a_number"


def test_a_binary_float_is_refused() -> None:
    """0.1 as a binary float is not a tenth; only text and integers may become money."""
    with pytest.raises(MoneyError, match="expected decimal text, got float"):
        parse_decimal(0.1)  # type: ignore[arg-type]


@given(st.integers(1, 10**15), st.integers(7, 12))
def test_more_decimals_than_a_quantum_are_refused_not_rounded(digits: int, places: int) -> None:
    """A seventh decimal is somebody's money: it is refused unless it is zero."""
    value = Decimal(digits).scaleb(-places)
    text = format(value, "f")
    if digits % 10 ** (places - 6):
        with pytest.raises(MoneyError, match="off_grid"):
            quanta_from_text(text)
    else:
        assert quanta_from_text(text) == value.scaleb(6)


@pytest.mark.parametrize("text", ["9007199254.740992", "-9007199254.740992", "1e400", "9" * 60])
def test_an_amount_beyond_what_every_reader_holds_exactly_is_refused(text: str) -> None:
    """2**53 - 1 quanta is the limit; one quantum more overflows, and a huge exponent does so without being computed."""
    with pytest.raises(MoneyError) as refused:
        quanta_from_text(text)
    assert refused.value.reason == "overflow"
    assert quanta_from_text("9007199254.740991") == MAX_QUANTA


@given(quanta)
def test_checked_quanta_lets_everything_inside_the_range_through(amount: int) -> None:
    """The check at the end of a computation refuses overflow and nothing else."""
    assert checked_quanta(amount) == amount
    for beyond in (MAX_QUANTA + 1 + abs(amount), -MAX_QUANTA - 1 - abs(amount)):
        with pytest.raises(MoneyError, match="overflow"):
            checked_quanta(beyond)


@pytest.mark.parametrize(
    ("text", "reason"),
    [("0", "not_positive"), ("-0.1", "not_positive"), ("0.05", "off_grid"), ("109951162777.6", "overflow")],
)
def test_a_price_that_cannot_rest_on_the_book_is_refused(text: str, reason: str) -> None:
    """Zero, negative, off-tick and overflowing prices get a code the sender can act on."""
    with pytest.raises(MoneyError) as refused:
        BTC.ticks(text)
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [("0", "not_positive"), ("-1", "not_positive"), ("0.0001", "off_grid"), ("1099511627.776", "overflow")],
)
def test_a_size_that_cannot_be_traded_is_refused(text: str, reason: str) -> None:
    """Zero, negative, off-lot and overflowing sizes get a code the sender can act on."""
    with pytest.raises(MoneyError) as refused:
        BTC.lots(text)
    assert refused.value.reason == reason


def test_a_notional_beyond_the_range_is_refused() -> None:
    """The largest size at the largest price is no silent wrap-around."""
    with pytest.raises(MoneyError, match="overflow"):
        BTC.notional(MAX_SIZE_LOTS, MAX_PRICE_TICKS)


@pytest.mark.parametrize(
    ("tick", "lot", "reason"),
    [
        ("0", "1", "bad_step"),
        ("-0.1", "0.1", "bad_step"),
        ("0.0001", "0.001", "off_grid"),
        ("NaN", "1", "not_a_number"),
        ("1e9", "1e9", "overflow"),
    ],
)
def test_a_market_whose_steps_lose_money_cannot_be_listed(tick: str, lot: str, reason: str) -> None:
    """tick * lot must be a whole number of quanta, or trades would not add up (domain rule R1)."""
    with pytest.raises(MoneyError) as refused:
        Grid.of(tick, lot)
    assert refused.value.reason == reason


@given(st.integers(1, 10**9), st.integers(-4, 8))
def test_an_index_price_goes_to_the_nearest_tick(digits: int, exponent: int) -> None:
    """An index need not lie on our grid: it is off by half a tick at most, and a half goes up."""
    price = Decimal(digits).scaleb(-exponent)
    expected = (Fraction(price) / Fraction("0.1") + Fraction(1, 2)).__floor__()
    if 0 < expected <= MAX_PRICE_TICKS:
        assert BTC.nearest_ticks(format(price, "f")) == expected
    else:
        with pytest.raises(MoneyError, match="not_positive" if expected <= 0 else "overflow"):
            BTC.nearest_ticks(format(price, "f"))


@pytest.mark.parametrize("text", ["1e400", "-1e400", "1e-400"])
def test_an_absurd_index_price_is_refused_at_once(text: str) -> None:
    """A price from outside cannot make the sequencer count to 10**400."""
    with pytest.raises(MoneyError):
        BTC.nearest_ticks(text)


@pytest.mark.parametrize("text", ["1e999999999", "-1e999999999", "1e-999999999", "0." + "3" * 90_000])
def test_an_absurd_exponent_costs_nothing(text: str) -> None:
    """A number of a billion digits is refused before anybody writes it out."""
    for read in (BTC.nearest_ticks, BTC.ticks, BTC.lots, quanta_from_text):
        with pytest.raises(MoneyError):
            read(text)


def test_units_do_not_mix() -> None:
    """Two markets' steps turn the same text into different integers: a grid belongs to its market."""
    eth = Grid.of("0.01", "0.01")
    assert (BTC.ticks("10"), eth.ticks("10")) == (100, 1_000)
    assert (BTC.lots("1"), eth.lots("1")) == (1_000, 100)
    assert BTC.notional(BTC.lots("1"), BTC.ticks("10")) == eth.notional(eth.lots("1"), eth.ticks("10")) == 10_000_000


@given(numbers, divisors)
def test_rounding_is_what_its_name_says(numerator: int, denominator: int) -> None:
    """Ceiling, toward zero, and half up, each against exact fractions."""
    exact = Fraction(numerator, denominator)
    assert ceil_div(numerator, denominator) == exact.__ceil__()
    assert trunc_div(numerator, denominator) == exact.__trunc__()
    assert half_up_div(numerator, denominator) == (exact + Fraction(1, 2)).__floor__()


@given(quanta, st.integers(1, MAX_QUANTA))
def test_a_health_factor_never_looks_better_than_it_is(equity: int, requirement: int) -> None:
    """The printed factor is the exact one, floored to six decimals; without a requirement there is none."""
    text = health_factor_text(equity, requirement)
    assert text is not None
    gap = Fraction(equity, requirement) - Fraction(Decimal(text))
    assert 0 <= gap < Fraction(1, 10**6)
    assert health_factor_text(equity, 0) is None


@given(st.text(max_size=40), st.sampled_from(["0.1", "0.000001", "1", "5", "0.25"]))
def test_no_text_breaks_the_reader(text: str, step: str) -> None:
    """Whatever is sent as a number is an exact integer of steps or a refusal with a code."""
    try:
        steps = to_grid(text, step, MAX_QUANTA, "amount")
    except MoneyError as refused:
        assert refused.reason in {"not_a_number", "off_grid", "overflow"}
    else:
        assert Decimal(text) == steps * Decimal(step)


def _grid(tick_decimals: int, lot_decimals: int) -> Grid:
    return Grid.of(format(Decimal(1).scaleb(-tick_decimals), "f"), format(Decimal(1).scaleb(-lot_decimals), "f"))
