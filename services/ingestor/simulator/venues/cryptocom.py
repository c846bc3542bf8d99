"""Crypto.com as a server: a heartbeat that must be answered, books that name their predecessor, values by channel."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from services.ingestor.simulator import past
from services.ingestor.simulator.moves import Bar, Change, Deal, Figures, Kind, Quote
from services.ingestor.simulator.recording import Level
from services.ingestor.simulator.twin import Ask, Heartbeat, Reply, Topic, Twin, View, candles_of, encoded, message

DEPTH: Final = 50
_SPANS: Final = {"1D": "1d", "7D": "1w"}
PULSE: Final = 1_786_562_982_825
KINDS: Final[dict[str, Kind]] = {
    "book": "book",
    "ticker": "quote",
    "trade": "trade",
    "mark": "figures",
    "funding": "figures",
    "index": "figures",
}


class Cryptocom(Twin):
    """Perpetuals."""

    name: ClassVar[str] = "cryptocom"
    symbol: ClassVar[str] = "BTCUSD-PERP"
    heartbeat: ClassVar[Heartbeat | None] = Heartbeat(
        30.0, encoded(id=1786562982825, method="public/heartbeat", code=0)
    )

    def is_pulse(self, text: str) -> bool:
        """The heartbeat's id, given back."""
        return '"public/respond-heartbeat"' in text and str(PULSE) in text

    def reply(self, text: str) -> Reply:
        """subscribe, unsubscribe."""
        asked = message(text)
        method, ident = str(asked.get("method")), asked.get("id")
        names = [str(each).split(".") for each in asked.get("params", {}).get("channels", [])]
        topics: list[Topic] = []
        for name, market, *_ in names:
            symbol = market.replace("-INDEX", "-PERP") if name == "index" else market
            if name in KINDS and symbol in self.symbols and (KINDS[name], symbol) not in topics:
                topics.append((KINDS[name], symbol))
        candles = [each for each in names if each[0] == "candlestick" and each[-1] in self.symbols]
        topics += [candles_of(symbol, _SPANS.get(interval, interval)) for _, interval, symbol in candles]
        if method not in ("subscribe", "unsubscribe") or not topics:
            return Reply([encoded(id=ident, method=method, code=40004, message="Unknown or invalid channel")])
        frames = [encoded(id=ident, method=method, code=0)]
        return Reply(frames, joined=topics) if method == "subscribe" else Reply(frames, left=topics)

    def http(self, ask: Ask, views: Mapping[str, View]) -> bytes | None:
        """get-instruments, get-candlestick, get-valuations."""
        if (view := views.get(ask.query.get("instrument_name", ""))) is not None:
            return self._past(ask, view.millis)
        if ask.path != "/exchange/v1/public/get-instruments":
            return None
        listed = [
            {
                "symbol": symbol,
                "inst_type": "PERPETUAL_SWAP",
                "base_ccy": symbol.removesuffix("USD-PERP"),
                "quote_ccy": "USD",
                "price_tick_size": self.grid(symbol)[0],
                "qty_tick_size": self.grid(symbol)[1],
                "tradable": True,
            }
            for symbol in self.symbols
        ]
        return encoded(id=1, method="public/get-instruments", code=0, result={"data": listed})

    def _past(self, ask: Ask, now: int) -> bytes | None:
        symbol, limit = ask.query["instrument_name"], min(300, int(ask.query["count"]))
        start, end = int(ask.query["start_ts"]), int(ask.query["end_ts"])
        if ask.path.endswith("/get-candlestick"):
            span = _SPANS.get(ask.query["timeframe"], ask.query["timeframe"])
            found = self.past_candles(symbol, span, start, end, limit, now)[::-1]
            data: list[dict[str, Any]] = [
                {"t": each.open_at, "v": each.volume, **dict(zip("ohlc", each.prices, strict=True))} for each in found
            ]
        elif ask.query.get("valuation_type") == "funding_hist":
            data = [{"t": at, "v": rate} for at, rate in past.fundings(symbol, start, end, 10**6, now)[::-1][:limit]]
        else:
            return None
        return encoded(id=1, code=0, result={"data": data})

    def topic_of(self, frame: Mapping[str, Any]) -> Topic | None:
        """By its channel and instrument."""
        result = frame.get("result") or {}
        kind = KINDS.get(str(result.get("channel")).partition(".")[0])
        symbol = result.get("instrument_name")
        return (kind, symbol) if kind is not None and symbol in self.symbols else None

    def snapshot(self, symbol: str, view: View) -> Sequence[bytes]:
        """The best levels."""
        bids, asks = view.top(DEPTH)
        data = {"bids": _levels(bids), "asks": _levels(asks), "t": view.millis, "u": str(view.number)}
        return [_frame("book", symbol, data)]

    def change(self, symbol: str, change: Change, view: View) -> Sequence[bytes]:
        """One frame."""
        number = self.next_number(symbol)
        update = {"bids": _levels(change.bids), "asks": _levels(change.asks)}
        data = {"update": update, "t": change.millis, "u": number, "pu": number - 1}
        return [_frame("book.update", symbol, data)]

    def quote(self, symbol: str, quote: Quote) -> Sequence[bytes]:
        """ticker."""
        (bid, bid_size), (ask, ask_size) = quote.bid, quote.ask
        data = {"i": symbol, "b": bid, "bs": bid_size, "k": ask, "ks": ask_size, "a": None, "oi": "1000.000"}
        return [_frame("ticker", symbol, {**data, "t": quote.millis})]

    def deal(self, symbol: str, deal: Deal) -> Sequence[bytes]:
        """One trade."""
        data = {"d": str(deal.number), "t": deal.millis, "p": deal.price, "q": deal.size, "s": deal.side.upper()}
        return [_frame("trade", symbol, {**data, "i": symbol})]

    def figures(self, symbol: str, figures: Figures) -> Sequence[bytes]:
        """Index and rate first: they are said with the mark."""
        index = symbol.replace("-PERP", "-INDEX")
        return [
            _frame("index", index, {"v": figures.index_price, "t": figures.millis}),
            _frame("funding", symbol, {"v": figures.rate, "t": figures.millis}),
            _frame("mark", symbol, {"v": figures.mark, "t": figures.millis}),
        ]

    def candle(self, symbol: str, bar: Bar) -> Sequence[bytes]:
        """candlestick."""
        interval = next((name for name, span in _SPANS.items() if span == bar.interval), bar.interval)
        told = {"t": bar.open_at, **dict(zip("ohlc", bar.prices, strict=True)), "v": bar.volume}
        which = {"instrument_name": symbol, "subscription": f"candlestick.{interval}.{symbol}"}
        result = {**which, "channel": "candlestick", "interval": interval, "data": [told]}
        return [encoded(id=-1, method="subscribe", code=0, result=result)]


def _levels(levels: Sequence[Level]) -> list[tuple[str, str, str]]:
    return [(price, size if size.strip("0.") else "0", "1") for price, size in levels]


def _frame(channel: str, name: str, data: Any) -> bytes:
    result = {"instrument_name": name, "subscription": f"{channel}.{name}", "channel": channel, "data": [data]}
    return encoded(id=-1, method="subscribe", code=0, result=result)


TWINS: Final[Sequence[type[Twin]]] = (Cryptocom,)
