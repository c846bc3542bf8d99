"""Reads of the ingestor. Prices and sizes are in the instrument's ticks and lots, times in microseconds UTC."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import asyncpg
import msgspec
from cleartide.money import parse_decimal

from services.ingestor.views import QUERIES as LIQUIDITY_QUERIES
from services.ingestor.views import TERMS, fixed

MAX_ROWS: Final = 500
Pool = asyncpg.Pool
Query = Callable[[Any, dict[str, Any]], Awaitable[Any]]
_EPOCH: Final = datetime.fromtimestamp(0, UTC)
_FUNDING: Final = """(extract(epoch FROM f.ts) * 1000000)::bigint AS ts, f.venue, f.symbol, i.base, i.quote,
    i.tick_size, f.mark_ticks, f.index_ticks, f.rate_ppb, f.interval_micros, f.predicted_rate_ppb,
    (extract(epoch FROM f.next_funding_at) * 1000000)::bigint AS next_funding_at"""
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
    """The newest word of every instrument of `base`, `symbol` or `venue`; prices and rates are decimal text.

    The rate is that of the interval which ends at `next_funding_at`; the predicted one is of the interval after it,
    null where a venue predicts none.
    """
    records = await pool.fetch(
        f"SELECT {_FUNDING} FROM {TERMS} i "  # noqa: S608
        "CROSS JOIN LATERAL (SELECT * FROM venue_funding v WHERE v.venue = i.venue AND v.symbol = i.symbol "
        "ORDER BY v.ts DESC LIMIT 1) f WHERE ($1::text IS NULL OR i.base = $1) "
        "AND ($2::text IS NULL OR i.symbol = $2) AND ($3::text IS NULL OR i.venue = $3) "
        "ORDER BY i.venue, i.symbol LIMIT $4",
        params.get("base"),
        params.get("symbol"),
        params.get("venue"),
        MAX_ROWS,
    )
    return [_funding_view(record) for record in records]


async def funding_history(pool: Any, params: dict[str, Any]) -> list[dict[str, Any]]:
    """What was said of one instrument, newest first: `venue`, `symbol`, optionally `before` and `limit`."""
    before = params.get("before")
    records = await pool.fetch(
        f"SELECT {_FUNDING} FROM venue_funding f JOIN {TERMS} i USING (venue, symbol) "  # noqa: S608
        "WHERE f.venue = $1 AND f.symbol = $2 AND ($3::timestamptz IS NULL OR f.ts < $3) "
        "ORDER BY f.ts DESC, f.venue_seq DESC LIMIT $4",
        str(params["venue"]),
        str(params["symbol"]),
        None if before is None else _EPOCH + timedelta(microseconds=int(before)),
        max(1, min(int(params.get("limit", 100)), MAX_ROWS)),
    )
    return [_funding_view(record) for record in records]


def _funding_view(row: Mapping[str, Any]) -> dict[str, Any]:
    tick, predicted = parse_decimal(row["tick_size"]), row["predicted_rate_ppb"]
    return {
        **{name: row[name] for name in ("ts", "venue", "symbol", "base", "quote")},
        "mark": format(row["mark_ticks"] * tick, "f"),
        "index": format(row["index_ticks"] * tick, "f"),
        "rate": fixed(row["rate_ppb"], 9),
        "interval_micros": row["interval_micros"],
        "next_funding_at": row["next_funding_at"],
        "predicted_rate": None if predicted is None else fixed(predicted, 9),
    }


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
    "index": index,
    "statuses": statuses,
    "funding": funding,
    "funding_history": funding_history,
    **LIQUIDITY_QUERIES,
}
