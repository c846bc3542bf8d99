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


async def alerts_after(
    pool: "asyncpg.Pool[asyncpg.Record]", after_seq: int, account: str | None, limit: int = MAX_PAGE
) -> list[AlertRow]:
    """Alerts with a greater `seq`, oldest first, of one account or of all."""
    if account is None:
        records = await pool.fetch(
            "SELECT seq, account, payload FROM alert_feed WHERE seq > $1 ORDER BY seq LIMIT $2",
            after_seq,
            min(limit, MAX_PAGE),
        )
    else:
        records = await pool.fetch(
            "SELECT seq, account, payload FROM alert_feed WHERE account = $1 AND seq > $2 ORDER BY seq LIMIT $3",
            account,
            after_seq,
            min(limit, MAX_PAGE),
        )
    return [AlertRow(*record) for record in records]


async def latest_alerts(
    pool: "asyncpg.Pool[asyncpg.Record]", account: str | None, limit: int = MAX_PAGE
) -> list[AlertRow]:
    """The newest alerts of one account or of all, still oldest first."""
    if account is None:
        records = await pool.fetch(
            "SELECT seq, account, payload FROM alert_feed ORDER BY seq DESC LIMIT $1", min(limit, MAX_PAGE)
        )
    else:
        records = await pool.fetch(
            "SELECT seq, account, payload FROM alert_feed WHERE account = $1 ORDER BY seq DESC LIMIT $2",
            account,
            min(limit, MAX_PAGE),
        )
    return [AlertRow(*record) for record in reversed(records)]


async def feed_head(pool: "asyncpg.Pool[asyncpg.Record]") -> int:
    """The greatest `seq` of the feed; 0 when it is empty."""
    head: int = await pool.fetchval("SELECT coalesce(max(seq), 0) FROM alert_feed")
    return head


async def alerts(pool: "asyncpg.Pool[asyncpg.Record]", params: dict[str, Any]) -> list[dict[str, Any]]:
    """`after_seq` given: what follows it, oldest first; otherwise the newest. `account` and `limit` as they say."""
    account, limit = params.get("account"), int(params.get("limit", 100))
    if (after_seq := params.get("after_seq")) is None:
        rows = await latest_alerts(pool, account, limit)
    else:
        rows = await alerts_after(pool, int(after_seq), account, limit)
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
