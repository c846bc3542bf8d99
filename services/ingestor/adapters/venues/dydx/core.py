"""dYdX v4 (its indexer): every message of a connection is numbered, books without numbers or times of their own.

A missing message may have been of any market of its connection, so that each market has a connection of its own; the
first one's carries the figures of all too. There is no central book: bids and asks may meet until the venue takes one
out, and then the level that was laid last stands, as it advises. Books and figures carry no time and are dated by their
receipt. Mark and index are the oracle's price, by which the venue liquidates; the rate is of one hour. Quotes are those
of the book.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Final

from services.ingestor.adapters.candles import RunningCandles
from services.ingestor.adapters.core import ROUTE, OneSocketCore, Unusable
from services.ingestor.adapters.instrument import HOUR_MICROS, Instrument
from services.ingestor.adapters.protocol import Output, RouteSpec, Send
from services.ingestor.adapters.symbol import SymbolFeed, rate_ppb
from services.ingestor.adapters.venues.dydx import frames as wire
from services.ingestor.adapters.venues.dydx.frames import BOOKS, CANDLES, MARKETS, TRADES
from services.ingestor.adapters.wire import iso_micros, text_of
from services.ingestor.engine.booksync import Update

SILENT_SECONDS: Final = 120.0
RESOLUTIONS: Final = {
    "1m": "1MIN", "5m": "5MINS", "15m": "15MINS", "30m": "30MINS", "1h": "1HOUR", "4h": "4HOURS", "1d": "1DAY",
}  # fmt: skip


class DydxCore(OneSocketCore):
    """Any number of markets, each on a connection of its own. candles: intervals, as in "1m,1h"."""

    name: ClassVar[str] = "dydx"
    steady: ClassVar[Mapping[str, str]] = {"book": ROUTE}

    def __init__(self, instruments: Sequence[Instrument], *, candles: str = "") -> None:
        super().__init__(instruments)
        self._running = RunningCandles(candles, RESOLUTIONS)
        self._last: dict[str, int] = {}
        self._carrier: dict[str, str] = {}
        self._figures = {symbol: wire.Market() for symbol in self.symbols}
        for feed in self.symbols.values():
            feed.sync.newest_wins = True

    @property
    def routes(self) -> Sequence[RouteSpec]:
        """One a market. A quiet one brings nothing for long, and the venue's pings tell that it is alive."""
        names = dict.fromkeys([ROUTE, *(self.route_of(ROUTE, symbol) for symbol in self.symbols)])
        return [RouteSpec(name, "/v4/ws", silent_seconds=SILENT_SECONDS) for name in names]

    def route_of(self, name: str, symbol: str) -> str:
        """The first market's is the one that every venue has."""
        return ROUTE if symbol == next(iter(self.symbols), symbol) else f"{ROUTE}/{symbol}"

    def subscriptions(self, route: str) -> list[str]:
        """All markets' figures at once; a market's book, trades and candles one by one."""
        own = [symbol for symbol in self.symbols if self.route_of(ROUTE, symbol) == route]
        self._running.forget(own)
        topics = [(channel, symbol) for symbol in own for channel in (BOOKS, TRADES)]
        topics += [(CANDLES, f"{symbol}/{each}") for symbol in own for each in self._running.wanted]
        figures = [_request("subscribe", MARKETS)] if route == ROUTE else []
        return figures + [_request("subscribe", *topic) for topic in topics]

    def resync(self, symbol: str, attempt: int, reason: str) -> list[Output]:
        """A fresh subscription brings a snapshot."""
        frames = tuple(_request(kind, BOOKS, symbol) for kind in ("unsubscribe", "subscribe"))
        return [Send(self.route_of(ROUTE, symbol), frames, attempt)]

    def take(self, data: bytes | str, at: int) -> list[Output]:
        """One message; only one that can be read counts as come."""
        frame = wire.FRAME.decode(data)
        whole = frame.type == "subscribed" and frame.channel == BOOKS
        if whole:
            snapshot = wire.SNAPSHOT.decode(frame.contents)
        parts = [] if whole else _contents(frame)
        out = self._count(frame.connection_id, frame.message_id, at)
        if out is None:
            return []
        if frame.type == "error":
            raise Unusable("refused", frame.message)
        if whole:
            feed = self.symbol(frame.id)
            self._carrier[frame.id] = frame.connection_id
            bids, asks = ([(each.price, each.size) for each in side] for side in (snapshot.bids, snapshot.asks))
            return out + feed.begin_book(_next(feed, at), bids, asks, at, at) + feed.book_quote(at)
        return out + [each for part in parts for each in self._on_part(frame.id, part, at)]

    def _count(self, connection: str, number: int, at: int) -> list[Output] | None:
        """What the message's number tells: a break of its connection, nothing, or (None) that it came before."""
        last = self._last.get(connection, -1)
        if last < 0:  # those of connections that are gone are forgotten
            self._last = {each: self._last[each] for each in self._carrier.values() if each in self._last}
        self._last[connection] = number
        if number == last:
            self.counts["repeated"] += 1
            return None
        if last < 0 or number == last + 1:
            return []
        reason = f"message {number} is not {last} + 1"
        joined = [feed for name, feed in self.symbols.items() if feed.synced and self._carrier.get(name) == connection]
        return [each for feed in joined for each in feed.condemn(reason, at, at)]

    def _on_part(self, ident: str, part: wire.Part, at: int) -> list[Output]:
        if isinstance(part, wire.Markets):
            return [each for symbol in self.symbols for each in self._on_figures(symbol, part, at)]
        if isinstance(part, wire.Candle):
            return self._on_candle(self.symbol(part.ticker), part, at)
        feed = self.symbol(ident)
        if isinstance(part, wire.Trades):
            return [each for trade in reversed(part.trades) for each in _on_trade(feed, trade, at)]
        number = _next(feed, at)
        said = feed.difference(Update(number, number, feed.sync.last, part.bids, part.asks), at, at)
        return said + feed.book_quote(at)

    def _on_figures(self, symbol: str, markets: wire.Markets, at: int) -> list[Output]:
        """Once there are a price and a rate; at most once a second."""
        known, feed = self._figures[symbol], self.symbols[symbol]
        for news in (group.get(symbol) for group in (markets.markets, markets.trading, markets.oracle_prices)):
            if news is not None:
                known.oracle_price = news.oracle_price or known.oracle_price
                known.next_funding_rate = news.next_funding_rate or known.next_funding_rate
                known.open_interest = news.open_interest or known.open_interest
        before, interest = self._said.get(symbol, (-1, ""))
        second = at // 1_000_000
        if second == before or not (known.oracle_price and known.next_funding_rate):
            return []
        self._said[symbol] = (second, known.open_interest)
        price, next_at = known.oracle_price, (at // HOUR_MICROS + 1) * HOUR_MICROS
        out = feed.funding(second, price, price, rate_ppb(known.next_funding_rate), next_at, at, at)
        if known.open_interest not in ("", interest):
            out += feed.interest(second, feed.instrument.sizes[known.open_interest], at, at)
        return out

    def _on_candle(self, feed: SymbolFeed, candle: wire.Candle, at: int) -> list[Output]:
        prices, volume = (candle.open, candle.high, candle.low, candle.close), candle.base_token_volume
        return self._running.take(feed, candle.resolution, iso_micros(candle.started_at), prices, volume, at, at)


def _contents(frame: wire.Frame) -> list[wire.Part]:
    """What a message brings. Past trades and candles, which come with a subscription, are left to the backfill."""
    if frame.type == "channel_batch_data" and frame.channel in wire.PARTS:
        return list(wire.BATCH[frame.channel].decode(frame.contents))
    is_news = frame.type == "channel_data" or (frame.type == "subscribed" and frame.channel == MARKETS)
    if is_news and frame.channel in wire.PARTS:
        return [wire.ONE[frame.channel].decode(frame.contents)]
    if frame.type in ("connected", "subscribed", "unsubscribed", "error"):
        return []
    raise Unusable("no_data", f"{frame.type} {frame.channel}")


def _next(feed: SymbolFeed, at: int) -> int:
    """A number that rises over all connections: those of the venue begin anew with each."""
    return max(feed.sync.last + 1, at)


def _on_trade(feed: SymbolFeed, trade: wire.Trade, at: int) -> list[Output]:
    side, venue_time = trade.side.lower(), iso_micros(trade.createdAt)
    out = feed.trade(0, trade.id, trade.price, trade.size, side, venue_time, at)
    if out and trade.type == "LIQUIDATED":
        out += feed.liquidation(trade.id, trade.price, trade.size, side, venue_time, at)
    return out


def _request(kind: str, channel: str, ident: str = "") -> str:
    which = {"id": ident} if ident else {}
    return text_of({"type": kind, "channel": channel, **which, "batched": False})
