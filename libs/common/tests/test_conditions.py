"""The language of alert rules: exact, small, and never a surprise."""

from fractions import Fraction

import pytest
from cleartide.rules.conditions import MOST_LETTERS, ConditionError, Figure, read_condition
from hypothesis import given
from hypothesis import strategies as st

FIGURES = {
    "equity": Figure("quote", 6, ""),
    "margin": Figure("quote", 6, ""),
    "leverage": Figure("ratio", 6, ""),
    "price": Figure("price", 12, ""),
    "positions": Figure("count", 0, ""),
}


def holds(text: str, **values: str) -> bool:
    """A condition with figures given as decimals."""
    condition = read_condition(text, FIGURES)
    integers = [int(Fraction(values[name]) * 10 ** FIGURES[name].decimals) for name in condition.figures]
    return condition.holds(integers)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("equity < 50", True),
        ("equity < 49.999999", False),
        ("equity < 49.9999991", True),
        ("equity == 49.999999", True),
        ("equity < 1.25 * margin", True),
        ("40 < equity <= 49.999999 < 50 + margin", True),
        ("not equity < 50", False),
        ("not (equity < 50 and leverage > 3) or positions == 2", True),
        ("equity > 50 and leverage > 3 or positions == 2", True),
        ("equity > 50 and (leverage > 3 or positions == 2)", False),
        ("abs(equity - margin * 2) < 30.000002", True),
        ("min(equity, margin) == 40 and max(equity, 60) == 60", True),
        ("-equity <= -49.999999", True),
        ("2 * 3 * leverage == 24", True),
        ("price == 0.000000000001", True),
        ("equity - margin - 9 > 0.99", True),
        ("leverage != 4", False),
    ],
)
def test_a_condition_means_what_it_says(text: str, expected: bool) -> None:
    """RULE-COND-001: exactly, to the last decimal, in the order in which Python reads it."""
    values = {"equity": "49.999999", "margin": "40", "leverage": "4", "price": "0.000000000001", "positions": "2"}
    assert holds(text, **values) is expected


@pytest.mark.parametrize(
    ("text", "column", "why"),
    [
        ("", 1, "expected a figure or a number"),
        ("equity", 7, "expected a comparison"),
        ("equty < 5", 1, "did you mean 'equity'"),
        ("cats < 5", 1, "there are equity, leverage, margin, positions, price"),
        ("equity < leverage", 8, "quote and ratio do not go together"),
        ("equity * margin > 3", 8, "one side of * is a plain number"),
        ("1 < 2", 3, "compares two numbers"),
        ("equity < 5 5", 12, "expected the end"),
        ("equity / 2 < 5", 8, "cannot read '/ 2 < 5'"),
        ("equity ** 2 < 5", 9, "expected a figure or a number"),
        ("(equity < 5", 12, "expected )"),
        ("(equity < 5) + 1 > 3", 16, "a comparison is no figure"),
        ("max(equity) < 5", 1, "max takes two figures"),
        ("abs equity < 5", 5, "expected ( after abs"),
        ("__import__('os')", 12, "cannot read"),
        ("equity.real < 5", 7, "cannot read '.real < 5'"),
        ("(" * 20 + "equity", 18, "levels deep"),
        ("equity < " + "9" * 16, 10, "15 digits"),
        ("equity < " + "0.000000000001 * " * 4 + "0.1", 76, "too many decimals"),
        ("equity < 5" + " " * MOST_LETTERS, MOST_LETTERS + 1, "longer than"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_column(text: str, column: int, why: str) -> None:
    """RULE-COND-002: unknown names, wrong units, and what is too much, at the place where it is."""
    with pytest.raises(ConditionError) as refused:
        read_condition(text, FIGURES)
    assert (refused.value.column, why in str(refused.value)) == (column, True), refused.value


TEXT = st.one_of(
    st.text(max_size=MOST_LETTERS + 5),
    st.lists(st.sampled_from([*FIGURES, *"<>=()+-*,.5_", "and", "or", "not", "abs", "min", " "]), max_size=40).map(
        " ".join
    ),
)


@given(text=TEXT, values=st.lists(st.integers(-(2**60), 2**60), min_size=5, max_size=5))
def test_any_text_is_a_condition_or_a_typed_error(text: str, values: list[int]) -> None:
    """RULE-COND-003: and a condition says true or false of any figures."""
    try:
        condition = read_condition(text, FIGURES)
    except ConditionError as error:
        assert 1 <= error.column <= MOST_LETTERS + 1
    else:
        assert condition.holds(values[: len(condition.figures)]) in (True, False)


@given(
    factor=st.decimals("0", "1000", places=6),
    added=st.decimals("0", "1000", places=3),
    equity=st.integers(-(10**12), 10**12),
    margin=st.integers(-(10**12), 10**12),
    sign=st.sampled_from(("<", "<=", ">", ">=", "==", "!=")),
)
def test_arithmetic_is_that_of_fractions(factor: object, added: object, equity: int, margin: int, sign: str) -> None:
    """RULE-COND-004: as Python says it of exact fractions."""
    text = f"{factor} * margin + {added} {sign} equity - 2 * (margin - {added})"
    condition = read_condition(text, FIGURES)
    values = {"equity": Fraction(equity, 10**6), "margin": Fraction(margin, 10**6)}
    first = Fraction(str(factor)) * values["margin"] + Fraction(str(added))
    second = values["equity"] - 2 * (values["margin"] - Fraction(str(added)))
    truth = {
        "<": first < second,
        "<=": first <= second,
        ">": first > second,
        ">=": first >= second,
        "==": first == second,
        "!=": first != second,
    }[sign]
    named = {"equity": equity, "margin": margin}
    assert condition.holds([named[name] for name in condition.figures]) == truth
