"""Kraken Futures: books by single changes numbered per product, numbered trades, hourly relative funding.

PF_ products are linear (sizes in base units), PI_ inverse (sizes in USD). XBT is BTC. Numbers come as JSON numbers and
are read as their text. The snapshot of trades is newest first and is taken from its oldest on.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, Final, Literal

import msgspec

from services.ingestor.adapters.core import ROUTE, OneSocketCore, Unusable
from services.ingestor.adapters.protocol import Output, Request, RouteSpec, Send
from services.ingestor.adapters.scale import step_of
from services.ingestor.adapters.symbol import SymbolFeed, rate_ppb
from services.ingestor.adapters.venue import Fees, Listed, RateLimit, Venue
from services.ingestor.adapters.wire import MILLI, Id, Millis, text_of

FEEDS: Final = ("book", "trade", "ticker")
NO_RATE: Final = "0"


class Level(msgspec.Struct, gc=False):
    """A price level."""

    price: msgspec.Raw
    qty: msgspec.Raw


class Snapshot(msgspec.Struct, tag_field="feed", tag="book_snapshot", gc=False):
    """The whole book at `seq`."""

    product_id: str
    timestamp: Millis
    seq: Id
    bids: list[Level]
    asks: list[Level]


class Change(msgspec.Struct, tag_field="feed", tag="book", gc=False):
    """One changed level; quantity zero removes it."""

    product_id: str
    side: Literal["buy", "sell"]
    seq: Id
    price: msgspec.Raw
    qty: msgspec.Raw
    timestamp: Millis


class Trade(msgspec.Struct, tag_field="feed", tag="trade", gc=False):
    """One trade; `side` is the taker's. type liquidation: the taker was being liquidated."""

    product_id: str
    side: Literal["buy", "sell"]
    type: str
    seq: Id
    time: Millis
    qty: msgspec.Raw
    price: msgspec.Raw


class Trades(msgspec.Struct, tag_field="feed", tag="trade_snapshot", gc=False):
    """The last trades, newest first."""

    product_id: str
    trades: list[Trade]


class Ticker(msgspec.Struct, tag_field="feed", tag="ticker", gc=False):
    """Quote and figures; a rate of zero is left out."""

    product_id: str
    time: Millis
    bid: msgspec.Raw
    ask: msgspec.Raw
    bid_size: msgspec.Raw
    ask_size: msgspec.Raw
    mark_price: msgspec.Raw = msgspec.field(name="markPrice")
    index: msgspec.Raw
    open_interest: msgspec.Raw = msgspec.field(name="openInterest")
    next_funding_rate_time: Millis = 0
    relative_funding_rate: msgspec.Raw = msgspec.Raw(b"0")


class Answer(msgspec.Struct, gc=False):
    """What is not data."""

    event: str
    message: str = ""


class Info(msgspec.Struct, gc=False, rename="camel"):
    """One instrument of the listing."""

    symbol: str
    tradeable: bool
    tick_size: msgspec.Raw = msgspec.Raw(b"0")
    contract_value_trade_precision: int = 0


class Listing(msgspec.Struct, gc=False):
    """The answer of instruments."""

    instruments: list[Info]


_DATA: Final = msgspec.json.Decoder(Snapshot | Change | Trade | Trades | Ticker)
_ANSWER: Final = msgspec.json.Decoder(Answer)
_LISTING: Final = msgspec.json.Decoder(Listing)
_EVENT: Final = b'{"event"'


class KrakenCore(OneSocketCore):
    """Any number of products on one connection."""

    steady: ClassVar[Mapping[str, str]] = {"book": ROUTE, "quote": ROUTE}
    socket: ClassVar[RouteSpec] = RouteSpec(ROUTE, "/ws/v1")

    def subscriptions(self, route: str) -> list[str]:
        """One request per feed."""
        return [_request("subscribe", feed, list(self.symbols)) for feed in FEEDS]

    def resync(self, symbol: str, attempt: int, reason: str) -> list[Output]:
        """A fresh subscription brings a snapshot."""
        frames = tuple(_request(event, "book", [symbol]) for event in ("unsubscribe", "subscribe"))
        return [Send(ROUTE, frames, attempt)]

    def take(self, data: bytes | str, at: int) -> list[Output]:
        """One message."""
        raw = data if isinstance(data, bytes) else data.encode()
        if raw.startswith(_EVENT):
            return _on_answer(_ANSWER.decode(raw))
        body = _DATA.decode(raw)
        feed = self.symbol(body.product_id)
        if isinstance(body, Change):
            return _on_change(feed, body, at)
        if isinstance(body, Snapshot):
            bids, asks = ([(_text(one.price), _text(one.qty)) for one in side] for side in (body.bids, body.asks))
            return feed.begin_book(body.seq, bids, asks, body.timestamp * MILLI, at)
        if isinstance(body, Trade):
            return _on_trade(feed, body, at)
        if isinstance(body, Trades):
            return [each for trade in reversed(body.trades) for each in _on_trade(feed, trade, at)]
        return self._on_ticker(feed, body, at)

    def _on_ticker(self, feed: SymbolFeed, ticker: Ticker, at: int) -> list[Output]:
        venue_time = ticker.time * MILLI
        bid, bid_size, ask, ask_size = map(_text, (ticker.bid, ticker.bid_size, ticker.ask, ticker.ask_size))
        out = feed.timed_quote(bid, bid_size, ask, ask_size, venue_time, at)
        before, interest = self._said.get(ticker.product_id, (-1, ""))
        second, newest = ticker.time // MILLI, _text(ticker.open_interest)
        if second == before:
            return out
        self._said[ticker.product_id] = (second, newest)
        rate, next_at = rate_ppb(_text(ticker.relative_funding_rate)), ticker.next_funding_rate_time * MILLI
        out += feed.funding(ticker.time, _text(ticker.mark_price), _text(ticker.index), rate, next_at, venue_time, at)
        if newest != interest:
            out += feed.interest(ticker.time, feed.instrument.sizes[newest], venue_time, at)
        return out


def _text(number: msgspec.Raw) -> str:
    """A JSON number or string as its text."""
    return bytes(number).decode("ascii", "replace").strip('"')


def _on_answer(answer: Answer) -> list[Output]:
    if answer.event in ("error", "alert"):
        raise Unusable("refused", answer.message)
    return []


def _on_change(feed: SymbolFeed, change: Change, at: int) -> list[Output]:
    price, size = _text(change.price), _text(change.qty)
    return feed.change(change.seq, change.side, price, size, change.timestamp * MILLI, at)


def _on_trade(feed: SymbolFeed, trade: Trade, at: int) -> list[Output]:
    price, size, venue_time, ident = _text(trade.price), _text(trade.qty), trade.time * MILLI, str(trade.seq)
    out = feed.trade(trade.seq, ident, price, size, trade.side, venue_time, at)
    if out and trade.type == "liquidation":
        out += feed.liquidation(ident, price, size, trade.side, venue_time, at)
    return out


def _request(event: str, feed: str, products: Sequence[str]) -> str:
    return text_of({"event": event, "feed": feed, "product_ids": products})


class LinearCore(KrakenCore):
    """PF_ products."""

    name: ClassVar[str] = "kraken-futures"


class InverseCore(KrakenCore):
    """PI_ products."""

    name: ClassVar[str] = "kraken-inverse"


class _Kraken(Venue):
    prefix: ClassVar[str]
    family: ClassVar[type[KrakenCore]]
    quotes: ClassVar[Sequence[str]] = ("USD",)
    own_names: ClassVar[Mapping[str, str]] = {"BTC": "XBT"}
    live_socket_url: ClassVar[str] = "wss://futures.kraken.com"
    live_http_url: ClassVar[str] = "https://futures.kraken.com"
    limits: ClassVar[Sequence[RateLimit]] = (RateLimit(500, 10.0),)
    fees: ClassVar[Fees] = Fees(200_000, 500_000)

    @property
    def listing(self) -> Sequence[Request]:
        """All instruments, other kinds among them."""
        return (Request("/derivatives/api/v3/instruments"),)

    def listed(self, answers: Sequence[bytes]) -> Iterator[Listed]:
        """Linear sizes have the precision that the venue says; inverse ones are whole dollars."""
        for info in _LISTING.decode(answers[0]).instruments:
            symbol = info.symbol.upper()
            if symbol.startswith(self.prefix):
                base, quote = self.parse(symbol)
                inverse = self.family is InverseCore
                yield Listed(
                    symbol=symbol,
                    tick_size=_text(info.tick_size),
                    lot_size="1" if inverse else step_of(info.contract_value_trade_precision),
                    funding_hours=1,
                    base=base,
                    quote=quote,
                    kind="inverse" if inverse else "linear",
                    state="" if info.tradeable else "not tradeable",
                )


class KrakenFutures(_Kraken):
    """PF_XBTUSD."""

    name: ClassVar[str] = LinearCore.name
    prefix: ClassVar[str] = "PF_"
    form: ClassVar[str] = "PF_{base}{quote}"
    family: ClassVar[type[KrakenCore]] = LinearCore


class KrakenInverse(_Kraken):
    """PI_XBTUSD."""

    name: ClassVar[str] = InverseCore.name
    prefix: ClassVar[str] = "PI_"
    form: ClassVar[str] = "PI_{base}{quote}"
    family: ClassVar[type[KrakenCore]] = InverseCore


VENUES: Final[Sequence[Venue]] = (KrakenFutures(), KrakenInverse())
