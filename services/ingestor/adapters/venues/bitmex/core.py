"""BitMEX perpetuals: books by rows with ids and without numbers, contracts, ISO times.

Nothing numbers the changes of a book. What tells a loss is a row that cannot be: a change or removal of one that is not
there, or a second one with the same id. XBT is BTC. Inverse contracts are one USD; quanto contracts are left out.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

import msgspec

from services.ingestor.adapters.core import ROUTE, OneSocketCore, Unusable
from services.ingestor.adapters.instrument import Instrument
from services.ingestor.adapters.protocol import Keepalive, Malformed, Output, RouteSpec, Send
from services.ingestor.adapters.scale import number_text
from services.ingestor.adapters.symbol import rate_ppb
from services.ingestor.adapters.venues.bitmex import frames as wire
from services.ingestor.adapters.wire import iso_micros, text_of
from services.ingestor.engine.book import TextLevel
from services.ingestor.engine.booksync import Update

PING: Final = Keepalive(5.0, "ping")
PONG: Final = (b"pong", "pong")
TABLES: Final = ("orderBookL2", "quote", "trade", "instrument", "liquidation")
PERPETUAL: Final = "FFWCSX"
FUNDING_HOURS: Final = 8


class BitmexCore(OneSocketCore):
    """Any number of contracts on one connection."""

    name: ClassVar[str] = "bitmex"
    steady: ClassVar[Mapping[str, str]] = {"book": ROUTE}
    socket: ClassVar[RouteSpec] = RouteSpec(ROUTE, "/realtime", PING)

    def __init__(self, instruments: Sequence[Instrument]) -> None:
        super().__init__(instruments)
        self._levels: dict[str, dict[wire.RowKey, str]] = {}
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
        frame = wire.FRAME.decode(data)
        if frame.error:
            raise Unusable("refused", frame.error)
        if not frame.table:
            if not frame.info and frame.success is None:
                raise Unusable("no_data", "neither data nor an answer")
            return []
        if frame.table == "orderBookL2":
            return self._on_rows(frame.action, wire.ROWS.decode(frame.data), at)
        if frame.table == "quote":
            return [each for quote in wire.QUOTES.decode(frame.data) for each in self._on_quote(quote, at)]
        if frame.table == "trade":
            return [each for trade in wire.TRADES.decode(frame.data) for each in self._on_trade(trade, at)]
        if frame.table == "instrument":
            return [each for figures in wire.FIGURES.decode(frame.data) for each in self._on_figures(figures, at)]
        if frame.table == "liquidation" and frame.action in ("partial", "insert"):
            return [each for order in wire.LIQUIDATIONS.decode(frame.data) for each in self._on_liquidation(order, at)]
        if frame.table == "liquidation":
            return []
        raise Unusable("no_data", frame.table)

    def _on_rows(self, action: str, rows: Sequence[wire.Row], at: int) -> list[Output]:
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

    def _changed(self, levels: dict[wire.RowKey, str], action: str, row: wire.Row) -> TextLevel | None:
        """The level that a row changes; None when the row cannot follow what came before."""
        key = row.id, row.side
        if action in ("partial", "insert"):
            if key in levels:
                return None
            levels[key] = number_text(row.price)
            return levels[key], number_text(row.size)
        price = levels.pop(key, None) if action == "delete" else levels.get(key)
        return None if price is None else (price, "0" if action == "delete" else number_text(row.size))

    def _on_quote(self, quote: wire.Quote, at: int) -> list[Output]:
        feed, venue_time = self.symbol(quote.symbol), iso_micros(quote.timestamp)
        texts = [number_text(each) for each in (quote.bid_price, quote.bid_size, quote.ask_price, quote.ask_size)]
        if not all(texts):
            return []
        bid, bid_size, ask, ask_size = texts
        return feed.timed_quote(bid, bid_size, ask, ask_size, venue_time, at)

    def _on_trade(self, trade: wire.Trade, at: int) -> list[Output]:
        feed, price, size = self.symbol(trade.symbol), number_text(trade.price), number_text(trade.size)
        return feed.trade(0, trade.ident, price, size, trade.side.lower(), iso_micros(trade.timestamp), at)

    def _on_liquidation(self, order: wire.Liquidation, at: int) -> list[Output]:
        feed, price, size = self.symbol(order.symbol), number_text(order.price), number_text(order.size)
        return feed.liquidation(order.ident, price, size, order.side.lower(), at, at)

    def _on_figures(self, figures: wire.Figures, at: int) -> list[Output]:
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
            indicative = now.get("indicative_funding_rate")
            predicted = rate_ppb(indicative) if indicative else None
            out += feed.funding(venue_time, *prices, rate, next_at, venue_time, at, predicted)
        if texts["open_interest"] not in ("", before):
            out += feed.interest(venue_time, feed.instrument.sizes[texts["open_interest"]], venue_time, at)
        return out


_NOTHING: Final = Update(0, 0, 0, [], [])


def _request(op: str, arguments: Sequence[str]) -> str:
    return text_of({"op": op, "args": arguments})
