"""What can be asked of funding."""

import time
from collections.abc import Mapping
from typing import Any, Final

from cleartide.contracts.types import JSON_SAFE
from cleartide.service import Query, QueryError

from services.funding.domain.state import Market, Sum
from services.funding.repository import MARKETS, market_of
from services.funding.views import payment_view, prediction_view, rate_view

MOST_ROWS: Final = 500
DEFAULT_ROWS: Final = 48
MOST_MARKETS: Final = 4_096

_AS_OF_SQL: Final = "SELECT position FROM consumer_position LIMIT 1"
_RATES_SQL: Final = """
SELECT r.interval_start, r.interval_micros, r.average_premium_ppb, r.rate_ppb, r.samples, r.published_at,
       r.funding_type,
       s.mark_ticks, s.index_step_quanta, s.funding_index_quanta, s.settled_at
FROM funding_rates r LEFT JOIN funding_settlements s USING (market, interval_start)
WHERE market = $1 AND interval_start < $2 ORDER BY interval_start DESC LIMIT $3
"""
_PAYMENTS_SQL: Final = """
SELECT s.market, s.interval_start, s.rate_ppb, s.mark_ticks, s.index_step_quanta, s.settled_at, r.interval_micros,
       r.funding_type, held.lots, -held.lots::numeric * s.index_step_quanta AS amount
FROM funding_settlements s LEFT JOIN funding_rates r USING (market, interval_start) CROSS JOIN LATERAL (
    SELECT lots FROM funding_positions p WHERE p.account = $1 AND p.market = s.market
    AND p.from_interval < s.interval_start ORDER BY from_interval DESC LIMIT 1
) held
WHERE held.lots <> 0 AND ($2::text IS NULL OR s.market = $2) AND s.interval_start < $3
ORDER BY s.interval_start DESC, s.market LIMIT $4
"""
_MARKETS_SQL: Final = f"""
SELECT {", ".join(MARKETS.columns)} FROM funding_markets
WHERE $1::text IS NULL OR market = $1 ORDER BY market LIMIT $2
"""  # noqa: S608 - names are our declarations
_SUMS_SQL: Final = """
SELECT s.market, s.interval_start, s.premium_sum_ppb, s.samples, s.last_minute
FROM funding_sums s JOIN funding_markets m ON m.market = s.market AND m.open_start = s.interval_start
WHERE s.market = ANY($1) LIMIT $2
"""


async def rates(pool: Any, params: dict[str, Any]) -> Any:
    """A market's published rates, newest first. Parameters: market, limit, before (an interval start)."""
    market, limit, before = str(params["market"]), _limit(params), _before(params)
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        as_of = await connection.fetchval(_AS_OF_SQL)
        rows = await connection.fetch(_RATES_SQL, market, before, limit)
    return {"as_of_seq": as_of, "market": market, "rates": [rate_view(row) for row in rows]}


async def predicted(pool: Any, params: dict[str, Any]) -> Any:  # noqa: ARG001 - takes no parameters
    """For every market the rate in force, the one it is heading for, and the time to its next settlement."""
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        as_of = await connection.fetchval(_AS_OF_SQL)
        markets = await _markets(connection, None)
    now = time.time_ns() // 1_000
    return {"as_of_seq": as_of, "now": now, "markets": [prediction_view(market, now) for market in markets]}


async def funding(pool: Any, params: dict[str, Any]) -> Any:
    """One market: the rate in force, the predicted one and the past ones. Parameters: market, limit, before.

    Error `not_found` when the market is not listed.
    """
    name, limit, before = str(params["market"]), _limit(params), _before(params)
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        as_of = await connection.fetchval(_AS_OF_SQL)
        markets = await _markets(connection, name)
        rows = await connection.fetch(_RATES_SQL, name, before, limit)
    if not markets:
        raise QueryError("not_found", f"market {name} is not listed")
    now = time.time_ns() // 1_000
    view = prediction_view(markets[0], now)
    return {"as_of_seq": as_of, "now": now, **view, "rates": [rate_view(row) for row in rows]}


async def payments(pool: Any, params: dict[str, Any]) -> Any:
    """What an account paid (below zero) and was paid, interval by interval, newest first. Amounts in quote.

    Derived from what it held at each settlement. Parameters: account; market, limit, before (an interval start).
    """
    account, where = str(params["account"]), params.get("market")
    arguments = (account, where and str(where), _before(params), _limit(params))
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        as_of = await connection.fetchval(_AS_OF_SQL)
        rows = await connection.fetch(_PAYMENTS_SQL, *arguments)
    return {"as_of_seq": as_of, "account": account, "payments": [payment_view(row) for row in rows]}


async def _markets(connection: Any, name: str | None) -> list[Market]:
    rows = await connection.fetch(_MARKETS_SQL, name, MOST_MARKETS)
    markets = {row["market"]: market_of(row) for row in rows}
    for market, start, *counted in await connection.fetch(_SUMS_SQL, list(markets), MOST_MARKETS):
        markets[market].sums[start] = Sum(*counted)
    return list(markets.values())


def _limit(params: dict[str, Any]) -> int:
    limit = int(params.get("limit", DEFAULT_ROWS))
    if not 1 <= limit <= MOST_ROWS:
        raise QueryError("bad_parameters", f"limit is 1 to {MOST_ROWS}")
    return limit


def _before(params: dict[str, Any]) -> int:
    before = int(params.get("before", JSON_SAFE))
    if not 0 <= before <= JSON_SAFE:
        raise QueryError("bad_parameters", "before is an interval start in microseconds")
    return before


QUERIES: Final[Mapping[str, Query]] = {
    "rates": rates,
    "predicted": predicted,
    "funding": funding,
    "payments": payments,
}
