"""What can be asked of earnings. Money leaves as decimal text, instants as microseconds since the Unix epoch (UTC)."""

from collections.abc import Mapping
from typing import Any, Final

from cleartide.contracts.types import JSON_SAFE
from cleartide.money import quanta_to_text
from cleartide.service import Query, QueryError

from services.earnings.domain.account import day_of

DEFAULT_DAYS: Final = 31
MOST_DAYS: Final = 366
MOST_MONTHS: Final = 120
_AMOUNTS: Final = ("equity_start", "equity_end", "flows", "pnl", "funding", "fees", "rebates", "yield")
_PARTS: Final = ("flows", "pnl", "funding", "fees", "yield")
_COLUMNS: Final = ", ".join(f"{name}_quanta" for name in _AMOUNTS)

_NUMBER_SQL: Final = "SELECT number FROM earnings_accounts WHERE account = $1 LIMIT 1"
"""By its number an account is found in the partitions, whose rows lie in that order."""
_DAYS_SQL: Final = f"""
SELECT * FROM (
  SELECT day, true AS closed, day + 86400000000 AS as_of, {_COLUMNS} FROM earnings_days
  WHERE number = $1 AND ts >= to_timestamp($3::bigint / 1000000) AND ts <= to_timestamp($4::bigint / 1000000)
  UNION ALL
  SELECT day, false, as_of, {_COLUMNS} FROM earnings_open_days WHERE account = $2 AND day >= $3 AND day <= $4
) told ORDER BY day DESC LIMIT $5
"""  # noqa: S608 - column names are the constants above
_TOTALS_SQL: Final = f"""
SELECT day, accounts, {_COLUMNS} FROM earnings_totals
WHERE day >= $1 AND day <= $2 ORDER BY day DESC LIMIT $3
"""  # noqa: S608
_MONTHS_SQL: Final = """
SELECT to_char(timestamp '1970-01-01' + day / 86400000000 * interval '1 day', 'YYYY-MM') AS month,
       (array_agg(equity_start_quanta ORDER BY day))[1] AS equity_start_quanta,
       (array_agg(equity_end_quanta ORDER BY day DESC))[1] AS equity_end_quanta, sum(flows_quanta) AS flows_quanta,
       sum(pnl_quanta) AS pnl_quanta, sum(funding_quanta) AS funding_quanta, sum(fees_quanta) AS fees_quanta,
       sum(rebates_quanta) AS rebates_quanta, sum(yield_quanta) AS yield_quanta, count(*) AS active_days
FROM earnings_days WHERE number = $1 GROUP BY 1 ORDER BY 1 DESC LIMIT $2
"""
_CLOSED_SQL: Final = """
SELECT count(*) AS days, coalesce(sum(flows_quanta), 0) AS flows, coalesce(sum(pnl_quanta), 0) AS pnl,
       coalesce(sum(funding_quanta), 0) AS funding, coalesce(sum(fees_quanta), 0) AS fees,
       coalesce(sum(yield_quanta), 0) AS yield
FROM earnings_days WHERE number = $1 LIMIT 1
"""
_OPEN_SQL: Final = """
SELECT a.*, held.quote, held.value, held.unsettled, invested.worth
FROM earnings_accounts a
CROSS JOIN LATERAL (
  SELECT coalesce(sum(p.quote_quanta), 0) AS quote,
         coalesce(sum(p.lots::numeric * m.mark_ticks * m.quanta_per_lot_tick), 0) AS value,
         coalesce(-sum(p.lots::numeric * (m.funding_index_quanta - p.settled_index_quanta)), 0) AS unsettled
  FROM earnings_positions p JOIN earnings_markets m USING (market) WHERE p.account = a.account
) held
CROSS JOIN LATERAL (
  SELECT coalesce(sum(least(w.assets, div(s.shares * (w.assets + 1), w.shares + w.virtual_shares))), 0) AS worth
  FROM earnings_shares s JOIN earnings_vault_worth w USING (vault) WHERE s.account = a.account
) invested
WHERE a.account = $1 LIMIT 1
"""


async def days(pool: Any, params: dict[str, Any]) -> Any:
    """An account's days, newest first. Parameters: account; from_day, to_day (any instant of the day), limit."""
    first, last, limit = _range(params)
    account = str(params["account"])
    number = await pool.fetchval(_NUMBER_SQL, account)
    rows = await pool.fetch(_DAYS_SQL, number, account, first, last, limit)
    return {"account": params["account"], "days": [_day(row) for row in rows]}


async def months(pool: Any, params: dict[str, Any]) -> Any:
    """An account's months in UTC, newest first: sums of its closed days (domain rule R34), as quote text.

    Parameters: account, limit.
    """
    limit = int(params.get("limit", 12))
    if not 1 <= limit <= MOST_MONTHS:
        raise QueryError("bad_parameters", f"limit is 1 to {MOST_MONTHS}")
    rows = await pool.fetch(_MONTHS_SQL, await pool.fetchval(_NUMBER_SQL, str(params["account"])), limit)
    listed = [{"month": row["month"], **_amounts(row), "active_days": row["active_days"]} for row in rows]
    return {"account": params["account"], "months": listed}


async def totals(pool: Any, params: dict[str, Any]) -> Any:
    """Sums over all accounts per closed day, newest first. Parameters: from_day, to_day, limit."""
    rows = await pool.fetch(_TOTALS_SQL, *_range(params))
    return {"days": [{"day": row["day"], "accounts": row["accounts"], **_amounts(row)} for row in rows]}


async def summary(pool: Any, params: dict[str, Any]) -> Any:
    """An account now, at the marks in force: cash, equity, its open day, and everything since its first day.

    Parameters: account. Error `not_found` when nothing of the account is known.
    """
    account = str(params["account"])
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        now = await connection.fetchrow(_OPEN_SQL, account)
        if now is None:
            raise QueryError("not_found", f"account {account} has no transfer or trade")
        closed = await connection.fetchrow(_CLOSED_SQL, now["number"])
    return _summary(account, now, closed)


def _summary(account: str, now: Mapping[str, Any], closed: Mapping[str, Any]) -> dict[str, Any]:
    """The open day by the identity of R34, in quanta and told as quote text; a lifetime is the closed days and it."""
    today = dict.fromkeys(_PARTS, 0)
    equity = int(now["cash_quanta"] + now["quote"] + now["value"] + now["unsettled"] + now["worth"])
    if now["active"]:
        today = {
            "flows": now["flows_quanta"],
            "pnl": int(now["fill_flow_quanta"] + now["value"] - now["value_start_quanta"]),
            "funding": int(now["settled_funding_quanta"] + now["unsettled"] - now["unsettled_start_quanta"]),
            "fees": now["fees_quanta"] + now["vault_fees_quanta"],
            "yield": int(
                now["worth"] - now["vaults_start_quanta"] + now["vault_flow_quanta"] + now["vault_fees_quanta"]
            ),
        }
    lifetime = {name: int(closed[name]) + today[name] for name in _PARTS}
    return {
        "account": account,
        "cash": quanta_to_text(now["cash_quanta"]),
        "equity": quanta_to_text(equity),
        "open_day": _open_day(now, equity, today) if now["active"] else None,
        "closed_days": closed["days"],
        "lifetime": {name: quanta_to_text(amount) for name, amount in lifetime.items()},
    }


def _open_day(now: Mapping[str, Any], equity: int, today: Mapping[str, int]) -> dict[str, Any]:
    return {
        "day": now["day"],
        "equity_start": quanta_to_text(now["equity_start_quanta"]),
        "equity_end": quanta_to_text(equity),
        **{name: quanta_to_text(amount) for name, amount in today.items()},
    }


def _day(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"day": row["day"], **_amounts(row), "closed": row["closed"], "as_of": row["as_of"]}


def _amounts(row: Mapping[str, Any]) -> dict[str, str]:
    return {name: quanta_to_text(int(row[f"{name}_quanta"])) for name in _AMOUNTS}


def _range(params: dict[str, Any]) -> tuple[int, int, int]:
    limit = int(params.get("limit", DEFAULT_DAYS))
    if not 1 <= limit <= MOST_DAYS:
        raise QueryError("bad_parameters", f"limit is 1 to {MOST_DAYS}")
    first, last = int(params.get("from_day", 0)), int(params.get("to_day", JSON_SAFE))
    if not 0 <= first <= last <= JSON_SAFE:
        raise QueryError("bad_parameters", "from_day and to_day are microseconds, from_day not after to_day")
    return day_of(first), day_of(last), limit


QUERIES: Final[Mapping[str, Query]] = {"days": days, "months": months, "summary": summary, "totals": totals}
