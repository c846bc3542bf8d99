"""What can be asked of analytics. Prices, sizes and money leave as decimal text, instants as microseconds (UTC)."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from cleartide.contracts.types import JSON_SAFE
from cleartide.money import Grid, quanta_to_text
from cleartide.service import Query, QueryError

from services.analytics.domain.candle import MINUTE_MICROS
from services.analytics.views.days import QUERIES as DAY_QUERIES
from services.analytics.views.portfolio import QUERIES as PORTFOLIO_QUERIES
from services.analytics.views.vaults import QUERIES as VAULT_QUERIES

DAY_SECONDS: Final = 86_400
DAY_MICROS: Final = DAY_SECONDS * 1_000_000
MOST_CANDLES: Final = 1_500
MOST_MINUTES: Final = 200_000
MOST_ROWS: Final = 500
MOST_MARKETS: Final = 256

_MARKET_SQL: Final = "SELECT tick_size, lot_size, quanta_per_lot_tick FROM markets WHERE market = $1 LIMIT 1"

# A wider candle is the first, highest, lowest, last and sum of its minutes; it is closed once time has passed its end.
CANDLES_SQL: Final = """
WITH newest AS (
  SELECT max(open_time) - max(open_time) % $3 AS bucket
  FROM candles WHERE market = $1 AND series = $2 AND open_time < $5
)
SELECT open_time - open_time % $3 AS bucket,
       (array_agg(open_ticks ORDER BY open_time))[1] AS open_ticks,
       max(high_ticks) AS high_ticks,
       min(low_ticks) AS low_ticks,
       (array_agg(close_ticks ORDER BY open_time DESC))[1] AS close_ticks,
       sum(volume_lots) AS volume_lots,
       sum(quote_quanta) AS quote_quanta,
       sum(entries) AS entries,
       open_time - open_time % $3 + $3 <= (SELECT minute FROM clock) AS closed
FROM candles_now
WHERE market = $1 AND series = $2 AND open_time < $5
  AND open_time >= (SELECT bucket FROM newest) - ($4 - 1) * $3::bigint
GROUP BY bucket ORDER BY bucket DESC LIMIT $4
"""

_OLDER_CANDLES_SQL: Final = (
    "SELECT EXISTS (SELECT FROM candles WHERE market = $1 AND series = $2 AND open_time < $3 LIMIT 1)"
)

# The window is the day that ends with the open minute: 1440 minutes of sequenced time, not of a reader's clock.
_STATS_SQL: Final = """
SELECT m.*, day.*, liquidated.*, c.minute FROM clock c CROSS JOIN markets m
CROSS JOIN LATERAL (
  SELECT coalesce(sum(volume_lots), 0) AS volume_lots, coalesce(sum(quote_quanta), 0) AS quote_quanta,
         coalesce(sum(entries), 0) AS trades, max(high_ticks) AS high_ticks, min(low_ticks) AS low_ticks,
         (array_agg(open_ticks ORDER BY open_time))[1] AS open_ticks
  FROM candles_now
  WHERE market = m.market AND series = 'trade' AND open_time > c.minute - $2 AND open_time <= c.minute
) day
CROSS JOIN LATERAL (
  SELECT count(*) AS liquidations,
         coalesce(sum(lots), 0) AS liquidated_lots,
         coalesce(sum(lots::numeric * mark_ticks), 0) AS liquidated_lot_ticks
  FROM liquidations, LATERAL (SELECT abs(closed_lots) + abs(taken_over_lots) + abs(deleveraged_lots) AS lots) step
  WHERE market = m.market AND at >= c.minute + $3 - $2
) liquidated
WHERE $1::text IS NULL OR m.market = $1 ORDER BY m.market LIMIT $4
"""
_TRADES_SQL: Final = """
SELECT seq, at, price_ticks, size_lots, quote_quanta, taker_side, origin, restated FROM trades_now
WHERE market = $1 ORDER BY minute DESC, seq DESC LIMIT $2
"""
_OLDER_TRADES_SQL: Final = _TRADES_SQL.replace(
    "ORDER BY", "AND seq < $3 AND minute <= (SELECT max(minute) FROM trades WHERE seq = $3) ORDER BY"
)
_LIQUIDATIONS_SQL: Final = """
SELECT l.*, m.tick_size, m.lot_size, m.quanta_per_lot_tick FROM liquidations l JOIN markets m USING (market)
WHERE ($1::text IS NULL OR l.market = $1) AND l.seq < $3 ORDER BY l.seq DESC LIMIT $2
"""

# Candles once more, from the trades alone and by the database alone, as they were told at first: must equal `candles`.
RECOMPUTE_SQL: Final = """
SELECT market, minute AS open_time,
       (array_agg(price_ticks ORDER BY seq))[1] AS open_ticks,
       max(price_ticks) AS high_ticks,
       min(price_ticks) AS low_ticks,
       (array_agg(price_ticks ORDER BY seq DESC))[1] AS close_ticks,
       sum(size_lots)::bigint AS volume_lots,
       sum(quote_quanta)::bigint AS quote_quanta,
       count(*) AS entries
FROM trades WHERE market = $1 AND minute >= $2 AND minute < $3
GROUP BY market, minute ORDER BY minute LIMIT 1440
"""


async def candles(pool: Any, params: dict[str, Any]) -> Any:
    """The newest candles as they hold now, oldest first; minutes without entries have none.

    Parameters: market; interval_seconds (whole minutes that divide a day, 60), limit (300), series ("trade" or
    "mark"), before (instant; only candles that open earlier). At most MOST_MINUTES minutes are read. `next`: `before`
    of the page that follows, null when none is older; a page is of so many intervals, not candles.
    """
    interval = int(params.get("interval_seconds", 60))
    if interval < 60 or interval % 60 or DAY_SECONDS % interval:
        raise QueryError("bad_parameters", "interval_seconds is whole minutes that divide a day")
    series = params.get("series", "trade")
    if series not in ("trade", "mark"):
        raise QueryError("bad_parameters", "series is trade or mark")
    limit = min(_limit(params, 300, MOST_CANDLES), MOST_MINUTES * 60 // interval)
    before = _instant(params, "before", JSON_SAFE)
    grid = await _grid(pool, str(params["market"]))
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        rows = await connection.fetch(CANDLES_SQL, params["market"], series, interval * 1_000_000, limit, before)
        oldest = rows[-1]["bucket"] if rows else 0
        older = await connection.fetchval(_OLDER_CANDLES_SQL, params["market"], series, oldest)
    return {
        "market": params["market"],
        "series": series,
        "interval_seconds": interval,
        "candles": [_candle(row, grid) for row in reversed(rows)],
        "next": oldest if older else None,
    }


async def market_stats(pool: Any, params: dict[str, Any]) -> Any:
    """Each market's latest figures and those of the last 24 hours. Parameters: market (all when absent)."""
    rows = await pool.fetch(_STATS_SQL, params.get("market"), DAY_MICROS, MINUTE_MICROS, MOST_MARKETS)
    return {"markets": [_stats(row) for row in rows]}


async def recent_trades(pool: Any, params: dict[str, Any]) -> Any:
    """The newest market trades as they hold now, newest first.

    Parameters: market, limit (50), before (the `seq` of a trade; only those before it).
    """
    grid, limit = await _grid(pool, str(params["market"])), _limit(params, 50, MOST_ROWS)
    if "before" in params:
        rows = await pool.fetch(_OLDER_TRADES_SQL, params["market"], limit, _instant(params, "before", 0))
    else:
        rows = await pool.fetch(_TRADES_SQL, params["market"], limit)
    return {"market": params["market"], "trades": [_trade(row, grid) for row in rows]}


async def liquidations(pool: Any, params: dict[str, Any]) -> Any:
    """The newest liquidation steps, newest first. Parameters: market (all when absent), limit (50), before (a seq)."""
    before = _instant(params, "before", JSON_SAFE)
    rows = await pool.fetch(_LIQUIDATIONS_SQL, params.get("market"), _limit(params, 50, MOST_ROWS), before)
    return {"liquidations": [_liquidation(row) for row in rows]}


async def recompute_candles(pool: Any, params: dict[str, Any]) -> Any:
    """A day of one-minute candles from the trades, as integers. Parameters: market, from_time (a minute's start)."""
    start = _instant(params, "from_time", 0)
    rows = await pool.fetch(RECOMPUTE_SQL, str(params["market"]), start, start + DAY_MICROS)
    return {"candles": [dict(row) for row in rows]}


async def _grid(pool: Any, market: str) -> Grid:
    row = await pool.fetchrow(_MARKET_SQL, market)
    if row is None:
        raise QueryError("not_found", f"market {market} is not listed")
    return Grid(*row)


def _candle(row: Mapping[str, Any], grid: Grid) -> dict[str, Any]:
    return {
        "open_time": row["bucket"],
        "open": grid.price_text(row["open_ticks"]),
        "high": grid.price_text(row["high_ticks"]),
        "low": grid.price_text(row["low_ticks"]),
        "close": grid.price_text(row["close_ticks"]),
        "volume": grid.size_text(int(row["volume_lots"])),
        "quote_volume": quanta_to_text(int(row["quote_quanta"])),
        "entries": int(row["entries"]),
        "closed": row["closed"],
    }


def _stats(row: Mapping[str, Any]) -> dict[str, Any]:
    """Prices, sizes and money as decimal text, the rate a fraction; liquidated quote = sum of lots * mark * u (R4)."""
    grid = Grid(row["tick_size"], row["lot_size"], row["quanta_per_lot_tick"])
    liquidated = int(row["liquidated_lot_ticks"]) * grid.quanta_per_lot_tick
    return {
        "market": row["market"],
        "last": _price(grid, row["last_ticks"]),
        "mark": _price(grid, row["mark_ticks"]),
        "index": _price(grid, row["index_ticks"]),
        "index_stale": row["index_stale"],
        "open_interest": grid.size_text(row["open_interest_lots"]),
        "funding_rate": _rate(row["funding_rate_ppb"]),
        "funding_interval_start": row["funding_interval_start"],
        "as_of_minute": row["minute"],
        "open_24h": _price(grid, row["open_ticks"]),
        "high_24h": _price(grid, row["high_ticks"]),
        "low_24h": _price(grid, row["low_ticks"]),
        "volume_24h": grid.size_text(int(row["volume_lots"])),
        "quote_volume_24h": quanta_to_text(int(row["quote_quanta"])),
        "trades_24h": int(row["trades"]),
        "liquidations_24h": row["liquidations"],
        "liquidated_24h": grid.size_text(int(row["liquidated_lots"])),
        "liquidated_quote_24h": quanta_to_text(liquidated),
    }


def _trade(row: Mapping[str, Any], grid: Grid) -> dict[str, Any]:
    return {
        "seq": row["seq"],
        "at": row["at"],
        "price": grid.price_text(row["price_ticks"]),
        "size": grid.size_text(row["size_lots"]),
        "quote": quanta_to_text(row["quote_quanta"]),
        "taker_side": row["taker_side"],
        "origin": row["origin"],
        "restated": row["restated"],
    }


def _liquidation(row: Mapping[str, Any]) -> dict[str, Any]:
    grid = Grid(row["tick_size"], row["lot_size"], row["quanta_per_lot_tick"])
    sizes = {name: grid.size_text(row[f"{name}_lots"]) for name in ("closed", "taken_over", "deleveraged", "remaining")}
    prices = {name: grid.price_text(row[f"{name}_ticks"]) for name in ("mark", "bankruptcy_price")}
    amounts = ("fee", "insurance_paid", "equity_before", "maintenance_margin_before")
    money = {name: quanta_to_text(row[f"{name}_quanta"]) for name in amounts}
    told = {name: row[name] for name in ("seq", "at", "market", "account", "waits")}
    return {**told, **sizes, **prices, **money}


def _price(grid: Grid, ticks: int | None) -> str | None:
    return None if ticks is None else grid.price_text(ticks)


def _rate(ppb: int | None) -> str | None:
    return None if ppb is None else format(Decimal(ppb).scaleb(-9), "f")


def _limit(params: dict[str, Any], default: int, most: int) -> int:
    limit = int(params.get("limit", default))
    if not 1 <= limit <= most:
        raise QueryError("bad_parameters", f"limit is 1 to {most}")
    return limit


def _instant(params: dict[str, Any], name: str, default: int) -> int:
    at = int(params.get(name, default))
    if not 0 <= at <= JSON_SAFE:
        raise QueryError("bad_parameters", f"{name} is 0 to {JSON_SAFE}")
    return at


QUERIES: Final[Mapping[str, Query]] = {
    **DAY_QUERIES,
    **PORTFOLIO_QUERIES,
    **VAULT_QUERIES,
    "candles": candles,
    "liquidations": liquidations,
    "market_stats": market_stats,
    "recent_trades": recent_trades,
    "recompute_candles": recompute_candles,
}
