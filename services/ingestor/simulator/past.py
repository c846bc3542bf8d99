"""A simulated venue's past: candles, funding rates and trades of every time, made up by rule and the same each time.

Nothing of it is captured. A number depends on the symbol and its time alone, so that any page of any request agrees
with every other one. The past begins at `LISTED`, and has one `OUTAGE` in which there was no trading: no candle of it
exists. Candles of different lengths are made up separately and do not add up to each other.
"""

import zlib
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from services.ingestor.domain.ranges import SPANS

MILLI: Final = 1_000
HOUR: Final = 3_600_000
LISTED: Final = 1_704_153_600_000
"""2024-01-02 00:00 UTC, in milliseconds."""
OUTAGE: Final = (1_709_294_400_000, 1_709_301_600_000)
"""2024-03-01 12:00 to 14:00 UTC."""
FUNDING_HOURS: Final = 8
TRADE_EVERY: Final = 20_000
"""Milliseconds between trades."""
_TICK: Final = Decimal("0.1")
_LOT: Final = Decimal("0.001")
_BASE_TICKS: Final = 600_000


@dataclass(frozen=True)
class Candle:
    """Times in milliseconds; numbers as text."""

    open_at: int
    prices: tuple[str, str, str, str]
    volume: str


@dataclass(frozen=True)
class PastDeal:
    """One trade of the past."""

    number: int
    millis: int
    price: str
    size: str
    side: str


def candles(symbol: str, span: str, start: int, end: int, limit: int, now: int) -> list[Candle]:
    """The first `limit` candles that open in [start, end] and before `now`, oldest first."""
    length = SPANS[span] // MILLI
    origin = 4 * 86_400_000 if span == "1w" else 0
    first = -(-(max(start, LISTED) - origin) // length) * length + origin
    found: list[Candle] = []
    for at in range(first, min(end, now - 1) + 1, length):
        if OUTAGE[0] <= at and at + length <= OUTAGE[1]:
            continue
        found.append(_candle(symbol, span, at))
        if len(found) == limit:
            break
    return found


def newest_candles(symbol: str, span: str, start: int, end: int, limit: int, now: int) -> list[Candle]:
    """The last `limit` of them, newest first."""
    reach = limit * (SPANS[span] // MILLI) * 2
    found = candles(symbol, span, max(start, min(end, now) - reach), end, 10**9, now)
    return found[::-1][:limit]


def _candle(symbol: str, span: str, at: int) -> Candle:
    chance = zlib.crc32(f"{symbol} {span} {at}".encode())
    opened, closed = _BASE_TICKS + chance % 5_000, _BASE_TICKS + chance // 7 % 5_000
    high, low = max(opened, closed) + chance % 31, min(opened, closed) - chance % 29
    prices = tuple(str(ticks * _TICK) for ticks in (opened, high, low, closed))
    return Candle(at, (prices[0], prices[1], prices[2], prices[3]), str((chance % 90_000) * _LOT))


def fundings(symbol: str, start: int, end: int, limit: int, now: int) -> list[tuple[int, str]]:
    """(time, rate) of the first `limit` settlements in [start, end], oldest first."""
    every = FUNDING_HOURS * HOUR
    first = -(-max(start, LISTED) // every) * every
    times = range(first, min(end, now) + 1, every)[:limit]
    return [(at, format(Decimal(zlib.crc32(f"{symbol} {at}".encode()) % 400 - 150).scaleb(-6), "f")) for at in times]


def trades(symbol: str, start: int, end: int, limit: int, now: int, from_id: int | None = None) -> list[PastDeal]:
    """The first `limit` trades of [start, end], or from a number on."""
    first = -(-(max(start, LISTED) - LISTED) // TRADE_EVERY) if from_id is None else from_id
    last = (min(end, now - 1) - LISTED) // TRADE_EVERY
    return [_deal(symbol, number) for number in range(first, min(last + 1, first + limit))]


def _deal(symbol: str, number: int) -> PastDeal:
    chance = zlib.crc32(f"{symbol} trade {number}".encode())
    price = str((_BASE_TICKS + chance % 5_000) * _TICK)
    return PastDeal(number, LISTED + number * TRADE_EVERY, price, str((1 + chance % 900) * _LOT), _side(chance))


def _side(chance: int) -> str:
    return "buy" if chance % 2 else "sell"
