"""What an owner can ask: days, months, moves. Amounts leave as decimal text of whole assets, days in UTC."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from cleartide.contracts.types import JSON_SAFE
from cleartide.money import rate_text, units_text
from cleartide.rules.calendar import date_of, day_of, month_named, month_of, months_between
from cleartide.rules.returns import apr_ppb, apy_ppb
from cleartide.service import Query, QueryError

DEFAULT_DAYS: Final = 31
MOST_DAYS: Final = 3_660
MOST_MONTHS: Final = 1_220
"""Of one page of the gateway and one month more: 121 months of ten lines."""
LAST_MONTH: Final = "9999-12"
DEFAULT_DECIMALS: Final = 6
"""Of an asset that no vault has reported yet, such as a farm's reward."""
AMOUNTS: Final = ("equity_start", "equity_end", "deposits", "withdrawals", "fees", "earned")

_NUMBERS_SQL: Final = "SELECT coalesce(array_agg(number), '{}') FROM vault_lines WHERE owner = $1 LIMIT 1"
"""By their numbers lines are found in the partitions, whose rows lie in that order."""
# What had been earned by a day's end is the sum of the months before the first day's, and of the days since.
_DAYS_SQL: Final = """
SELECT * FROM (
  SELECT d.*, coalesce(b.earned, 0) + sum(d.earned) OVER line AS cumulative,
         coalesce(b.earned - b.fees, 0) + sum(d.earned - d.fees) OVER line AS cumulative_net
  FROM current_days d LEFT JOIN (
    SELECT protocol, asset, sum(earned) AS earned, sum(fees) AS fees FROM vault_months
    WHERE owner = $1 AND month < $8 GROUP BY protocol, asset
  ) b USING (protocol, asset)
  WHERE d.number = ANY($2::bigint[])
    AND d.ts >= to_timestamp($9::bigint / 1000000) AND d.ts <= to_timestamp($4::bigint / 1000000)
  WINDOW line AS (PARTITION BY d.number ORDER BY d.day)
) told
WHERE day >= $3 AND ($5::text IS NULL OR protocol = $5) AND ($6::text IS NULL OR asset = $6)
  AND (equity_start, equity_end, deposits, withdrawals, fees, earned) IS DISTINCT FROM (0, 0, 0, 0, 0, 0)
ORDER BY day DESC, protocol, asset LIMIT $7
"""
_MONTHS_SQL: Final = """
SELECT * FROM vault_months WHERE owner = $1 AND active_days > 0 AND month < $2
ORDER BY month DESC, protocol, asset LIMIT $3
"""
_RETURNS_SQL: Final = """
SELECT protocol, asset, array_agg(return_1e12 ORDER BY day) AS returns FROM current_days
WHERE number = ANY($1::bigint[]) AND return_1e12 IS NOT NULL
  AND ts >= to_timestamp($2::bigint / 1000000) AND ts < to_timestamp($3::bigint / 1000000)
GROUP BY protocol, asset LIMIT 1000
"""
_DECIMALS_SQL: Final = """
SELECT s.asset, max(s.decimals) AS decimals FROM known_vaults v
CROSS JOIN LATERAL (SELECT * FROM vault_states s WHERE s.vault = v.vault ORDER BY s.block_time DESC LIMIT 1) s
GROUP BY s.asset LIMIT 1000
"""
_MOVES_SQL: Final = """
SELECT e.*, EXISTS (SELECT FROM chain_retractions r WHERE (r.chain, r.signature, r.event_index)
                                                        = (e.chain, e.signature, e.event_index)) AS retracted
FROM chain_events e WHERE e.owner = $1 AND e.place < $2 ORDER BY e.place DESC, e.event_index LIMIT $3
"""


async def days(pool: Any, params: dict[str, Any]) -> Any:
    """An owner's days, newest first, each with what had been earned by its end since the beginning.

    Parameters: owner; month (YYYY-MM) or from_day, to_day (any instant of the day, microseconds); protocol, asset,
    limit.
    """
    first, last = _range(params)
    limit = _limit(params, DEFAULT_DAYS, MOST_DAYS)
    narrowed = (params.get("protocol"), params.get("asset"))
    owner, month = str(params["owner"]), month_of(first)
    numbers, begins = await pool.fetchval(_NUMBERS_SQL, owner), months_between(month)[0]
    rows = await pool.fetch(_DAYS_SQL, owner, numbers, first, last, *narrowed, limit, month, begins)
    scale = await decimals_of(pool)
    return {"owner": params["owner"], "days": [_day(row, scale) for row in rows]}


async def months(pool: Any, params: dict[str, Any]) -> Any:
    """An owner's months by protocol and asset, newest first: balances, flows, earnings, active days, APR, APY (15.4).

    Parameters: owner, before (YYYY-MM), limit (months times lines).
    """
    owner, before = str(params["owner"]), _month_number("before", params.get("before") or LAST_MONTH)
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        rows = await connection.fetch(_MONTHS_SQL, owner, before, _limit(params, 12, MOST_MONTHS))
        scale, numbers = await decimals_of(connection), await connection.fetchval(_NUMBERS_SQL, owner)
        returns = {month: await _returns(connection, numbers, month) for month in {row["month"] for row in rows}}
    return {"owner": owner, "months": [_month(row, returns[row["month"]], scale) for row in rows]}


async def moves(pool: Any, params: dict[str, Any]) -> Any:
    """An owner's events, newest first. Parameters: owner, before (a `place`), limit."""
    before, limit = int(params.get("before") or JSON_SAFE), _limit(params, 50, 500)
    rows = await pool.fetch(_MOVES_SQL, str(params["owner"]), before, limit)
    scale = await decimals_of(pool)
    return {"owner": params["owner"], "moves": [_move(row, scale) for row in rows]}


async def decimals_of(pool: Any) -> dict[str, int]:
    """How many decimals each asset has."""
    return {row["asset"]: row["decimals"] for row in await pool.fetch(_DECIMALS_SQL)}


async def _returns(connection: Any, numbers: Sequence[int], month: int) -> dict[tuple[str, str], list[int]]:
    rows = await connection.fetch(_RETURNS_SQL, numbers, *months_between(month))
    return {(row["protocol"], row["asset"]): list(row["returns"]) for row in rows}


def _day(row: Mapping[str, Any], scale: Mapping[str, int]) -> dict[str, Any]:
    places = scale.get(row["asset"], DEFAULT_DECIMALS)
    return {
        "day": row["day"],
        "date": date_of(row["day"]).isoformat(),
        "protocol": row["protocol"],
        "asset": row["asset"],
        **_amounts(row, places),
        "cumulative_earned": units_text(int(row["cumulative"]), places),
        "cumulative_net": units_text(int(row["cumulative_net"]), places),
        "return": None if row["return_1e12"] is None else units_text(row["return_1e12"], 12),
        "revision": row["revision"],
    }


def _amounts(row: Mapping[str, Any], places: int) -> dict[str, str]:
    return {name: units_text(row[name], places) for name in AMOUNTS}


def _month(
    row: Mapping[str, Any], returns: Mapping[tuple[str, str], Sequence[int]], scale: Mapping[str, int]
) -> dict[str, Any]:
    places = scale.get(row["asset"], DEFAULT_DECIMALS)
    year, month = divmod(row["month"], 100)
    return {
        "month": f"{year:04}-{month:02}",
        "protocol": row["protocol"],
        "asset": row["asset"],
        **_amounts(row, places),
        "active_days": row["active_days"],
        "average_apr": rate_text(apr_ppb(row["return_sum"], row["return_days"])),
        "average_apy": rate_text(apy_ppb(returns.get((row["protocol"], row["asset"]), ()))),
    }


def _move(row: Mapping[str, Any], scale: Mapping[str, int]) -> dict[str, Any]:
    places = scale.get(row["asset"], DEFAULT_DECIMALS)
    names = ("chain", "signature", "event_index", "place", "kind", "vault", "protocol", "asset", "slot", "block_time")
    return {
        **{name: row[name] for name in names},
        **{name: units_text(row[name], places) for name in ("deposit", "withdrawal", "fee")},
        "shares": row["shares"],
        "staked_shares": row["staked"],
        "retracted": row["retracted"],
    }


def _limit(params: dict[str, Any], default: int, most: int) -> int:
    limit = int(params.get("limit", default))
    if not 1 <= limit <= most:
        raise QueryError("bad_parameters", f"limit is 1 to {most}")
    return limit


def _month_number(name: str, text: Any) -> int:
    try:
        return month_named(str(text))
    except ValueError:
        raise QueryError("bad_parameters", f"{name} is YYYY-MM") from None


def _range(params: dict[str, Any]) -> tuple[int, int]:
    if month := params.get("month"):
        first, after = months_between(_month_number("month", month))
        return first, after - 1
    first, last = int(params.get("from_day", 0)), int(params.get("to_day", JSON_SAFE))
    if not 0 <= first <= last <= JSON_SAFE:
        raise QueryError("bad_parameters", "from_day and to_day are microseconds, from_day not after to_day")
    return day_of(first), day_of(last)


QUERIES: Final[Mapping[str, Query]] = {"days": days, "months": months, "moves": moves}
