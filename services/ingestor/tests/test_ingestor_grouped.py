"""Books in steps of several ticks."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingestor.adapters import events
from services.ingestor.adapters.instrument import Instrument
from services.ingestor.engine.book import Book
from services.ingestor.settings import IngestorSettings
from services.ingestor.tests.support import BTCUSDT, SYMBOL, depth, new_core, snapshot

WHOLE = 1_000
PLAIN = Instrument("X", "1", "1")
Levels = dict[int, int]
sides = st.tuples(
    st.dictionaries(st.integers(1, 500), st.integers(1, 9), max_size=60),
    st.dictionaries(st.integers(501, 1_000), st.integers(1, 9), max_size=60),
)


def book_of(bids: dict[int, int], asks: dict[int, int], full_length: int = WHOLE) -> Book:
    low, high = ([(str(price), str(size)) for price, size in side.items()] for side in (bids, asks))
    return Book.of(PLAIN, low, high, full_length)


def test_bids_go_down_and_asks_go_up() -> None:
    """ING-LIQ-012"""
    book = book_of({99: 1, 95: 2, 90: 4, 89: 8}, {101: 1, 110: 2, 111: 4})
    assert book.grouped(10, 20) == ([(90, 7), (80, 8)], [(110, 3), (120, 4)])
    assert book.grouped(100, 20) == ([], [(200, 7)]), "below the first step there is no price"
    assert book.grouped(10, 1) == ([(90, 7)], [(110, 3)])


@settings(max_examples=200)
@given(sides, st.sampled_from([2, 7, 10, 100]))
def test_nothing_is_lost_and_nothing_is_better_than_it_is(found: tuple[Levels, Levels], multiple: int) -> None:
    """ING-LIQ-012"""
    bids, asks = book_of(*found).grouped(multiple, WHOLE)
    for groups, side, sign in ((bids, found[0], 1), (asks, found[1], -1)):
        wanted: Levels = {}
        for price, size in side.items():
            step = price * sign // multiple * multiple * sign
            wanted[step] = wanted.get(step, 0) + size
        assert dict(groups) == {step: size for step, size in wanted.items() if step}
    assert [step for step, _ in bids] == sorted((step for step, _ in bids), reverse=True)
    assert [step for step, _ in asks] == sorted(step for step, _ in asks)


def test_a_step_that_the_snapshot_cut_is_left_out() -> None:
    """ING-LIQ-012"""
    book = book_of({99: 1, 95: 2, 85: 4}, {101: 1, 110: 2, 115: 4}, full_length=3)
    assert book.grouped(10, 20) == ([(90, 3)], [(110, 3)])


@pytest.mark.parametrize(("multiples", "said"), [((), []), ((10, 100), [10, 100])])
def test_they_are_said_beside_the_measures(multiples: tuple[int, ...], said: list[int]) -> None:
    """ING-LIQ-012"""
    core = new_core()
    core.measure_liquidity(0, multiples)
    core.frame(depth(1, 5, 0), 1)
    out = core.snapshot(SYMBOL, snapshot(5, [("100.0", "1.000")], [("100.1", "1.000")]), 1)
    grouped = [each for each in out if isinstance(each, events.GroupedBook)]
    assert [each.multiple for each in grouped] == said
    for each in grouped:
        assert each.contract.model_validate_json(events.encode([each])[1:-1]).subject == each.subject
    assert BTCUSDT.symbol == SYMBOL


def test_the_steps_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """ING-LIQ-012"""
    assert IngestorSettings().book_multiples == (10, 100)
    monkeypatch.setenv("CLEARTIDE_INGESTOR_BOOK_MULTIPLES", "[5]")
    assert IngestorSettings().book_multiples == (5,)
