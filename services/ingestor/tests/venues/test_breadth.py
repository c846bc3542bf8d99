"""docs/venues.md says what each venue has, and no more."""

import pytest

from services.ingestor.adapters.breadth import DOCUMENT, HEADS, documented, table
from services.ingestor.adapters.venue import venues


def test_the_document_says_what_the_modules_do() -> None:
    """ING-BREADTH-001: `python -m services.ingestor.adapters.breadth` writes it anew."""
    text = DOCUMENT.read_text()
    assert documented(text) == text
    rows = [line.split(" | ") for line in table().splitlines()]
    assert {len(row) for row in rows} == {len(HEADS)}
    assert [row[0].removeprefix("| ") for row in rows[2:]] == sorted(venues())


def test_every_venue_has_quotes_trades_books_figures_and_open_interest() -> None:
    """ING-BREADTH-001"""
    for row in table().splitlines()[2:]:
        cells = row.strip("| ").split(" | ")
        assert "-" not in cells[1:6], row


def test_a_document_without_a_place_is_refused() -> None:
    """ING-BREADTH-001"""
    with pytest.raises(ValueError, match="no place"):
        documented("# Nothing\n")
