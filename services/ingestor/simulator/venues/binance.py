"""Those who speak as Binance does, on one connection: COIN-M (contracts of 100 USD) and Aster.

Binance USD-M itself is `server.VenueServer`, which plays the recording byte for byte.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Final

from services.ingestor.domain.ranges import SPANS
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
    encoded_rows,
    message,
    topics_of,
)

CONTRACT_DOLLARS: Final = 100
OPEN_INTEREST: Final = "80123"


class BinanceCoinm(Twin):
    """COIN-M."""

    name: ClassVar[str] = "binance-coinm"
    symbol: ClassVar[str] = "BTCUSD_PERP"
    opens_with_figures: ClassVar[bool] = False
    ends_candles: ClassVar[bool] = True
    api: ClassVar[str] = "/dapi/v1"
    assets: ClassVar[tuple[str, str]] = ("BTC", "USD")
    lot: ClassVar[str] = "1"
    streams: ClassVar[Mapping[Kind, str]] = {
        "book": "*@depth@0ms",
        "quote": "*@bookTicker",
        "trade": "*@trade",
        "figures": "*@markPrice@1s",
    }

    def size(self, text: str, price: str) -> str:
        """Contracts."""
        return dollars(text, price, CONTRACT_DOLLARS)

    def reply(self, text: str) -> Reply:
        """SUBSCRIBE, UNSUBSCRIBE; a stream that is not there is accepted and never heard of, as at the venue."""
        asked = message(text)
        method, names = asked.get("method"), [str(each) for each in asked.get("params", [])]
        if method not in ("SUBSCRIBE", "UNSUBSCRIBE"):
            return Reply([encoded(error={"code": 2, "msg": "Invalid request"}, id=asked.get("id"))])
        frames = [encoded(result=None, id=asked.get("id"))]
        lower = {symbol.lower(): symbol for symbol in self.symbols}
        topics = [(kind, lower[name]) for kind, name in topics_of(self.streams, names, list(lower))]
        klines = [name.partition("@kline_") for name in names]
        topics += [candles_of(lower[name], span) for name, _, span in klines if name in lower and span in SPANS]
        return Reply(frames, joined=topics) if method == "SUBSCRIBE" else Reply(frames, left=topics)

    def http(self, ask: Ask, views: Mapping[str, View]) -> bytes | None:
        """Instruments, funding intervals, book snapshots."""
        if ask.path == f"{self.api}/exchangeInfo":
            return encoded(symbols=[self._listed(symbol) for symbol in self.symbols])
        if ask.path == f"{self.api}/fundingInfo":
            return b"[]"
        view = views.get(ask.query.get("symbol", ""))
        if view is None:
            return None
        if ask.path == f"{self.api}/openInterest":
            return encoded(symbol=ask.query["symbol"], openInterest=OPEN_INTEREST, time=view.millis)
        if ask.path != f"{self.api}/depth":
            return told(self.api, ask.path, ask.query, view.millis, self.size)
        bids, asks = view.top(int(ask.query.get("limit", "500")))
        return encoded(lastUpdateId=view.number, E=view.millis, T=view.millis, bids=bids, asks=asks)

    def topic_of(self, frame: Mapping[str, Any]) -> Topic | None:
        """By its stream."""
        lower = {symbol.lower(): symbol for symbol in self.symbols}
        found = topics_of(self.streams, [str(frame.get("stream"))], list(lower))
        return (found[0][0], lower[found[0][1]]) if found else None

    def change(self, symbol: str, change: Change, view: View) -> Sequence[bytes]:
        """One frame."""
        number = self.next_number(symbol)
        ids = {"U": number, "u": number, "pu": number - 1}
        return [self._frame("book", symbol, "depthUpdate", change.millis, **ids, b=change.bids, a=change.asks)]

    def quote(self, symbol: str, quote: Quote) -> Sequence[bytes]:
        """bookTicker."""
        self.numbers[f"{symbol} quote"] += 1
        (bid, bid_size), (ask, ask_size) = quote.bid, quote.ask
        fields = {"u": self.numbers[f"{symbol} quote"], "b": bid, "B": bid_size, "a": ask, "A": ask_size}
        return [self._frame("quote", symbol, "bookTicker", quote.millis, **fields)]

    def deal(self, symbol: str, deal: Deal) -> Sequence[bytes]:
        """trade."""
        fields = {"t": deal.number, "p": deal.price, "q": deal.size, "X": "MARKET", "m": deal.side == "sell"}
        return [self._frame("trade", symbol, "trade", deal.millis, **fields)]

    def figures(self, symbol: str, figures: Figures) -> Sequence[bytes]:
        """markPriceUpdate."""
        fields = {"p": figures.mark, "i": figures.index_price, "r": figures.rate}
        data = {"e": "markPriceUpdate", "E": figures.millis, "s": symbol, **fields, "T": figures.next_millis}
        return [encoded(stream=self._stream("figures", symbol), data=data)]

    def candle(self, symbol: str, bar: Bar) -> Sequence[bytes]:
        """kline."""
        return [kline(symbol, bar)]

    def _listed(self, symbol: str) -> dict[str, Any]:
        filters = [
            {"filterType": "PRICE_FILTER", "tickSize": self.grid(symbol)[0]},
            {"filterType": "LOT_SIZE", "stepSize": self.grid(symbol)[1]},
        ]
        base, quote = self.assets
        state = {"contractStatus": "TRADING", "contractSize": CONTRACT_DOLLARS}
        return {"symbol": symbol, "baseAsset": base, "quoteAsset": quote, "filters": filters, **state}

    def _stream(self, kind: Kind, symbol: str) -> str:
        return self.streams[kind].replace("*", symbol.lower())

    def _frame(self, kind: Kind, symbol: str, event: str, millis: int, **fields: Any) -> bytes:
        data = {"e": event, "E": millis, "T": millis, "s": symbol, **fields}
        return encoded(stream=self._stream(kind, symbol), data=data)


class Aster(BinanceCoinm):
    """Linear, aggregate trades alone."""

    name: ClassVar[str] = "aster"
    symbol: ClassVar[str] = "BTCUSDT"
    api: ClassVar[str] = "/fapi/v1"
    assets: ClassVar[tuple[str, str]] = ("BTC", "USDT")
    lot: ClassVar[str] = "0.001"
    streams: ClassVar[Mapping[Kind, str]] = {
        "book": "*@depth@100ms",
        "quote": "*@bookTicker",
        "trade": "*@aggTrade",
        "figures": "*@markPrice@1s",
    }

    def size(self, text: str, price: str) -> str:
        """Base units."""
        return text

    def deal(self, symbol: str, deal: Deal) -> Sequence[bytes]:
        """aggTrade."""
        fields = {"a": deal.number, "p": deal.price, "q": deal.size, "m": deal.side == "sell"}
        return [self._frame("trade", symbol, "aggTrade", deal.millis, **fields)]

    def _listed(self, symbol: str) -> dict[str, Any]:
        listed = super()._listed(symbol)
        del listed["contractSize"], listed["contractStatus"]
        return {**listed, "status": "TRADING"}


def kline_stream(symbol: str, interval: str) -> str:
    """The stream of a symbol's candles."""
    return f"{symbol.lower()}@kline_{interval}"


def kline(symbol: str, bar: Bar) -> bytes:
    """A candle as it stands, as a frame of its combined stream."""
    prices, which = dict(zip("ohlc", bar.prices, strict=True)), {"t": bar.open_at, "s": symbol, "i": bar.interval}
    data = {"e": "kline", "E": bar.millis, "s": symbol, "k": {**which, **prices, "v": bar.volume, "x": bar.closed}}
    return encoded(stream=kline_stream(symbol, bar.interval), data=data)


def told(
    api: str, path: str, query: Mapping[str, str], now: int, size: Callable[[str, str], str] = lambda text, _: text
) -> bytes | None:
    """klines, fundingRate, aggTrades; None for another path. `size`: sizes as the venue counts them."""
    start, end = int(query.get("startTime", "0")), int(query.get("endTime", str(now)))
    symbol, limit = query["symbol"], min(1_500, int(query.get("limit", "500")))
    if path == f"{api}/klines":
        return encoded_rows(
            [
                [each.open_at, *each.prices, size(each.volume, each.prices[3]), each.open_at, "0", 0, "0", "0", "0"]
                for each in past.candles(symbol, query["interval"], start, end, limit, now)
            ]
        )
    if path == f"{api}/fundingRate":
        rates = past.fundings(symbol, start, end, limit, now)
        return encoded_rows([{"symbol": symbol, "fundingTime": at + 3, "fundingRate": rate} for at, rate in rates])
    if path == f"{api}/aggTrades":
        first = int(query["fromId"]) if "fromId" in query else None
        return encoded_rows(
            [
                {
                    "a": each.number,
                    "p": each.price,
                    "q": size(each.size, each.price),
                    "f": each.number,
                    "l": each.number,
                    "T": each.millis,
                    "m": each.side == "sell",
                }
                for each in past.trades(symbol, start, end if first is None else now, limit, now, first)
            ]
        )
    return None


TWINS: Final[Sequence[type[Twin]]] = (BinanceCoinm, Aster)
