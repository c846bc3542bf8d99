"""The levels: 1.5, 1.2, 1.05 and 1, each strict, each left only 2 % above."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.risk.domain.levels import ENTER_PPM, LEAVE_PPM, Level, next_level

MM = 1_000_000
levels = st.sampled_from(Level)
quanta = st.integers(-(10**15), 10**15)
margins = st.integers(0, 10**15)


@pytest.mark.parametrize(
    ("level", "threshold"),
    [
        (Level.WATCH, 1_500_000),
        (Level.WARNING, 1_200_000),
        (Level.CRITICAL, 1_050_000),
        (Level.LIQUIDATABLE, 1_000_000),
    ],
)
def test_a_threshold_itself_is_still_the_milder_level(level: Level, threshold: int) -> None:
    """RISK-HF-001: a level begins strictly below its threshold."""
    assert next_level(Level.NONE, threshold, MM) == level - 1
    assert next_level(Level.NONE, threshold - 1, MM) == level


def test_without_requirement_there_is_no_level() -> None:
    """RISK-HF-002: MM = 0 means no health factor, whatever the equity."""
    assert next_level(Level.LIQUIDATABLE, -5, 0) is Level.NONE


def test_worse_is_immediate_and_may_skip_levels() -> None:
    """RISK-LVL-001: falling from no level to liquidation is one change."""
    assert next_level(Level.NONE, 999_999, MM) is Level.LIQUIDATABLE


@pytest.mark.parametrize("level", list(ENTER_PPM))
def test_milder_only_two_percent_above_the_threshold(level: Level) -> None:
    """RISK-LVL-002: hysteresis; at threshold * 1.02 the level is left, one quantum below it is kept."""
    assert LEAVE_PPM[level] * 100 == ENTER_PPM[level] * 102
    assert next_level(level, LEAVE_PPM[level] - 1, MM) is level
    assert next_level(level, LEAVE_PPM[level], MM) == level - 1


@given(current=levels, equity=quanta, margin=margins)
def test_a_level_is_stable_and_never_hides_a_worse_one(current: Level, equity: int, margin: int) -> None:
    """RISK-LVL-003: judging again changes nothing, and the level is at least the one the bare thresholds give."""
    level = next_level(current, equity, margin)
    assert next_level(level, equity, margin) is level
    assert level >= next_level(Level.NONE, equity, margin)
