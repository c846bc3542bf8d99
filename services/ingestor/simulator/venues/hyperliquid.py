"""Hyperliquid as a server: whole books of twenty levels, at most two a second."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

import msgspec

from services.ingestor.simulator import past
from services.ingestor.simulator.moves import Bar, Change, Deal, Figures, Kind, Quote
from services.ingestor.simulator.twin import (
    Ask,
    Reply,
    Topic,
    Twin,
    View,
    candles_of,
    decimals,
    encoded,
    encoded_rows,
    message,
)

LEVELS: Final = 20
BOOK_MILLIS: Final = 500
KINDS: Final[dict[str, Kind]] = {"l2Book": "book", "bbo": "quote", "trades": "trade", "activeAssetCtx": "figures"}


class Hyperliquid(Twin):
    """Coins."""

    name: ClassVar[str] = "hyperliquid"
    symbol: ClassVar[str] = "BTC"
    lot: ClassVar[str] = "0.00001"

    def reply(self, text: str) -> Reply:
        """subscribe, unsubscribe, ping."""
        asked = message(text)
        method, wanted = asked.get("method"), asked.get("subscription") or {}
        if method == "ping":
            return Reply([encoded(channel="pong")])
        kind, coin = KINDS.get(str(wanted.get("type"))), str(wanted.get("coin"))
        if wanted.get("type") == "candle" and self.known([coin]):
            candles = [candles_of(coin, str(wanted.get("interval")))]
            return Reply([encoded(channel="subscriptionResponse", data=asked)], joined=candles)
        if method not in ("subscribe", "unsubscribe") or kind is None or not self.known([coin]):
            return Reply([encoded(channel="error", data=f"Invalid subscription {text[:80]}")])
        frames, topics = [encoded(channel="subscriptionResponse", data=asked)], [(kind, coin)]
        return Reply(frames, joined=topics) if method == "subscribe" else Reply(frames, left=topics)

    def http(self, ask: Ask, views: Mapping[str, View]) -> bytes | None:
        """meta, candleSnapshot, fundingHistory."""
        if (ask.method, ask.path) != ("POST", "/info"):
            return None
        asked = message(ask.body.decode())
        if asked.get("type") != "meta":
            return _past(asked, views)
        return encoded(universe=[{"name": each, "szDecimals": decimals(self.grid(each)[1])} for each in self.symbols])

    def topic_of(self, frame: Mapping[str, Any]) -> Topic | None:
        """By its channel and the coin; trades are a list of one coin's."""
        data = frame.get("data")
        about = data[0] if isinstance(data, list) and data else data
        kind = KINDS.get(str(frame.get("channel")))
        coin = about.get("coin") if isinstance(about, dict) else None
        return (kind, coin) if kind is not None and coin in self.symbols else None

    def catch_up(self, frames: Sequence[bytes]) -> Sequence[bytes]:
        """Each is a whole book."""
        return frames[-1:]

    def snapshot(self, symbol: str, view: View) -> Sequence[bytes]:
        """The book as it is."""
        return [_book(symbol, view, view.millis)]

    def change(self, symbol: str, change: Change, view: View) -> Sequence[bytes]:
        """The book as it is, if the last one is old enough."""
        said = f"{symbol} book"
        if change.millis - self.numbers[said] < BOOK_MILLIS:
            return ()
        self.numbers[said] = change.millis
        return [_book(symbol, view, change.millis)]

    def quote(self, symbol: str, quote: Quote) -> Sequence[bytes]:
        """bbo, at most one for each time: the venue sends one a block."""
        said = f"{symbol} quote"
        if quote.millis == self.numbers[said]:
            return ()
        self.numbers[said] = quote.millis
        return [
            encoded(
                channel="bbo",
                data={"coin": symbol, "time": quote.millis, "bbo": [_level(quote.bid), _level(quote.ask)]},
            )
        ]

    def deal(self, symbol: str, deal: Deal) -> Sequence[bytes]:
        """One trade."""
        trade = {
            "coin": symbol,
            "side": "B" if deal.side == "buy" else "A",
            "px": deal.price,
            "sz": deal.size,
            "time": deal.millis,
            "hash": "0x0",
            "tid": deal.number,
        }
        return [encoded(channel="trades", data=[trade])]

    def figures(self, symbol: str, figures: Figures) -> Sequence[bytes]:
        """Mark, oracle, rate."""
        ctx = {
            "markPx": figures.mark,
            "oraclePx": figures.index_price,
            "funding": figures.rate,
            "openInterest": "1000.0",
        }
        return [encoded(channel="activeAssetCtx", data={"coin": symbol, "ctx": ctx})]

    def candle(self, symbol: str, bar: Bar) -> Sequence[bytes]:
        """candle."""
        which = {"t": bar.open_at, "s": symbol, "i": bar.interval}
        prices = dict(zip("ohlc", bar.prices, strict=True))
        return [encoded(channel="candle", data={**which, **prices, "v": bar.volume, "n": 1})]


def _level(level: tuple[str, str]) -> dict[str, str | int]:
    return {"px": level[0], "sz": level[1], "n": 1}


def _book(symbol: str, view: View, millis: int) -> bytes:
    levels = [[_level(level) for level in side] for side in view.top(LEVELS)]
    return msgspec.json.encode({"channel": "l2Book", "data": {"coin": symbol, "time": millis, "levels": levels}})


def _past(asked: Mapping[str, Any], views: Mapping[str, View]) -> bytes | None:
    """What the venue tells of the past."""
    wanted = asked.get("req", asked)
    coin, start, end = str(wanted.get("coin")), int(wanted.get("startTime", 0)), int(wanted.get("endTime", 0))
    if coin not in views:
        return None
    now = views[coin].millis
    if asked.get("type") == "fundingHistory":
        rates = past.fundings(coin, start, end, 500, now)
        return encoded_rows([{"coin": coin, "fundingRate": rate, "premium": "0", "time": at + 7} for at, rate in rates])
    if asked.get("type") != "candleSnapshot":
        return None
    return encoded_rows(
        [
            {"t": each.open_at, "s": coin, "i": wanted["interval"], **_ohlc(each), "v": each.volume, "n": 1}
            for each in past.candles(coin, wanted["interval"], start, end, 500, now)
        ]
    )


def _ohlc(candle: past.Candle) -> dict[str, str]:
    return dict(zip("ohlc", candle.prices, strict=True))


TWINS: Final[Sequence[type[Twin]]] = (Hyperliquid,)
