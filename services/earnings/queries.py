"""What can be asked of earnings. Money leaves as decimal text, instants as microseconds since the Unix epoch (UTC)."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from cleartide.contracts.types import JSON_SAFE
from cleartide.money import quanta_to_text, rate_text, units_text
from cleartide.rules.assets import SETTLEMENT_ASSET
from cleartide.rules.calendar import date_of, day_of, month_named, month_of, months_between
from cleartide.rules.returns import apr_ppb, apy_of_growth_ppb
from cleartide.service import Query, QueryError

DEFAULT_DAYS: Final = 31
MOST_DAYS: Final = 366
MOST_MONTHS: Final = 1_200
VENUE: Final = "cleartide"
_PARTS: Final = ("flows", "deposits", "withdrawals", "pnl", "funding", "fees", "rebates", "yield")
_BOUNDS: Final = ("equity_start", "equity_end")
_CUMULATIVE: Final = ("cumulative_earned", "cumulative_net")
_TOTALS: Final = (*_BOUNDS, "flows", "pnl", "funding", "fees", "rebates", "yield")


def _quanta(names: Iterable[str]) -> str:
    return ", ".join(f"{name}_quanta" for name in names)


_ACCOUNT_SQL: Final = "SELECT number, day FROM earnings_accounts WHERE account = $1 LIMIT 1"
"""By its number an account is found in the partitions, whose rows lie in that order; `day` is that of its last row."""
_DAYS_SQL: Final = f"""
SELECT * FROM (
  SELECT day, true AS closed, day + 86400000000 AS as_of, return_1e12, {_quanta((*_BOUNDS, *_PARTS, *_CUMULATIVE))}
  FROM earnings_days
  WHERE number = $1 AND ts >= to_timestamp($3::bigint / 1000000) AND ts <= to_timestamp($4::bigint / 1000000)
  UNION ALL
  SELECT day, false, as_of, NULL, {_quanta((*_BOUNDS, *_PARTS, *_CUMULATIVE))}
  FROM earnings_open_days WHERE account = $2 AND day >= $3 AND day <= $4
) told ORDER BY day DESC LIMIT $5
"""  # noqa: S608 - column names are the constants above
_TOTALS_SQL: Final = f"""
SELECT day, accounts, {_quanta(_TOTALS)} FROM earnings_totals
WHERE day >= $1 AND day <= $2 ORDER BY day DESC LIMIT $3
"""  # noqa: S608
_MONTHS_SQL: Final = """
SELECT *, deposits_quanta - withdrawals_quanta AS flows_quanta FROM (
  SELECT * FROM earnings_months WHERE account = $1 UNION ALL SELECT * FROM earnings_open_months WHERE account = $1
) m WHERE active_days > 0 AND month <= $2 ORDER BY month DESC LIMIT $3
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
    """An account's days, newest first, each with what had been earned by its end since the first day.

    Parameters: account; from_day, to_day (any instant of the day), limit.
    """
    first, last, limit = _range(params)
    account = str(params["account"])
    known = await pool.fetchrow(_ACCOUNT_SQL, account)
    if known is None:
        return {"account": account, "days": []}
    cut, last = last < known["day"], min(last, known["day"])
    rows = await pool.fetch(_MONTHS_SQL, account, month_of(last), MOST_MONTHS)
    first = max(first, _reach([(row["month"], row["active_days"]) for row in rows], last, limit, cut=cut))
    rows = await pool.fetch(_DAYS_SQL, known["number"], account, first, last, limit)
    return {"account": account, "days": [_day(row) for row in rows]}


async def months(pool: Any, params: dict[str, Any]) -> Any:
    """An account's months in UTC, newest first, of its closed days (domain rule R34), as quote text, with APR and APY.

    Parameters: account, before (YYYY-MM), limit.
    """
    limit = int(params.get("limit", 12))
    if not 1 <= limit <= MOST_MONTHS:
        raise QueryError("bad_parameters", f"limit is 1 to {MOST_MONTHS}")
    rows = await pool.fetch(_MONTHS_SQL, str(params["account"]), _last_month(params), limit)
    return {"account": params["account"], "months": [_month(row) for row in rows]}


async def totals(pool: Any, params: dict[str, Any]) -> Any:
    """Sums over all accounts per closed day, newest first. Parameters: from_day, to_day, limit."""
    rows = await pool.fetch(_TOTALS_SQL, *_range(params))
    return {"days": [{"day": row["day"], "accounts": row["accounts"], **_amounts(row, _TOTALS)} for row in rows]}


async def summary(pool: Any, params: dict[str, Any]) -> Any:
    """An account now, at the marks in force: cash, equity, its open day, and everything since its first day.

    Parameters: account. Error `not_found` when nothing of the account is known.
    """
    account = str(params["account"])
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        now = await connection.fetchrow(_OPEN_SQL, account)
        if now is None:
            raise QueryError("not_found", f"account {account} has no transfer or trade")
        closed = await connection.fetch(_MONTHS_SQL, account, month_of(JSON_SAFE), MOST_MONTHS)
    return _summary(account, now, closed)


def _last_month(params: Mapping[str, Any]) -> int:
    """The number of the newest month that is asked for, or one less than that of the month after it."""
    before = params.get("before")
    if before is None:
        return month_of(JSON_SAFE)
    try:
        return month_named(str(before)) - 1
    except ValueError:
        raise QueryError("bad_parameters", "before is YYYY-MM") from None


def _reach(months: Iterable[tuple[int, int]], last: int, limit: int, *, cut: bool) -> int:
    """Where the oldest month begins that the newest `limit` days up to `last` can be in, in microseconds UTC.

    months: (month, active days), newest first. cut: there are days after `last`, nobody knows how many in its month.
    """
    newest = month_of(last)
    first, found = months_between(newest)[0], 0
    for month, active_days in months:
        first = months_between(month)[0]
        found += 0 if cut and month == newest else active_days
        if found >= limit:
            break
    return first


def _summary(account: str, now: Mapping[str, Any], closed: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The open day by the identity of R34, in quanta and told as quote text; a lifetime is the closed days and it."""
    today = dict.fromkeys(_PARTS, 0)
    equity = int(now["cash_quanta"] + now["quote"] + now["value"] + now["unsettled"] + now["worth"])
    if now["active"]:
        today = {
            "flows": now["deposits_quanta"] - now["withdrawals_quanta"],
            "deposits": now["deposits_quanta"],
            "withdrawals": now["withdrawals_quanta"],
            "pnl": int(now["fill_flow_quanta"] + now["value"] - now["value_start_quanta"]),
            "funding": int(now["settled_funding_quanta"] + now["unsettled"] - now["unsettled_start_quanta"]),
            "fees": now["fees_quanta"] + now["vault_fees_quanta"],
            "rebates": now["rebates_quanta"],
            "yield": int(
                now["worth"] - now["vaults_start_quanta"] + now["vault_flow_quanta"] + now["vault_fees_quanta"]
            ),
        }
    lifetime = {name: sum(month[f"{name}_quanta"] for month in closed) + today[name] for name in _PARTS}
    return {
        "account": account,
        "cash": quanta_to_text(now["cash_quanta"]),
        "equity": quanta_to_text(equity),
        "open_day": _open_day(now, equity, today) if now["active"] else None,
        "closed_days": sum(month["active_days"] for month in closed),
        "lifetime": _told(lifetime),
    }


def _open_day(now: Mapping[str, Any], equity: int, today: Mapping[str, int]) -> dict[str, Any]:
    bounds = {"equity_start": quanta_to_text(now["equity_start_quanta"]), "equity_end": quanta_to_text(equity)}
    return {"day": now["day"], **bounds, **_told(today)}


def _day(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "day": row["day"],
        "date": date_of(row["day"]).isoformat(),
        "protocol": VENUE,
        "asset": SETTLEMENT_ASSET,
        **_amounts(row, _BOUNDS),
        **_told(_parts(row)),
        **_amounts(row, _CUMULATIVE),
        "return": None if row["return_1e12"] is None else units_text(row["return_1e12"], 12),
        "closed": row["closed"],
        "as_of": row["as_of"],
    }


def _month(row: Mapping[str, Any]) -> dict[str, Any]:
    year, month = divmod(row["month"], 100)
    return {
        "month": f"{year:04}-{month:02}",
        "protocol": VENUE,
        "asset": SETTLEMENT_ASSET,
        **_amounts(row, _BOUNDS),
        **_told(_parts(row)),
        "active_days": row["active_days"],
        "average_apr": rate_text(apr_ppb(row["return_sum"], row["return_days"])),
        "average_apy": rate_text(apy_of_growth_ppb(Decimal(row["growth"]), row["return_days"])),
    }


def _parts(row: Mapping[str, Any]) -> dict[str, int]:
    return {name: row[f"{name}_quanta"] for name in _PARTS}


def _told(parts: Mapping[str, int]) -> dict[str, str]:
    """The parts as quote text, with `earned`: pnl + funding + yield, what a vault's day has as its yield (R34)."""
    earned = parts["pnl"] + parts["funding"] + parts["yield"]
    return {name: quanta_to_text(amount) for name, amount in {**parts, "earned": earned}.items()}


def _amounts(row: Mapping[str, Any], names: Iterable[str]) -> dict[str, str]:
    return {name: quanta_to_text(row[f"{name}_quanta"]) for name in names}


def _range(params: dict[str, Any]) -> tuple[int, int, int]:
    limit = int(params.get("limit", DEFAULT_DAYS))
    if not 1 <= limit <= MOST_DAYS:
        raise QueryError("bad_parameters", f"limit is 1 to {MOST_DAYS}")
    first, last = int(params.get("from_day", 0)), int(params.get("to_day", JSON_SAFE))
    if not 0 <= first <= last <= JSON_SAFE:
        raise QueryError("bad_parameters", "from_day and to_day are microseconds, from_day not after to_day")
    return day_of(first), day_of(last), limit


QUERIES: Final[Mapping[str, Query]] = {"days": days, "months": months, "summary": summary, "totals": totals}
