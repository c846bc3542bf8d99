"""Lighter as a server: nonces, markets by number, funding in percent, and pings that must be answered."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar, Final

from services.ingestor.simulator import past
from services.ingestor.simulator.moves import Bar, Change, Deal, Figures, Kind, Quote
from services.ingestor.simulator.recording import Level
from services.ingestor.simulator.twin import (
    WHOLE,
    Ask,
    Heartbeat,
    Reply,
    Topic,
    Twin,
    View,
    candles_of,
    decimals,
    encoded,
    message,
    number,
)

CHANNELS: Final[dict[str, Kind]] = {
    "order_book": "book",
    "ticker": "quote",
    "trade": "trade",
    "market_stats": "figures",
}
NONCES_PER_FRAME: Final = 3


class Lighter(Twin):
    """Markets are numbered in the order in which they are named."""

    name: ClassVar[str] = "lighter"
    symbol: ClassVar[str] = "BTC"
    tick: ClassVar[str] = "0.01"
    heartbeat: ClassVar[Heartbeat | None] = Heartbeat(60.0, b'{"type":"ping"}')

    def greeting(self) -> Sequence[bytes]:
        """connected."""
        return [encoded(type="connected", session_id="sim")]

    def is_pulse(self, text: str) -> bool:
        """pong."""
        return text == '{"type":"pong"}'

    def reply(self, text: str) -> Reply:
        """subscribe, unsubscribe, ping."""
        asked = message(text)
        kind = asked.get("type")
        if kind == "ping":
            return Reply([encoded(type="pong")])
        name, _, code = str(asked.get("channel", "")).partition("/")
        if name == "candle" and self._is_market(code.partition("/")[0]):
            market, _, interval = code.partition("/")
            return Reply(joined=[candles_of(self.symbols[int(market)], interval)])
        if kind not in ("subscribe", "unsubscribe") or name not in CHANNELS or not self._is_market(code):
            return Reply([encoded(error={"code": 30005, "message": f"Invalid Channel {name}/{code}"})])
        topic = (CHANNELS[name], self.symbols[int(code)])
        if kind == "unsubscribe":
            return Reply([encoded(type="unsubscribed", channel=f"{name}:{code}")], left=[topic])
        return Reply(joined=[topic])

    def http(self, ask: Ask, views: Mapping[str, View]) -> bytes | None:
        """orderBooks, candles, fundings."""
        if self._is_market(ask.query.get("market_id", "")):
            symbol = self.symbols[int(ask.query["market_id"])]
            return self._past(ask, symbol, views[symbol].millis)
        if ask.path != "/api/v1/orderBooks":
            return None
        listed = [
            {
                "symbol": symbol,
                "market_id": code,
                "market_type": "perp",
                "status": "active",
                "supported_size_decimals": decimals(self.grid(symbol)[1]),
                "supported_price_decimals": decimals(self.grid(symbol)[0]),
            }
            for code, symbol in enumerate(self.symbols)
        ]
        return encoded(code=200, order_books=listed)

    def _past(self, ask: Ask, symbol: str, now: int) -> bytes | None:
        start, end, limit = (int(ask.query[name]) for name in ("start_timestamp", "end_timestamp", "count_back"))
        if ask.path == "/api/v1/candles":
            found = self.past_candles(symbol, ask.query["resolution"], start, end, limit, now)[::-1]
            rows = [
                {
                    "t": each.open_at,
                    "v": number(each.volume),
                    **dict(zip("ohlc", map(number, each.prices), strict=True)),
                }
                for each in found
            ]
            return encoded(code=200, r=ask.query["resolution"], c=rows)
        if ask.path != "/api/v1/fundings":
            return None
        rates = past.fundings(symbol, start * 1_000, end * 1_000, limit, now)
        return encoded(code=200, fundings=[_settled(at // 1_000, Decimal(rate)) for at, rate in rates])

    def topic_of(self, frame: Mapping[str, Any]) -> Topic | None:
        """By its channel."""
        name, _, code = str(frame.get("channel", "")).partition(":")
        return (CHANNELS[name], self.symbols[int(code)]) if name in CHANNELS and self._is_market(code) else None

    def snapshot(self, symbol: str, view: View) -> Sequence[bytes]:
        """The whole book."""
        bids, asks = view.top(WHOLE)
        return [self._book("subscribed", symbol, bids, asks, (0, view.number * NONCES_PER_FRAME), view.millis)]

    def change(self, symbol: str, change: Change, view: View) -> Sequence[bytes]:
        """One frame over several nonces."""
        nonce = self.next_number(symbol) * NONCES_PER_FRAME
        nonces = nonce - NONCES_PER_FRAME, nonce
        return [self._book("update", symbol, change.bids, change.asks, nonces, change.millis)]

    def quote(self, symbol: str, quote: Quote) -> Sequence[bytes]:
        """ticker."""
        self.numbers[f"{symbol} ticker"] += 1
        ticker = {"s": symbol, "a": _level(quote.ask), "b": _level(quote.bid)}
        return [
            encoded(
                type="update/ticker",
                channel=self._channel("ticker", symbol),
                nonce=self.numbers[f"{symbol} ticker"],
                ticker=ticker,
                timestamp=quote.millis,
                last_updated_at=quote.millis * 1_000,
            )
        ]

    def deal(self, symbol: str, deal: Deal) -> Sequence[bytes]:
        """One trade."""
        trade = {
            "trade_id": deal.number,
            "type": "trade",
            "price": deal.price,
            "size": deal.size,
            "is_maker_ask": deal.side == "buy",
            "timestamp": deal.millis,
        }
        channel = self._channel("trade", symbol)
        return [encoded(type="update/trade", channel=channel, trades=[trade], liquidation_trades=[])]

    def figures(self, symbol: str, figures: Figures) -> Sequence[bytes]:
        """Rate in percent an hour, open interest in dollars."""
        stats = {
            "market_id": self.symbols.index(symbol),
            "mark_price": figures.mark,
            "index_price": figures.index_price,
            "open_interest": format(Decimal(figures.mark) * 1_000, "f"),
            "current_funding_rate": format(Decimal(figures.rate) * 100, "f"),
        }
        channel = self._channel("market_stats", symbol)
        return [encoded(type="update/market_stats", channel=channel, market_stats=stats, timestamp=figures.millis)]

    def candle(self, symbol: str, bar: Bar) -> Sequence[bytes]:
        """Prices and size as JSON numbers."""
        told = {"t": bar.open_at, **dict(zip("ohlc", map(number, bar.prices), strict=True)), "v": number(bar.volume)}
        channel = f"{self._channel('candle', symbol)}:{bar.interval}"
        return [encoded(type="update/candle", channel=channel, candles=[told], timestamp=bar.millis)]

    def _is_market(self, code: str) -> bool:
        return code.isdigit() and int(code) < len(self.symbols)

    def _channel(self, name: str, symbol: str) -> str:
        return f"{name}:{self.symbols.index(symbol)}"

    def _book(
        self, kind: str, symbol: str, bids: list[Level], asks: list[Level], nonces: tuple[int, int], millis: int
    ) -> bytes:
        book: dict[str, Any] = {
            "code": 0,
            "asks": [_level(level) for level in asks],
            "bids": [_level(level) for level in bids],
            "offset": nonces[1] // NONCES_PER_FRAME,
            "begin_nonce": nonces[0],
            "nonce": nonces[1],
        }
        channel = self._channel("order_book", symbol)
        return encoded(type=f"{kind}/order_book", channel=channel, order_book=book, timestamp=millis)


def _level(level: Level) -> dict[str, str]:
    return {"price": level[0], "size": level[1]}


def _settled(at: int, rate: Decimal) -> dict[str, Any]:
    return {"timestamp": at, "rate": format(abs(rate) * 100, "f"), "direction": "short" if rate < 0 else "long"}


TWINS: Final[Sequence[type[Twin]]] = (Lighter,)
