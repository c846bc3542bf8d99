"""Binance futures and Aster: klines, fundingRate and aggTrades.

Trades are aggregate ones, under the ids that the live feed gives with the option `trades=aggTrade`.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Final

import msgspec
from msgspec import Meta

from services.ingestor.adapters.history import History, PastCandle, PastFunding, PastTrade, candle
from services.ingestor.adapters.instrument import Instrument
from services.ingestor.adapters.protocol import Request
from services.ingestor.adapters.symbol import rate_ppb
from services.ingestor.domain.ranges import SPANS, Range

MILLI: Final = 1_000
_Millis = Annotated[int, Meta(ge=0, le=9 * 10**12)]


class _Rate(msgspec.Struct, gc=False, rename="camel"):
    funding_time: _Millis
    funding_rate: str


class _Trade(msgspec.Struct, gc=False):
    a: Annotated[int, Meta(ge=0)]
    p: str
    q: str
    T: _Millis
    m: bool


_CANDLES: Final = msgspec.json.Decoder(list[tuple[_Millis, str, str, str, str, str, Any, Any, Any, Any, Any, Any]])
_RATES: Final = msgspec.json.Decoder(list[_Rate])
_TRADES: Final = msgspec.json.Decoder(list[_Trade])


class UsdmHistory(History):
    """USD-M."""

    name: ClassVar[str] = "binance-usdm"
    api: ClassVar[str] = "/fapi/v1"
    spans: ClassVar[Mapping[str, str]] = {span: span for span in SPANS}
    candle_rows: ClassVar[int] = 1_000
    funding_rows: ClassVar[int] = 1_000
    trade_rows: ClassVar[int] = 1_000

    def ask_candles(self, instrument: Instrument, span: str, wanted: Range) -> Request:
        """klines; both ends are inclusive."""
        parameters = {"symbol": instrument.symbol, "interval": span, **_between(wanted), "limit": self.candle_rows}
        return Request(f"{self.api}/klines", parameters, weight=5)

    def candles(self, instrument: Instrument, body: bytes) -> list[PastCandle]:
        """Rows of [open time, open, high, low, close, volume, ...]."""
        rows = _CANDLES.decode(body)
        return [candle(instrument, row[0] * MILLI, row[1:5], row[5]) for row in rows]

    def ask_funding(self, instrument: Instrument, wanted: Range) -> Request:
        """fundingRate."""
        parameters = {"symbol": instrument.symbol, **_between(wanted), "limit": self.funding_rows}
        return Request(f"{self.api}/fundingRate", parameters)

    def funding(self, instrument: Instrument, body: bytes) -> list[PastFunding]:
        """The venue dates a rate some milliseconds after the hour: the hour is meant."""
        return [
            PastFunding((row.funding_time + 500) // 1_000 * 1_000 * MILLI, rate_ppb(row.funding_rate))
            for row in _RATES.decode(body)
        ]

    def ask_trades(self, instrument: Instrument, wanted: Range, after: PastTrade | None) -> Request:
        """aggTrades: by time, then by id."""
        parameters: dict[str, str | int] = {"symbol": instrument.symbol, "limit": self.trade_rows}
        parameters |= _between(wanted) if after is None else {"fromId": after.number + 1}
        return Request(f"{self.api}/aggTrades", parameters, weight=20)

    def trades(self, instrument: Instrument, body: bytes) -> list[PastTrade]:
        """The buyer was the maker (m): a seller took."""
        return [
            PastTrade(
                row.T * MILLI,
                row.a,
                f"agg-{row.a}",
                instrument.prices[row.p],
                instrument.sizes[row.q],
                "sell" if row.m else "buy",
            )
            for row in _TRADES.decode(body)
        ]


class CoinmHistory(UsdmHistory):
    """COIN-M: volumes in contracts."""

    name: ClassVar[str] = "binance-coinm"
    api: ClassVar[str] = "/dapi/v1"


class AsterHistory(UsdmHistory):
    """Aster."""

    name: ClassVar[str] = "aster"


def _between(wanted: Range) -> dict[str, str | int]:
    """The venue's ends are both inclusive."""
    return {"startTime": wanted[0] // MILLI, "endTime": wanted[1] // MILLI - 1}


HISTORIES: Final[Sequence[History]] = (UsdmHistory(), CoinmHistory(), AsterHistory())
