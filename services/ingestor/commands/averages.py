"""Volume-weighted average prices: of stored trades, and of those that a command has heard itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from services.ingestor.commands.following import Heard
from services.ingestor.domain.liquidity.trades import Traded, vwap
from services.ingestor.domain.liquidity.worth import Worth
from services.ingestor.repository import instant

PARTS: Final = 10_000
"""Of a tick, to which an average is told."""
_SUMS: Final = (
    "SELECT count(*) AS trades, sum(size_lots) AS lots, sum(price_ticks::numeric * size_lots) AS units, "
    "sum(size_lots / price_ticks::numeric) AS base FROM venue_trades "
    "WHERE venue = $1 AND symbol = $2 AND ts > $3 AND ts <= $4 LIMIT 1"
)


@dataclass(frozen=True)
class Average:
    """The average price in quote units, None without trades, and of how many."""

    price: Decimal | None
    trades: int


async def average(connection: Any, row: Mapping[str, Any], window: timedelta) -> Average:
    """Of an instrument's stored trades in the time before its newest measure."""
    end = instant(row["ts"])
    found = await connection.fetchrow(_SUMS, row["venue"], row["symbol"], end - window, end)
    if not found["trades"]:
        return Average(None, 0)
    inverse = row["contract_type"] == "inverse"
    ticks = found["lots"] / found["base"] if inverse else found["units"] / found["lots"]
    return Average(_rounded(ticks * PARTS, row["tick_size"]), found["trades"])


def heard_average(heard: Heard, key: tuple[str, str]) -> Average:
    """Of an instrument's trades heard so far."""
    instrument, trades = heard.instruments[key], heard.trades.get(key, ())
    worth = Worth.of(instrument.tick_size, instrument.lot_size, inverse=instrument.kind == "inverse")
    plain = (
        Traded(each["venue_time"], each["price_ticks"], each["size_lots"], each["taker_side"] == "buy")
        for each in trades
    )
    found = vwap(plain, worth, PARTS)
    return Average(None if found is None else _rounded(Decimal(found), instrument.tick_size), len(trades))


def _rounded(parts: Decimal, tick_size: str) -> Decimal:
    """From parts of ticks to quote units."""
    return parts.quantize(Decimal(1)) * Decimal(tick_size) / PARTS
