"""dYdX v4 (its indexer): every message of a connection is numbered, books without numbers or times of their own.

A missing message may have been of any market, so that it costs every book of the connection. There is no central book:
bids and asks may meet until the venue takes one out, and then the level that was laid last stands, as it advises. Books
and figures carry no time and are dated by their receipt. Mark and index are the oracle's price, by which the venue
liquidates; the rate is of one hour. Quotes are those of the book.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, Final

import msgspec

from services.ingestor.adapters.book import TextLevel
from services.ingestor.adapters.booksync import Update
from services.ingestor.adapters.candles import RunningCandles
from services.ingestor.adapters.core import ROUTE, OneSocketCore, Unusable
from services.ingestor.adapters.instrument import HOUR_MICROS, Instrument
from services.ingestor.adapters.protocol import Output, Request, RouteSpec, Send, VenueCore
from services.ingestor.adapters.symbol import SymbolFeed, rate_ppb
from services.ingestor.adapters.venue import Fees, Listed, RateLimit, Venue
from services.ingestor.adapters.wire import Id, Text, chosen_intervals, iso_micros

BOOKS: Final = "v4_orderbook"
TRADES: Final = "v4_trades"
MARKETS: Final = "v4_markets"
CANDLES: Final = "v4_candles"
RESOLUTIONS: Final = {
    "1m": "1MIN", "5m": "5MINS", "15m": "15MINS", "30m": "30MINS", "1h": "1HOUR", "4h": "4HOURS", "1d": "1DAY",
}  # fmt: skip
_INTERVALS: Final = {name: interval for interval, name in RESOLUTIONS.items()}


class Level(msgspec.Struct, gc=False):
    """A level of a snapshot."""

    price: Text
    size: Text


class Snapshot(msgspec.Struct, gc=False):
    """The book as it is."""

    bids: list[Level]
    asks: list[Level]


class Change(msgspec.Struct, gc=False):
    """Levels that changed; size zero removes one."""

    bids: list[TextLevel] = []
    asks: list[TextLevel] = []


class Trade(msgspec.Struct, gc=False):
    """A fill, named by the venue. `side`: the taker's. `type`: LIMIT, LIQUIDATED, DELEVERAGED..."""

    id: Text
    price: Text
    size: Text
    side: Text
    createdAt: Text  # noqa: N815 - the venue's name
    type: Text = ""


class Trades(msgspec.Struct, gc=False):
    """Newest first."""

    trades: list[Trade]


class Market(msgspec.Struct, gc=False, rename="camel"):
    """What changed of a market; in the first message and the listing all of it. The rate is of one hour."""

    ticker: Text = ""
    status: Text = ""
    tick_size: Text = ""
    step_size: Text = ""
    oracle_price: Text = ""
    next_funding_rate: Text = ""
    open_interest: Text = ""


class Markets(msgspec.Struct, gc=False, rename="camel"):
    """All markets in the first message; later the figures and the oracle's prices that changed."""

    markets: dict[str, Market] = {}
    trading: dict[str, Market] = {}
    oracle_prices: dict[str, Market] = {}


class Candle(msgspec.Struct, gc=False, rename="camel"):
    """A candle as it stands."""

    started_at: Text
    ticker: Text
    resolution: Text
    open: Text
    high: Text
    low: Text
    close: Text
    base_token_volume: Text


class Frame(msgspec.Struct, gc=False):
    """One message. `contents`: of its channel; a list of them in a batch."""

    type: str
    message_id: Id
    channel: str = ""
    id: str = ""
    contents: msgspec.Raw = msgspec.Raw()
    message: str = ""


_FRAME: Final = msgspec.json.Decoder(Frame)
_SNAPSHOT: Final = msgspec.json.Decoder(Snapshot)
_LISTING: Final = msgspec.json.Decoder(Markets)
Part = Change | Trades | Markets | Candle
_PARTS: Final[dict[str, type[Part]]] = {BOOKS: Change, TRADES: Trades, MARKETS: Markets, CANDLES: Candle}
_ONE: Final = {channel: msgspec.json.Decoder(kind) for channel, kind in _PARTS.items()}
_BATCH: Final = {channel: msgspec.json.Decoder(list[kind]) for channel, kind in _PARTS.items()}  # type: ignore[valid-type]


class DydxCore(OneSocketCore):
    """Any number of markets on one connection. candles: intervals, as in "1m,1h"."""

    name: ClassVar[str] = "dydx"
    steady: ClassVar[Mapping[str, str]] = {"book": ROUTE}
    socket: ClassVar[RouteSpec] = RouteSpec(ROUTE, "/v4/ws")

    def __init__(self, instruments: Sequence[Instrument], *, candles: str = "") -> None:
        super().__init__(instruments)
        self._candles, self._running = chosen_intervals(candles, RESOLUTIONS), RunningCandles()
        self._last = -1
        self._figures = {symbol: Market() for symbol in self.symbols}
        for feed in self.symbols.values():
            feed.sync.newest_wins = True

    def subscriptions(self, route: str) -> list[str]:
        """All markets' figures at once; books, trades and candles one by one."""
        self._last = -1
        self._running.forget()
        topics = [(channel, symbol) for symbol in self.symbols for channel in (BOOKS, TRADES)]
        topics += [(CANDLES, f"{symbol}/{each}") for symbol in self.symbols for each in self._candles]
        return [_request("subscribe", MARKETS), *(_request("subscribe", *topic) for topic in topics)]

    def resync(self, symbol: str, attempt: int, reason: str) -> list[Output]:
        """A fresh subscription brings a snapshot."""
        return [Send(ROUTE, tuple(_request(kind, BOOKS, symbol) for kind in ("unsubscribe", "subscribe")), attempt)]

    def take(self, data: bytes | str, at: int) -> list[Output]:
        """One message; only one that can be read counts as come."""
        frame = _FRAME.decode(data)
        whole = frame.type == "subscribed" and frame.channel == BOOKS
        if whole:
            snapshot = _SNAPSHOT.decode(frame.contents)
        parts = [] if whole else _contents(frame)
        out = self._count(frame.message_id, at)
        if out is None:
            return []
        if frame.type == "error":
            raise Unusable("refused", frame.message)
        if whole:
            feed = self.symbol(frame.id)
            bids, asks = ([(each.price, each.size) for each in side] for side in (snapshot.bids, snapshot.asks))
            return out + feed.begin_book(_next(feed, at), bids, asks, at, at) + feed.book_quote(at)
        return out + [each for part in parts for each in self._on_part(frame.id, part, at)]

    def _count(self, number: int, at: int) -> list[Output] | None:
        """What the message's number tells: a break of the books, nothing, or (None) that it came before."""
        last, self._last = self._last, number
        if number == last:
            self.counts["repeated"] += 1
            return None
        if last < 0 or number == last + 1:
            return []
        reason = f"message {number} is not {last} + 1"
        joined = [feed for feed in self.symbols.values() if feed.synced]
        return [each for feed in joined for each in feed.condemn(reason, at, at)]

    def _on_part(self, ident: str, part: Part, at: int) -> list[Output]:
        if isinstance(part, Markets):
            return [each for symbol in self.symbols for each in self._on_figures(symbol, part, at)]
        if isinstance(part, Candle):
            return self._on_candle(self.symbol(part.ticker), part, at)
        feed = self.symbol(ident)
        if isinstance(part, Trades):
            return [each for trade in reversed(part.trades) for each in _on_trade(feed, trade, at)]
        number = _next(feed, at)
        said = feed.difference(Update(number, number, feed.sync.last, part.bids, part.asks), at, at)
        return said + feed.book_quote(at)

    def _on_figures(self, symbol: str, markets: Markets, at: int) -> list[Output]:
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

    def _on_candle(self, feed: SymbolFeed, candle: Candle, at: int) -> list[Output]:
        interval = _INTERVALS.get(candle.resolution)
        if interval is None:
            raise Unusable("unknown_interval", candle.resolution)
        prices, volume = (candle.open, candle.high, candle.low, candle.close), candle.base_token_volume
        return self._running.take(feed, interval, iso_micros(candle.started_at), prices, volume, at, at)


def _contents(frame: Frame) -> list[Part]:
    """What a message brings. Past trades and candles, which come with a subscription, are left to the backfill."""
    if frame.type == "channel_batch_data" and frame.channel in _PARTS:
        return list(_BATCH[frame.channel].decode(frame.contents))
    is_news = frame.type == "channel_data" or (frame.type == "subscribed" and frame.channel == MARKETS)
    if is_news and frame.channel in _PARTS:
        return [_ONE[frame.channel].decode(frame.contents)]
    if frame.type in ("connected", "subscribed", "unsubscribed", "error"):
        return []
    raise Unusable("no_data", f"{frame.type} {frame.channel}")


def _next(feed: SymbolFeed, at: int) -> int:
    """A number that rises over all connections: those of the venue begin anew with each."""
    return max(feed.sync.last + 1, at)


def _on_trade(feed: SymbolFeed, trade: Trade, at: int) -> list[Output]:
    side, venue_time = trade.side.lower(), iso_micros(trade.createdAt)
    out = feed.trade(0, trade.id, trade.price, trade.size, side, venue_time, at)
    if out and trade.type == "LIQUIDATED":
        out += feed.liquidation(trade.id, trade.price, trade.size, side, venue_time, at)
    return out


def _request(kind: str, channel: str, ident: str = "") -> str:
    which = {"id": ident} if ident else {}
    return msgspec.json.encode({"type": kind, "channel": channel, **which, "batched": False}).decode()


class Dydx(Venue):
    """BTC-USD."""

    name: ClassVar[str] = DydxCore.name
    live_socket_url: ClassVar[str] = "wss://indexer.dydx.trade"
    live_http_url: ClassVar[str] = "https://indexer.dydx.trade"
    limits: ClassVar[Sequence[RateLimit]] = (RateLimit(100, 10.0),)
    fees: ClassVar[Fees] = Fees(100_000, 500_000)
    options: ClassVar[Sequence[str]] = ("candles",)

    @property
    def listing(self) -> Sequence[Request]:
        """All markets."""
        return (Request("/v4/perpetualMarkets"),)

    def listed(self, answers: Sequence[bytes]) -> Iterator[Listed]:
        """Markets of several tokens in a name are left out."""
        for market in _LISTING.decode(answers[0]).markets.values():
            if _SYMBOL.fullmatch(market.ticker):
                base, quote = self.parse(market.ticker)
                yield Listed(
                    symbol=market.ticker,
                    tick_size=market.tick_size,
                    lot_size=market.step_size,
                    funding_hours=1,
                    base=base,
                    quote=quote,
                    state="" if market.status == "ACTIVE" else market.status.lower() or "without a status",
                )

    def new_core(self, instruments: Sequence[Instrument], options: Mapping[str, str]) -> VenueCore:
        """Options: candles (1m,1h)."""
        return DydxCore(instruments, **options)

    def parse(self, symbol: str) -> tuple[str, str]:
        """BTC-USD is (BTC, USD)."""
        found = _SYMBOL.fullmatch(symbol)
        if found is None:
            raise ValueError(f"{symbol} is no perpetual of this venue")
        return found[1], found[2]

    def format(self, base: str, quote: str) -> str:
        """(BTC, USD) is BTC-USD."""
        return f"{base}-{quote}"


_SYMBOL: Final = re.compile(r"([A-Z0-9]{1,24})-(USD)")

VENUES: Final[Sequence[Venue]] = (Dydx(),)
