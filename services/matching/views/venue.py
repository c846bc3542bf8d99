"""What can be asked of how the venue is run. Amounts leave as decimal text, instants as microseconds (UTC)."""

from collections.abc import Mapping
from typing import Any, Final

from cleartide.money import quanta_to_text
from cleartide.service import Query

from services.matching.domain.venue.record import SWITCHES, Venue
from services.matching.views.pages import DEFAULT_ROWS, MOST_ROWS, before_of, limit_of

MOST_TIERS: Final = 1_000

_SETTINGS_SQL: Final = "SELECT name, value FROM venue_settings ORDER BY name LIMIT 16"
_LIMITS_SQL: Final = "SELECT * FROM venue_limits ORDER BY mode LIMIT 16"
_TIERS_SQL: Final = "SELECT * FROM order_tiers ORDER BY tier LIMIT $1"
_TERMS_SQL: Final = """
SELECT * FROM account_terms WHERE ($1::text IS NULL OR account = $1) AND ($3::text IS NULL OR account > $3)
ORDER BY account LIMIT $2
"""
_CHANGES_SQL: Final = """
SELECT * FROM venue_changes WHERE ($1::text IS NULL OR scope = $1) AND change_id < $2 ORDER BY change_id DESC LIMIT $3
"""
_ATTEMPTS_SQL: Final = """
SELECT stage, reason, sum(attempts)::bigint AS attempts FROM order_attempts WHERE $1::text IS NULL OR market = $1
GROUP BY stage, reason ORDER BY stage, reason LIMIT $2
"""


async def venue(pool: Any, _: dict[str, Any]) -> Any:
    """Mode, switches, the limits of each mode, and the tiers."""
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        found = {row["name"]: row["value"] for row in await connection.fetch(_SETTINGS_SQL)}
        limits = await connection.fetch(_LIMITS_SQL)
        tiers = await connection.fetch(_TIERS_SQL, MOST_TIERS)
    fresh = Venue()
    return {
        **{name: found.get(name, fresh.setting(name)) for name in ("mode", *SWITCHES)},
        "limits": {row["mode"]: _limits(row) for row in limits},
        "tiers": {row["tier"]: {cap: row[cap] for cap in ("per_minute", "per_hour", "per_day")} for row in tiers},
    }


async def account_terms(pool: Any, params: dict[str, Any]) -> Any:
    """Accounts for which the operator has decided something, by name.

    Parameters: account; limit; before, the last account of the page before; all optional.
    """
    who, before = params.get("account"), params.get("before")
    limit = limit_of(params.get("limit", DEFAULT_ROWS), MOST_ROWS)
    rows = await pool.fetch(_TERMS_SQL, who and str(who), limit, before and str(before))
    return {"accounts": [dict(row) for row in rows]}


async def venue_changes(pool: Any, params: dict[str, Any]) -> Any:
    """Who changed what and when, newest first. Parameters: scope (as market:BTC-PERP); before, limit; all optional."""
    scope, limit = params.get("scope"), limit_of(params.get("limit", DEFAULT_ROWS), MOST_ROWS)
    rows = await pool.fetch(_CHANGES_SQL, scope and str(scope), before_of(params), limit)
    return {"changes": [dict(row) for row in rows]}


async def order_attempts(pool: Any, params: dict[str, Any]) -> Any:
    """How many orders were accepted, and how many each check refused for which reason. Parameters: market, optional."""
    where = params.get("market")
    rows = await pool.fetch(_ATTEMPTS_SQL, where and str(where), MOST_ROWS)
    return {"attempts": [dict(row) for row in rows]}


def _limits(row: Mapping[str, Any]) -> dict[str, Any]:
    amounts = {name: row[f"{name}_quanta"] for name in ("max_position", "max_daily_loss")}
    texts = {name: None if quanta is None else quanta_to_text(quanta) for name, quanta in amounts.items()}
    return {**texts, "max_leverage": row["max_leverage"]}


QUERIES: Final[Mapping[str, Query]] = {
    "account_terms": account_terms,
    "order_attempts": order_attempts,
    "venue": venue,
    "venue_changes": venue_changes,
}
