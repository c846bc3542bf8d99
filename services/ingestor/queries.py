"""Reads of the ingestor. Prices and sizes are in the instrument's ticks and lots, times in microseconds UTC."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import asyncpg
import msgspec

from services.ingestor.views import QUERIES as LIQUIDITY_QUERIES

MAX_ROWS: Final = 500
Pool = asyncpg.Pool
Query = Callable[[Any, dict[str, Any]], Awaitable[Any]]
_EPOCH: Final = datetime.fromtimestamp(0, UTC)
_MICROS: Final = "(extract(epoch FROM ts) * 1000000)::bigint AS ts"


def _limit(params: dict[str, Any], default: int = 100) -> int:
    return max(1, min(int(params.get("limit", default)), MAX_ROWS))


def _rows(records: list[Any]) -> list[dict[str, Any]]:
    return [dict(record) for record in records]


async def latest_tickers(pool: Any, params: dict[str, Any]) -> list[dict[str, Any]]:
    """Newest bid, ask and last trade of every instrument, or of `symbol`."""
    return _rows(
        await pool.fetch(
            "SELECT * FROM venue_newest WHERE ($1::text IS NULL OR symbol = $1) ORDER BY venue, symbol LIMIT $2",
            params.get("symbol"),
            _limit(params),
        )
    )


async def recent_trades(pool: Any, params: dict[str, Any]) -> list[dict[str, Any]]:
    """Trades of `symbol`, newest first."""
    return _rows(
        await pool.fetch(
            f"SELECT {_MICROS}, venue, symbol, trade_id, price_ticks, size_lots, taker_side, quality "  # noqa: S608
            "FROM venue_trades WHERE symbol = $1 ORDER BY venue_trades.ts DESC, venue_seq DESC LIMIT $2",
            str(params["symbol"]),
            _limit(params),
        )
    )


async def book_top(pool: Any, params: dict[str, Any]) -> dict[str, Any] | None:
    """Newest recorded top of `symbol`'s book: levels as [ticks, lots], best first."""
    record = await pool.fetchrow(
        f"SELECT {_MICROS}, venue, symbol, venue_seq, quality, bids::text AS bids, asks::text AS asks "  # noqa: S608
        "FROM venue_books WHERE symbol = $1 ORDER BY venue_books.ts DESC LIMIT 1",
        str(params["symbol"]),
    )
    if record is None:
        return None
    levels = {side: msgspec.json.decode(record[side]) for side in ("bids", "asks")}
    return {**dict(record), **levels}


async def gaps(pool: Any, params: dict[str, Any]) -> list[dict[str, Any]]:
    """Gaps of every instrument, or of `symbol`, `venue` or both, newest first; `before`: microseconds, of the venue."""
    before = params.get("before")
    return _rows(
        await pool.fetch(
            f"SELECT {_MICROS}, venue, symbol, venue_seq, expected_seq, reason FROM venue_gaps "  # noqa: S608
            "WHERE ($1::text IS NULL OR symbol = $1) AND ($3::text IS NULL OR venue = $3) "
            "AND ($4::timestamptz IS NULL OR venue_gaps.ts < $4) ORDER BY venue_gaps.ts DESC, venue, symbol LIMIT $2",
            params.get("symbol"),
            _limit(params),
            params.get("venue"),
            None if before is None else _EPOCH + timedelta(microseconds=int(before)),
        )
    )


async def funding(pool: Any, params: dict[str, Any]) -> list[dict[str, Any]]:
    """Venue mark, index, funding rate and the predicted next one of `symbol`, newest first."""
    return _rows(
        await pool.fetch(
            f"SELECT {_MICROS}, venue, symbol, mark_ticks, index_ticks, rate_ppb, interval_micros, "  # noqa: S608
            "(extract(epoch FROM next_funding_at) * 1000000)::bigint AS next_funding_at, predicted_rate_ppb "
            "FROM venue_funding WHERE symbol = $1 ORDER BY venue_funding.ts DESC LIMIT $2",
            str(params["symbol"]),
            _limit(params),
        )
    )


async def index(pool: Any, params: dict[str, Any]) -> list[dict[str, Any]]:
    """Index prices of `market`, newest first, each with its sources and why one was rejected; price null = stale."""
    prices = await pool.fetch(
        f"SELECT {_MICROS}, ts AS instant, market, price, used FROM index_prices "  # noqa: S608
        "WHERE market = $1 ORDER BY index_prices.ts DESC LIMIT $2",
        str(params["market"]),
        min(_limit(params, default=1), 100),
    )
    audit = await pool.fetch(
        "SELECT ts AS instant, venue, symbol, price, weight, age_micros, rejected FROM index_sources "
        "WHERE market = $1 AND ts = ANY($2::timestamptz[]) ORDER BY venue, symbol LIMIT 6400",
        str(params["market"]),
        [row["instant"] for row in prices],
    )
    sources: dict[Any, list[dict[str, Any]]] = {}
    for row in audit:
        sources.setdefault(row["instant"], []).append({k: v for k, v in row.items() if k != "instant"})
    return [
        {**{k: v for k, v in row.items() if k != "instant"}, "sources": sources.get(row["instant"], [])}
        for row in prices
    ]


async def statuses(pool: Any, params: dict[str, Any]) -> list[dict[str, Any]]:
    """Every instrument's feed: status, detail, since when, when last heard of, gaps so far."""
    return _rows(await pool.fetch("SELECT * FROM venue_statuses ORDER BY venue, symbol LIMIT $1", _limit(params)))


async def highest_trades(pool: Any, venue: str) -> dict[str, int]:
    """Highest recorded trade id by symbol, for the feed to go on from."""
    records = await pool.fetch(
        "SELECT symbol, trade_seq FROM venue_newest WHERE venue = $1 AND trade_seq > 0 LIMIT 10000", venue
    )
    return {record["symbol"]: record["trade_seq"] for record in records}


QUERIES: Final[Mapping[str, Query]] = {
    "latest_tickers": latest_tickers,
    "recent_trades": recent_trades,
    "book_top": book_top,
    "gaps": gaps,
    "funding": funding,
    "index": index,
    "statuses": statuses,
    **LIQUIDITY_QUERIES,
}
