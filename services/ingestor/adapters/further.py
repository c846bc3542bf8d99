"""Venues without a module of their own, as ccxt tells them: what its unified answers mean, in events. No I/O, no ccxt.

ccxt is asked for numbers as text, so that they stay exact. Of what it tells only that is said whose unit is the same at
every venue: best bid and ask, mark, index and funding rate, and what an instrument is. Open interest is not: it comes
one-sided or two-sided, in contracts, base or money, as the venue has it.
"""

import re
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from cleartide.money import MoneyError, parse_decimal

from services.ingestor.adapters.events import MarketStruct
from services.ingestor.adapters.instrument import HOUR_MICROS, Instrument, UnknownInstrument
from services.ingestor.adapters.protocol import Output
from services.ingestor.adapters.symbol import SymbolFeed, rate_ppb
from services.ingestor.adapters.wire import MILLI

PREFIX: Final = "ccxt-"
DECIMAL_PLACES: Final = 2
TICK_SIZE: Final = 4
"""How ccxt says what a price is a multiple of."""
DEFAULT_HOURS: Final = 8
_SYMBOL: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
_HOURS: Final = re.compile(r"([0-9]{1,3})h")

Row = Mapping[str, Any]
"""One unified structure of ccxt."""


def instrument_of(market: Row, precision_mode: int) -> Instrument:
    """A perpetual, under the venue's own name where subjects can carry it. Raises UnknownInstrument, MoneyError."""
    name = str(market.get("symbol"))
    if not market.get("swap") or market.get("active") is False:
        raise UnknownInstrument(f"{name} is no perpetual that is traded")
    tick, step = (_step(market["precision"].get(what), precision_mode, name) for what in ("price", "amount"))
    worth = parse_decimal(str(market.get("contractSize") or "1")) * parse_decimal(step)
    ident = str(market["id"])
    return Instrument(
        ident if _SYMBOL.fullmatch(ident) else f"{market['base']}-{market['quote']}",
        tick,
        _plain(worth),
        DEFAULT_HOURS * HOUR_MICROS,
        size_step=step,
        base=str(market["base"]),
        quote=str(market["quote"]),
        kind="inverse" if market.get("inverse") else "linear",
        maker_ppb=rate_ppb(str(market.get("maker") or "0")),
        taker_ppb=rate_ppb(str(market.get("taker") or "0")),
    )


class FurtherSymbol:
    """One symbol's answers as events. What is off the grid, crossed or missing is counted and left out."""

    def __init__(self, venue: str, instrument: Instrument) -> None:
        self.counts: Counter[str] = Counter()
        self.feed = SymbolFeed(venue, instrument, self.counts, _no_snapshots)

    def ticker(self, ticker: Row, at: int) -> list[MarketStruct]:
        """The best bid and ask; a size that is not told is 0."""
        bid, ask = ticker.get("bid"), ticker.get("ask")
        if bid is None or ask is None:
            self.counts["without_quote"] += 1
            return []
        bid_size, ask_size = (str(ticker.get(name) or "0") for name in ("bidVolume", "askVolume"))
        return self._said(lambda: self.feed.timed_quote(str(bid), bid_size, str(ask), ask_size, _time(ticker, at), at))

    def funding(self, funding: Row, ticker: Row, at: int) -> list[MarketStruct]:
        """Mark, index and the rate of the running interval, where all three are told."""
        mark, index = (str(funding.get(name) or ticker.get(name) or "") for name in ("markPrice", "indexPrice"))
        rate = funding.get("fundingRate")
        if not mark or not index or rate is None:
            self.counts["without_funding"] += 1
            return []
        venue_time, interval = _time(funding, at), _interval(funding)
        next_at = int(funding.get("fundingTimestamp") or 0) * MILLI or (venue_time // interval + 1) * interval
        seq = venue_time // MILLI
        return self._said(lambda: self.feed.funding(seq, mark, index, rate_ppb(str(rate)), next_at, venue_time, at))

    def _said(self, say: Any) -> list[MarketStruct]:
        try:
            out: list[Output] = say()
        except MoneyError:
            self.counts["malformed"] += 1
            return []
        return [each for each in out if isinstance(each, MarketStruct)]


def _time(row: Row, at: int) -> int:
    """The venue's time, or that of receipt where it says none."""
    return int(row.get("timestamp") or 0) * MILLI or at


def _interval(funding: Row) -> int:
    found = _HOURS.fullmatch(str(funding.get("interval") or ""))
    return (int(found[1]) if found and int(found[1]) else DEFAULT_HOURS) * HOUR_MICROS


def _step(value: Any, precision_mode: int, name: str) -> str:
    if value is None or precision_mode not in (DECIMAL_PLACES, TICK_SIZE):
        raise UnknownInstrument(f"{name} has no fixed grid")
    number = parse_decimal(str(value))
    return _plain(Decimal(1).scaleb(-int(number)) if precision_mode == DECIMAL_PLACES else number)


def _plain(number: Decimal) -> str:
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _no_snapshots(symbol: str, attempt: int, reason: str) -> list[Output]:
    raise AssertionError(f"{symbol} has no book to resync: {reason}, {attempt}")
