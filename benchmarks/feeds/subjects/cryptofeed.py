"""cryptofeed's BinanceFutures: decimals, a sorted book in C, callbacks that do nothing.

Its trade channel is aggTrade: the recording's single trades are given to it under that name, and by the same count.
"""

import logging
from decimal import Decimal
from typing import Any

from cryptofeed.defines import L2_BOOK, TICKER, TRADES
from cryptofeed.exchanges import BinanceFutures
from cryptofeed.symbols import Symbols
from cryptofeed.types import OrderBook

PAIR = "BTC-USDT-PERP"
logging.disable(logging.CRITICAL)


class Feed(BinanceFutures):  # type: ignore[misc]
    """Follows its predecessor `pu`, as the venue's rules have it: the library's own test resets the book each time."""

    def _check_update_id(self, pair: str, message: dict[str, Any]) -> bool:
        last = self.last_update_id[pair]
        if message["u"] < last:
            return True
        if not (message["U"] <= last <= message["u"] or message["pu"] == last):
            raise AssertionError(f"{message['pu']} is not {last}")
        self.last_update_id[pair] = message["u"]
        return False


class Subject:
    """Books, trades and best quotes."""

    def __init__(self) -> None:
        Symbols.set(BinanceFutures.id, {PAIR: "BTCUSDT"}, {"instrument_type": {PAIR: "perpetual"}, "tick_size": {}})

        async def nothing(_data: Any, _at: float) -> None:
            return None

        callbacks = {L2_BOOK: nothing, TRADES: nothing, TICKER: nothing}
        self._feed = Feed(symbols=[PAIR], channels=[L2_BOOK, TRADES, TICKER], callbacks=callbacks)

    def prepared(self, raw: bytes) -> str:
        """Single trades under the name that it knows."""
        text = raw.decode()
        return text.replace('"e":"trade"', '"e":"aggTrade"').replace('"t":', '"a":', 1) if "@trade" in text else text

    async def begin(self, snapshot: bytes, _first: bytes) -> None:
        """The book as its own snapshot request would have made it."""
        import json

        found = json.loads(snapshot)
        sides = {side: {Decimal(price): Decimal(size) for price, size in found[side]} for side in ("bids", "asks")}
        self._feed._l2_book[PAIR] = OrderBook(self._feed.id, PAIR, max_depth=0, **sides)
        self._feed.last_update_id[PAIR] = found["lastUpdateId"]

    async def take(self, frames: list[str]) -> None:
        """Every frame."""
        take = self._feed.message_handler
        for text in frames:
            await take(text, None, 1.0)

    def book(self, levels: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]], int]:
        """The best levels in ticks of ten cents and thousandths of a coin, and the update they are of."""
        found = self._feed._l2_book[PAIR].book
        bids, asks = (
            [(int(price * 10), int(size * 1_000)) for price, size in map(side.index, range(levels))]
            for side in (found.bids, found.asks)
        )
        return bids, asks, self._feed.last_update_id[PAIR]
