"""Paradex as a server: JSON-RPC, inserts, updates and deletes."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from services.ingestor.simulator.moves import Change, Deal, Figures, Kind, Quote
from services.ingestor.simulator.recording import Level
from services.ingestor.simulator.twin import (
    WHOLE,
    Ask,
    Reply,
    Twin,
    View,
    encoded,
    message,
    number,
    span_of,
    topics_of,
)

NAMES: Final[Mapping[Kind, str]] = {
    "book": "order_book.*.deltas@15@50ms",
    "quote": "bbo.*",
    "trade": "trades.*",
    "figures": "markets_summary.*",
}


class Paradex(Twin):
    """Its books are not cut at fifteen levels."""

    name: ClassVar[str] = "paradex"
    symbol: ClassVar[str] = "BTC-USD-PERP"

    def reply(self, text: str) -> Reply:
        """subscribe, unsubscribe."""
        asked = message(text)
        channel = str(asked.get("params", {}).get("channel"))
        topics = topics_of(NAMES, [channel], self.symbols)
        if asked.get("method") not in ("subscribe", "unsubscribe") or not topics:
            return Reply(
                [encoded(jsonrpc="2.0", id=asked.get("id"), error={"code": -32602, "message": "Invalid params"})]
            )
        frames = [encoded(jsonrpc="2.0", id=asked.get("id"), result={"channel": channel})]
        return Reply(frames, joined=topics) if asked["method"] == "subscribe" else Reply(frames, left=topics)

    def http(self, ask: Ask, views: Mapping[str, View]) -> bytes | None:
        """markets, klines."""
        if ask.path == "/v1/markets/klines" and ask.query.get("symbol") in views:
            return self._klines(ask, views[ask.query["symbol"]].millis)
        if ask.path != "/v1/markets":
            return None
        listed = [
            {
                "symbol": symbol,
                "base_currency": symbol.partition("-")[0],
                "quote_currency": "USD",
                "order_size_increment": "0.001",
                "price_tick_size": "0.1",
                "asset_kind": "PERP",
            }
            for symbol in self.symbols
        ]
        return encoded(results=listed)

    def _klines(self, ask: Ask, now: int) -> bytes:
        span, (start, end) = span_of(int(ask.query["resolution"])), (int(ask.query[e]) for e in ("start_at", "end_at"))
        found = self.past_candles(ask.query["symbol"], span, start, end, 1_000, now)[::-1]
        return encoded(results=[[each.open_at, *map(number, (*each.prices, each.volume))] for each in found])

    def snapshot(self, symbol: str, view: View) -> Sequence[bytes]:
        """The whole book."""
        bids, asks = view.top(WHOLE)
        return [self._book(symbol, "s", view.number, view.millis, inserts=_levels(bids, asks), deletes=[])]

    def change(self, symbol: str, change: Change, view: View) -> Sequence[bytes]:
        """One frame."""
        kept = [[level for level in side if level[1].strip("0.")] for side in (change.bids, change.asks)]
        gone = [[level for level in side if not level[1].strip("0.")] for side in (change.bids, change.asks)]
        levels = {"inserts": _levels(*kept), "deletes": _levels(*gone)}
        return [self._book(symbol, "d", self.next_number(symbol), change.millis, **levels)]

    def quote(self, symbol: str, quote: Quote) -> Sequence[bytes]:
        """bbo."""
        self.numbers[f"{symbol} quote"] += 1
        data = {
            "market": symbol,
            "seq_no": self.numbers[f"{symbol} quote"],
            "bid": quote.bid[0],
            "bid_size": quote.bid[1],
            "ask": quote.ask[0],
            "ask_size": quote.ask[1],
            "last_updated_at": quote.millis,
        }
        return [_frame(f"bbo.{symbol}", data)]

    def deal(self, symbol: str, deal: Deal) -> Sequence[bytes]:
        """One trade."""
        data = {
            "id": str(deal.number),
            "market": symbol,
            "side": deal.side.upper(),
            "price": deal.price,
            "size": deal.size,
            "created_at": deal.millis,
            "trade_type": "FILL",
        }
        return [_frame(f"trades.{symbol}", data)]

    def figures(self, symbol: str, figures: Figures) -> Sequence[bytes]:
        """markets_summary."""
        data = {
            "symbol": symbol,
            "created_at": figures.millis,
            "mark_price": figures.mark,
            "underlying_price": figures.index_price,
            "funding_rate": figures.rate,
            "open_interest": "1000.000",
        }
        return [_frame(f"markets_summary.{symbol}", data)]

    def _book(self, symbol: str, kind: str, number: int, millis: int, **levels: Any) -> bytes:
        data = {"market": symbol, "seq_no": number, "last_updated_at": millis, "update_type": kind, "updates": []}
        return _frame(NAMES["book"].replace("*", symbol), {**data, **levels})


def _levels(bids: Sequence[Level], asks: Sequence[Level]) -> list[dict[str, str]]:
    sides = [("BUY", level) for level in bids] + [("SELL", level) for level in asks]
    return [{"side": side, "price": price, "size": size} for side, (price, size) in sides]


def _frame(channel: str, data: Any) -> bytes:
    return encoded(jsonrpc="2.0", method="subscription", params={"channel": channel, "data": data})


TWINS: Final[Sequence[type[Twin]]] = (Paradex,)
