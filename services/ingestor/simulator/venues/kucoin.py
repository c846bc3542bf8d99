"""KuCoin Futures as a server: tickets, a welcome, single changes, nanoseconds, contracts of 0.001."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from services.ingestor.domain.ranges import SPANS
from services.ingestor.simulator import past
from services.ingestor.simulator.moves import Bar, Change, Deal, Figures, Kind, Quote
from services.ingestor.simulator.recording import Level
from services.ingestor.simulator.twin import (
    WHOLE,
    Ask,
    Reply,
    Twin,
    View,
    candles_of,
    contracts,
    encoded,
    message,
    number,
    single_levels,
    span_of,
)

NANOS_PER_MILLI: Final = 1_000_000
CONTRACT: Final = "0.001"
GRANULARITY: Final = 8 * 3_600_000
TOPICS: Final[dict[str, Kind]] = {
    "/contractMarket/level2": "book",
    "/contractMarket/tickerV2": "quote",
    "/contractMarket/execution": "trade",
    "/contract/instrument": "figures",
}
CANDLES: Final = "/contractMarket/limitCandle"
_UNITS: Final = {"m": "min", "h": "hour", "d": "day", "w": "week"}
_SPANS: Final = {span[:-1] + _UNITS[span[-1]]: span for span in SPANS}


class Kucoin(Twin):
    """USDT contracts."""

    name: ClassVar[str] = "kucoin"
    symbol: ClassVar[str] = "XBTUSDTM"

    def greeting(self) -> Sequence[bytes]:
        """welcome."""
        return [encoded(id="sim", type="welcome")]

    def size(self, text: str, price: str) -> str:
        """Contracts."""
        return contracts(text, CONTRACT)

    def reply(self, text: str) -> Reply:
        """subscribe, unsubscribe, ping."""
        asked = message(text)
        ident, kind = str(asked.get("id")), asked.get("type")
        if kind == "ping":
            return Reply([encoded(id=ident, type="pong")])
        name, _, symbols = str(asked.get("topic", "")).partition(":")
        wanted = symbols.split(",")
        if name == CANDLES and self.known([each.rpartition("_")[0] for each in wanted]):
            pairs = [each.rpartition("_") for each in wanted]
            candles = [candles_of(symbol, _SPANS[name]) for symbol, _, name in pairs if name in _SPANS]
            return Reply([encoded(id=ident, type="ack")], joined=candles)
        if kind not in ("subscribe", "unsubscribe") or name not in TOPICS or not self.known(wanted):
            return Reply([encoded(id=ident, type="error", code=404, data=f"topic {name}:{symbols} is not found")])
        frames, topics = [encoded(id=ident, type="ack")], [(TOPICS[name], symbol) for symbol in wanted]
        return Reply(frames, joined=topics) if kind == "subscribe" else Reply(frames, left=topics)

    def http(self, ask: Ask, views: Mapping[str, View]) -> bytes | None:
        """Tickets, contracts, book snapshots."""
        if (ask.method, ask.path) == ("POST", "/api/v1/bullet-public"):
            server = {"endpoint": f"ws://{ask.host}/{self.name}/endpoint", "protocol": "websocket", "encrypt": False}
            return encoded(code="200000", data={"token": "sim", "instanceServers": [server]})
        if ask.path == "/api/v1/contracts/active":
            return encoded(code="200000", data=[self._contract(symbol) for symbol in self.symbols])
        if (symbol := ask.path.removeprefix("/api/v1/contracts/")) in views:
            figures = self.newest[symbol].figures
            predicted = number(figures.predicted) if figures is not None else None
            told = {"openInterest": "2487402", "predictedFundingFeeRate": predicted}
            return encoded(code="200000", data={**self._contract(symbol), **told})
        view = views.get(ask.query.get("symbol", ""))
        if view is not None and ask.path in ("/api/v1/kline/query", "/api/v1/contract/funding-rates"):
            return self._past(ask, view.millis)
        if ask.path != "/api/v1/level2/snapshot" or view is None:
            return None
        bids, asks = ([[number(price), number(size)] for price, size in side] for side in view.top(WHOLE))
        now = view.millis * NANOS_PER_MILLI
        return encoded(code="200000", data={"sequence": view.number, "bids": bids, "asks": asks, "ts": now})

    def _past(self, ask: Ask, now: int) -> bytes:
        symbol, start, end = ask.query["symbol"], int(ask.query["from"]), int(ask.query["to"])
        if ask.path == "/api/v1/kline/query":
            span = span_of(int(ask.query["granularity"]))
            found = self.past_candles(symbol, span, start, end, 200, now)[::-1]
            rows: list[Any] = [[each.open_at, *map(number, (*each.prices, each.volume))] for each in found]
        else:
            rates = past.fundings(symbol, start, end, 100, now)
            rows = [{"symbol": symbol, "fundingRate": number(rate), "timepoint": at} for at, rate in rates]
        return encoded(code="200000", data=rows)

    def change(self, symbol: str, change: Change, view: View) -> Sequence[bytes]:
        """One frame per level."""
        return [self._level(symbol, side, level, change.millis) for side, level in single_levels(change)]

    def quote(self, symbol: str, quote: Quote) -> Sequence[bytes]:
        """tickerV2."""
        self.numbers[f"{symbol} ticker"] += 1
        data = {
            "symbol": symbol,
            "sequence": self.numbers[f"{symbol} ticker"],
            "bestBidPrice": quote.bid[0],
            "bestBidSize": number(quote.bid[1]),
            "bestAskPrice": quote.ask[0],
            "bestAskSize": number(quote.ask[1]),
            "ts": quote.millis * NANOS_PER_MILLI + self.numbers[f"{symbol} ticker"] % 1_000 * 1_000,
        }
        return [_frame("/contractMarket/tickerV2", symbol, "tickerV2", data)]

    def deal(self, symbol: str, deal: Deal) -> Sequence[bytes]:
        """match."""
        data = {
            "symbol": symbol,
            "sequence": deal.number,
            "side": deal.side,
            "size": number(deal.size),
            "price": deal.price,
            "tradeId": str(deal.number),
            "ts": deal.millis * NANOS_PER_MILLI,
        }
        return [_frame("/contractMarket/execution", symbol, "match", data)]

    def figures(self, symbol: str, figures: Figures) -> Sequence[bytes]:
        """The rate, then mark and index."""
        name, now = "/contract/instrument", figures.millis
        rate = {"granularity": 60_000, "fundingRate": number(figures.rate), "timestamp": now}
        mark = {
            "granularity": 1_000,
            "markPrice": number(figures.mark),
            "indexPrice": number(figures.index_price),
            "timestamp": now,
        }
        return [_frame(name, symbol, "funding.rate", rate), _frame(name, symbol, "mark.index.price", mark)]

    def candle(self, symbol: str, bar: Bar) -> Sequence[bytes]:
        """limitCandle: open, close, high, low."""
        opened, high, low, close = bar.prices
        name = next(name for name, span in _SPANS.items() if span == bar.interval)
        row = [str(bar.open_at // 1_000), opened, close, high, low, "0", bar.volume]
        return [
            _frame(CANDLES, f"{symbol}_{name}", "candle.stick", {"symbol": symbol, "candles": row, "time": bar.millis})
        ]

    def _level(self, symbol: str, side: str, level: Level, millis: int) -> bytes:
        change = f"{level[0]},{side},{level[1]}"
        data = {"sequence": self.next_number(symbol), "change": change, "timestamp": millis}
        return _frame("/contractMarket/level2", symbol, "level2", data)

    def _contract(self, symbol: str) -> dict[str, Any]:
        return {
            "symbol": symbol,
            "status": "Open",
            "baseCurrency": symbol.removesuffix("USDTM"),
            "quoteCurrency": "USDT",
            "lotSize": 1,
            "tickSize": number("0.1"),
            "multiplier": number(CONTRACT),
            "fundingRateGranularity": GRANULARITY,
        }


def _frame(topic: str, symbol: str, subject: str, data: Any) -> bytes:
    return encoded(topic=f"{topic}:{symbol}", type="message", subject=subject, data=data)


TWINS: Final[Sequence[type[Twin]]] = (Kucoin,)
