"""Kraken Futures as a server: single changes, numbered trades, dollars on PI_ products."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

from services.ingestor.simulator import past
from services.ingestor.simulator.moves import Change, Deal, Figures, Kind, Quote
from services.ingestor.simulator.recording import Level
from services.ingestor.simulator.twin import (
    WHOLE,
    Ask,
    Reply,
    Topic,
    Twin,
    View,
    decimals,
    dollars,
    encoded,
    message,
    number,
    single_levels,
)

FEEDS: Final[dict[str, tuple[Kind, ...]]] = {"book": ("book",), "trade": ("trade",), "ticker": ("quote", "figures")}


class KrakenFutures(Twin):
    """PF_ products."""

    name: ClassVar[str] = "kraken-futures"
    symbol: ClassVar[str] = "PF_XBTUSD"

    def greeting(self) -> Sequence[bytes]:
        """info."""
        return [encoded(event="info", version=1)]

    def reply(self, text: str) -> Reply:
        """subscribe, unsubscribe."""
        asked = message(text)
        event, feed = str(asked.get("event")), str(asked.get("feed"))
        products = [str(each) for each in asked.get("product_ids", [])]
        if event not in ("subscribe", "unsubscribe") or feed not in FEEDS or not self.known(products):
            return Reply([encoded(event="error", message="Invalid product id")])
        topics: list[Topic] = [(kind, symbol) for symbol in products for kind in FEEDS[feed]]
        frames = [encoded(event=f"{event}d", feed=feed, product_ids=products)]
        return Reply(frames, joined=topics) if event == "subscribe" else Reply(frames, left=topics)

    def http(self, ask: Ask, views: Mapping[str, View]) -> bytes | None:
        """instruments, charts, historical-funding-rates."""
        if ask.path.startswith("/api/charts/v1/trade/"):
            symbol, span = ask.path.split("/")[-2:]
            start, end = (int(ask.query[name]) * 1_000 for name in ("from", "to"))
            found = self.past_candles(symbol, span, start, end, 2_000, views[symbol].millis)[::-1]
            return encoded(candles=[_candle(each) for each in found], more_candles=False)
        if ask.path == "/derivatives/api/v3/historical-funding-rates":
            view = views[ask.query["symbol"]]
            rates = past.fundings(ask.query["symbol"], 0, view.millis, 10**6, view.millis)
            return encoded(rates=[_rate(*each) for each in rates])
        if ask.path != "/derivatives/api/v3/instruments":
            return None
        listed = [
            {
                "symbol": symbol,
                "tradeable": True,
                "tickSize": number(tick),
                "contractValueTradePrecision": decimals(lot),
            }
            for symbol, (tick, lot) in ((each, self.grid(each)) for each in self.symbols)
        ]
        return encoded(result="success", instruments=listed)

    def topic_of(self, frame: Mapping[str, Any]) -> Topic | None:
        """By its feed and product; what has an event is an answer."""
        feed, symbol = str(frame.get("feed")).removesuffix("_snapshot"), frame.get("product_id")
        return (FEEDS[feed][0], symbol) if feed in FEEDS and symbol in self.symbols and "event" not in frame else None

    def snapshot(self, symbol: str, view: View) -> Sequence[bytes]:
        """The whole book."""
        bids, asks = ([_level(level) for level in side] for side in view.top(WHOLE))
        return [
            encoded(
                feed="book_snapshot", product_id=symbol, timestamp=view.millis, seq=view.number, bids=bids, asks=asks
            )
        ]

    def opening(self, topic: Topic) -> Sequence[bytes]:
        """The ticker as it is."""
        kind, symbol = topic
        return self._ticker(symbol) if kind == "figures" else ()

    def change(self, symbol: str, change: Change, view: View) -> Sequence[bytes]:
        """One frame per level."""
        return [
            encoded(
                feed="book",
                product_id=symbol,
                side=side,
                seq=self.next_number(symbol),
                price=number(level[0]),
                qty=number(level[1]),
                timestamp=change.millis,
            )
            for side, level in single_levels(change)
        ]

    def quote(self, symbol: str, quote: Quote) -> Sequence[bytes]:
        """Part of the ticker, which has one for each time at most."""
        said = f"{symbol} quote"
        if quote.millis == self.numbers[said]:
            return ()
        self.numbers[said] = quote.millis
        return self._ticker(symbol)

    def deal(self, symbol: str, deal: Deal) -> Sequence[bytes]:
        """One trade, numbered per product."""
        return [
            encoded(
                feed="trade",
                product_id=symbol,
                uid=f"sim-{deal.number}",
                side=deal.side,
                type="fill",
                seq=deal.number,
                time=deal.millis,
                qty=number(deal.size),
                price=number(deal.price),
            )
        ]

    def figures(self, symbol: str, figures: Figures) -> Sequence[bytes]:
        """Part of the ticker."""
        return ()

    def _ticker(self, symbol: str) -> Sequence[bytes]:
        """Once there are both a quote and figures."""
        newest = self.newest[symbol]
        if newest.quote is None or newest.figures is None:
            return ()
        quote, figures = newest.quote, newest.figures
        fields: dict[str, Any] = {
            "feed": "ticker",
            "product_id": symbol,
            "time": quote.millis,
            "bid": number(quote.bid[0]),
            "ask": number(quote.ask[0]),
            "bid_size": number(quote.bid[1]),
            "ask_size": number(quote.ask[1]),
            "markPrice": number(figures.mark),
            "index": number(figures.index_price),
            "openInterest": 1_000,
            "relative_funding_rate": number(figures.rate),
            "next_funding_rate_time": figures.next_millis,
        }
        return [encoded(**fields)]


class KrakenInverse(KrakenFutures):
    """PI_ products."""

    name: ClassVar[str] = "kraken-inverse"
    symbol: ClassVar[str] = "PI_XBTUSD"

    def size(self, text: str, price: str) -> str:
        """Dollars."""
        return dollars(text, price)


def _candle(candle: past.Candle) -> dict[str, Any]:
    prices = dict(zip(("open", "high", "low", "close"), candle.prices, strict=True))
    return {"time": candle.open_at, **prices, "volume": candle.volume}


def _rate(millis: int, rate: str) -> dict[str, Any]:
    moment = f"{datetime.fromtimestamp(millis // 1_000, UTC):%Y-%m-%dT%H:%M:%S}Z"
    return {"timestamp": moment, "fundingRate": number("0"), "relativeFundingRate": number(rate)}


def _level(level: Level) -> dict[str, Any]:
    return {"price": number(level[0]), "qty": number(level[1])}


TWINS: Final[Sequence[type[Twin]]] = (KrakenFutures, KrakenInverse)
