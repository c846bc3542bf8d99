"""Reads of the alert feed. Rows appear in order of `seq`: one writer, one transaction after the other."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, NamedTuple

import asyncpg
import msgspec

MAX_PAGE: Final = 500
Query = Callable[["asyncpg.Pool[asyncpg.Record]", dict[str, Any]], Awaitable[Any]]


class AlertRow(NamedTuple):
    """One alert of the feed, under the feed's number; `payload` is the event as one JSON object."""

    seq: int
    account: str
    payload: str


class Sought(NamedTuple):
    """Which alerts: None is any. `market`: those of it, and those computed from a position in it."""

    account: str | None = None
    level: str | None = None
    market: str | None = None
    rule: str | None = None


_SOUGHT: Final = (
    "account = ${}",
    "level = ${}",
    "string_to_array(markets, ' ') @> ARRAY[${}::text]",
    "rule = ${} AND rule <> ''",
)


async def alerts_after(
    pool: "asyncpg.Pool[asyncpg.Record]", after_seq: int, sought: Sought, limit: int = MAX_PAGE
) -> list[AlertRow]:
    """Alerts with a greater `seq`, oldest first."""
    return await _found(pool, "seq > ${}", "seq", [after_seq], sought, limit)


async def alerts_before(
    pool: "asyncpg.Pool[asyncpg.Record]", before: int | None, sought: Sought, limit: int = MAX_PAGE
) -> list[AlertRow]:
    """The newest alerts, or the newest of those with a smaller `seq`; still oldest first."""
    bound, place = ("seq < ${}", [before]) if before is not None else ("", [])
    return (await _found(pool, bound, "seq DESC", place, sought, limit))[::-1]


async def _found(
    pool: "asyncpg.Pool[asyncpg.Record]", bound: str, order: str, place: list[Any], sought: Sought, limit: int
) -> list[AlertRow]:
    """Each combination is a statement of its own, so that each is planned by what it asks."""
    asked = [(text, value) for text, value in zip(_SOUGHT, sought, strict=True) if value is not None]
    texts = [*filter(None, [bound]), *(text for text, _ in asked)]
    where = " AND ".join(text.format(number) for number, text in enumerate(texts, 1))
    arguments = [*place, *(value for _, value in asked), min(limit, MAX_PAGE)]
    records = await pool.fetch(
        f"SELECT seq, account, payload FROM alert_feed {where and 'WHERE'} {where} "  # noqa: S608 - texts are our own
        f"ORDER BY {order} LIMIT ${len(arguments)}",
        *arguments,
    )
    return [AlertRow(*record) for record in records]


async def feed_head(pool: "asyncpg.Pool[asyncpg.Record]") -> int:
    """The greatest `seq` of the feed; 0 when it is empty."""
    head: int = await pool.fetchval("SELECT coalesce(max(seq), 0) FROM alert_feed")
    return head


async def alerts(pool: "asyncpg.Pool[asyncpg.Record]", params: dict[str, Any]) -> list[dict[str, Any]]:
    """`after_seq` given: what follows it, oldest first; otherwise the newest. `account` and `limit` as they say."""
    account, limit = params.get("account"), int(params.get("limit", 100))
    if (after_seq := params.get("after_seq")) is None:
        rows = await alerts_before(pool, None, Sought(account), limit)
    else:
        rows = await alerts_after(pool, int(after_seq), Sought(account), limit)
    return [{**msgspec.json.decode(row.payload), "seq": row.seq} for row in rows]


async def alert_levels(pool: "asyncpg.Pool[asyncpg.Record]", params: dict[str, Any]) -> list[dict[str, Any]]:
    """Every account's current level, newest first."""
    records = await pool.fetch(
        "SELECT account, seq, level, account_seq, occurred_at, health_factor, equity, maintenance_margin "
        "FROM alert_account_state ORDER BY seq DESC LIMIT $1",
        min(int(params.get("limit", 100)), MAX_PAGE),
    )
    return [dict(record) for record in records]


QUERIES: Mapping[str, Query] = {"alerts": alerts, "alert_levels": alert_levels}
