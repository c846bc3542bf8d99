"""Gate perpetuals in USDT: books by ranges of numbers, sizes in contracts, the taker's side in the sign of a trade.

A contract is `quanto_multiplier` of the base. The channel futures.obu brings a full book with the subscription and
whenever the venue likes; then each frame's U follows the u before it.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, Final

import msgspec

from services.ingestor.adapters.core import ROUTE, OneSocketCore, Unusable
from services.ingestor.adapters.levels import EMPTY, written
from services.ingestor.adapters.protocol import Keepalive, Output, Request, RouteSpec, Send
from services.ingestor.adapters.scale import NO_NUMBER, number_text
from services.ingestor.adapters.symbol import SymbolFeed, rate_ppb
from services.ingestor.adapters.venue import Fees, Listed, RateLimit, Venue
from services.ingestor.adapters.wire import MILLI, Id, Millis, Text, text_of
from services.ingestor.engine.booksync import Update

PING: Final = Keepalive(15.0, '{"channel":"futures.ping"}')
DEPTH: Final = 400
SECONDS_PER_HOUR: Final = 3_600
BOOKS: Final = "futures.obu"
CHANNELS: Final = ("futures.book_ticker", "futures.trades", "futures.tickers")


class Book(msgspec.Struct, gc=False):
    """A full book at u, or the changes U..u."""

    t: Millis
    s: str
    u: Id
    first: Id = msgspec.field(name="U", default=0)
    full: bool = False
    b: msgspec.Raw = EMPTY
    a: msgspec.Raw = EMPTY


class Quote(msgspec.Struct, gc=False):
    """Best bid and ask at update u; an empty price: that side is empty."""

    t: Millis
    u: Id
    s: str
    b: Text
    B: msgspec.Raw
    a: Text
    A: msgspec.Raw


class Trade(msgspec.Struct, gc=False):
    """One trade; a negative size: the taker sold."""

    id: Id
    contract: str
    size: msgspec.Raw
    price: Text
    create_time_ms: Millis


class Ticker(msgspec.Struct, gc=False):
    """A contract's figures; total_size is the open interest in contracts."""

    contract: str
    mark_price: Text = ""
    index_price: Text = ""
    funding_rate: Text = ""
    total_size: Text = ""


class Refusal(msgspec.Struct, gc=False):
    """Why a request was refused."""

    code: int = 0
    message: str = ""


class Frame(msgspec.Struct, gc=False):
    """Data of a channel, or an answer."""

    channel: str
    event: str = ""
    time_ms: Millis = 0
    result: msgspec.Raw = msgspec.Raw()
    error: Refusal | None = None


class Info(msgspec.Struct, gc=False):
    """One contract of the listing."""

    name: str
    type: str
    quanto_multiplier: str
    order_price_round: str
    funding_interval: int
    in_delisting: bool = False
    maker_fee_rate: msgspec.Raw = NO_NUMBER
    taker_fee_rate: msgspec.Raw = NO_NUMBER


_FRAME: Final = msgspec.json.Decoder(Frame)
_BOOK: Final = msgspec.json.Decoder(Book)
_QUOTE: Final = msgspec.json.Decoder(Quote)
_TRADES: Final = msgspec.json.Decoder(list[Trade])
_TICKERS: Final = msgspec.json.Decoder(list[Ticker])
_LISTING: Final = msgspec.json.Decoder(list[Info])


class GateCore(OneSocketCore):
    """Any number of contracts on one connection."""

    name: ClassVar[str] = "gate"
    steady: ClassVar[Mapping[str, str]] = {"book": ROUTE, "quote": ROUTE}
    socket: ClassVar[RouteSpec] = RouteSpec(ROUTE, "/v4/ws/usdt", PING)

    def subscriptions(self, route: str) -> list[str]:
        """One request per channel, and one per book."""
        books = [self._request("subscribe", BOOKS, [_book_name(symbol)]) for symbol in self.symbols]
        return [*(self._request("subscribe", channel, list(self.symbols)) for channel in CHANNELS), *books]

    def resync(self, symbol: str, attempt: int, reason: str) -> list[Output]:
        """A fresh subscription brings the full book."""
        frames = tuple(self._request(event, BOOKS, [_book_name(symbol)]) for event in ("unsubscribe", "subscribe"))
        return [Send(ROUTE, frames, attempt)]

    def take(self, data: bytes | str, at: int) -> list[Output]:
        """Data of a channel, or an answer."""
        frame = _FRAME.decode(data)
        if frame.error is not None:
            raise Unusable("refused", f"{frame.error.code} {frame.error.message}")
        if frame.event in ("subscribe", "unsubscribe") or frame.channel == "futures.pong":
            return []
        if frame.channel == BOOKS:
            return self._on_book(_BOOK.decode(frame.result), at)
        if frame.channel == "futures.book_ticker":
            return self._on_quote(_QUOTE.decode(frame.result), at)
        if frame.channel == "futures.trades":
            return [each for trade in _TRADES.decode(frame.result) for each in self._on_trade(trade, at)]
        if frame.channel == "futures.tickers":
            tickers = _TICKERS.decode(frame.result)
            return [each for ticker in tickers for each in self._on_ticker(ticker, frame.time_ms, at)]
        raise Unusable("no_data", frame.channel)

    def _on_book(self, book: Book, at: int) -> list[Output]:
        feed, venue_time = self.symbol(book.s.removeprefix("ob.").rpartition(".")[0]), book.t * MILLI
        bids, asks = written(book.b), written(book.a)
        if book.full:
            return feed.begin_book(book.u, bids, asks, venue_time, at, full_length=DEPTH)
        return feed.difference(Update(book.first, book.u, book.first - 1, bids, asks), venue_time, at)

    def _on_quote(self, quote: Quote, at: int) -> list[Output]:
        feed = self.symbol(quote.s)
        if not quote.b or not quote.a:
            return []
        bid_size, ask_size = number_text(quote.B), number_text(quote.A)
        return feed.quote(quote.u, quote.b, bid_size, quote.a, ask_size, quote.t * MILLI, at)

    def _on_trade(self, trade: Trade, at: int) -> list[Output]:
        feed, size = self.symbol(trade.contract), number_text(trade.size)
        side, ident = "sell" if size.startswith("-") else "buy", str(trade.id)
        return feed.trade(0, ident, trade.price, size.lstrip("-"), side, trade.create_time_ms * MILLI, at)

    def _on_ticker(self, ticker: Ticker, millis: int, at: int) -> list[Output]:
        """At most once a second."""
        feed, venue_time = self.symbol(ticker.contract), millis * MILLI or at
        feed.heard["funding"] = at
        before, interest = self._said.get(ticker.contract, (-1, ""))
        second = venue_time // 1_000_000
        if second == before or not (ticker.mark_price and ticker.index_price and ticker.funding_rate):
            return []
        self._said[ticker.contract] = (second, ticker.total_size)
        return _figures(feed, ticker, ticker.total_size not in ("", interest), venue_time, at)

    def _request(self, event: str, channel: str, payload: Sequence[str]) -> str:
        """Requests carry the time of the connection, in seconds."""
        request = {"time": self._open.get(ROUTE, 0) // 1_000_000, "channel": channel, "event": event}
        return text_of({**request, "payload": payload})


def _figures(feed: SymbolFeed, ticker: Ticker, is_new_interest: bool, venue_time: int, at: int) -> list[Output]:
    seq, next_at = venue_time // MILLI, feed.instrument.next_funding(venue_time)
    rate = rate_ppb(ticker.funding_rate)
    out = feed.funding(seq, ticker.mark_price, ticker.index_price, rate, next_at, venue_time, at)
    if is_new_interest:
        out += feed.interest(seq, feed.instrument.sizes[ticker.total_size], venue_time, at)
    return out


def _book_name(symbol: str) -> str:
    return f"ob.{symbol}.{DEPTH}"


class Gate(Venue):
    """BTC_USDT."""

    name: ClassVar[str] = GateCore.name
    family: ClassVar[type[GateCore]] = GateCore
    form: ClassVar[str] = "{base}_{quote}"
    quotes: ClassVar[Sequence[str]] = ("USDT",)
    live_socket_url: ClassVar[str] = "wss://fx-ws.gateio.ws"
    live_http_url: ClassVar[str] = "https://api.gateio.ws"
    limits: ClassVar[Sequence[RateLimit]] = (RateLimit(200, 10.0),)
    fees: ClassVar[Fees] = Fees(200_000, 500_000)

    @property
    def listing(self) -> Sequence[Request]:
        """All contracts in USDT."""
        return (Request("/api/v4/futures/usdt/contracts"),)

    def listed(self, answers: Sequence[bytes]) -> Iterator[Listed]:
        """One lot is one contract."""
        for info in _LISTING.decode(answers[0]):
            if info.type == "direct":
                base, quote = self.parse(info.name)
                yield Listed(
                    symbol=info.name,
                    tick_size=info.order_price_round,
                    lot_size=info.quanto_multiplier,
                    size_step="1",
                    funding_hours=info.funding_interval // SECONDS_PER_HOUR,
                    base=base,
                    quote=quote,
                    fees=Fees.listed(info.maker_fee_rate, info.taker_fee_rate),
                    state="in delisting" if info.in_delisting else "",
                )


VENUES: Final[Sequence[Venue]] = (Gate(),)
