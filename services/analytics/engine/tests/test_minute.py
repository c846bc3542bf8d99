"""Compiled and interpreted the open minute counts the same, beyond 64 bits too."""

import importlib.util
from types import ModuleType

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.analytics.engine import ENGINE, INTERPRETED_BECAUSE, minute

FIGURES = (
    *("open_time", "open_ticks", "high_ticks", "low_ticks", "close_ticks"),
    *("volume_lots", "quote_quanta", "entries", "restated"),
)
entries = st.tuples(st.sampled_from("abc"), st.integers(1, 2**53), st.integers(0, 2**53), st.integers(0, 2**62))


def interpreted() -> ModuleType:
    """The module from its source, under a name of its own."""
    (source,) = ENGINE.modules
    spec = importlib.util.spec_from_file_location("interpreted_minute", source)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def counted(module: ModuleType, rows: list[tuple[str, int, int, int]]) -> list[tuple[object, ...]]:
    """Two minutes of the rows, and both as one wide candle; with what was touched."""
    open_minute, wide, told = module.Minute(), module.Candle(0, 1, 1, 1, 1), list[tuple[object, ...]]()
    for number in range(2):
        for row in rows:
            open_minute.enter(*row)
        for market, candle in open_minute.turn(60_000_000 * (number + 1)).items():
            wide.widen(candle)
            told.append((market, *(getattr(candle, name) for name in FIGURES)))
    return [*told, tuple(getattr(wide, name) for name in FIGURES), tuple(sorted(open_minute.touched))]


@pytest.mark.skipif(bool(INTERPRETED_BECAUSE), reason="the engine runs interpreted here")
@given(st.lists(entries, max_size=20))
@example([("a", 1, 2**53, 2**62)] * 9)
def test_both_forms_count_the_same(rows: list[tuple[str, int, int, int]]) -> None:
    """ANA-ENG-001"""
    assert counted(minute, rows) == counted(interpreted(), rows)
