"""Levels read from bytes are the levels read from text, and whatever is unusual is left to the text."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from cleartide.money import MoneyError
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.ingestor.adapters.instrument import Instrument
from services.ingestor.engine import ENGINE
from services.ingestor.engine.book import TextLevel
from services.ingestor.engine.side import ASKS, BIDS, PLAIN, UNUSUAL, Shape, Side

ROOT: Final = Path(__file__).parents[4]
FORMS: Final = ("compiled", "interpreted")
GRIDS: Final = [("0.10", "0.001"), ("0.01000000", "0.00000001"), ("5", "100"), ("0.00000001", "1"), ("0.25", "0.5")]
numbers = st.from_regex(r"[0-9]{1,8}(\.[0-9]{1,9})?", fullmatch=True)
on_grid = st.builds(
    lambda ticks, tenth: f"{ticks // 10}.{ticks % 10}" + "0" * tenth, st.integers(1, 60), st.integers(0, 3)
)
in_lots = st.builds(lambda lots: f"{lots // 1000}.{lots % 1000:03}", st.sampled_from([0, 0, 1, 999, 1_000, 10**12]))
levels = st.lists(st.tuples(on_grid, in_lots), max_size=40)


Shapes = tuple[Shape, Callable[[TextLevel], object], Callable[[Any], TextLevel]]
SHAPES: Final[list[Shapes]] = [
    (PLAIN, list, lambda level: (level[0], level[1])),
    (
        Shape(b'{"price":"', b'","size":"', b'"}'),
        lambda level: {"price": level[0], "size": level[1]},
        lambda level: (level["price"], level["size"]),
    ),
    (
        Shape(b'["', b'","', b'","', b'"]', counted=True),
        lambda level: [*level, str(len(level[0]))],
        lambda level: (level[0], level[1]),
    ),
    (
        Shape(b'{"px":"', b'","sz":"', b'","n":', b"}", counted=True),
        lambda level: {"px": level[0], "sz": level[1], "n": len(level[1])},
        lambda level: (level["px"], level["sz"]),
    ),
]
"""With how a level is put and read as JSON."""
MIXED: Final = {
    removes: Shape(b'{"side":"BUY","price":"', b'","size":"', b'"}', other=b'{"side":"SELL","price":"', removes=removes)
    for removes in (False, True)
}


def written(found: list[TextLevel], put: Callable[[TextLevel], object] = list) -> bytes:
    """As venues write it: without spaces."""
    return json.dumps([put(each) for each in found], separators=(",", ":")).encode()


def of(side: Side) -> tuple[list[int], dict[int, int]]:
    return side.order, side.lots


@settings(max_examples=150)
@given(levels, levels, st.sampled_from([BIDS, ASKS]), st.sampled_from(SHAPES))
def test_bytes_and_text_make_the_same_side(
    first: list[TextLevel], second: list[TextLevel], sign: int, shaped: Shapes
) -> None:
    """ING-ENG-001: also where a later frame changes and removes what an earlier one laid."""
    shape, put, _ = shaped
    instrument = Instrument("X", "0.1", "0.001")
    by_bytes, by_text = Side(sign), Side(sign)
    for each in (first, second):
        raw = written(each, put)
        assert by_bytes.read_levels(raw, instrument.price_grid, instrument.size_grid, shape) == len(each)
        by_text.set_levels(each, instrument.prices, instrument.sizes)
        assert of(by_bytes) == of(by_text)
    assert by_bytes.order == sorted(by_bytes.lots)


@settings(max_examples=150)
@example(("0.00000001", "1"), "99999999999999999.9", "1")
@example(("0.10", "0.001"), "1.", "1")
@example(("0.10", "0.001"), ".1", "1")
@example(("0.10", "0.001"), "1..1", "1")
@example(("0.10", "0.001"), "", "1")
@example(("0.10", "0.001"), "1", str(2**40))
@given(st.sampled_from(GRIDS), numbers | st.text("0123456789.e-+ ", max_size=24), numbers)
def test_a_number_is_the_long_ways_or_left_to_it(grid: tuple[str, str], price: str, size: str) -> None:
    """ING-ENG-001: from bytes and from text; what is refused is refused with the same words."""
    instrument = Instrument("X", *grid)
    exact = instrument.price_grid.exact
    side = Side(BIDS)
    read = side.read_levels(written([(price, size)]), instrument.price_grid, instrument.size_grid)
    try:
        wanted, lots = exact[price], instrument.size_grid.exact[size]
    except MoneyError as error:
        assert read == UNUSUAL
        with pytest.raises(MoneyError, match=r".*") as refused:
            _ = (instrument.price_grid[price], instrument.size_grid[size])
        assert (refused.value.reason, str(refused.value)) == (error.reason, str(error))
        return
    assert (instrument.price_grid[price], instrument.size_grid[size]) == (wanted, lots)
    assert read == UNUSUAL or side.lots == ({wanted: lots} if lots else {})


@settings(max_examples=150)
@given(
    levels,
    st.integers(0, 400),
    st.sampled_from([b"", b" ", b",", b"]", b"[", b'"', b"-", b"x", b"\x00", b"null", b"}", b"{", b":"]),
    st.sampled_from(SHAPES),
)
def test_bytes_that_are_no_plain_levels_are_left_to_the_text(
    found: list[TextLevel], place: int, extra: bytes, shaped: Shapes
) -> None:
    """ING-ENG-001: nothing else is read as levels, wherever it is damaged."""
    shape, put, read = shaped
    raw = written(found, put)
    damaged = raw[:place] + extra + raw[place + 1 :]
    instrument = Instrument("X", "0.1", "0.001")
    side, by_text = Side(BIDS), Side(BIDS)
    if side.read_levels(damaged, instrument.price_grid, instrument.size_grid, shape) != UNUSUAL:
        by_text.set_levels(map(read, json.loads(damaged)), instrument.prices, instrument.sizes)
        assert of(side) == of(by_text)


@settings(max_examples=100)
@given(levels, st.lists(st.tuples(st.sampled_from(["BUY", "SELL"]), on_grid, in_lots), max_size=40), st.booleans())
def test_of_a_list_of_both_sides_a_side_takes_its_own(
    before: list[TextLevel], found: list[tuple[str, str, str]], removes: bool
) -> None:
    """ING-ENG-001: and where they are told to go they go, whatever size is written."""
    instrument = Instrument("X", "0.1", "0.001")
    by_bytes, by_text = Side(BIDS), Side(BIDS)
    for side in (by_bytes, by_text):
        side.set_levels(before, instrument.prices, instrument.sizes)
    raw = json.dumps(
        [{"side": side, "price": price, "size": size} for side, price, size in found], separators=(",", ":")
    ).encode()
    own = [(price, "0" if removes else size) for side, price, size in found if side == "BUY"]
    assert by_bytes.read_levels(raw, instrument.price_grid, instrument.size_grid, MIXED[removes]) == len(own)
    by_text.set_levels(own, instrument.prices, instrument.sizes)
    assert of(by_bytes) == of(by_text)


def test_both_forms_say_the_same() -> None:
    """ING-ENG-002: of the recording, of every venue's simulated session, and of captured ones that are at hand."""
    if failure := ENGINE.build():
        pytest.skip(f"the engine cannot be compiled here: {failure}")
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "services.ingestor.engine.tests.digest"],
            cwd=ROOT,
            env=os.environ | {"CLEARTIDE_ENGINE": form},
            stdout=subprocess.PIPE,
            text=True,
        )
        for form in FORMS
    ]
    told = [process.communicate()[0].split() for process in running]
    assert [form for form, _ in told] == list(FORMS)
    assert told[0][1] == told[1][1]
