"""Bybit v5 as a server: snapshots with the subscription, tickers by what changed."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from services.ingestor.domain.ranges import MINUTE_MICROS, SPANS
from services.ingestor.simulator import past
from services.ingestor.simulator.moves import Bar, Change, Deal, Figures, Kind, Quote
from services.ingestor.simulator.twin import (
    Ask,
    Reply,
    Topic,
    Twin,
    View,
    candles_of,
    dollars,
    encoded,
    message,
    topics_of,
)

DEPTH: Final = 500
_SPANS: Final = {str(length // MINUTE_MICROS): span for span, length in SPANS.items()} | {"D": "1d", "W": "1w"}


class BybitLinear(Twin):
    """USDT perpetuals."""

    name: ClassVar[str] = "bybit"
    symbol: ClassVar[str] = "BTCUSDT"
    tick: ClassVar[str] = "0.10"
    category: ClassVar[str] = "linear"
    ends_candles: ClassVar[bool] = True
    quote_coin: ClassVar[str] = "USDT"
    names: ClassVar[Mapping[Kind, str]] = {
        "book": f"orderbook.{DEPTH}.*",
        "trade": "publicTrade.*",
        "quote": "tickers.*",
        "figures": "tickers.*",
    }

    def reply(self, text: str) -> Reply:
        """subscribe, unsubscribe, ping."""
        asked = message(text)
        op, names = str(asked.get("op", "")), [str(each) for each in asked.get("args", [])]
        if op == "ping":
            return Reply([encoded(success=True, ret_msg="pong", conn_id="1", op="ping")])
        wrong = [name for name in names if name.rpartition(".")[2] not in self.symbols]
        if op not in ("subscribe", "unsubscribe") or wrong:
            return Reply([encoded(success=False, ret_msg=f"error:handler not found,topic:{wrong}", conn_id="1", op=op)])
        klines = [name.split(".") for name in names if name.startswith("kline.")]
        topics = topics_of(self.names, names, self.symbols)
        topics += [candles_of(symbol, _SPANS[interval]) for _, interval, symbol in klines if interval in _SPANS]
        frames = [encoded(success=True, ret_msg="", conn_id="1", op=op)]
        return Reply(frames, joined=topics) if op == "subscribe" else Reply(frames, left=topics)

    def http(self, ask: Ask, views: Mapping[str, View]) -> bytes | None:
        """instruments-info, kline, funding/history."""
        if ask.path in ("/v5/market/kline", "/v5/market/funding/history"):
            return self._past(ask, views.get(ask.query.get("symbol", "")))
        if ask.path != "/v5/market/instruments-info" or ask.query.get("category") != self.category:
            return None
        listed = [
            {
                "symbol": symbol,
                "contractType": f"{self.category.capitalize()}Perpetual",
                "status": "Trading",
                "baseCoin": symbol.removesuffix(self.quote_coin),
                "quoteCoin": self.quote_coin,
                "priceFilter": {"tickSize": self.grid(symbol)[0]},
                "lotSizeFilter": {"qtyStep": self.grid(symbol)[1]},
                "fundingInterval": 480,
            }
            for symbol in self.symbols
        ]
        return encoded(retCode=0, retMsg="OK", result={"category": self.category, "list": listed})

    def _past(self, ask: Ask, view: View | None) -> bytes | None:
        """Newest first, as the venue gives it."""
        if view is None or ask.query.get("category") != self.category:
            return None
        symbol, limit = ask.query["symbol"], min(1_000, int(ask.query.get("limit", "200")))
        if ask.path == "/v5/market/kline":
            span = _SPANS[ask.query["interval"]]
            found = past.newest_candles(
                symbol, span, int(ask.query["start"]), int(ask.query["end"]), limit, view.millis
            )
            rows: list[Any] = [
                [str(each.open_at), *each.prices, self.size(each.volume, each.prices[3]), "0"] for each in found
            ]
        else:
            start, end = int(ask.query["startTime"]), int(ask.query["endTime"])
            rates = past.fundings(symbol, start, end, 10**6, view.millis)[::-1][: min(200, limit)]
            rows = [{"symbol": symbol, "fundingRate": rate, "fundingRateTimestamp": str(at)} for at, rate in rates]
        return encoded(retCode=0, retMsg="OK", result={"category": self.category, "symbol": symbol, "list": rows})

    def topic_of(self, frame: Mapping[str, Any]) -> Topic | None:
        """By its topic."""
        return next(iter(topics_of(self.names, [str(frame.get("topic"))], self.symbols)), None)

    def snapshot(self, symbol: str, view: View) -> Sequence[bytes]:
        """The best levels."""
        return [self._book("snapshot", symbol, *view.top(DEPTH), view.number, view.millis)]

    def opening(self, topic: Topic) -> Sequence[bytes]:
        """The whole ticker, once for both of its kinds."""
        kind, symbol = topic
        newest = self.newest[symbol]
        if kind != "quote" or newest.quote is None:
            return ()
        fields = self._quote_fields(newest.quote)
        if newest.figures is not None:
            fields |= self._figure_fields(newest.figures)
        return [self._ticker("snapshot", symbol, fields, newest.quote.millis)]

    def change(self, symbol: str, change: Change, view: View) -> Sequence[bytes]:
        """One frame; number 1 is a snapshot, by which the venue says that it started anew."""
        number = self.next_number(symbol)
        if number == 1:
            return [self._book("snapshot", symbol, *view.top(DEPTH), 1, change.millis)]
        return [self._book("delta", symbol, change.bids, change.asks, number, change.millis)]

    def quote(self, symbol: str, quote: Quote) -> Sequence[bytes]:
        """What changed of the ticker."""
        return [self._ticker("delta", symbol, self._quote_fields(quote), quote.millis)]

    def deal(self, symbol: str, deal: Deal) -> Sequence[bytes]:
        """One trade."""
        trade = {
            "T": deal.millis,
            "s": symbol,
            "S": deal.side.capitalize(),
            "v": deal.size,
            "p": deal.price,
            "L": "ZeroPlusTick",
            "i": f"sim-{deal.number}",
            "BT": False,
        }
        return [encoded(topic=f"publicTrade.{symbol}", type="snapshot", ts=deal.millis, data=[trade])]

    def figures(self, symbol: str, figures: Figures) -> Sequence[bytes]:
        """What changed of the ticker."""
        return [self._ticker("delta", symbol, self._figure_fields(figures), figures.millis)]

    def candle(self, symbol: str, bar: Bar) -> Sequence[bytes]:
        """kline."""
        interval = next(name for name, span in _SPANS.items() if span == bar.interval)
        prices = dict(zip(("open", "high", "low", "close"), bar.prices, strict=True))
        which = {"start": bar.open_at, "interval": interval, "confirm": bar.closed, "timestamp": bar.millis}
        data = {**which, **prices, "volume": bar.volume, "turnover": "0"}
        return [encoded(topic=f"kline.{interval}.{symbol}", type="snapshot", ts=bar.millis, data=[data])]

    def _book(self, kind: str, symbol: str, bids: Any, asks: Any, number: int, millis: int) -> bytes:
        data = {"s": symbol, "b": bids, "a": asks, "u": number, "seq": number}
        return encoded(topic=f"orderbook.{DEPTH}.{symbol}", type=kind, ts=millis, data=data, cts=millis)

    def _ticker(self, kind: str, symbol: str, fields: dict[str, str], millis: int) -> bytes:
        data = {"symbol": symbol, **fields}
        return encoded(topic=f"tickers.{symbol}", type=kind, data=data, cs=self._cross(symbol), ts=millis)

    def _cross(self, symbol: str) -> int:
        self.numbers[f"{symbol} ticker"] += 1
        return self.numbers[f"{symbol} ticker"]

    def _quote_fields(self, quote: Quote) -> dict[str, str]:
        names = ("bid1Price", "bid1Size", "ask1Price", "ask1Size")
        return dict(zip(names, (*quote.bid, *quote.ask), strict=True))

    def _figure_fields(self, figures: Figures) -> dict[str, str]:
        return {
            "markPrice": figures.mark,
            "indexPrice": figures.index_price,
            "fundingRate": figures.rate,
            "nextFundingTime": str(figures.next_millis),
        }


class BybitInverse(BybitLinear):
    """USD perpetuals: sizes in dollars."""

    name: ClassVar[str] = "bybit-inverse"
    symbol: ClassVar[str] = "BTCUSD"
    category: ClassVar[str] = "inverse"
    quote_coin: ClassVar[str] = "USD"
    lot: ClassVar[str] = "1"

    def size(self, text: str, price: str) -> str:
        """Dollars."""
        return dollars(text, price)


TWINS: Final[Sequence[type[Twin]]] = (BybitLinear, BybitInverse)
