"""Reads of liquidity and of what is figured from stored series. Money, prices, rates and distances are decimal text.

Depths are money within 1, 2.5, 5, 10, 20, 50 and 100 basis points; slippage and impact are basis points of the middle
for seven sizes, null where the book is too thin. Times are microseconds UTC.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import msgspec
from cleartide.money import PPB, half_up_div, parse_decimal, quanta_to_text

from services.ingestor.domain.liquidity.depth import DISTANCES, TENTHS
from services.ingestor.domain.liquidity.slippage import AMOUNTS
from services.ingestor.domain.liquidity.statistics import (
    Distribution,
    deviation_ppt,
    distribution,
    funding_statistics,
    shares,
    turnover_ppb,
)
from services.ingestor.domain.liquidity.worth import PPT, PPT_PER_BPS, distance_ppt

MAX_ROWS: Final = 500
MAX_SAMPLES: Final = 5_000
MAX_HOURS: Final = 24 * 31
BPS: Final = tuple(format(Decimal(each) / 10, "f") for each in DISTANCES)
SIZES: Final = tuple(str(each // 10**6) for each in AMOUNTS)
JSON_COLUMNS: Final = (
    "bid_depths",
    "ask_depths",
    "buy_slippages",
    "sell_slippages",
    "buy_impacts",
    "sell_impacts",
)
_FIGURES: Final = (
    "(extract(epoch FROM l.ts) * 1000000)::bigint AS ts, l.venue, l.symbol, l.venue_seq, l.quality, l.bid_ticks, "
    "l.ask_ticks, l.bid_reach, l.ask_reach, " + ", ".join(f"l.{name}::text AS {name}" for name in JSON_COLUMNS)
)


TERMS: Final = """(SELECT t.venue, t.symbol, t.base, t.quote, t.contract_type, t.tick_size, t.lot_size, t.size_step,
    t.funding_interval_micros, coalesce(s.maker_ppb, w.maker_ppb, t.maker_ppb) AS maker_ppb,
    coalesce(s.taker_ppb, w.taker_ppb, t.taker_ppb) AS taker_ppb, t.said_at FROM venue_instruments t
    LEFT JOIN venue_fees s ON s.venue = t.venue AND s.symbol = t.symbol
    LEFT JOIN venue_fees w ON w.venue = t.venue AND w.symbol = '')"""
"""Every instrument as a subquery, with the fees given by hand where there are any."""


async def instruments(pool: Any, params: dict[str, Any]) -> list[dict[str, Any]]:
    """Every instrument that is followed, or those of `base`, `symbol` or `venue`: grid and fees."""
    records = await pool.fetch(
        f"SELECT * FROM {TERMS} i WHERE said_at > 0 AND ($1::text IS NULL OR base = $1) "  # noqa: S608
        "AND ($2::text IS NULL OR symbol = $2) AND ($3::text IS NULL OR venue = $3) ORDER BY venue, symbol LIMIT $4",
        *_which(params),
        MAX_ROWS,
    )
    return [_instrument(record) for record in records]


async def liquidity(pool: Any, params: dict[str, Any]) -> dict[str, Any]:
    """The newest figures of every instrument of `base`, `symbol` or `venue`, with the venues' parts of the depth.

    `fees`: whether slippage holds the taker's fee.
    """
    rows = await newest_rows(pool, params)
    whole = [view(row, fees=bool(params.get("fees"))) for row in rows]
    return {"bps": BPS, "sizes": SIZES, "instruments": whole, "shares": _shares(rows)}


async def liquidity_history(pool: Any, params: dict[str, Any]) -> dict[str, Any]:
    """Figures of one instrument, newest first: `venue`, `symbol`, optionally `before` in microseconds and `limit`."""
    before = params.get("before")
    records = await pool.fetch(
        f"SELECT {_FIGURES}, i.tick_size, i.taker_ppb, i.base, i.quote FROM venue_liquidity l "  # noqa: S608
        f"JOIN {TERMS} i USING (venue, symbol) WHERE l.venue = $1 AND l.symbol = $2 "
        "AND ($3::timestamptz IS NULL OR l.ts < $3) ORDER BY l.ts DESC LIMIT $4",
        str(params["venue"]),
        str(params["symbol"]),
        None if before is None else _EPOCH + timedelta(microseconds=int(before)),
        max(1, min(int(params.get("limit", 100)), MAX_ROWS)),
    )
    rows = [view(record, fees=bool(params.get("fees"))) for record in records]
    return {"bps": BPS, "sizes": SIZES, "rows": rows}


async def statistics(pool: Any, params: dict[str, Any]) -> dict[str, Any]:
    """Funding, open interest over volume and price deviation of one instrument over the last `hours` (default 24)."""
    instrument, hours = (str(params["venue"]), str(params["symbol"])), _hours(params)
    return {
        "venue": instrument[0],
        "symbol": instrument[1],
        "hours": hours,
        "funding": await _funding(pool, *instrument, hours),
        "turnover": await _turnover(pool, *instrument, hours),
        "deviation": await _deviation(pool, *instrument, hours),
    }


async def newest_rows(pool: Any, params: dict[str, Any]) -> list[Mapping[str, Any]]:
    """The newest measure of every instrument of `base`, `symbol` or `venue`, with what the instrument is."""
    found: list[Mapping[str, Any]] = await pool.fetch(
        f"SELECT {_FIGURES}, i.tick_size, i.taker_ppb, i.base, i.quote, i.contract_type FROM {TERMS} i "  # noqa: S608
        "CROSS JOIN LATERAL (SELECT * FROM venue_liquidity v WHERE v.venue = i.venue AND v.symbol = i.symbol "
        "ORDER BY v.ts DESC LIMIT 1) l WHERE ($1::text IS NULL OR i.base = $1) "
        "AND ($2::text IS NULL OR i.symbol = $2) AND ($3::text IS NULL OR i.venue = $3) "
        "ORDER BY i.venue, i.symbol LIMIT $4",
        *_which(params),
        MAX_ROWS,
    )
    return found


async def _funding(pool: Any, venue: str, symbol: str, hours: int) -> dict[str, Any] | None:
    """Of the last rate said before each funding, and the interval's rate that runs now."""
    records = await pool.fetch(
        "SELECT DISTINCT ON (next_funding_at) rate_ppb, interval_micros FROM venue_funding WHERE venue = $1 "
        "AND symbol = $2 AND ts > $3 ORDER BY next_funding_at DESC, ts DESC LIMIT $4",
        *await _window(pool, "venue_funding", venue, symbol, hours),
        MAX_SAMPLES,
    )
    found = funding_statistics([record["rate_ppb"] for record in reversed(records)])
    if found is None:
        return None
    return {
        "count": found.count,
        "newest": fixed(records[0]["rate_ppb"], 9),
        "interval_micros": records[0]["interval_micros"],
        "least": fixed(found.least, 9),
        "largest": fixed(found.largest, 9),
        "mean": fixed(found.mean, 12),
        "deviation": fixed(found.deviation, 12),
        "trend": fixed(found.trend, 12),
    }


async def _turnover(pool: Any, venue: str, symbol: str, hours: int) -> dict[str, Any] | None:
    """Of open interest over the volume of 24 hours, a sample for each minute."""
    records = await pool.fetch(
        "SELECT o.lots, s.lots AS volume FROM (SELECT DISTINCT ON (date_trunc('minute', ts)) "
        "date_trunc('minute', ts) AS minute, open_interest_lots AS lots FROM venue_interest WHERE venue = $1 AND "
        "symbol = $2 AND ts > $3 ORDER BY date_trunc('minute', ts) DESC, ts DESC LIMIT $4) o "
        "JOIN (SELECT DISTINCT ON (date_trunc('minute', ts)) date_trunc('minute', ts) AS minute, "
        "volume_lots AS lots FROM venue_stats WHERE venue = $1 AND symbol = $2 AND ts > $3 "
        "ORDER BY date_trunc('minute', ts) DESC, ts DESC LIMIT $4) s USING (minute) LIMIT $4",
        *await _window(pool, "venue_interest", venue, symbol, hours),
        MAX_SAMPLES,
    )
    ratios = [turnover_ppb(record["lots"], record["volume"]) for record in records]
    return _distributed(distribution([ratio for ratio in ratios if ratio is not None]), 9)


async def _deviation(pool: Any, venue: str, symbol: str, hours: int) -> dict[str, Any] | None:
    """Of the mark from the index in basis points, either way, a sample for each minute; and where all three are now."""
    records = await pool.fetch(
        "SELECT DISTINCT ON (date_trunc('minute', ts)) mark_ticks, index_ticks FROM venue_funding WHERE venue = $1 "
        "AND symbol = $2 AND ts > $3 ORDER BY date_trunc('minute', ts) DESC, ts DESC LIMIT $4",
        *await _window(pool, "venue_funding", venue, symbol, hours),
        MAX_SAMPLES,
    )
    if not records:
        return None
    mark, index = records[0]["mark_ticks"], records[0]["index_ticks"]
    newest = "SELECT last_ticks FROM venue_newest WHERE venue = $1 AND symbol = $2 LIMIT 1"
    last = await pool.fetchval(newest, venue, symbol)
    apart = [abs(deviation_ppt(record["mark_ticks"], record["index_ticks"])) for record in records]
    return {
        "mark_from_index": bps(deviation_ppt(mark, index)),
        "last_from_index": bps(deviation_ppt(last, index)) if last else None,
        "last_from_mark": bps(deviation_ppt(last, mark)) if last else None,
        "absolute": _distributed(distribution([half_up_div(each * 10_000, PPT_PER_BPS) for each in apart]), 4),
    }


async def _window(pool: Any, table: str, venue: str, symbol: str, hours: int) -> tuple[str, str, datetime]:
    """Venue, symbol and the begin of the `hours` up to the newest row: a series that ended long ago is read too."""
    newest = await pool.fetchval(
        f"SELECT ts FROM {table} WHERE venue = $1 AND symbol = $2 ORDER BY ts DESC LIMIT 1",  # noqa: S608 - our tables
        venue,
        symbol,
    )
    return venue, symbol, (newest or _EPOCH) - timedelta(hours=hours)


def view(row: Mapping[str, Any], *, fees: bool = False) -> dict[str, Any]:
    """A stored row in prices, money and basis points."""
    figures = {name: msgspec.json.decode(row[name]) for name in JSON_COLUMNS}
    middle, fee = row["bid_ticks"] + row["ask_ticks"], row["taker_ppb"] * (PPT // PPB) if fees else 0
    tick = parse_decimal(row["tick_size"])
    return {
        **{name: row[name] for name in ("ts", "venue", "symbol", "base", "quote", "venue_seq", "quality")},
        "bid": format(row["bid_ticks"] * tick, "f"),
        "ask": format(row["ask_ticks"] * tick, "f"),
        "spread": bps(distance_ppt(middle + 2 * (row["ask_ticks"] - row["bid_ticks"]), middle)),
        "taker_fee": bps(row["taker_ppb"] * (PPT // PPB)),
        "bid_depths": [quanta_to_text(each) for each in figures["bid_depths"]],
        "ask_depths": [quanta_to_text(each) for each in figures["ask_depths"]],
        "bid_reach": bps(row["bid_reach"]),
        "ask_reach": bps(row["ask_reach"]),
        **{name: _costs(figures[name], fee) for name in ("buy_slippages", "sell_slippages")},
        **{name: _costs(figures[name], 0) for name in ("buy_impacts", "sell_impacts")},
    }


def _shares(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """For each distance and coin the parts of its venues, of both sides together."""
    found: list[dict[str, Any]] = []
    for base in sorted({row["base"] for row in rows}):
        of_base = [row for row in rows if row["base"] == base]
        reaches: dict[str, int] = {}
        for row in of_base:
            reach = min(row["bid_reach"], row["ask_reach"])
            reaches[row["venue"]] = min(reach, reaches.get(row["venue"], reach))
        for place, tenths in enumerate(DISTANCES):
            depths: dict[str, int] = {}
            for row in of_base:
                both = sum(msgspec.json.decode(row[side])[place] for side in ("bid_depths", "ask_depths"))
                depths[row["venue"]] = depths.get(row["venue"], 0) + both
            parts = shares(depths, reaches, tenths * PPT // TENTHS)
            found += [
                {
                    "base": base,
                    "bps": BPS[place],
                    "venue": each.venue,
                    "depth": quanta_to_text(each.quanta),
                    "share": fixed(each.ppb, 9),
                    "partial": each.partial,
                }
                for each in parts
            ]
    return found


def _costs(distances: Sequence[int | None], fee: int) -> list[str | None]:
    return [None if each is None else bps(each + fee) for each in distances]


def _distributed(found: Distribution | None, decimals: int) -> dict[str, Any] | None:
    if found is None:
        return None
    figures = {name: getattr(found, name) for name in ("least", "mean", "median", "p5", "p95", "p99", "largest")}
    return {"count": found.count, **{name: fixed(value, decimals) for name, value in figures.items()}}


def _instrument(record: Mapping[str, Any]) -> dict[str, Any]:
    fees = {"maker_fee": fixed(record["maker_ppb"], 9), "taker_fee": fixed(record["taker_ppb"], 9)}
    return {**{name: value for name, value in record.items() if not name.endswith("_ppb")}, **fees}


def _which(params: dict[str, Any]) -> tuple[str | None, str | None, str | None]:
    return params.get("base"), params.get("symbol"), params.get("venue")


def _hours(params: dict[str, Any]) -> int:
    return max(1, min(int(params.get("hours", 24)), MAX_HOURS))


def bps(ppt: int) -> str:
    """A distance in ppt as basis points with four decimals, nearest."""
    return fixed(half_up_div(ppt, PPT_PER_BPS // 10_000), 4)


def fixed(number: int, decimals: int) -> str:
    """A scaled integer as decimal text."""
    return format(Decimal(number).scaleb(-decimals), f".{decimals}f")


_EPOCH: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
QUERIES: Final = {
    "instruments": instruments,
    "liquidity": liquidity,
    "liquidity_history": liquidity_history,
    "statistics": statistics,
}
