"""Lists come a page at a time, newest first; `next` is what to give as `before` for the page that follows."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

MOST_ROWS: Final = 500
"""That a service gives in one answer."""


def paged(answer: dict[str, Any], rows: str, by: str, limit: int, *, oldest: int = -1) -> dict[str, Any]:
    """The answer with its `next`: null on the last page. An answer without the list is passed on as it is.

    `oldest`: where in the list its oldest row is; a picture's points have it first, 0.
    """
    found: Sequence[Any] | None = answer.get(rows)
    if found is None:
        return answer
    return {**answer, "next": found[oldest][by] if len(found) >= limit else None}


async def whole(ask: Callable[[int], Awaitable[dict[str, Any]]], rows: str, by: str, limit: int) -> dict[str, Any]:
    """The same where several rows share one number: those that a full page may have cut through open the next one.

    `ask` is told how many rows are wanted. Where one number has a page's rows or more, the page is all of them.
    """
    answer = await ask(limit)
    found: Sequence[Any] | None = answer.get(rows)
    if found is None or len(found) < limit:
        return paged(answer, rows, by, limit)
    if found[0][by] != found[-1][by]:
        kept = [row for row in found if row[by] != found[-1][by]]
        return {**answer, rows: kept, "next": kept[-1][by]}
    answer = await ask(MOST_ROWS)
    found = answer[rows]
    kept = [row for row in found if row[by] == found[0][by]]
    more = len(found) > len(kept) or len(found) >= MOST_ROWS
    return {**answer, rows: kept, "next": kept[-1][by] if more else None}


def listed(
    rows: str,
    by: str,
    limit: int,
    ask: Callable[..., Awaitable[dict[str, Any]]],
    service: str,
    query: str,
    asked: Mapping[str, Any],
) -> Callable[[], Awaitable[dict[str, Any]]]:
    """Asks a service for a list, and tells a page of it."""

    async def found() -> dict[str, Any]:
        return paged(await ask(service, query, **asked), rows, by, limit)

    return found
