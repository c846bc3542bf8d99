"""Dashboards of the last 7, 30 or 90 UTC days: of the whole product, and of one person.

Sums come from the roll-ups; persons of a whole span are counted once each. Nothing here says who a person is.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from cleartide.service import Query, QueryError

SPANS: Final = (7, 30, 90)
TOP: Final = 20
PERCENTILES: Final = (50, 95, 99)
MOST_ROWS: Final = 100_000

_DAYS_SQL: Final = """
SELECT day, kind, persons, events, value_sum FROM platform_days
WHERE day > $1 AND day <= $2 AND name = '' ORDER BY day, kind LIMIT 2000
"""
_PERSONS_SQL: Final = """
SELECT count(DISTINCT person) FROM usage_days WHERE kind = '' AND name = '' AND day > $1 AND day <= $2
"""
_NAMES_SQL: Final = """
SELECT t.*, (SELECT count(DISTINCT u.person) FROM usage_days u
             WHERE u.kind = t.kind AND u.name = t.name AND u.day > $1 AND u.day <= $2) AS persons
FROM (
  SELECT kind, name, sum(events)::bigint AS events, sum(valued)::bigint AS valued, sum(value_sum) AS value_sum,
         row_number() OVER (PARTITION BY kind ORDER BY sum(events) DESC, name) AS place
  FROM platform_days WHERE day > $1 AND day <= $2 AND name <> '' GROUP BY kind, name
) t WHERE place <= CASE WHEN kind = 'step' THEN 500 ELSE $3 END ORDER BY kind, place LIMIT 2000
"""
_SESSIONS_SQL: Final = """
SELECT day, count(*) AS sessions, count(*) FILTER (WHERE pages <= 1) AS short,
       sum(extract(epoch FROM ended_at - started_at)) AS seconds,
       sum(pages)::bigint AS pages, sum(conversions)::bigint AS conversions
FROM sessions WHERE day > $1 AND day <= $2 AND ($3::text IS NULL OR person = $3) GROUP BY day ORDER BY day LIMIT 100
"""
_METRICS_SQL: Final = """
SELECT metric, bucket, sum(events)::bigint AS events FROM metric_days
WHERE day > $1 AND day <= $2 GROUP BY metric, bucket ORDER BY metric, bucket LIMIT 100000
"""
_OWN_SQL: Final = """
SELECT day, kind, name, events, valued, value_sum FROM usage_days
WHERE person = $3 AND day > $1 AND day <= $2 ORDER BY day, kind, name LIMIT 100000
"""
_VISITS_SQL: Final = """
SELECT day, session, started_at, ended_at, pages, conversions, entry_page, exit_page
FROM sessions WHERE person = $1 ORDER BY day DESC, started_at DESC LIMIT 20
"""


async def platform(pool: Any, params: dict[str, Any]) -> Any:
    """Days, pages, features, actions, journeys, errors and measurements.

    Parameters: days (7, 30, 90), until (a day).
    """
    span = _span(params)
    days, persons, names, sessions, metrics = await asyncio.gather(
        pool.fetch(_DAYS_SQL, *span),
        pool.fetchval(_PERSONS_SQL, *span),
        pool.fetch(_NAMES_SQL, *span, TOP),
        pool.fetch(_SESSIONS_SQL, *span, None),
        pool.fetch(_METRICS_SQL, *span),
    )
    lines = _days(span, days, sessions)
    of_kind = {kind: [row for row in names if row["kind"] == kind] for kind in {row["kind"] for row in names}}
    return {
        **_bounds(span),
        "totals": {**_totals(lines), "persons": persons, "conversions": _sum(sessions, "conversions")},
        "days": lines,
        "pages": [{**_named(row), "load_millis": _mean(row, 1_000)} for row in of_kind.get("page", ())],
        "features": [{**_named(row), "uses": int(row["value_sum"])} for row in of_kind.get("feature", ())],
        "actions": [_named(row) for row in of_kind.get("action", ())],
        "devices": [_named(row) for row in of_kind.get("start", ())],
        "journeys": _journeys(of_kind.get("step", ())),
        "errors": [{**_named(row), "fatal": int(row["value_sum"])} for row in of_kind.get("error", ())],
        "metrics": _metrics(metrics, of_kind.get("metric", ())),
    }


async def person(pool: Any, params: dict[str, Any]) -> Any:
    """One person's days, what was used most, and the latest visits. Parameters: person, days, until."""
    who, span = str(params["person"]), _span(params)
    rows, sessions, visits = await asyncio.gather(
        pool.fetch(_OWN_SQL, *span, who), pool.fetch(_SESSIONS_SQL, *span, who), pool.fetch(_VISITS_SQL, who)
    )
    lines = _days(span, [row for row in rows if row["name"] == ""], sessions)
    used: dict[str, dict[str, int]] = {}
    for row in rows:
        if row["name"]:
            names = used.setdefault(row["kind"], {})
            names[row["name"]] = names.get(row["name"], 0) + row["events"]
    most = {kind: sorted(names.items(), key=lambda item: (-item[1], item[0]))[:TOP] for kind, names in used.items()}
    return {
        **_bounds(span),
        "totals": {**_totals(lines), "conversions": _sum(sessions, "conversions")},
        "days": lines,
        "used": {kind: [{"name": name, "events": events} for name, events in most[kind]] for kind in sorted(most)},
        "visits": [_visit(row) for row in visits],
    }


def _span(params: Mapping[str, Any]) -> tuple[date, date]:
    """(the day before the first, the last): what is after the one and not after the other."""
    days = int(params.get("days") or 30)
    if days not in SPANS:
        raise QueryError("bad_parameters", "days is 7, 30 or 90")
    try:
        until = date.fromisoformat(params["until"]) if params.get("until") else datetime.now(UTC).date()
    except (TypeError, ValueError) as error:
        raise QueryError("bad_parameters", "until is a day, YYYY-MM-DD") from error
    return until - timedelta(days=days), until


def _bounds(span: tuple[date, date]) -> dict[str, Any]:
    return {"from_day": (span[0] + timedelta(days=1)).isoformat(), "to_day": span[1].isoformat()}


def _days(span: tuple[date, date], rows: Sequence[Any], sessions: Sequence[Any]) -> list[dict[str, Any]]:
    """A line for every day of the span, also for those on which nothing happened."""
    found: dict[date, dict[str, Any]] = {row["day"]: {} for row in rows}
    for row in rows:
        found[row["day"]][row["kind"]] = row
    visits = {row["day"]: row for row in sessions}
    every = [span[0] + timedelta(days=number) for number in range(1, (span[1] - span[0]).days + 1)]
    return [_day(day, found.get(day, {}), visits.get(day)) for day in every]


def _day(day: date, kinds: Mapping[str, Any], visits: Any) -> dict[str, Any]:
    def events(kind: str) -> int:
        return int(kinds[kind]["events"]) if kind in kinds else 0

    whole = kinds.get("")
    return {
        "day": day.isoformat(),
        "persons": whole.get("persons", 1) if whole is not None else 0,
        "events": events(""),
        "page_views": events("page"),
        "features": events("feature"),
        "errors": events("error"),
        "sessions": visits["sessions"] if visits else 0,
        "short_sessions": visits["short"] if visits else 0,
        "session_seconds": int(visits["seconds"]) if visits else 0,
    }


def _totals(lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    names = ("events", "page_views", "features", "errors", "sessions", "short_sessions", "session_seconds")
    sums: dict[str, Any] = {name: sum(line[name] for line in lines) for name in names}
    sums["mean_session_seconds"] = sums["session_seconds"] // sums["sessions"] if sums["sessions"] else None
    return sums


def _sum(rows: Sequence[Any], name: str) -> int:
    return sum(row[name] for row in rows)


def _named(row: Any) -> dict[str, Any]:
    return {"name": row["name"], "events": row["events"], "persons": row["persons"]}


def _mean(row: Any, unit: int) -> int | None:
    """The mean of the values that there were, in whole units, cut towards zero."""
    return int(Decimal(row["value_sum"]) / row["valued"] / unit) if row["valued"] else None


def _journeys(rows: Sequence[Any]) -> list[dict[str, Any]]:
    """Steps in order; `completed` is how often the last one was taken."""
    journeys: dict[str, list[Any]] = {}
    for row in sorted(rows, key=lambda row: str(row["name"])):
        journeys.setdefault(row["name"].rpartition("/")[0], []).append(row)
    return [
        {
            "journey": journey,
            "completed": sum(int(step["value_sum"]) for step in steps),
            "steps": [{**_named(step), "step": int(step["name"].rpartition("/")[2])} for step in steps],
        }
        for journey, steps in journeys.items()
    ]


def _metrics(buckets: Sequence[Any], names: Sequence[Any]) -> list[dict[str, Any]]:
    """Percentiles are the upper end of their bucket: at most a tenth above what was measured."""
    spread: dict[str, list[tuple[int, int]]] = {}
    for row in buckets:
        spread.setdefault(row["metric"], []).append((row["bucket"], row["events"]))
    return [
        {
            **_named(row),
            "mean": _mean(row, 1),
            **{f"p{share}": percentile(spread.get(row["name"], ()), share) for share in PERCENTILES},
        }
        for row in names
    ]


def percentile(buckets: Sequence[tuple[int, int]], share: int) -> int | None:
    """The upper end of the bucket in which the nearest rank of `share` percent lies; (bucket, events), ascending."""
    whole = sum(events for _, events in buckets)
    rank = -(-whole * share // 100)
    for bucket, events in buckets:
        rank -= events
        if rank <= 0:
            return 0 if bucket == 0 else int(Decimal("1.1") ** bucket)
    return None


def _visit(row: Any) -> dict[str, Any]:
    seconds = int((row["ended_at"] - row["started_at"]).total_seconds())
    names = ("session", "pages", "conversions", "entry_page", "exit_page")
    began = row["started_at"].astimezone(UTC).isoformat()
    return {
        "day": row["day"].isoformat(),
        "started_at": began,
        "seconds": seconds,
        **{name: row[name] for name in names},
    }


QUERIES: Final[Mapping[str, Query]] = {"platform": platform, "person": person}
