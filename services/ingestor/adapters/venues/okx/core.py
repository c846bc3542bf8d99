"""OKX v5 perpetual swaps: sizes in contracts, frames that name their predecessor, checksums over the top of the book.

A contract is ctVal of ctValCcy: base units (linear) or USD (inverse). `prevSeqId` names the frame before. The checksum
is a CRC-32 of the best 25 levels as the venue writes them, without trailing zeros; captures from before the sequence
ids have nothing else to tell a loss by.
"""

import zlib
from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import zip_longest
from typing import Any, ClassVar, Final

import msgspec
from cleartide.money import parse_decimal

from services.ingestor.adapters.core import ROUTE, OneSocketCore, Unusable
from services.ingestor.adapters.instrument import Instrument
from services.ingestor.adapters.protocol import Keepalive, Output, RouteSpec, Send
from services.ingestor.adapters.symbol import SymbolFeed, rate_ppb
from services.ingestor.adapters.venues.okx import frames as wire
from services.ingestor.adapters.wire import MILLI, text_of
from services.ingestor.engine.book import Book
from services.ingestor.engine.booksync import Update

PING: Final = Keepalive(20.0, "ping")
PONG: Final = (b"pong", "pong")
CHECKED_LEVELS: Final = 25
CHECK_EVERY: Final = 16
DEFAULT_FUNDING_HOURS: Final = 8
CHANNELS: Final = ("books", "bbo-tbt", "trades", "tickers", "funding-rate", "mark-price", "open-interest")


class OkxCore(OneSocketCore):
    """Any number of swaps on one connection; index prices come by pair."""

    name: ClassVar[str] = "okx"
    steady: ClassVar[Mapping[str, str]] = {"book": ROUTE, "quote": ROUTE}
    socket: ClassVar[RouteSpec] = RouteSpec(ROUTE, "/ws/v5/public", PING)

    def __init__(self, instruments: Sequence[Instrument]) -> None:
        super().__init__(instruments)
        self._pairs = {each.rpartition("-")[0]: each for each in self.symbols}
        self._now: dict[str, dict[str, Any]] = {each: {} for each in self.symbols}
        self._checks: dict[str, int] = {}

    def subscriptions(self, route: str) -> list[str]:
        """One request per instrument."""
        return [
            _request("subscribe", [*((channel, symbol) for channel in CHANNELS), ("index-tickers", pair)])
            for pair, symbol in self._pairs.items()
        ]

    def resync(self, symbol: str, attempt: int, reason: str) -> list[Output]:
        """A fresh subscription brings a snapshot."""
        book = [("books", symbol)]
        return [Send(ROUTE, (_request("unsubscribe", book), _request("subscribe", book)), attempt)]

    def take(self, data: bytes | str, at: int) -> list[Output]:
        """Data of a channel, or an answer."""
        if data in PONG:
            return []
        frame = wire.FRAME.decode(data)
        if frame.event == "error":
            raise Unusable("refused", frame.msg)
        if frame.event:
            return []
        channel, name = frame.arg.channel, frame.arg.inst_id
        if channel == "index-tickers":
            name = self._pairs.get(name, name)
        feed = self.symbol(name)
        if channel == "books":
            return self._on_book(feed, frame.action, wire.BOOK.decode(frame.data)[0], at)
        if channel == "bbo-tbt":
            return _on_best(feed, wire.BOOK.decode(frame.data)[0], at)
        if channel == "trades":
            return [each for trade in wire.TRADES.decode(frame.data) for each in _on_trade(feed, trade, at)]
        return self._on_figures(feed, channel, frame.data, at)

    def _on_book(self, feed: SymbolFeed, action: str, book: wire.BookData, at: int) -> list[Output]:
        venue_time = int(book.ts) * MILLI
        bids = [(price, size) for price, size, *_ in book.bids]
        asks = [(price, size) for price, size, *_ in book.asks]
        if action == "snapshot":
            out = feed.begin_book(max(book.seq_id, 0), bids, asks, venue_time, at)
        else:
            numbers = book.seq_id, book.prev_seq_id
            if not book.seq_id:  # an older capture: nothing is numbered
                numbers = feed.sync.last + 1, feed.sync.last
            out = feed.difference(Update(numbers[1] + 1, *numbers, bids, asks), venue_time, at)
        return out + self._check(feed, book, venue_time, at)

    def _check(self, feed: SymbolFeed, book: wire.BookData, venue_time: int, at: int) -> list[Output]:
        """The checksum of every sixteenth frame, and of each one where there is nothing else."""
        if not book.checksum or not feed.sync.joined or feed.sync.book is None:
            return []
        name = feed.instrument.symbol
        self._checks[name] = self._checks.get(name, -1) + 1
        if book.seq_id and self._checks[name] % CHECK_EVERY:
            return []
        found = checksum(feed.sync.book, feed.instrument)
        return [] if found == book.checksum else feed.condemn(f"checksum {found}", venue_time, at)

    def _on_figures(self, feed: SymbolFeed, channel: str, data: msgspec.Raw, at: int) -> list[Output]:
        now = self._now[feed.instrument.symbol]
        if channel == "tickers":
            figures = wire.TICKER.decode(data)[0]
            prices = figures.last, figures.high24h, figures.low24h
            return feed.stats(int(figures.ts), *prices, figures.vol24h, int(figures.ts) * MILLI, at)
        if channel == "open-interest":
            interest = wire.INTEREST.decode(data)[0]
            return feed.interest(int(interest.ts), feed.instrument.sizes[interest.oi], int(interest.ts) * MILLI, at)
        if channel == "funding-rate":
            funding = wire.FUNDING.decode(data)[0]
            now["rate"], now["next"] = rate_ppb(funding.funding_rate), int(funding.funding_time) * MILLI
            predicted = funding.next_funding_rate
            now["predicted"] = rate_ppb(predicted) if predicted else None
            return []
        if channel == "index-tickers":
            now["index"] = wire.INDEX.decode(data)[0].idx_px
            return []
        if channel == "mark-price":
            mark = wire.MARK.decode(data)[0]
            if {"rate", "next", "index"} <= set(now):
                figures_now = mark.mark_px, now["index"], now["rate"], now["next"]
                return feed.funding(int(mark.ts), *figures_now, int(mark.ts) * MILLI, at, now["predicted"])
            return []
        raise Unusable("no_data", channel)


def _on_best(feed: SymbolFeed, best: wire.BookData, at: int) -> list[Output]:
    if not best.bids or not best.asks:
        return []
    venue_time = int(best.ts) * MILLI
    return feed.quote(best.seq_id, *best.bids[0][:2], *best.asks[0][:2], venue_time, at)


def _on_trade(feed: SymbolFeed, trade: wire.TradeData, at: int) -> list[Output]:
    return feed.trade(0, trade.trade_id, trade.px, trade.sz, trade.side, int(trade.ts) * MILLI, at)


def checksum(book: Book, instrument: Instrument) -> int:
    """CRC-32, signed, of "bid:size:ask:size:..." over the best 25 levels; the shorter side leaves out its turns."""
    price_step = parse_decimal(instrument.tick_size)
    size_step = parse_decimal(instrument.size_step or instrument.lot_size)
    parts: list[str] = []
    for levels in zip_longest(*book.top(CHECKED_LEVELS)):
        for level in levels:
            if level is not None:
                parts += [shortest(level[0] * price_step), shortest(level[1] * size_step)]
    value = zlib.crc32(":".join(parts).encode())
    return value - 2**32 if value >= 2**31 else value


def shortest(value: Decimal) -> str:
    """Decimal text without trailing zeros."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _request(op: str, channels: Sequence[tuple[str, str]]) -> str:
    arguments = [{"channel": channel, "instId": name} for channel, name in channels]
    return text_of({"op": op, "args": arguments})
