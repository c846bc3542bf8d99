"""Deribit as a server: JSON-RPC, books that name their predecessor, dollars, test requests."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from services.ingestor.simulator import past
from services.ingestor.simulator.moves import Change, Deal, Figures, Kind, Quote
from services.ingestor.simulator.recording import Level
from services.ingestor.simulator.twin import (
    WHOLE,
    Ask,
    Heartbeat,
    Reply,
    Twin,
    View,
    dollars,
    encoded,
    message,
    number,
    span_of,
    topics_of,
)

NAMES: Final[Mapping[Kind, str]] = {
    "book": "book.*.100ms",
    "quote": "quote.*",
    "trade": "trades.*.100ms",
    "figures": "ticker.*.100ms",
}


class Deribit(Twin):
    """Inverse perpetuals."""

    name: ClassVar[str] = "deribit"
    symbol: ClassVar[str] = "BTC-PERPETUAL"
    heartbeat: ClassVar[Heartbeat | None] = Heartbeat(
        30.0, encoded(jsonrpc="2.0", method="heartbeat", params={"type": "test_request"})
    )

    def size(self, text: str, price: str) -> str:
        """Dollars."""
        return dollars(text, price)

    def is_pulse(self, text: str) -> bool:
        """public/test."""
        return '"public/test"' in text

    def reply(self, text: str) -> Reply:
        """public/subscribe, public/unsubscribe, public/set_heartbeat."""
        asked = message(text)
        method, names = asked.get("method"), [str(each) for each in asked.get("params", {}).get("channels", [])]
        answer = {"jsonrpc": "2.0", "id": asked.get("id")}
        if method == "public/set_heartbeat":
            return Reply([encoded(**answer, result="ok")])
        topics = topics_of(NAMES, names, self.symbols)
        if method not in ("public/subscribe", "public/unsubscribe") or not topics:
            return Reply([encoded(**answer, error={"code": -32602, "message": "Invalid params"})])
        frames = [encoded(**answer, result=names)]
        return Reply(frames, joined=topics) if method == "public/subscribe" else Reply(frames, left=topics)

    def http(self, ask: Ask, views: Mapping[str, View]) -> bytes | None:
        """get_instruments, get_tradingview_chart_data, get_funding_rate_history."""
        if (view := views.get(ask.query.get("instrument_name", ""))) is not None:
            return self._past(ask, view.millis)
        if ask.path != "/api/v2/public/get_instruments":
            return None
        listed = [
            {
                "instrument_name": symbol,
                "settlement_period": "perpetual",
                "instrument_type": "reversed",
                "base_currency": symbol.partition("-")[0],
                "quote_currency": "USD",
                "tick_size": number("0.1"),
                "contract_size": number("1.0"),
                "is_active": True,
            }
            for symbol in self.symbols
        ]
        return encoded(jsonrpc="2.0", result=listed)

    def _past(self, ask: Ask, now: int) -> bytes | None:
        symbol = ask.query["instrument_name"]
        start, end = int(ask.query["start_timestamp"]), int(ask.query["end_timestamp"])
        if ask.path.endswith("/get_tradingview_chart_data"):
            resolution = ask.query["resolution"]
            span = "1d" if resolution == "1D" else span_of(int(resolution))
            found = self.past_candles(symbol, span, start, end, 5_000, now)[::-1]
            columns = [[number(each.prices[place]) for each in found] for place in range(4)]
            prices = dict(zip(("open", "high", "low", "close"), columns, strict=True))
            sizes = {"volume": [number("0.5") for _ in found], "cost": [number(each.volume) for each in found]}
            return encoded(result={"ticks": [each.open_at for each in found], **prices, **sizes, "status": "ok"})
        if not ask.path.endswith("/get_funding_rate_history"):
            return None
        rates = past.fundings(symbol, start, end, 744, now)
        return encoded(result=[{"timestamp": at, "interest_1h": number(rate)} for at, rate in rates])

    def snapshot(self, symbol: str, view: View) -> Sequence[bytes]:
        """The whole book."""
        bids, asks = view.top(WHOLE)
        sides = {"bids": _changes(bids, "new"), "asks": _changes(asks, "new")}
        data = {"type": "snapshot", "timestamp": view.millis, "instrument_name": symbol, "change_id": view.number}
        return [_frame(NAMES["book"], symbol, {**data, **sides})]

    def change(self, symbol: str, change: Change, view: View) -> Sequence[bytes]:
        """One frame."""
        ident = self.next_number(symbol)
        sides = {"bids": _changes(change.bids, "change"), "asks": _changes(change.asks, "change")}
        ids = {"change_id": ident, "prev_change_id": ident - 1}
        data = {"type": "change", "timestamp": change.millis, "instrument_name": symbol, **ids}
        return [_frame(NAMES["book"], symbol, {**data, **sides})]

    def quote(self, symbol: str, quote: Quote) -> Sequence[bytes]:
        """quote."""
        data = {
            "timestamp": quote.millis,
            "instrument_name": symbol,
            "best_bid_price": number(quote.bid[0]),
            "best_bid_amount": number(quote.bid[1]),
            "best_ask_price": number(quote.ask[0]),
            "best_ask_amount": number(quote.ask[1]),
        }
        return [_frame(NAMES["quote"], symbol, data)]

    def deal(self, symbol: str, deal: Deal) -> Sequence[bytes]:
        """One trade, numbered per instrument."""
        data = {
            "trade_seq": deal.number,
            "trade_id": str(deal.number),
            "timestamp": deal.millis,
            "instrument_name": symbol,
            "price": number(deal.price),
            "amount": number(deal.size),
            "direction": deal.side,
        }
        return [_frame(NAMES["trade"], symbol, [data])]

    def figures(self, symbol: str, figures: Figures) -> Sequence[bytes]:
        """ticker."""
        data = {
            "timestamp": figures.millis,
            "instrument_name": symbol,
            "mark_price": number(figures.mark),
            "index_price": number(figures.index_price),
            "open_interest": number("1000000.0"),
            "current_funding": number(figures.rate),
        }
        return [_frame(NAMES["figures"], symbol, data)]


def _changes(levels: Sequence[Level], kind: str) -> list[Any]:
    return [["delete" if size == "0" else kind, number(price), number(size)] for price, size in levels]


def _frame(pattern: str, symbol: str, data: Any) -> bytes:
    params = {"channel": pattern.replace("*", symbol), "data": data}
    return encoded(jsonrpc="2.0", method="subscription", params=params)


TWINS: Final[Sequence[type[Twin]]] = (Deribit,)
