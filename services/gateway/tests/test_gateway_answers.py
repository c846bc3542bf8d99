"""What routes say of their answers: all do, it holds, and lists have one way to their next page."""

import json
import re
from collections import Counter
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

import pytest
from pydantic import TypeAdapter, ValidationError

from services.gateway.edge import decimals
from services.gateway.edge.reference.document import JSON, operations, recorded
from services.gateway.edge.routes.earnings import Month, span_of
from services.gateway.tests import answers
from services.gateway.tests.client_maker import document

DAY_MICROS: Final = 86_400_000_000
FEBRUARY_3: Final = (date(2026, 2, 3) - date(1970, 1, 1)).days * DAY_MICROS
ROUTES: Final = Path(__file__).parents[1] / "edge" / "routes"
PROSE: Final = frozenset(
    f"GET /api/{path}"
    for path in ("metrics", "v1/alerts/stream", "v1/earnings/{account}/days.csv", "v1/earnings/{account}/months.csv")
)
OTHERWISE: Final = {
    "GET /api/v1/alerts": "a feed, read onwards by `after_seq`",
    "GET /api/v1/positions": "the least healthy of the moment: an order that changes from page to page",
    "GET /api/v1/leaderboard": "the first of a ranking",
    "GET /api/v1/earnings/{account}": "an account now, with its newest days; all are under /days",
    "GET /api/v1/vaults/venue/{vault}/history": "a picture's points, between `start` and `end`",
    "GET /api/v1/earnings/{account}/days.csv": "a file is whole",
    "GET /api/v1/earnings/{account}/months.csv": "a file is whole",
}
"""Operations with a `limit` that are no pages, and why."""


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    return document()


def test_every_route_says_what_it_answers(told: dict[str, Any]) -> None:
    """GW-DOC-007: the answer of every operation has a type with a name, or is said to be prose."""
    for name, operation in operations(told):
        status = next(status for status in operation["responses"] if status.startswith("2"))
        content = operation["responses"][status]["content"]
        if name in PROSE:
            assert JSON not in content, name
            continue
        schema = content[JSON]["schema"]
        named = schema.get("$ref") or schema["items"]["$ref"]
        assert told["components"]["schemas"][named.rpartition("/")[2]]["description"], name


def test_recorded_answers_are_what_is_said(told: dict[str, Any]) -> None:
    """GW-DOC-008: what a venue answered is what its route says: every field, none more, and exactly typed."""
    known = {name for name, _ in operations(told)}
    assert set(recorded()) <= known
    for name, answer in recorded().items():
        method, path = name.split(" ", 1)
        answers.check(method, re.sub(r"[{}]", "", path), json.dumps(answer).encode())
        for event in answer.get("events", ()) if isinstance(answer, dict) else ():
            if name != "GET /api/v1/admin/trace/{message}":
                assert decimals.told(event, None) == event, name


def test_lists_have_one_way_to_their_next_page(told: dict[str, Any]) -> None:
    """GW-DOC-009: whatever takes a `limit` takes `before` and answers `next`, but for what is named with a reason."""
    schemas = told["components"]["schemas"]
    limited = set()
    for name, operation in operations(told):
        asked = {one["name"] for one in operation["parameters"]}
        if "limit" not in asked:
            continue
        limited.add(name)
        if name not in OTHERWISE:
            shape = operation["responses"]["200"]["content"][JSON]["schema"]["$ref"].rpartition("/")[2]
            assert ("before" in asked, "next" in schemas[shape]["required"]) == (True, True), name
    assert set(OTHERWISE) <= limited
    assert len(limited) > 30


def test_no_two_routes_keep_their_answers_under_one_name() -> None:
    """GW-CACHE-010: an answer that is kept is found by its own route alone."""
    names = Counter(
        name
        for file in ROUTES.glob("*.py")
        for name in re.findall(r"edge\.answer\(\s*\(\s*f?\"([^\"]+)\"", file.read_text())
    )
    assert len(names) > 40
    assert [name for name, times in names.items() if times > 1] == []


@pytest.mark.parametrize(
    ("month", "days"),
    [("2026-02", 28), ("2028-02", 29), ("2000-02", 29), ("2100-02", 28), ("2026-04", 30), ("2026-12", 31)],
)
def test_a_month_is_asked_for_to_its_last_microsecond(month: str, days: int) -> None:
    """GW-EARN-006: leap years, centuries and the turn of the year; from midnight UTC to before the next month's."""
    span = span_of(month, None)
    assert span is not None
    assert span["from_day"] == int(datetime.fromisoformat(f"{month}-01T00:00:00+00:00").timestamp()) * 1_000_000
    assert span["to_day"] == span["from_day"] + days * DAY_MICROS - 1


def test_a_month_is_one_that_the_calendar_has() -> None:
    """GW-EARN-005: a month that no calendar has, or whose end none has, is refused, and is no failure of the server."""
    month = TypeAdapter(Month)
    for text in ("0000-01", "0001-12", "1969-12", "2200-01", "9999-12", "2026-13", "2026-00"):
        with pytest.raises(ValidationError):
            month.validate_python(text)
    for text in ("1970-01", "2026-02", "2199-12"):
        span = span_of(month.validate_python(text), None)
        assert span is not None
        assert 28 <= (span["to_day"] + 1 - span["from_day"]) // DAY_MICROS <= 31
    assert span_of("2026-02", date(2026, 2, 1)) is None
    assert span_of(None, date(1, 1, 1)) is None
    assert span_of("2026-02", date(2026, 2, 3)) == {**(span_of("2026-02", None) or {}), "to_day": FEBRUARY_3 - 1}
