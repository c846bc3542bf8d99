"""Paradex perpetuals over JSON-RPC: books of fifteen levels by numbered changes, continuous funding.

A book may be one-sided, and so may a quote. A name with the prefix k counts a thousand units. The rate is that of the
instrument's own period, accrued continuously; the underlying's spot price is the index.
"""

from collections.abc import Mapping
from typing import ClassVar, Final

from services.ingestor.adapters.core import ROUTE, OneSocketCore, Unusable
from services.ingestor.adapters.levels import layout
from services.ingestor.adapters.protocol import Output, RouteSpec, Send
from services.ingestor.adapters.symbol import SymbolFeed, rate_ppb
from services.ingestor.adapters.venues.paradex import frames as wire
from services.ingestor.adapters.wire import MILLI, text_of
from services.ingestor.engine.book import Layout, TextLevel, Written
from services.ingestor.engine.booksync import Update
from services.ingestor.engine.side import Shape

BOOK: Final = "order_book.{}.deltas@15@50ms"
CHANNELS: Final = (BOOK, "bbo.{}", "trades.{}", "markets_summary.{}")
DEFAULT_FUNDING_HOURS: Final = 8
PERPETUAL: Final = "PERP"
EMPTY: Final = ("", "0")
_BOOK_HEAD: Final = b'{"jsonrpc":"2.0","method":"subscription","params":{"channel":"order_book.'


def _layout(side: str, other: str, *, removes: bool = False) -> Layout:
    """Levels of one side, in a list of both."""
    heads = [f'{{"side":"{name}","price":"'.encode() for name in (side, other)]

    def text(level: wire.Level) -> TextLevel | None:
        return (level.price, "0" if removes else level.size) if level.side == side else None

    return layout(Shape(heads[0], b'","size":"', b'"}', other=heads[1], removes=removes), wire.Level, text)


_LAYOUTS: Final = [(_layout(*sides, removes=True), _layout(*sides)) for sides in (("BUY", "SELL"), ("SELL", "BUY"))]
"""Of bids and asks: for what goes, and for what comes or changes."""


class ParadexCore(OneSocketCore):
    """Any number of markets on one connection."""

    name: ClassVar[str] = "paradex"
    steady: ClassVar[Mapping[str, str]] = {"book": ROUTE, "funding": ROUTE}
    socket: ClassVar[RouteSpec] = RouteSpec(ROUTE, "/v1")

    def subscriptions(self, route: str) -> list[str]:
        """One request per channel."""
        names = [channel.format(symbol) for symbol in self.symbols for channel in CHANNELS]
        return [self._request("subscribe", name) for name in names]

    def resync(self, symbol: str, attempt: int, reason: str) -> list[Output]:
        """A fresh subscription brings a snapshot."""
        channel = BOOK.format(symbol)
        frames = (self._request("unsubscribe", channel), self._request("subscribe", channel))
        return [Send(ROUTE, frames, attempt)]

    def take(self, data: bytes | str, at: int) -> list[Output]:
        """A notification or an answer. Books, the longest by far, are told by how they begin and decoded once."""
        if isinstance(data, bytes) and data.startswith(_BOOK_HEAD):
            return self._on_book(wire.BOOK_FRAME.decode(data).params.data, at)
        frame = wire.FRAME.decode(data)
        if frame.error is not None:
            raise Unusable("refused", f"{frame.error.code} {frame.error.message}")
        if frame.params is None:
            if frame.id is None:
                raise Unusable("no_data", "neither data nor an answer")
            return []
        kind, raw = frame.params.channel.partition(".")[0], frame.params.data
        if kind == "order_book":
            return self._on_book(wire.BOOK.decode(raw), at)
        if kind == "bbo":
            return self._on_quote(wire.QUOTE.decode(raw), at)
        if kind == "trades":
            return self._on_trade(wire.TRADE.decode(raw), at)
        if kind == "markets_summary":
            return self._on_summary(wire.SUMMARY.decode(raw), at)
        raise Unusable("no_data", frame.params.channel)

    def _on_book(self, book: wire.Book, at: int) -> list[Output]:
        feed, venue_time = self.symbol(book.market), book.last_updated_at * MILLI
        gone, come, changed = bytes(book.deletes), bytes(book.inserts), bytes(book.updates)
        bids, asks = (Written((gone, removing), (come, laying), (changed, laying)) for removing, laying in _LAYOUTS)
        if book.update_type == "s":
            return feed.begin_book(book.seq_no, bids, asks, venue_time, at)
        return feed.difference(Update(book.seq_no, book.seq_no, book.seq_no - 1, bids, asks), venue_time, at)

    def _on_quote(self, quote: wire.Quote, at: int) -> list[Output]:
        feed = self.symbol(quote.market)
        if quote.bid in EMPTY or quote.ask in EMPTY:
            return []
        texts = quote.bid, quote.bid_size, quote.ask, quote.ask_size
        return feed.quote(quote.seq_no, *texts, quote.last_updated_at * MILLI, at)

    def _on_trade(self, trade: wire.Trade, at: int) -> list[Output]:
        feed, side, venue_time = self.symbol(trade.market), trade.side.lower(), trade.created_at * MILLI
        out = feed.trade(0, trade.id, trade.price, trade.size, side, venue_time, at)
        if out and trade.trade_type == "LIQUIDATION":
            out += feed.liquidation(trade.id, trade.price, trade.size, side, venue_time, at)
        return out

    def _on_summary(self, summary: wire.Summary, at: int) -> list[Output]:
        """At most once a second; a market without a mark or spot price says nothing."""
        feed, venue_time = self.symbol(summary.symbol), summary.created_at * MILLI
        feed.heard["funding"] = at
        before, interest = self._said.get(summary.symbol, (-1, ""))
        second = summary.created_at // MILLI
        if second == before or not (summary.mark_price and summary.underlying_price and summary.funding_rate):
            return []
        self._said[summary.symbol] = (second, summary.open_interest)
        next_at = feed.instrument.next_funding(venue_time)
        rate, prices = rate_ppb(summary.funding_rate), (summary.mark_price, summary.underlying_price)
        out = feed.funding(summary.created_at, *prices, rate, next_at, venue_time, at)
        if summary.open_interest not in ("", interest):
            out += _interest(feed, summary, venue_time, at)
        return out

    def _request(self, method: str, channel: str) -> str:
        self._requests += 1
        request = {"jsonrpc": "2.0", "method": method, "params": {"channel": channel}, "id": self._requests}
        return text_of(request)


def _interest(feed: SymbolFeed, summary: wire.Summary, venue_time: int, at: int) -> list[Output]:
    lots = feed.instrument.sizes[summary.open_interest]
    return feed.interest(summary.created_at, lots, venue_time, at)
