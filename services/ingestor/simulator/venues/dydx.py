"""dYdX as a server: every message of a client is numbered, one change of a level to a message, books without times."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

from services.ingestor.simulator import past
from services.ingestor.simulator.moves import Bar, Change, Deal, Figures, Kind, Quote
from services.ingestor.simulator.twin import (
    CLIENT,
    NUMBER,
    WHOLE,
    Ask,
    Reply,
    Topic,
    Twin,
    View,
    candles_of,
    encoded,
    message,
    single_levels,
)

CHANNELS: Final[dict[str, Kind]] = {"v4_orderbook": "book", "v4_trades": "trade", "v4_markets": "figures"}
RESOLUTIONS: Final = {
    "1MIN": "1m", "5MINS": "5m", "15MINS": "15m", "30MINS": "30m", "1HOUR": "1h", "4HOURS": "4h", "1DAY": "1d",
}  # fmt: skip


class Dydx(Twin):
    """Linear, in base units."""

    name: ClassVar[str] = "dydx"
    symbol: ClassVar[str] = "BTC-USD"
    opens_with_figures: ClassVar[bool] = False

    @property
    def kinds(self) -> Sequence[Kind]:
        """There is no channel of quotes."""
        return "book", "trade", "figures"

    def greeting(self) -> Sequence[bytes]:
        """connected."""
        return [encoded(type="connected", connection_id=CLIENT, message_id=NUMBER)]

    def reply(self, text: str) -> Reply:
        """subscribe, unsubscribe."""
        asked = message(text)
        kind, channel, ident = (str(asked.get(name, "")) for name in ("type", "channel", "id"))
        if channel == "v4_candles" and self.known([ident.partition("/")[0]]):
            market, _, resolution = ident.partition("/")
            candles = [candles_of(market, RESOLUTIONS[resolution])] if resolution in RESOLUTIONS else []
            return Reply([_frame(f"{kind}d", channel, ident)], joined=candles)
        symbols = self.symbols if channel == "v4_markets" else [ident]
        if kind not in ("subscribe", "unsubscribe") or channel not in CHANNELS or not self.known(symbols):
            fault = f"Invalid subscription id: ({channel}-{ident})"
            return Reply([encoded(type="error", message=fault, connection_id=CLIENT, message_id=NUMBER)])
        topics: list[Topic] = [(CHANNELS[channel], symbol) for symbol in symbols]
        if kind == "unsubscribe":
            return Reply([_frame("unsubscribed", channel, ident)], left=topics)
        # The answer to a book's subscription is its snapshot.
        told = {} if channel == "v4_trades" else self._markets() if channel == "v4_markets" else None
        return Reply([] if told is None else [_frame("subscribed", channel, ident, told)], joined=topics)

    def http(self, ask: Ask, views: Mapping[str, View]) -> bytes | None:
        """perpetualMarkets, candles, historicalFunding."""
        if ask.path == "/v4/perpetualMarkets":
            return encoded(**self._markets())
        head, _, symbol = ask.path.rpartition("/")
        if symbol not in views:
            return None
        now, limit = views[symbol].millis, int(ask.query.get("limit", "100"))
        if head == "/v4/candles/perpetualMarkets":
            span, start, end = (
                RESOLUTIONS[ask.query["resolution"]],
                *(_millis(ask.query[e]) for e in ("fromISO", "toISO")),
            )
            found = past.newest_candles(symbol, span, start, end - 1, limit, now)
            return encoded(candles=[_candle(symbol, ask.query["resolution"], each) for each in found])
        if head != "/v4/historicalFunding":
            return None
        end = _millis(ask.query["effectiveBeforeOrAt"])
        rates = past.fundings(symbol, 0, end, 10**6, now)[::-1][:limit]
        return encoded(
            historicalFunding=[{"ticker": symbol, "rate": rate, "effectiveAt": _iso(at)} for at, rate in rates]
        )

    def snapshot(self, symbol: str, view: View) -> Sequence[bytes]:
        """The whole book."""
        bids, asks = ([{"price": price, "size": size} for price, size in side] for side in view.top(WHOLE))
        return [_frame("subscribed", "v4_orderbook", symbol, {"bids": bids, "asks": asks})]

    def change(self, symbol: str, change: Change, view: View) -> Sequence[bytes]:
        """One message per level."""
        sides = {"buy": "bids", "sell": "asks"}
        return [
            _frame("channel_data", "v4_orderbook", symbol, {sides[side]: [level]})
            for side, level in single_levels(change)
        ]

    def quote(self, symbol: str, quote: Quote) -> Sequence[bytes]:
        """There are none."""
        return ()

    def deal(self, symbol: str, deal: Deal) -> Sequence[bytes]:
        """One trade."""
        trade = {
            "id": f"sim-{deal.number}",
            "size": deal.size,
            "price": deal.price,
            "side": deal.side.upper(),
            "createdAt": _iso(deal.millis),
            "type": "LIMIT",
        }
        return [_frame("channel_data", "v4_trades", symbol, {"trades": [trade]})]

    def figures(self, symbol: str, figures: Figures) -> Sequence[bytes]:
        """The rate, and the oracle's price."""
        trading = {symbol: {"nextFundingRate": figures.rate}}
        oracle = {symbol: {"oraclePrice": figures.index_price, "effectiveAt": _iso(figures.millis), "marketId": 0}}
        return [_frame("channel_data", "v4_markets", "", {"trading": trading, "oraclePrices": oracle})]

    def candle(self, symbol: str, bar: Bar) -> Sequence[bytes]:
        """One candle."""
        name = next(name for name, span in RESOLUTIONS.items() if span == bar.interval)
        told = _candle(symbol, name, past.Candle(bar.open_at, bar.prices, bar.volume))
        return [_frame("channel_data", "v4_candles", f"{symbol}/{name}", told)]

    def _markets(self) -> dict[str, Any]:
        return {"markets": {symbol: _market(symbol, self.newest[symbol].figures) for symbol in self.symbols}}


def _market(symbol: str, figures: Figures | None) -> dict[str, str]:
    listed = {"ticker": symbol, "status": "ACTIVE", "tickSize": "0.1", "stepSize": "0.001", "openInterest": "1000.5"}
    known = {} if figures is None else {"oraclePrice": figures.index_price, "nextFundingRate": figures.rate}
    return {**listed, **known}


def _candle(symbol: str, resolution: str, candle: past.Candle) -> dict[str, str]:
    prices = dict(zip(("open", "high", "low", "close"), candle.prices, strict=True))
    which = {"startedAt": _iso(candle.open_at), "ticker": symbol, "resolution": resolution}
    return {**which, **prices, "baseTokenVolume": candle.volume}


def _frame(kind: str, channel: str, ident: str, contents: Any = None) -> bytes:
    which = {"id": ident} if ident else {}
    told = {} if contents is None else {"contents": contents}
    return encoded(type=kind, connection_id=CLIENT, message_id=NUMBER, channel=channel, **which, **told)


def _iso(millis: int) -> str:
    return datetime.fromtimestamp(millis // 1_000, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{millis % 1_000:03}Z"


def _millis(text: str) -> int:
    at = datetime.fromisoformat(text) - datetime.fromtimestamp(0, UTC)
    return (at.days * 86_400 + at.seconds) * 1_000 + at.microseconds // 1_000


TWINS: Final[Sequence[type[Twin]]] = (Dydx,)
