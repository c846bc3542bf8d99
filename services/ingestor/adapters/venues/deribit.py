"""Deribit perpetuals over JSON-RPC: changes that name their predecessor, numbered trades, continuous funding.

Inverse amounts are USD, linear ones base units. Numbers come as JSON numbers and are read as their text. The venue asks
now and then whether somebody listens, and must be answered.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Final, Literal

import msgspec
from msgspec import Meta

from services.ingestor.adapters.core import ROUTE, OneSocketCore, Unusable
from services.ingestor.adapters.protocol import Output, Request, RouteSpec, Send
from services.ingestor.adapters.scale import NO_NUMBER, number_text
from services.ingestor.adapters.symbol import rate_ppb
from services.ingestor.adapters.venue import Fees, Listed, RateLimit, Venue
from services.ingestor.adapters.wire import MILLI, Id, Millis, text_of
from services.ingestor.engine.book import TextLevel
from services.ingestor.engine.booksync import Update

HEARTBEAT_SECONDS: Final = 30
FUNDING_HOURS: Final = 8
BOOK: Final = "book.{}.100ms"
CHANNELS: Final = (BOOK, "quote.{}", "trades.{}.100ms", "ticker.{}.100ms")

Change = tuple[Literal["new", "change", "delete"], msgspec.Raw, msgspec.Raw]


class Book(msgspec.Struct, gc=False):
    """All levels, or those that changed since prev_change_id."""

    instrument_name: str
    timestamp: Millis
    change_id: Id
    bids: list[Change]
    asks: list[Change]
    prev_change_id: Id | None = None


class Quote(msgspec.Struct, gc=False):
    """Best bid and ask; a side that is not there is null or zero."""

    instrument_name: str
    timestamp: Millis
    best_bid_price: msgspec.Raw
    best_bid_amount: msgspec.Raw
    best_ask_price: msgspec.Raw
    best_ask_amount: msgspec.Raw


class Trade(msgspec.Struct, gc=False):
    """One trade; `direction` is the taker's. liquidation: M, T or MT, whose order was one."""

    instrument_name: str
    timestamp: Millis
    trade_seq: Id
    trade_id: Annotated[str, Meta(min_length=1, max_length=48)]
    direction: Literal["buy", "sell"]
    price: msgspec.Raw
    amount: msgspec.Raw
    liquidation: str = ""


class Ticker(msgspec.Struct, gc=False):
    """Mark, index, the rate of eight hours at the current premium, open interest of one side."""

    instrument_name: str
    timestamp: Millis
    mark_price: msgspec.Raw
    index_price: msgspec.Raw
    open_interest: msgspec.Raw
    current_funding: msgspec.Raw = msgspec.Raw(b"0")


class Parameters(msgspec.Struct, gc=False):
    """What a notification is about; type: of a heartbeat."""

    channel: str = ""
    data: msgspec.Raw = msgspec.Raw()
    type: str = ""


class Refusal(msgspec.Struct, gc=False):
    """Why a request was refused."""

    code: int = 0
    message: str = ""


class Frame(msgspec.Struct, gc=False):
    """A notification, or the answer to a request."""

    method: str = ""
    params: Parameters | None = None
    error: Refusal | None = None
    id: int | None = None


class Info(msgspec.Struct, gc=False):
    """One instrument of the listing."""

    instrument_name: str
    settlement_period: str
    instrument_type: str
    base_currency: str
    quote_currency: str
    tick_size: msgspec.Raw
    contract_size: msgspec.Raw
    is_active: bool
    maker_commission: msgspec.Raw = NO_NUMBER
    taker_commission: msgspec.Raw = NO_NUMBER


class Listing(msgspec.Struct, gc=False):
    """The answer of get_instruments."""

    result: list[Info]


_FRAME: Final = msgspec.json.Decoder(Frame)
_BOOK: Final = msgspec.json.Decoder(Book)
_QUOTE: Final = msgspec.json.Decoder(Quote)
_TRADES: Final = msgspec.json.Decoder(list[Trade])
_TICKER: Final = msgspec.json.Decoder(Ticker)
_LISTING: Final = msgspec.json.Decoder(Listing)


class DeribitCore(OneSocketCore):
    """Any number of perpetuals on one connection."""

    name: ClassVar[str] = "deribit"
    steady: ClassVar[Mapping[str, str]] = {"book": ROUTE, "funding": ROUTE}
    socket: ClassVar[RouteSpec] = RouteSpec(ROUTE, "/ws/api/v2")

    def subscriptions(self, route: str) -> list[str]:
        """Heartbeats, and one request for all channels."""
        names = [channel.format(symbol) for symbol in self.symbols for channel in CHANNELS]
        return [
            self._request("public/set_heartbeat", interval=HEARTBEAT_SECONDS),
            self._request("public/subscribe", channels=names),
        ]

    def resync(self, symbol: str, attempt: int, reason: str) -> list[Output]:
        """A fresh subscription brings the whole book."""
        book = [BOOK.format(symbol)]
        frames = (
            self._request("public/unsubscribe", channels=book),
            self._request("public/subscribe", channels=book),
        )
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
        if frame.method == "heartbeat":
            asked = frame.params.type == "test_request"
            return [Send(ROUTE, (self._request("public/test"),))] if asked else []
        kind, raw = frame.params.channel.partition(".")[0], frame.params.data
        if kind == "book":
            return self._on_book(_BOOK.decode(raw), at)
        if kind == "quote":
            return self._on_quote(_QUOTE.decode(raw), at)
        if kind == "trades":
            return [each for trade in _TRADES.decode(raw) for each in self._on_trade(trade, at)]
        if kind == "ticker":
            return self._on_ticker(_TICKER.decode(raw), at)
        raise Unusable("no_data", frame.params.channel)

    def _on_book(self, book: Book, at: int) -> list[Output]:
        feed, venue_time = self.symbol(book.instrument_name), book.timestamp * MILLI
        bids, asks = _levels(book.bids), _levels(book.asks)
        previous = book.prev_change_id
        if previous is None:
            return feed.begin_book(book.change_id, bids, asks, venue_time, at)
        return feed.difference(Update(previous + 1, book.change_id, previous, bids, asks), venue_time, at)

    def _on_quote(self, quote: Quote, at: int) -> list[Output]:
        feed, venue_time = self.symbol(quote.instrument_name), quote.timestamp * MILLI
        raws = quote.best_bid_price, quote.best_bid_amount, quote.best_ask_price, quote.best_ask_amount
        bid, bid_size, ask, ask_size = map(number_text, raws)
        if not (_some(bid) and _some(ask) and bid_size and ask_size):
            return []
        return feed.timed_quote(bid, bid_size, ask, ask_size, venue_time, at)

    def _on_trade(self, trade: Trade, at: int) -> list[Output]:
        feed, venue_time = self.symbol(trade.instrument_name), trade.timestamp * MILLI
        price, size = number_text(trade.price), number_text(trade.amount)
        out = feed.trade(trade.trade_seq, trade.trade_id, price, size, trade.direction, venue_time, at)
        if out and trade.liquidation:
            other = "buy" if trade.direction == "sell" else "sell"
            side = trade.direction if "T" in trade.liquidation else other
            out += feed.liquidation(trade.trade_id, price, size, side, venue_time, at)
        return out

    def _on_ticker(self, ticker: Ticker, at: int) -> list[Output]:
        """At most once a second."""
        name, venue_time, second = ticker.instrument_name, ticker.timestamp * MILLI, ticker.timestamp // MILLI
        feed = self.symbol(name)
        feed.heard["funding"] = at
        before, interest = self._said.get(name, (-1, ""))
        if second == before:
            return []
        newest = number_text(ticker.open_interest)
        self._said[name] = (second, newest)
        mark, index = number_text(ticker.mark_price), number_text(ticker.index_price)
        rate, next_at = rate_ppb(number_text(ticker.current_funding)), feed.instrument.next_funding(venue_time)
        out = feed.funding(ticker.timestamp, mark, index, rate, next_at, venue_time, at)
        if newest not in ("", interest):
            out += feed.interest(ticker.timestamp, feed.instrument.sizes[newest], venue_time, at)
        return out

    def _request(self, method: str, **parameters: Any) -> str:
        self._requests += 1
        request = {"jsonrpc": "2.0", "id": self._requests, "method": method, "params": parameters}
        return text_of(request)


def _levels(changes: Sequence[Change]) -> list[TextLevel]:
    return [(number_text(price), "0" if kind == "delete" else number_text(size)) for kind, price, size in changes]


def _some(price: str) -> bool:
    return bool(price.strip("0."))


class Deribit(Venue):
    """BTC-PERPETUAL, BTC_USDC-PERPETUAL."""

    name: ClassVar[str] = DeribitCore.name
    family: ClassVar[type[DeribitCore]] = DeribitCore
    live_socket_url: ClassVar[str] = "wss://www.deribit.com"
    live_http_url: ClassVar[str] = "https://www.deribit.com"
    limits: ClassVar[Sequence[RateLimit]] = (RateLimit(20, 1.0),)
    fees: ClassVar[Fees] = Fees(0, 500_000)

    @property
    def listing(self) -> Sequence[Request]:
        """All futures."""
        return (Request("/api/v2/public/get_instruments", {"currency": "any", "kind": "future", "expired": "false"}),)

    def listed(self, answers: Sequence[bytes]) -> Iterator[Listed]:
        """Perpetuals; one lot is one contract."""
        for info in _LISTING.decode(answers[0]).result:
            if info.settlement_period == "perpetual":
                yield Listed(
                    symbol=info.instrument_name,
                    tick_size=number_text(info.tick_size),
                    lot_size=number_text(info.contract_size),
                    funding_hours=FUNDING_HOURS,
                    base=info.base_currency,
                    quote=info.quote_currency,
                    fees=Fees.listed(info.maker_commission, info.taker_commission),
                    kind="inverse" if info.instrument_type == "reversed" else "linear",
                    state="" if info.is_active else "not active",
                )

    def parse(self, symbol: str) -> tuple[str, str]:
        """BTC-PERPETUAL is (BTC, USD), BTC_USDC-PERPETUAL is (BTC, USDC)."""
        found = re.fullmatch(r"([A-Z0-9]{1,20})(?:_(USDC|USDT))?-PERPETUAL", symbol)
        if found is None:
            raise ValueError(f"{symbol} is no perpetual of this venue")
        return found[1], found[2] or "USD"

    def format(self, base: str, quote: str) -> str:
        """(BTC, USD) is BTC-PERPETUAL."""
        return f"{base}{'' if quote == 'USD' else '_' + quote}-PERPETUAL"


VENUES: Final[Sequence[Venue]] = (Deribit(),)
