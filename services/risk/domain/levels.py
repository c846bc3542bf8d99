"""Alert levels of an account and when they change (domain rule R10: 1.5, 1.2, 1.05; liquidation strictly below 1)."""

from collections.abc import Mapping
from enum import IntEnum
from typing import Final

from cleartide.contracts import AlertLevel
from cleartide.rules.margin import is_below

PPM: Final = 1_000_000

HYSTERESIS_PPM: Final = 20_000
"""A level is left for a milder one only 2 % above its threshold, so a price that trembles there alerts once."""


class Level(IntEnum):
    """How near to liquidation, mildest first. NONE is outside every level."""

    NONE = 0
    WATCH = 1
    WARNING = 2
    CRITICAL = 3
    LIQUIDATABLE = 4


ALERTED: Final = (Level.WATCH, Level.WARNING, Level.CRITICAL, Level.LIQUIDATABLE)

ENTER_PPM: Final[Mapping[Level, int]] = {
    Level.WATCH: 1_500_000,
    Level.WARNING: 1_200_000,
    Level.CRITICAL: 1_050_000,
    Level.LIQUIDATABLE: 1_000_000,
}
LEAVE_PPM: Final[Mapping[Level, int]] = {
    level: threshold * (PPM + HYSTERESIS_PPM) // PPM for level, threshold in ENTER_PPM.items()
}

NAMES: Final[Mapping[Level, AlertLevel]] = {
    Level.NONE: "resolved",
    Level.WATCH: "watch",
    Level.WARNING: "warning",
    Level.CRITICAL: "critical",
    Level.LIQUIDATABLE: "liquidatable",
}


def next_level(current: Level, equity_quanta: int, maintenance_margin_quanta: int) -> Level:
    """The level after a change of equity or requirement: worse at once, milder only past the hysteresis."""
    entered = _deepest(ENTER_PPM, equity_quanta, maintenance_margin_quanta)
    if entered >= current:
        return entered
    return min(current, _deepest(LEAVE_PPM, equity_quanta, maintenance_margin_quanta))


def _deepest(thresholds: Mapping[Level, int], equity_quanta: int, maintenance_margin_quanta: int) -> Level:
    deepest = Level.NONE
    for level in ALERTED:
        if not is_below(equity_quanta, maintenance_margin_quanta, thresholds[level]):
            break
        deepest = level
    return deepest
