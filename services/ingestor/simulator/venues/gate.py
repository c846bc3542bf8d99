"""Gate as a server: full books with the subscription, ranges of numbers, contracts of 0.001."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

import msgspec

from services.ingestor.simulator import past
from services.ingestor.simulator.moves import Change, Deal, Figures, Kind, Quote
from services.ingestor.simulator.twin import (
    Ask,
    Reply,
    Twin,
    View,
    contracts,
    encoded,
    encoded_rows,
    message,
    number,
)

DEPTH: Final = 400
CONTRACT: Final = "0.001"
CHANNELS: Final[dict[str, Kind]] = {
    "futures.obu": "book",
    "futures.book_ticker": "quote",
    "futures.trades": "trade",
    "futures.tickers": "figures",
}


class Gate(Twin):
    """USDT contracts."""

    name: ClassVar[str] = "gate"
    symbol: ClassVar[str] = "BTC_USDT"

    def size(self, text: str, price: str) -> str:
        """Contracts."""
        return contracts(text, CONTRACT)

    def reply(self, text: str) -> Reply:
        """subscribe, unsubscribe, ping."""
        asked = message(text)
        channel, event = str(asked.get("channel")), str(asked.get("event"))
        if channel == "futures.ping":
            return Reply([encoded(channel="futures.pong", event="", result=None)])
        named = [str(each).removeprefix("ob.").removesuffix(f".{DEPTH}") for each in asked.get("payload", [])]
        head = {"channel": channel, "event": event}
        if event not in ("subscribe", "unsubscribe") or channel not in CHANNELS or not self.known(named):
            return Reply([encoded(**head, error={"code": 2, "message": "unknown contract"}, result=None)])
        frames = [encoded(**head, error=None, result={"status": "success"})]
        topics = [(CHANNELS[channel], symbol) for symbol in named]
        return Reply(frames, joined=topics) if event == "subscribe" else Reply(frames, left=topics)

    def http(self, ask: Ask, views: Mapping[str, View]) -> bytes | None:
        """contracts, candlesticks, funding_rate."""
        if (view := views.get(ask.query.get("contract", ""))) is not None:
            return self._past(ask, view.millis)
        if ask.path != "/api/v4/futures/usdt/contracts":
            return None
        listed = [
            {
                "name": symbol,
                "type": "direct",
                "quanto_multiplier": CONTRACT,
                "order_price_round": "0.1",
                "funding_interval": 28_800,
                "in_delisting": False,
            }
            for symbol in self.symbols
        ]
        return msgspec.json.encode(listed)

    def _past(self, ask: Ask, now: int) -> bytes | None:
        symbol, start, end = ask.query["contract"], int(ask.query["from"]) * 1_000, int(ask.query["to"]) * 1_000
        if ask.path == "/api/v4/futures/usdt/candlesticks":
            found = self.past_candles(symbol, ask.query["interval"], start, end, 2_000, now)[::-1]
            return encoded_rows(
                [
                    {
                        "t": each.open_at // 1_000,
                        "v": number(each.volume),
                        **dict(zip("ohlc", each.prices, strict=True)),
                    }
                    for each in found
                ]
            )
        if ask.path != "/api/v4/futures/usdt/funding_rate":
            return None
        rates = past.fundings(symbol, start, end, 10**6, now)[::-1][: int(ask.query["limit"])]
        return encoded_rows([{"t": at // 1_000, "r": rate} for at, rate in rates])

    def snapshot(self, symbol: str, view: View) -> Sequence[bytes]:
        """The best levels."""
        bids, asks = view.top(DEPTH)
        name = f"ob.{symbol}.{DEPTH}"
        return [
            _frame("futures.obu", {"t": view.millis, "full": True, "s": name, "u": view.number, "b": bids, "a": asks})
        ]

    def change(self, symbol: str, change: Change, view: View) -> Sequence[bytes]:
        """One frame over two numbers."""
        first = self.next_number(symbol)
        ids = {"U": first, "u": self.next_number(symbol)}
        data = {"t": change.millis, "s": f"ob.{symbol}.{DEPTH}", **ids, "b": change.bids, "a": change.asks}
        return [_frame("futures.obu", data)]

    def quote(self, symbol: str, quote: Quote) -> Sequence[bytes]:
        """book_ticker."""
        self.numbers[f"{symbol} quote"] += 1
        (bid, bid_size), (ask, ask_size) = quote.bid, quote.ask
        data = {"t": quote.millis, "u": self.numbers[f"{symbol} quote"], "s": symbol}
        sides = {"b": bid, "B": number(bid_size), "a": ask, "A": number(ask_size)}
        return [_frame("futures.book_ticker", {**data, **sides})]

    def deal(self, symbol: str, deal: Deal) -> Sequence[bytes]:
        """One trade."""
        sign = "-" if deal.side == "sell" else ""
        data = {"id": deal.number, "contract": symbol, "price": deal.price, "create_time_ms": deal.millis}
        return [_frame("futures.trades", [{**data, "size": number(sign + deal.size)}])]

    def figures(self, symbol: str, figures: Figures) -> Sequence[bytes]:
        """tickers."""
        data = {
            "contract": symbol,
            "mark_price": figures.mark,
            "index_price": figures.index_price,
            "funding_rate": figures.rate,
            "total_size": "1000000",
        }
        return [_frame("futures.tickers", [data], time_ms=figures.millis)]


def _frame(channel: str, result: Any, **more: Any) -> bytes:
    return encoded(channel=channel, event="update", **more, result=result)


TWINS: Final[Sequence[type[Twin]]] = (Gate,)
