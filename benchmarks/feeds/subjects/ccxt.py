"""ccxt.pro's binanceusdm: floats, a book cut at a thousand levels, futures that nobody awaits."""

import json
from typing import Any

import ccxt.pro
import orjson

SYMBOL = "BTC/USDT:USDT"
MARKET = {
    "id": "BTCUSDT", "symbol": SYMBOL, "base": "BTC", "quote": "USDT", "settle": "USDT", "baseId": "BTC",
    "quoteId": "USDT", "settleId": "USDT", "type": "swap", "spot": False, "swap": True, "future": False,
    "option": False,
    "contract": True, "linear": True, "inverse": False, "active": True, "precision": {"price": 0.1, "amount": 0.001},
    "limits": {}, "info": {},
}  # fmt: skip


class Client:
    """Where the library puts its results."""

    def __init__(self) -> None:
        self.url = "wss://fstream.binance.com/public/ws/1"
        self.subscriptions: dict[str, Any] = {}
        self.futures: dict[str, Any] = {}

    def resolve(self, _result: Any, _name: str) -> None:
        """Somebody waits for this."""

    def reject(self, error: Exception, _name: str = "") -> None:
        """Something was lost."""
        raise error


class Subject:
    """Books, trades and best quotes."""

    def __init__(self) -> None:
        self._exchange = ccxt.pro.binanceusdm({"newUpdates": True})
        self._exchange.set_markets([MARKET])
        self._client = Client()

    def prepared(self, raw: bytes) -> bytes:
        """As it came."""
        return raw

    async def begin(self, snapshot: bytes, _first: bytes) -> None:
        """The book as its own snapshot request would have made it."""
        found = json.loads(snapshot)
        book = self._exchange.order_book({}, 1_000)
        parsed = self._exchange.parse_order_book(found, SYMBOL)
        parsed["nonce"] = found["lastUpdateId"]
        book.reset(parsed)
        self._exchange.orderbooks[SYMBOL] = book

    async def take(self, frames: list[bytes]) -> None:
        """Every frame; decoded as its own client decodes where orjson is installed."""
        take, decode, client = self._exchange.handle_message, orjson.loads, self._client
        for raw in frames:
            take(client, decode(raw))

    def book(self, levels: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]], int]:
        """The best levels in ticks of ten cents and thousandths of a coin, and the update they are of."""
        found = self._exchange.orderbooks[SYMBOL]
        found.limit()
        bids, asks = (
            [(round(price * 10), round(size * 1_000)) for price, size, *_ in found[side][:levels]]
            for side in ("bids", "asks")
        )
        return bids, asks, found["nonce"]
