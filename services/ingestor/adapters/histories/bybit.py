"""Bybit v5: kline and funding/history, both newest first. Of trades it gives the newest thousand alone."""

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Final

import msgspec
from msgspec import Meta

from services.ingestor.adapters.history import History, PastCandle, PastFunding, candle
from services.ingestor.adapters.instrument import Instrument
from services.ingestor.adapters.protocol import Request
from services.ingestor.adapters.symbol import rate_ppb
from services.ingestor.domain.ranges import MINUTE_MICROS, SPANS, Range

MILLI: Final = 1_000
_OWN: Final = {"1d": "D", "1w": "W"}
_Number = Annotated[str, Meta(pattern=r"^[0-9]{1,16}$")]


class _Rate(msgspec.Struct, gc=False):
    fundingRate: str  # noqa: N815 - the venue's name
    fundingRateTimestamp: _Number  # noqa: N815 - the venue's name


class _Candles(msgspec.Struct, gc=False):
    list: list[tuple[_Number, str, str, str, str, str, str]]


class _Rates(msgspec.Struct, gc=False):
    list: list[_Rate]


class _CandleAnswer(msgspec.Struct, gc=False):
    result: _Candles


class _RateAnswer(msgspec.Struct, gc=False):
    result: _Rates


_CANDLES: Final = msgspec.json.Decoder(_CandleAnswer)
_RATES: Final = msgspec.json.Decoder(_RateAnswer)


class LinearHistory(History):
    """USDT and USDC perpetuals."""

    name: ClassVar[str] = "bybit"
    category: ClassVar[str] = "linear"
    spans: ClassVar[Mapping[str, str]] = {
        span: _OWN.get(span, str(length // MINUTE_MICROS)) for span, length in SPANS.items() if span != "8h"
    }
    candle_rows: ClassVar[int] = 1_000
    funding_rows: ClassVar[int] = 200

    def ask_candles(self, instrument: Instrument, span: str, wanted: Range) -> Request:
        """kline."""
        parameters = {"interval": self.spans[span], **_between("start", "end", wanted), "limit": self.candle_rows}
        return Request("/v5/market/kline", {**self._which(instrument), **parameters})

    def candles(self, instrument: Instrument, body: bytes) -> list[PastCandle]:
        """Rows of [start, open, high, low, close, volume, turnover]."""
        rows = _CANDLES.decode(body).result.list
        return [candle(instrument, int(row[0]) * MILLI, row[1:5], row[5]) for row in reversed(rows)]

    def ask_funding(self, instrument: Instrument, wanted: Range) -> Request:
        """funding/history."""
        parameters = {**_between("startTime", "endTime", wanted), "limit": self.funding_rows}
        return Request("/v5/market/funding/history", {**self._which(instrument), **parameters})

    def funding(self, instrument: Instrument, body: bytes) -> list[PastFunding]:
        """Rates as fractions."""
        rows = _RATES.decode(body).result.list
        return [PastFunding(int(row.fundingRateTimestamp) * MILLI, rate_ppb(row.fundingRate)) for row in reversed(rows)]

    def _which(self, instrument: Instrument) -> dict[str, str | int]:
        return {"category": self.category, "symbol": instrument.symbol}


class InverseHistory(LinearHistory):
    """USD perpetuals: volumes in dollars."""

    name: ClassVar[str] = "bybit-inverse"
    category: ClassVar[str] = "inverse"


def _between(first: str, last: str, wanted: Range) -> dict[str, str | int]:
    """The venue's ends are both inclusive."""
    return {first: wanted[0] // MILLI, last: wanted[1] // MILLI - 1}


HISTORIES: Final[Sequence[History]] = (LinearHistory(), InverseHistory())
