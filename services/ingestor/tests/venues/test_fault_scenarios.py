"""The thirty faults planted in captured sessions: flagged at the first frame that can show them, never a wrong book."""

from collections.abc import Sequence
from typing import Any

import pytest

from services.ingestor.tests.venues.captures import CAPTURES, Capture, Line, at_end, by_path
from services.ingestor.tests.venues.kit import CAPTURED, expected

FILE = "fault_scenarios.json"
COUNT = 30
AFTER = 300
"""Lines that are played after the fault is flagged."""


def scenario(number: int) -> tuple[dict[str, Any], Capture, str]:
    found = expected(FILE)["scenarios"]
    assert len(found) == COUNT
    chosen = found[number]
    (name,) = by_path(f"{chosen['venue']}/{chosen['file']}")
    return chosen, CAPTURES[name], name


def faulty(session: Sequence[Line], fault: dict[str, Any]) -> list[Line]:
    """The session with the fault in it, the lines keeping their numbers."""
    if fault["op"] == "drop":
        return [line for line in session if line[0] != fault["line"]]
    if fault["op"] == "drop_range":
        first, last = fault["lines"]
        return [line for line in session if not first <= line[0] <= last]
    if fault["op"] == "duplicate":
        return [line for each in session for line in [each] * (1 + (each[0] == fault["line"]))]
    first, second = fault["lines"]
    by_number = dict(session)
    swapped = {first: (first, by_number[second]), second: (second, by_number[first])}
    return [swapped.get(line[0], line) for line in session]


def names() -> list[Any]:
    if not (CAPTURED / FILE).exists():
        return [pytest.param(0, id="absent")]
    found = expected(FILE)["scenarios"]
    return [
        pytest.param(number, id=f"{each['file'].split('.')[0]}-{each['op']}-{each.get('line') or each['lines'][0]}")
        for number, each in enumerate(found)
    ]


@pytest.mark.parametrize("number", names())
def test_a_planted_fault_is_flagged_at_once(number: int) -> None:
    """ING-PLANT-001"""
    fault, capture, name = scenario(number)
    flag = fault.get("must_flag_desync_at_line")
    session = faulty(capture.book_lines(), fault)
    if flag is not None:
        outcome = capture.play([line for line in session if line[0] <= flag + AFTER])
        assert outcome.flagged[:1] == [flag]
        assert [line for line in outcome.books_said_at if line >= flag] == [], "no book until a snapshot is there"
        assert outcome.book is None
        return
    outcome = capture.play(session)
    if fault["op"] == "duplicate":
        assert outcome.flagged == []
    if not outcome.flagged:
        true = at_end(name).book
        assert outcome.book is not None
        assert true is not None
        assert (outcome.book.bids.lots, outcome.book.asks.lots) == (true.bids.lots, true.asks.lots)
    else:
        assert outcome.flagged[0] <= fault["lines"][1]
        assert outcome.book is None
