"""Usage as people read it: days with their peak hour, routes, keys, and the newest requests."""

from collections.abc import Iterable
from typing import Any, Final

from cleartide.store.truth import Row, Truth

from services.gateway.metering.meter import HOUR

DAY: Final = 24 * HOUR
MOST_LINES: Final = 50
_SUMS: Final = (
    "sum(requests)::bigint AS requests, sum(client_errors)::bigint AS client_errors, "
    "sum(server_errors)::bigint AS server_errors, sum(bytes_in)::bigint AS bytes_in, "
    "sum(bytes_out)::bigint AS bytes_out, sum(micros)::bigint AS micros, max(slowest) AS slowest"
)
_WHERE: Final = "FROM usage_hours WHERE hour >= $1 AND ($2::text IS NULL OR user_id = $2)"
_COUNTS: Final = ("requests", "client_errors", "server_errors", "bytes_in", "bytes_out")


async def summary(truth: Truth, user: str | None, days: int, now: int) -> dict[str, Any]:
    """Days (UTC, newest first), and what they consist of; of everybody where `user` is None."""
    since = now - now % DAY - (days - 1) * DAY
    by_hour = f"SELECT hour, {_SUMS} {_WHERE} GROUP BY hour ORDER BY hour LIMIT $3"
    hours = await truth.fetch(by_hour, since, user, days * 24)
    found: dict[str, Any] = {"days": daily(hours)}
    for name, columns in (("routes", "method, route"), ("keys", "user_id, key_id")):
        rows = await truth.fetch(
            f"SELECT {columns}, {_SUMS} {_WHERE} GROUP BY {columns} ORDER BY requests DESC, {columns} LIMIT $3",
            since,
            user,
            MOST_LINES,
        )
        found[name] = [{**{part: row[part] for part in columns.split(", ")}, **_line(row)} for row in rows]
    return found


async def newest(
    truth: Truth, user: str | None, *, failed: bool, before: int | None, limit: int
) -> list[dict[str, Any]]:
    """Requests, newest first; only those that failed, if asked so."""
    rows = await truth.fetch(
        "SELECT id, at, user_id, key_id, method, route, status, micros, bytes_in, bytes_out, ip, error "
        "FROM request_log "
        "WHERE ($1::text IS NULL OR user_id = $1) AND ($2::bigint IS NULL OR id < $2) AND (NOT $3 OR status >= 400) "
        "ORDER BY id DESC LIMIT $4",
        user,
        before,
        failed,
        limit,
    )
    return [dict(row) for row in rows]


def daily(hours: Iterable[Row]) -> list[dict[str, Any]]:
    """Hours summed to days, each with its busiest hour."""
    days: dict[int, dict[str, Any]] = {}
    for row in hours:
        start = row["hour"] - row["hour"] % DAY
        day = days.setdefault(start, {"day": start, **dict.fromkeys((*_COUNTS, "micros", "slowest"), 0), "peak": 0})
        for name in (*_COUNTS, "micros"):
            day[name] += row[name]
        day["slowest"] = max(day["slowest"], row["slowest"])
        if row["requests"] > day["peak"]:
            day["peak"], day["peak_hour"] = row["requests"], (row["hour"] - start) // HOUR
    peaks = ("peak_hour", "peak")
    return [{"day": day["day"], **_line(day), **{name: day[name] for name in peaks}} for day in days.values()][::-1]


def _line(row: Row) -> dict[str, Any]:
    return {
        **{name: row[name] for name in _COUNTS},
        "mean_micros": row["micros"] // max(1, row["requests"]),
        "slowest_micros": row["slowest"],
    }
