"""Paradex perpetuals over JSON-RPC: books of fifteen levels by numbered changes, continuous funding.

A book may be one-sided, and so may a quote. A name with the prefix k counts a thousand units. The rate is that of the
instrument's own period, accrued continuously; the underlying's spot price is the index.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, ClassVar, Final, Literal

import msgspec
from msgspec import Meta

from services.ingestor.adapters.book import TextLevel
from services.ingestor.adapters.booksync import Update
from services.ingestor.adapters.core import ROUTE, OneSocketCore, Unusable
from services.ingestor.adapters.instrument import Instrument
from services.ingestor.adapters.protocol import Output, Request, RouteSpec, Send, VenueCore
from services.ingestor.adapters.symbol import SymbolFeed, rate_ppb
from services.ingestor.adapters.venue import Fees, Listed, RateLimit, Venue
from services.ingestor.adapters.wire import MILLI, Id, Millis, Text

BOOK: Final = "order_book.{}.deltas@15@50ms"
CHANNELS: Final = (BOOK, "bbo.{}", "trades.{}", "markets_summary.{}")
DEFAULT_FUNDING_HOURS: Final = 8
PERPETUAL: Final = "PERP"
THOUSAND: Final = "1000"
EMPTY: Final = ("", "0")


class Level(msgspec.Struct, gc=False):
    """A price level of one side."""

    side: Literal["BUY", "SELL"]
    price: Text
    size: Text = "0"


class Book(msgspec.Struct, gc=False):
    """A snapshot (s) or what changed (d)."""

    market: str
    seq_no: Id
    last_updated_at: Millis
    update_type: Literal["s", "d"]
    inserts: list[Level]
    updates: list[Level]
    deletes: list[Level]


class Quote(msgspec.Struct, gc=False):
    """Best bid and ask; a side that is not there is empty."""

    market: str
    seq_no: Id
    bid: Text
    bid_size: Text
    ask: Text
    ask_size: Text
    last_updated_at: Millis


class Trade(msgspec.Struct, gc=False):
    """One trade; `side` is the taker's."""

    id: Annotated[str, Meta(min_length=1, max_length=48)]
    market: str
    side: Literal["BUY", "SELL"]
    price: Text
    size: Text
    created_at: Millis
    trade_type: str = "FILL"


class Summary(msgspec.Struct, gc=False):
    """A market's figures."""

    symbol: str
    created_at: Millis
    mark_price: Text = ""
    underlying_price: Text = ""
    funding_rate: Text = ""
    open_interest: Text = ""


class Parameters(msgspec.Struct, gc=False):
    """What a notification is about."""

    channel: str
    data: msgspec.Raw


class Refusal(msgspec.Struct, gc=False):
    """Why a request was refused."""

    code: int = 0
    message: str = ""


class Frame(msgspec.Struct, gc=False):
    """A notification, or the answer to a request."""

    params: Parameters | None = None
    error: Refusal | None = None
    id: int | None = None


class Market(msgspec.Struct, gc=False):
    """One market of the listing; options share it."""

    symbol: str
    order_size_increment: str
    price_tick_size: str
    asset_kind: str
    funding_period_hours: int | None = None


class Listing(msgspec.Struct, gc=False):
    """The answer of markets."""

    results: list[Market]


_FRAME: Final = msgspec.json.Decoder(Frame)
_BOOK: Final = msgspec.json.Decoder(Book)
_QUOTE: Final = msgspec.json.Decoder(Quote)
_TRADE: Final = msgspec.json.Decoder(Trade)
_SUMMARY: Final = msgspec.json.Decoder(Summary)
_LISTING: Final = msgspec.json.Decoder(Listing)


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
        """A notification or an answer."""
        frame = _FRAME.decode(data)
        if frame.error is not None:
            raise Unusable("refused", f"{frame.error.code} {frame.error.message}")
        if frame.params is None:
            if frame.id is None:
                raise Unusable("no_data", "neither data nor an answer")
            return []
        kind, raw = frame.params.channel.partition(".")[0], frame.params.data
        if kind == "order_book":
            return self._on_book(_BOOK.decode(raw), at)
        if kind == "bbo":
            return self._on_quote(_QUOTE.decode(raw), at)
        if kind == "trades":
            return self._on_trade(_TRADE.decode(raw), at)
        if kind == "markets_summary":
            return self._on_summary(_SUMMARY.decode(raw), at)
        raise Unusable("no_data", frame.params.channel)

    def _on_book(self, book: Book, at: int) -> list[Output]:
        feed, venue_time = self.symbol(book.market), book.last_updated_at * MILLI
        sides: dict[str, list[TextLevel]] = {"BUY": [], "SELL": []}
        for level in book.deletes:
            sides[level.side].append((level.price, "0"))
        for level in (*book.inserts, *book.updates):
            sides[level.side].append((level.price, level.size))
        if book.update_type == "s":
            return feed.begin_book(book.seq_no, sides["BUY"], sides["SELL"], venue_time, at)
        update = Update(book.seq_no, book.seq_no, book.seq_no - 1, sides["BUY"], sides["SELL"])
        return feed.difference(update, venue_time, at)

    def _on_quote(self, quote: Quote, at: int) -> list[Output]:
        feed = self.symbol(quote.market)
        if quote.bid in EMPTY or quote.ask in EMPTY:
            return []
        texts = quote.bid, quote.bid_size, quote.ask, quote.ask_size
        return feed.quote(quote.seq_no, *texts, quote.last_updated_at * MILLI, at)

    def _on_trade(self, trade: Trade, at: int) -> list[Output]:
        feed, side, venue_time = self.symbol(trade.market), trade.side.lower(), trade.created_at * MILLI
        out = feed.trade(0, trade.id, trade.price, trade.size, side, venue_time, at)
        if out and trade.trade_type == "LIQUIDATION":
            out += feed.liquidation(trade.id, trade.price, trade.size, side, venue_time, at)
        return out

    def _on_summary(self, summary: Summary, at: int) -> list[Output]:
        """At most once a second; a market without a mark or spot price says nothing."""
        feed, venue_time = self.symbol(summary.symbol), summary.created_at * MILLI
        feed.heard["funding"] = at
        before, interest = self._said.get(summary.symbol, (-1, ""))
        second = summary.created_at // MILLI
        if second == before or not (summary.mark_price and summary.underlying_price and summary.funding_rate):
            return []
        self._said[summary.symbol] = (second, summary.open_interest)
        interval = feed.instrument.funding_interval_micros
        next_at = (venue_time // interval + 1) * interval
        rate, prices = rate_ppb(summary.funding_rate), (summary.mark_price, summary.underlying_price)
        out = feed.funding(summary.created_at, *prices, rate, next_at, venue_time, at)
        if summary.open_interest not in ("", interest):
            out += _interest(feed, summary, venue_time, at)
        return out

    def _request(self, method: str, channel: str) -> str:
        self._requests += 1
        request = {"jsonrpc": "2.0", "method": method, "params": {"channel": channel}, "id": self._requests}
        return msgspec.json.encode(request).decode()


def _interest(feed: SymbolFeed, summary: Summary, venue_time: int, at: int) -> list[Output]:
    lots = feed.instrument.sizes[summary.open_interest]
    return feed.interest(summary.created_at, lots, venue_time, at)


class Paradex(Venue):
    """BTC-USD-PERP."""

    name: ClassVar[str] = ParadexCore.name
    live_socket_url: ClassVar[str] = "wss://ws.api.prod.paradex.trade"
    live_http_url: ClassVar[str] = "https://api.prod.paradex.trade"
    limits: ClassVar[Sequence[RateLimit]] = (RateLimit(1_500, 60.0),)
    fees: ClassVar[Fees] = Fees(0, 200_000)

    @property
    def listing(self) -> Sequence[Request]:
        """All markets."""
        return (Request("/v1/markets"),)

    def listed(self, answers: Sequence[bytes]) -> Iterator[Listed]:
        """Perpetuals only."""
        for market in _LISTING.decode(answers[0]).results:
            if market.asset_kind == PERPETUAL:
                base, quote = self.parse(market.symbol)
                yield Listed(
                    symbol=market.symbol,
                    tick_size=market.price_tick_size,
                    lot_size=market.order_size_increment,
                    funding_hours=market.funding_period_hours or DEFAULT_FUNDING_HOURS,
                    base=base,
                    quote=quote,
                )

    def new_core(self, instruments: Sequence[Instrument], options: Mapping[str, str]) -> VenueCore:
        """No options."""
        return ParadexCore(instruments)

    def parse(self, symbol: str) -> tuple[str, str]:
        """BTC-USD-PERP is (BTC, USD), kPEPE-USD-PERP is (1000PEPE, USD)."""
        found = re.fullmatch(rf"(k?)([A-Z0-9]{{1,20}})-(USD)-{PERPETUAL}", symbol)
        if found is None:
            raise ValueError(f"{symbol} is no perpetual of this venue")
        return (THOUSAND if found[1] else "") + found[2], found[3]

    def format(self, base: str, quote: str) -> str:
        """(BTC, USD) is BTC-USD-PERP."""
        name = "k" + base.removeprefix(THOUSAND) if base.startswith(THOUSAND) and base != THOUSAND else base
        return f"{name}-{quote}-{PERPETUAL}"


VENUES: Final[Sequence[Venue]] = (Paradex(),)
