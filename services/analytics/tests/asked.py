"""What the service keeps and answers, as rows to be compared with a recount."""

from typing import Any

from services.analytics.queries import CANDLES_SQL
from services.analytics.tests.naive import MINUTE
from services.analytics.tests.tape import MARKETS
from services.analytics.views.days import ACCOUNT_DAYS_SQL, MARKET_DAYS_SQL, MOST_DAYS, RANKINGS, leaderboard
from services.analytics.views.days import venue_days as asked_days

FAR = 2**53 - 1
_FIGURES = ("equity_start", "equity_end", "flows", "pnl", "funding", "fees", "realized", "volume", "trades")
# Volume and trades as they hold now, as in days: told ones and what corrections add, also where nothing was told.
_HOURS_SQL = """
SELECT account, coalesce(h.start, j.hour) AS start, h.equity_start, h.equity_end, coalesce(h.flows, 0) AS flows,
       coalesce(h.pnl, 0) AS pnl, coalesce(h.funding, 0) AS funding, coalesce(h.fees, 0) AS fees,
       coalesce(h.realized, 0) AS realized, (coalesce(h.volume, 0) + coalesce(j.volume, 0))::bigint AS volume,
       (coalesce(h.trades, 0) + coalesce(j.trades, 0))::bigint AS trades
FROM (SELECT number, start, equity_start, equity_end, flows, pnl, funding, fees, realized, volume, trades
      FROM account_hours) h
FULL JOIN (SELECT number, hour, sum(volume) AS volume, sum(trades) AS trades FROM adjustments GROUP BY 1, 2) j
  ON (h.number, h.start) = (j.number, j.hour)
JOIN (SELECT number, account FROM accounts) a ON a.number = coalesce(h.number, j.number)
WHERE h.start IS NOT NULL OR j.trades <> 0 ORDER BY account COLLATE "C", 2
"""


async def candles(pool: Any, minutes: int) -> list[tuple[Any, ...]]:
    """Page by page, as a chart asks."""
    found: list[tuple[Any, ...]] = []
    for market in MARKETS:
        before, rows = FAR, []
        while page := await pool.fetch(CANDLES_SQL, market, "trade", minutes * MINUTE, 1_000, before):
            rows += page
            before = page[-1]["bucket"]
        found += [(market, *map(int, tuple(row)[:8])) for row in reversed(rows)]
    return found


async def trades(pool: Any) -> list[tuple[Any, ...]]:
    """The trades as they hold now."""
    query = "SELECT seq, market, minute, price_ticks, size_lots, quote_quanta FROM trades_now ORDER BY seq"
    return [tuple(row) for row in await pool.fetch(query)]


async def market_days(pool: Any) -> list[tuple[Any, ...]]:
    """Every day of every market."""
    rows = await pool.fetch(MARKET_DAYS_SQL, None, 0, FAR, 100_000)
    names = ("open_ticks", "high_ticks", "low_ticks", "close_ticks", "volume_lots", "quote_quanta", "trades")
    more = ("open_interest_lots", "open_interest_high_lots", "funding_ppb", "fundings", "fees_quanta")
    last = ("referral_quanta", "liquidations", "liquidated_lots", "liquidation_fees_quanta")
    return sorted(tuple(row[name] for name in ("market", "day", *names, *more, *last)) for row in rows)


async def account_days(pool: Any) -> list[tuple[Any, ...]]:
    """Every day of every account."""
    found = []
    for number, account in await pool.fetch("SELECT number, account FROM accounts"):
        rows = await pool.fetch(ACCOUNT_DAYS_SQL, number, 0, FAR, 10_000)
        found += [(account, row["day"], *(row[name] for name in _FIGURES)) for row in rows]
    return sorted(found, key=lambda row: row[:2])


async def account_hours(pool: Any) -> list[tuple[Any, ...]]:
    """Every closed hour of every account."""
    return [tuple(row) for row in await pool.fetch(_HOURS_SQL)]


async def venue_days(pool: Any) -> list[tuple[Any, ...]]:
    """Every day of the venue, as it is told."""
    days = (await asked_days(pool, {"limit": MOST_DAYS}))["days"]
    return [tuple(day.values()) for day in reversed(days)]


async def leaders(pool: Any) -> list[tuple[Any, ...]]:
    """For each ranking the accounts with their figures, by name; and the ranked figure, as it is told."""
    found: list[tuple[Any, ...]] = []
    for by in RANKINGS:
        told = (await leaderboard(pool, {"by": by, "days": MOST_DAYS, "limit": 500}))["accounts"]
        found.append((by, *(row[by] for row in told)))
        found += sorted(tuple(row.values()) for row in told)
    return found
