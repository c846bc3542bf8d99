"""Text to integers and back, exactly; anything that is not exact is refused."""

from decimal import Decimal

import pytest
from cleartide.money import MAX_PRICE_TICKS, MoneyError, half_up_div, to_grid
from hypothesis import given
from hypothesis import strategies as st

from services.ingestor.adapters.instrument import Instrument
from services.ingestor.adapters.scale import TextScale

STEPS = st.sampled_from(["0.10", "0.1", "0.01", "0.00001", "1", "5", "0.5", "0.25", "10", "0.001"])
LIMIT = 10**12


def text_of(count: int, step: str, zeros: int = 0) -> str:
    text = format(Decimal(count) * Decimal(step), "f")
    return text + ("0" * zeros if "." in text else "." + "0" * zeros if zeros else "")


@given(count=st.integers(1, LIMIT), step=STEPS, zeros=st.integers(0, 6))
def test_text_and_integer_are_the_same_number(count: int, step: str, zeros: int) -> None:
    """ING-NUM-001"""
    scale = TextScale(step, least=1, limit=LIMIT, name="price")
    text = text_of(count, step, zeros)
    assert scale[text] == scale[text] == count
    assert Decimal(scale[text]) * Decimal(step) == Decimal(text)


@given(text=st.from_regex(r"[0-9]{1,14}(\.[0-9]{1,10})?", fullmatch=True), step=STEPS)
def test_integers_or_refusals_are_those_of_the_money_module(text: str, step: str) -> None:
    """ING-NUM-001: the fast path and `cleartide.money.to_grid` are one function."""
    scale = TextScale(step, least=0, limit=LIMIT, name="size")
    try:
        expected = to_grid(text, step, LIMIT, "size")
    except MoneyError as error:
        with pytest.raises(MoneyError) as refused:
            scale[text]
        assert refused.value.reason == error.reason
    else:
        assert scale[text] == expected


@given(text=st.text(max_size=12))
def test_whatever_is_no_plain_decimal_is_refused(text: str) -> None:
    """ING-NUM-002"""
    scale = TextScale("0.1", least=0, limit=LIMIT, name="price")
    try:
        value = scale[text]
    except MoneyError:
        return
    assert Decimal(text) == value * Decimal("0.1")
    assert set(text) <= set("0123456789.")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("100.05", "off_grid"),
        ("0.0", "not_positive"),
        ("-1.0", "not_a_number"),
        ("NaN", "not_a_number"),
        ("1e3", "not_a_number"),
        ("1_000", "not_a_number"),
        (" 1", "not_a_number"),
        ("", "not_a_number"),
        (str(2**40), "overflow"),
        ("9" * 30, "not_a_number"),
    ],
)
def test_refusals_of_a_price(text: str, reason: str) -> None:
    """ING-NUM-002"""
    with pytest.raises(MoneyError) as refused:
        Instrument("BTCUSDT", "0.10", "0.001").prices[text]
    assert refused.value.reason == reason


def test_size_zero_is_a_size_and_a_price_of_zero_is_none() -> None:
    """ING-NUM-002"""
    assert Instrument("BTCUSDT", "0.10", "0.001").sizes["0.000"] == 0


def test_the_cache_is_bounded() -> None:
    """ING-NUM-003"""
    scale = TextScale("1", least=1, limit=LIMIT, name="price")
    for number in range(1, 100_100):
        scale[str(number)]
    assert len(scale) <= 100_000


@pytest.mark.parametrize("step", ["0", "0.00", "-1", "x", ""])
def test_a_step_must_be_positive(step: str) -> None:
    """ING-NUM-002"""
    with pytest.raises(MoneyError):
        TextScale(step, least=1, limit=LIMIT, name="price")


@given(text=st.from_regex(r"[1-9][0-9]{0,9}\.[0-9]{8}", fullmatch=True))
def test_mark_and_index_go_to_the_nearest_tick_half_up(text: str) -> None:
    """ING-FUND-002"""
    ticks = Instrument("BTCUSDT", "0.10", "0.001").nearest_ticks(text)
    assert ticks == half_up_div(int(Decimal(text) * 10**8), 10**7)
    assert abs(Decimal(text) - ticks * Decimal("0.1")) <= Decimal("0.05")
    assert ticks <= MAX_PRICE_TICKS
