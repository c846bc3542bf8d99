"""Lighter: books whose updates count by offset or name their predecessor's nonce, markets by number, rates in percent.

Where frames carry nonces, begin_nonce is the nonce before; older ones only raise `offset` by one. The stream's open
interest is in USD: divided by the mark it is a whole number of lots. Funding is percent per hour. Numbers are strings
in some fields and JSON numbers in others.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Final

from cleartide.money import half_up_div, parse_decimal

from services.ingestor.adapters.candles import RunningCandles
from services.ingestor.adapters.core import ROUTE, OneSocketCore, Unusable
from services.ingestor.adapters.instrument import HOUR_MICROS, Instrument
from services.ingestor.adapters.levels import layout, written
from services.ingestor.adapters.protocol import Keepalive, Output, RouteSpec, Send
from services.ingestor.adapters.scale import number_text
from services.ingestor.adapters.symbol import SymbolFeed, rate_ppb
from services.ingestor.adapters.venues.lighter import frames as wire
from services.ingestor.adapters.wire import MILLI, text_of
from services.ingestor.engine.booksync import Update
from services.ingestor.engine.side import Shape

PING: Final = Keepalive(60.0, '{"type":"ping"}')
PONG: Final = '{"type":"pong"}'
INTERVALS: Final = ("1m", "5m", "15m", "30m", "1h", "4h", "12h", "1d")
CHANNELS: Final = ("order_book", "ticker", "trade", "market_stats")
_SHAPE: Final = Shape(b'{"price":"', b'","size":"', b'"}')
_LAYOUT: Final = layout(_SHAPE, wire.Level, lambda level: (level.price, level.size))


class LighterCore(OneSocketCore):
    """Any number of markets on one connection; `Instrument.code` is the market's number. candles: as in "1m,1h"."""

    name: ClassVar[str] = "lighter"
    steady: ClassVar[Mapping[str, str]] = {"book": ROUTE, "funding": ROUTE}
    socket: ClassVar[RouteSpec] = RouteSpec(ROUTE, "/stream", PING)

    def __init__(self, instruments: Sequence[Instrument], *, candles: str = "") -> None:
        super().__init__(instruments)
        self._running = RunningCandles(candles, {each: each for each in INTERVALS})
        self._by_code = {feed.instrument.code: feed for feed in self.symbols.values()}

    def subscriptions(self, route: str) -> list[str]:
        """One request per channel."""
        self._running.forget()
        channels = [f"{channel}/{code}" for code in self._by_code for channel in CHANNELS]
        channels += [f"candle/{code}/{each}" for code in self._by_code for each in self._running.wanted]
        return [_request("subscribe", channel) for channel in channels]

    def resync(self, symbol: str, attempt: int, reason: str) -> list[Output]:
        """A fresh subscription brings a snapshot."""
        channel = f"order_book/{self.symbols[symbol].instrument.code}"
        return [Send(ROUTE, (_request("unsubscribe", channel), _request("subscribe", channel)), attempt)]

    def take(self, data: bytes | str, at: int) -> list[Output]:
        """One message."""
        if b'"error"' in (data if isinstance(data, bytes) else data.encode()):
            self._refuse(data)
        frame = wire.FRAME.decode(data)
        if frame.type == "ping":
            return [Send(ROUTE, (PONG,))]
        if frame.type in ("connected", "pong", "unsubscribed"):
            return []
        kind, code, interval = (*frame.channel.split(":"), "", "")[:3]
        feed = self._by_code.get(code)
        if feed is None:
            raise Unusable("unknown_symbol", frame.channel)
        if kind == "order_book" and frame.order_book is not None:
            return _on_book(feed, frame, frame.order_book, at)
        if kind == "ticker" and frame.ticker is not None:
            return _on_quote(feed, frame, frame.ticker, at)
        if kind == "trade":
            return _on_trades(feed, frame, at)
        if kind == "market_stats":
            return self._on_stats(feed, wire.STATS.decode(frame.market_stats), frame.timestamp * MILLI or at, at)
        if kind == "candle" and interval in INTERVALS:
            bars = frame.candles or ()
            return [each for bar in bars for each in self._on_candle(feed, frame, interval, bar, at)]
        raise Unusable("no_data", frame.type)

    def _refuse(self, data: bytes | str) -> None:
        notice = wire.REFUSED.decode(data).error
        if notice is not None:
            raise Unusable("refused", f"{notice.code} {notice.message}")

    def _on_stats(self, feed: SymbolFeed, stats: wire.Stats, venue_time: int, at: int) -> list[Output]:
        """At most once a second; the interval is the running hour."""
        symbol, second = feed.instrument.symbol, venue_time // 1_000_000
        feed.heard["funding"] = at
        before, interest = self._said.get(symbol, (-1, ""))
        if second == before:
            return []
        self._said[symbol] = (second, stats.open_interest)
        rate = rate_ppb(stats.current_funding_rate, percent=True)
        next_at = (venue_time // HOUR_MICROS + 1) * HOUR_MICROS
        out = feed.funding(second, stats.mark_price, stats.index_price, rate, next_at, venue_time, at)
        if stats.open_interest != interest:
            lots = lots_of(stats.open_interest, stats.mark_price, feed.instrument.lot_size)
            out += feed.interest(second, lots, venue_time, at)
        return out

    def _on_candle(
        self, feed: SymbolFeed, frame: wire.Frame, interval: str, candle: wire.Candle, at: int
    ) -> list[Output]:
        opened, high, low, close, volume = map(number_text, (candle.o, candle.h, candle.l, candle.c, candle.v))
        prices, venue_time = (opened, high, low, close), frame.timestamp * MILLI or at
        return self._running.take(feed, interval, candle.t * MILLI, prices, volume, venue_time, at)


def _on_book(feed: SymbolFeed, frame: wire.Frame, book: wire.Book, at: int) -> list[Output]:
    venue_time = frame.timestamp * MILLI
    bids, asks = written(book.bids, _LAYOUT), written(book.asks, _LAYOUT)
    if frame.type == "subscribed/order_book":
        return feed.begin_book(book.nonce or book.offset, bids, asks, venue_time, at)
    if book.nonce:
        update = Update(book.begin_nonce + 1, book.nonce, book.begin_nonce, bids, asks)
    else:
        update = Update(book.offset, book.offset, book.offset - 1, bids, asks)
    return feed.difference(update, venue_time, at)


def _on_quote(feed: SymbolFeed, frame: wire.Frame, quote: wire.Quote, at: int) -> list[Output]:
    bid, ask = quote.b, quote.a
    return feed.quote(frame.nonce, bid.price, bid.size, ask.price, ask.size, frame.last_updated_at, at)


def _on_trades(feed: SymbolFeed, frame: wire.Frame, at: int) -> list[Output]:
    out: list[Output] = []
    for trade in frame.trades or ():
        out += _trade(feed, trade, at)
    for trade in frame.liquidation_trades or ():
        fresh = _trade(feed, trade, at)
        if fresh:
            side, venue_time = _side(trade), trade.timestamp * MILLI
            out += fresh
            out += feed.liquidation(str(trade.trade_id), trade.price, trade.size, side, venue_time, at)
    return out


def _trade(feed: SymbolFeed, trade: wire.Trade, at: int) -> list[Output]:
    return feed.trade(0, str(trade.trade_id), trade.price, trade.size, _side(trade), trade.timestamp * MILLI, at)


def _side(trade: wire.Trade) -> str:
    return "buy" if trade.is_maker_ask else "sell"


def lots_of(notional: str, mark: str, lot_size: str) -> int:
    """Open interest in lots from USD, to the nearest lot."""
    top, bottom = parse_decimal(notional).as_integer_ratio()
    value, unit = (parse_decimal(mark) * parse_decimal(lot_size)).as_integer_ratio()
    return half_up_div(top * unit, bottom * value) if value else 0


def _request(kind: str, channel: str) -> str:
    return text_of({"type": kind, "channel": channel})
