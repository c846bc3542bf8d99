"""Pages of lists in which several rows share the number that the next page goes by."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.gateway.edge.paging import MOST_ROWS, whole

Numbers = st.lists(st.integers(1, 9), max_size=60).map(lambda found: sorted(found, reverse=True))


@given(Numbers, st.integers(1, 12))
async def test_rows_that_share_a_number_are_on_one_page(numbers: list[int], limit: int) -> None:
    """GW-DOC-010: page by page every row comes once, and those of one number together, however small the page."""
    rows = [{"id": place, "number": number} for place, number in enumerate(numbers)]
    told: list[dict[str, Any]] = []
    before: int | None = None
    while True:
        older = [row for row in rows if before is None or row["number"] < before]

        async def ask(most: int, older: list[dict[str, Any]] = older) -> dict[str, Any]:
            assert most <= MOST_ROWS
            return {"rows": older[:most]}

        page = await whole(ask, "rows", "number", limit)
        shared = {row["number"] for row in told} & {row["number"] for row in page["rows"]}
        assert not shared
        assert len(page["rows"]) <= limit or len({row["number"] for row in page["rows"]}) == 1
        told += page["rows"]
        before = page["next"]
        if before is None:
            break
        assert page["rows"]
    assert told == rows


async def test_an_answer_without_the_list_is_passed_on() -> None:
    """GW-DOC-010: what has no such list has no pages."""

    async def ask(_: int) -> dict[str, Any]:
        return {"error": "other"}

    assert await whole(ask, "rows", "number", 5) == {"error": "other"}
