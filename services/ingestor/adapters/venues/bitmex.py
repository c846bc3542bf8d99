"""BitMEX perpetuals: books by rows with ids and without numbers, contracts, ISO times.

Nothing numbers the changes of a book. What tells a loss is a row that cannot be: a change or removal of one that is not
there, or a second one with the same id. XBT is BTC. Inverse contracts are one USD; quanto contracts are left out.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Final, Literal

import msgspec
from cleartide.money import parse_decimal
from msgspec import Meta

from services.ingestor.adapters.book import TextLevel
from services.ingestor.adapters.booksync import Update
from services.ingestor.adapters.core import ROUTE, OneSocketCore, Unusable
from services.ingestor.adapters.instrument import Instrument
from services.ingestor.adapters.protocol import Keepalive, Malformed, Output, Request, RouteSpec, Send, VenueCore
from services.ingestor.adapters.scale import NO_NUMBER, number_text
from services.ingestor.adapters.symbol import rate_ppb
from services.ingestor.adapters.venue import Fees, Listed, RateLimit, Venue
from services.ingestor.adapters.wire import iso_micros

PING: Final = Keepalive(5.0, "ping")
PONG: Final = (b"pong", "pong")
TABLES: Final = ("orderBookL2", "quote", "trade", "instrument", "liquidation")
PERPETUAL: Final = "FFWCSX"
FUNDING_HOURS: Final = 8

Time = Annotated[str, Meta(max_length=32)]
Side = Literal["Buy", "Sell"]
RowKey = tuple[int, Side]
"""What identifies a row: its id alone does not."""


class Row(msgspec.Struct, gc=False):
    """A level of the book: its price is said when it is new."""

    symbol: str
    id: int
    side: Side
    size: msgspec.Raw = NO_NUMBER
    price: msgspec.Raw = NO_NUMBER
    timestamp: Time = ""


class Quote(msgspec.Struct, gc=False, rename="camel"):
    """Best bid and ask; either may be null."""

    symbol: str
    timestamp: Time
    bid_price: msgspec.Raw = NO_NUMBER
    bid_size: msgspec.Raw = NO_NUMBER
    ask_price: msgspec.Raw = NO_NUMBER
    ask_size: msgspec.Raw = NO_NUMBER


class Trade(msgspec.Struct, gc=False):
    """One fill; `side` is the taker's."""

    symbol: str
    timestamp: Time
    side: Side
    size: msgspec.Raw
    price: msgspec.Raw
    ident: Annotated[str, Meta(min_length=1, max_length=48)] = msgspec.field(name="trdMatchID")


class Liquidation(msgspec.Struct, gc=False):
    """A liquidation order."""

    symbol: str
    side: Side
    price: msgspec.Raw
    ident: str = msgspec.field(name="orderID")
    size: msgspec.Raw = msgspec.field(name="leavesQty")


class Figures(msgspec.Struct, gc=False, rename="camel"):
    """What changed of an instrument."""

    symbol: str
    timestamp: Time = ""
    mark_price: msgspec.Raw = NO_NUMBER
    indicative_settle_price: msgspec.Raw = NO_NUMBER
    funding_rate: msgspec.Raw = NO_NUMBER
    funding_timestamp: str | None = None
    open_interest: msgspec.Raw = NO_NUMBER


class Frame(msgspec.Struct, gc=False):
    """Rows of a table, or an answer."""

    table: str = ""
    action: Literal["partial", "insert", "update", "delete", ""] = ""
    data: msgspec.Raw = msgspec.Raw()
    info: str = ""
    success: bool | None = None
    error: str = ""


class Info(msgspec.Struct, gc=False, rename="camel"):
    """One instrument of the listing."""

    symbol: str
    state: str
    typ: str
    underlying: str
    quote_currency: str
    tick_size: msgspec.Raw
    is_inverse: bool
    is_quanto: bool
    underlying_to_position_multiplier: msgspec.Raw = NO_NUMBER
    maker_fee: msgspec.Raw = NO_NUMBER
    taker_fee: msgspec.Raw = NO_NUMBER


_FRAME: Final = msgspec.json.Decoder(Frame)
_ROWS: Final = msgspec.json.Decoder(list[Row])
_QUOTES: Final = msgspec.json.Decoder(list[Quote])
_TRADES: Final = msgspec.json.Decoder(list[Trade])
_LIQUIDATIONS: Final = msgspec.json.Decoder(list[Liquidation])
_FIGURES: Final = msgspec.json.Decoder(list[Figures])
_LISTING: Final = msgspec.json.Decoder(list[Info])


class BitmexCore(OneSocketCore):
    """Any number of contracts on one connection."""

    name: ClassVar[str] = "bitmex"
    steady: ClassVar[Mapping[str, str]] = {"book": ROUTE}
    socket: ClassVar[RouteSpec] = RouteSpec(ROUTE, "/realtime", PING)

    def __init__(self, instruments: Sequence[Instrument]) -> None:
        super().__init__(instruments)
        self._levels: dict[str, dict[RowKey, str]] = {}
        self._now: dict[str, dict[str, str]] = {symbol: {} for symbol in self.symbols}

    def subscriptions(self, route: str) -> list[str]:
        """One request for everything."""
        self._levels.clear()
        return [_request("subscribe", [f"{table}:{symbol}" for symbol in self.symbols for table in TABLES])]

    def resync(self, symbol: str, attempt: int, reason: str) -> list[Output]:
        """A fresh subscription brings the table anew."""
        self._levels.pop(symbol, None)
        book = [f"orderBookL2:{symbol}"]
        return [Send(ROUTE, (_request("unsubscribe", book), _request("subscribe", book)), attempt)]

    def frame(self, data: bytes | str, at: int) -> list[Output]:
        """A frame that cannot be read may have changed any book, and nothing later would show it."""
        out = super().frame(data, at)
        if any(isinstance(each, Malformed) and each.reason == "unreadable" for each in out):
            for feed in self.symbols.values():
                out += feed.condemn("a frame could not be read", at, at) if feed.synced else []
        return out

    def take(self, data: bytes | str, at: int) -> list[Output]:
        """Rows of a table, or an answer."""
        if data in PONG:
            return []
        frame = _FRAME.decode(data)
        if frame.error:
            raise Unusable("refused", frame.error)
        if not frame.table:
            if not frame.info and frame.success is None:
                raise Unusable("no_data", "neither data nor an answer")
            return []
        if frame.table == "orderBookL2":
            return self._on_rows(frame.action, _ROWS.decode(frame.data), at)
        if frame.table == "quote":
            return [each for quote in _QUOTES.decode(frame.data) for each in self._on_quote(quote, at)]
        if frame.table == "trade":
            return [each for trade in _TRADES.decode(frame.data) for each in self._on_trade(trade, at)]
        if frame.table == "instrument":
            return [each for figures in _FIGURES.decode(frame.data) for each in self._on_figures(figures, at)]
        if frame.table == "liquidation" and frame.action in ("partial", "insert"):
            return [each for order in _LIQUIDATIONS.decode(frame.data) for each in self._on_liquidation(order, at)]
        if frame.table == "liquidation":
            return []
        raise Unusable("no_data", frame.table)

    def _on_rows(self, action: str, rows: Sequence[Row], at: int) -> list[Output]:
        """The rows of one symbol, as the venue sends them."""
        if not rows:
            return []
        symbol = rows[0].symbol
        feed = self.symbol(symbol)
        venue_time = max([iso_micros(row.timestamp) for row in rows if row.timestamp] or [at])
        if action == "partial":
            self._levels[symbol] = {}
        elif symbol not in self._levels:
            return feed.difference(_NOTHING, venue_time, at)
        sides: dict[str, list[TextLevel]] = {"Buy": [], "Sell": []}
        for row in rows:
            level = self._changed(self._levels[symbol], action, row)
            if level is None:
                return feed.condemn(f"{action} of row {row.id}", venue_time, at)
            sides[row.side].append(level)
        last = feed.sync.last
        if action == "partial":
            return feed.begin_book(last + 1, sides["Buy"], sides["Sell"], venue_time, at)
        return feed.difference(Update(last + 1, last + 1, last, sides["Buy"], sides["Sell"]), venue_time, at)

    def _changed(self, levels: dict[RowKey, str], action: str, row: Row) -> TextLevel | None:
        """The level that a row changes; None when the row cannot follow what came before."""
        key = row.id, row.side
        if action in ("partial", "insert"):
            if key in levels:
                return None
            levels[key] = number_text(row.price)
            return levels[key], number_text(row.size)
        price = levels.pop(key, None) if action == "delete" else levels.get(key)
        return None if price is None else (price, "0" if action == "delete" else number_text(row.size))

    def _on_quote(self, quote: Quote, at: int) -> list[Output]:
        feed, venue_time = self.symbol(quote.symbol), iso_micros(quote.timestamp)
        texts = [number_text(each) for each in (quote.bid_price, quote.bid_size, quote.ask_price, quote.ask_size)]
        if not all(texts):
            return []
        bid, bid_size, ask, ask_size = texts
        return feed.timed_quote(bid, bid_size, ask, ask_size, venue_time, at)

    def _on_trade(self, trade: Trade, at: int) -> list[Output]:
        feed, price, size = self.symbol(trade.symbol), number_text(trade.price), number_text(trade.size)
        return feed.trade(0, trade.ident, price, size, trade.side.lower(), iso_micros(trade.timestamp), at)

    def _on_liquidation(self, order: Liquidation, at: int) -> list[Output]:
        feed, price, size = self.symbol(order.symbol), number_text(order.price), number_text(order.size)
        return feed.liquidation(order.ident, price, size, order.side.lower(), at, at)

    def _on_figures(self, figures: Figures, at: int) -> list[Output]:
        """Mark, index and rate together whenever the mark changed; open interest whenever it did."""
        feed, now = self.symbol(figures.symbol), self._now[figures.symbol]
        fields: dict[str, Any] = msgspec.structs.asdict(figures)
        texts = {name: number_text(value) for name, value in fields.items() if isinstance(value, msgspec.Raw)}
        texts |= {"next": figures.funding_timestamp or ""}
        before = now.get("open_interest", "")
        now.update({name: text for name, text in texts.items() if text})
        venue_time = iso_micros(figures.timestamp) if figures.timestamp else at
        out: list[Output] = []
        if texts["mark_price"] and {"indicative_settle_price", "funding_rate", "next"} <= set(now):
            prices = now["mark_price"], now["indicative_settle_price"]
            rate, next_at = rate_ppb(now["funding_rate"]), iso_micros(now["next"])
            out += feed.funding(venue_time, *prices, rate, next_at, venue_time, at)
        if texts["open_interest"] not in ("", before):
            out += feed.interest(venue_time, feed.instrument.sizes[texts["open_interest"]], venue_time, at)
        return out


_NOTHING: Final = Update(0, 0, 0, [], [])


def _request(op: str, arguments: Sequence[str]) -> str:
    return msgspec.json.encode({"op": op, "args": arguments}).decode()


class Bitmex(Venue):
    """XBTUSD, XBTUSDT."""

    name: ClassVar[str] = BitmexCore.name
    live_socket_url: ClassVar[str] = "wss://ws.bitmex.com"
    live_http_url: ClassVar[str] = "https://www.bitmex.com"
    limits: ClassVar[Sequence[RateLimit]] = (RateLimit(30, 60.0),)
    fees: ClassVar[Fees] = Fees(200_000, 750_000)

    @property
    def listing(self) -> Sequence[Request]:
        """All active instruments."""
        return (Request("/api/v1/instrument/active"),)

    def listed(self, answers: Sequence[bytes]) -> Iterator[Listed]:
        """Perpetuals in USD or USDT; one lot is one contract."""
        for info in _LISTING.decode(answers[0]):
            if info.typ != PERPETUAL or info.is_quanto:
                continue
            per_base = number_text(info.underlying_to_position_multiplier)
            if not info.is_inverse and not per_base:
                continue
            yield Listed(
                symbol=info.symbol,
                tick_size=number_text(info.tick_size),
                lot_size="1" if info.is_inverse else format(Decimal(1) / parse_decimal(per_base), "f"),
                size_step="1",
                funding_hours=FUNDING_HOURS,
                base=_global(info.underlying),
                quote=info.quote_currency,
                fees=Fees.listed(info.maker_fee, info.taker_fee),
                kind="inverse" if info.is_inverse else "linear",
                state="" if info.state == "Open" else info.state,
            )

    def new_core(self, instruments: Sequence[Instrument], options: Mapping[str, str]) -> VenueCore:
        """No options."""
        return BitmexCore(instruments)

    def parse(self, symbol: str) -> tuple[str, str]:
        """XBTUSD is (BTC, USD)."""
        found = re.fullmatch(r"([A-Z0-9]{1,20}?)(USDT|USDC|USD)", symbol)
        if found is None or found[1] == "BTC":
            raise ValueError(f"{symbol} is no perpetual of this venue")
        return _global(found[1]), found[2]

    def format(self, base: str, quote: str) -> str:
        """(BTC, USD) is XBTUSD."""
        return f"{'XBT' if base == 'BTC' else base}{quote}"


def _global(name: str) -> str:
    return "BTC" if name == "XBT" else name


VENUES: Final[Sequence[Venue]] = (Bitmex(),)
