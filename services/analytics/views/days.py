"""Statistics by UTC day: of a market, of an account, of the venue, and who leads. As they hold now."""

from collections.abc import Mapping
from typing import Any, Final

from cleartide.contracts.types import JSON_SAFE
from cleartide.money import Grid, quanta_to_text
from cleartide.service import Query, QueryError

from services.analytics.domain.account import DAY_MICROS, day_of

MOST_DAYS: Final = 366
MOST_LEADERS: Final = 500
RANKINGS: Final = ("volume", "pnl", "fees", "trades", "realized", "funding", "yield")
INVESTED: Final = """
SELECT s.vault, s.shares, least(w.assets, div(s.shares * (w.assets + 1), w.shares + w.virtual_shares))::bigint AS worth
FROM vault_shares s JOIN vault_worth w USING (vault) WHERE s.account = a.account LIMIT 500
"""
"""An account's shares of vaults and what they would bring now; `a` is the account."""
MONEY: Final = ("equity_start", "equity_end", "flows", "pnl", "funding", "fees", "yield", "realized", "volume")

_VENUE_SUMS: Final = (
    "quote_quanta",
    "trades",
    "fees_quanta",
    "referral_quanta",
    "liquidation_fees_quanta",
    "liquidations",
)

# Volume, trades and prices of a day are those of its candles, which count restated trades as they hold now.
MARKET_DAYS_SQL: Final = """
SELECT d.*, c.*, m.tick_size, m.lot_size, m.quanta_per_lot_tick
FROM market_days d JOIN markets m USING (market)
CROSS JOIN LATERAL (
  SELECT (array_agg(open_ticks ORDER BY open_time))[1] AS open_ticks, max(high_ticks) AS high_ticks,
         min(low_ticks) AS low_ticks, (array_agg(close_ticks ORDER BY open_time DESC))[1] AS close_ticks,
         coalesce(sum(volume_lots), 0)::bigint AS volume_lots, coalesce(sum(quote_quanta), 0)::bigint AS quote_quanta,
         coalesce(sum(entries), 0)::bigint AS trades
  FROM candles_now
  WHERE market = d.market AND series = 'trade' AND open_time >= d.day AND open_time < d.day + 86400000000
) c
WHERE ($1::text IS NULL OR d.market = $1) AND d.day >= $2 AND d.day <= $3
ORDER BY d.day DESC, d.market LIMIT $4
"""


def _spans(number: str) -> str:
    """Told days, the open day (its closed hours, then its open hour), and what corrections add to either.

    `number`: a condition on accounts; separate texts, so that one account is looked up by its index.
    """
    return f"""
WITH spans AS (
  SELECT 0 AS part, number, start AS day, true AS closed, equity_start, equity_end, flows, pnl, funding, fees, realized,
         volume, trades, earned AS yield
  FROM account_days
  WHERE ts >= to_timestamp($2::bigint / 1000000) AND ts <= to_timestamp($3::bigint / 1000000) AND {number}
  UNION ALL
  SELECT 1, number, day, false, day_equity_start, day_equity_end, day_flows, day_pnl, day_funding, day_fees,
         day_realized, day_volume, day_trades, day_earned
  FROM accounts WHERE day >= $2::bigint AND day <= $3::bigint AND {number}
  UNION ALL
  SELECT 2, number, hour - hour % 86400000000, false, equity_start, cash + quote + value + unsettled + worth,
         flows, fill_flow + value - value_start, settled + unsettled - unsettled_start, fees, realized, volume, trades,
         worth - vaults_start + vault_flow
  FROM accounts a CROSS JOIN LATERAL (
    SELECT coalesce(sum(quote_quanta), 0)::bigint AS quote,
           coalesce(sum(h.lots::numeric * u.mark * u.quanta_per_lot_tick), 0)::bigint AS value,
           coalesce(-sum(h.lots::numeric * (u.funding_index - h.settled_index)), 0)::bigint AS unsettled
    FROM holdings h JOIN units u USING (market) WHERE h.account = a.account
  ) held CROSS JOIN LATERAL (SELECT coalesce(sum(worth), 0)::bigint AS worth FROM ({INVESTED}) v) invested
  WHERE active AND hour >= $2::bigint AND hour < $3::bigint + 86400000000 AND {number}
  UNION ALL
  SELECT 3, number, hour - hour % 86400000000, NULL, NULL, NULL, 0, 0, 0, 0, 0, volume, trades, 0
  FROM adjustments WHERE hour >= $2::bigint AND hour < $3::bigint + 86400000000 AND {number}
)"""  # noqa: S608 - the conditions are the constants below


_ONE: Final = _spans("number = $1::bigint")
_ALL: Final = _spans("$1::bigint IS NULL")
_SUMS: Final = ", ".join(f"sum({name})::bigint AS {name}" for name in (*RANKINGS, "flows"))
ACCOUNT_DAYS_SQL: Final = f"""{_ONE}
SELECT day, bool_and(closed) AS closed,
       (array_agg(equity_start ORDER BY part) FILTER (WHERE part < 3))[1] AS equity_start,
       (array_agg(equity_end ORDER BY part DESC) FILTER (WHERE part < 3))[1] AS equity_end, {_SUMS}
FROM spans GROUP BY day HAVING bool_or(part < 3) OR sum(trades) <> 0 ORDER BY day DESC LIMIT $4
"""  # noqa: S608
_LEADERS_SQL: Final = {
    name: f"""{_ALL}
SELECT a.account, s.* FROM (SELECT number, {_SUMS} FROM spans GROUP BY number) s JOIN accounts a USING (number)
ORDER BY s.{name} DESC, s.number LIMIT $4
"""  # noqa: S608 - the name is one of RANKINGS
    for name in RANKINGS
}
# An account of which a day holds nothing any more, because its trades were corrected away, was not there that day.
_ACTIVE_SQL: Final = f"""{_ALL}
SELECT day, count(*) FILTER (WHERE trades > 0) AS traders, count(*) AS accounts FROM (
  SELECT day, number, sum(trades) AS trades FROM spans GROUP BY day, number HAVING bool_or(part < 3) OR sum(trades) <> 0
) active GROUP BY day ORDER BY day DESC LIMIT $4
"""  # noqa: S608
_NUMBER_SQL: Final = "SELECT number FROM accounts WHERE account = $1 LIMIT 1"
_NOW_SQL: Final = "SELECT max(minute) FROM clock"


async def market_days(pool: Any, params: dict[str, Any]) -> Any:
    """A market's days, newest first. Parameters: market (all when absent), from_day, to_day (any instant), limit."""
    first, last, limit = day_range(params)
    rows = await pool.fetch(MARKET_DAYS_SQL, params.get("market"), first, last, limit)
    return {"days": [_market_day(row) for row in rows]}


async def account_days(pool: Any, params: dict[str, Any]) -> Any:
    """An account's days, newest first; the newest one may be open. Parameters: account, from_day, to_day, limit."""
    first, last, limit = day_range(params)
    number = await account_number(pool, params)
    rows = await pool.fetch(ACCOUNT_DAYS_SQL, number, first, last, limit)
    return {"account": params["account"], "days": [_account_day(row) for row in rows]}


async def leaderboard(pool: Any, params: dict[str, Any]) -> Any:
    """Accounts by one figure over the last days. Parameters: by (volume), days (30, with the open one), limit (50)."""
    by, days = str(params.get("by", "volume")), int(params.get("days", 30))
    if by not in RANKINGS or not 1 <= days <= MOST_DAYS:
        raise QueryError("bad_parameters", f"by is one of {', '.join(RANKINGS)}; days 1 to {MOST_DAYS}")
    today = day_of(await pool.fetchval(_NOW_SQL) or 0)
    limit = _limit(params, 50, MOST_LEADERS)
    rows = await pool.fetch(_LEADERS_SQL[by], None, today - (days - 1) * DAY_MICROS, today, limit)
    return {"by": by, "days": days, "as_of_day": today, "accounts": [_leader(row) for row in rows]}


async def venue_days(pool: Any, params: dict[str, Any]) -> Any:
    """The venue's days, newest first: volume, trades, traders, fees, and what of them stays. Money of all markets.

    revenue = fees - referral shares; liquidation fees go to the insurance funds. Parameters: from_day, to_day, limit.
    """
    first, last, limit = day_range(params)
    markets = await pool.fetch(MARKET_DAYS_SQL, None, first, last, limit * 256)
    active = {row["day"]: row for row in await pool.fetch(_ACTIVE_SQL, None, first, last, limit)}
    days: dict[int, dict[str, int]] = {}
    for row in markets:
        sums = days.setdefault(row["day"], dict.fromkeys(_VENUE_SUMS, 0))
        for name in _VENUE_SUMS:
            sums[name] += row[name]
    newest = sorted(days, reverse=True)[:limit]
    return {"days": [_venue_day(day, days[day], active.get(day)) for day in newest]}


async def account_number(pool: Any, params: Mapping[str, Any]) -> int:
    """The account's number. QueryError not_found when nothing is known of it."""
    number = await pool.fetchval(_NUMBER_SQL, str(params["account"]))
    if number is None:
        raise QueryError("not_found", f"account {params['account']} has no transfer or trade")
    return int(number)


def day_range(params: Mapping[str, Any]) -> tuple[int, int, int]:
    """The first and the last day and how many. QueryError bad_parameters when they are no range."""
    first, last = int(params.get("from_day", 0)), int(params.get("to_day", JSON_SAFE))
    if not 0 <= first <= last <= JSON_SAFE:
        raise QueryError("bad_parameters", "from_day and to_day are microseconds, from_day not after to_day")
    return day_of(first), day_of(last), _limit(params, 31, MOST_DAYS)


def _limit(params: Mapping[str, Any], default: int, most: int) -> int:
    limit = int(params.get("limit", default))
    if not 1 <= limit <= most:
        raise QueryError("bad_parameters", f"limit is 1 to {most}")
    return limit


def _market_day(row: Mapping[str, Any]) -> dict[str, Any]:
    """Prices, sizes and money as decimal text; funding_ppb is the sum of the day's rates in 1e-9 (domain rule R18)."""
    grid = Grid(row["tick_size"], row["lot_size"], row["quanta_per_lot_tick"])
    prices = {name: row[f"{name}_ticks"] for name in ("open", "high", "low", "close")}
    return {
        "market": row["market"],
        "day": row["day"],
        **{name: None if ticks is None else grid.price_text(ticks) for name, ticks in prices.items()},
        "volume": grid.size_text(row["volume_lots"]),
        "quote_volume": quanta_to_text(row["quote_quanta"]),
        "trades": row["trades"],
        "open_interest": grid.size_text(row["open_interest_lots"]),
        "open_interest_high": grid.size_text(row["open_interest_high_lots"]),
        "funding_ppb": row["funding_ppb"],
        "fundings": row["fundings"],
        "fees": quanta_to_text(row["fees_quanta"]),
        "referral": quanta_to_text(row["referral_quanta"]),
        "liquidations": row["liquidations"],
        "liquidated": grid.size_text(row["liquidated_lots"]),
        "liquidation_fees": quanta_to_text(row["liquidation_fees_quanta"]),
    }


def _account_day(row: Mapping[str, Any]) -> dict[str, Any]:
    money = {name: None if row[name] is None else quanta_to_text(row[name]) for name in MONEY}
    return {"day": row["day"], "closed": bool(row["closed"]), **money, "trades": row["trades"]}


def _leader(row: Mapping[str, Any]) -> dict[str, Any]:
    money = ("volume", "pnl", "funding", "fees", "yield", "realized", "flows")
    return {"account": row["account"], **{name: quanta_to_text(row[name]) for name in money}, "trades": row["trades"]}


def _venue_day(day: int, sums: Mapping[str, int], active: Mapping[str, Any] | None) -> dict[str, Any]:
    """revenue = fees - referral shares (domain rule R6), reckoned in quanta and told as quote text."""
    revenue = sums["fees_quanta"] - sums["referral_quanta"]
    return {
        "day": day,
        "volume": quanta_to_text(sums["quote_quanta"]),
        "trades": sums["trades"],
        "traders": active["traders"] if active else 0,
        "accounts": active["accounts"] if active else 0,
        "fees": quanta_to_text(sums["fees_quanta"]),
        "referral": quanta_to_text(sums["referral_quanta"]),
        "liquidation_fees": quanta_to_text(sums["liquidation_fees_quanta"]),
        "liquidations": sums["liquidations"],
        "revenue": quanta_to_text(revenue),
    }


QUERIES: Final[Mapping[str, Query]] = {
    "market_days": market_days,
    "account_days": account_days,
    "leaderboard": leaderboard,
    "venue_days": venue_days,
}
