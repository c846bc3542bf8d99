"""The fast reader of decimal text gives exactly the verdicts of the shared money type."""

from decimal import Decimal

from cleartide.money import MAX_PRICE_TICKS, Grid, MoneyError
from hypothesis import example, given
from hypothesis import strategies as st

from services.matching.domain.parsing import Steps

digits = st.integers(0, 10**15 - 1).map(str)
fractions = st.text("0123456789", min_size=0, max_size=12)
STEPS = st.sampled_from(["1", "0.1", "0.5", "0.25", "0.01", "0.001", "10", "100", "0.000001", "3"])


@given(whole=digits, fraction=fractions, step=STEPS)
@example(whole="1099511627775", fraction="", step="1")
@example(whole="1099511627776", fraction="", step="1")
@example(whole="0", fraction="000", step="0.1")
def test_match_num_001_text_is_read_as_the_shared_grid_reads_it(whole: str, fraction: str, step: str) -> None:
    """MATCH-NUM-001"""
    text = f"{whole}.{fraction}" if fraction else whole
    grid = Grid(step, "1", 1)
    assert verdict(lambda: Steps(step, MAX_PRICE_TICKS, "price").parse(text)) == verdict(lambda: grid.ticks(text))


@given(count=st.integers(1, MAX_PRICE_TICKS), step=STEPS)
def test_match_num_002_every_count_of_steps_is_read_back(count: int, step: str) -> None:
    """MATCH-NUM-002"""
    text = format(Decimal(count) * Decimal(step), "f")
    assert Steps(step, MAX_PRICE_TICKS, "price").parse(text) == count


def verdict(read: object) -> int | str:
    assert callable(read)
    try:
        return int(read())
    except MoneyError as error:
        return error.reason
