"""Crypto.com: get-candlestick and get-valuations."""

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, Final

import msgspec

from services.ingestor.adapters.history import History, RowHistory
from services.ingestor.adapters.instrument import Instrument
from services.ingestor.adapters.protocol import Request
from services.ingestor.adapters.scale import number_text
from services.ingestor.adapters.wire import MILLI
from services.ingestor.domain.ranges import Range

_FRAMES: Final = {"1d": "1D", "1w": "7D"}


class _Candle(msgspec.Struct, gc=False):
    t: int
    o: msgspec.Raw
    h: msgspec.Raw
    l: msgspec.Raw  # noqa: E741 - the venue's name
    c: msgspec.Raw
    v: msgspec.Raw


class _Rate(msgspec.Struct, gc=False):
    t: int
    v: msgspec.Raw


class _CandleData(msgspec.Struct, gc=False):
    data: list[_Candle]


class _RateData(msgspec.Struct, gc=False):
    data: list[_Rate]


class _Candles(msgspec.Struct, gc=False):
    result: _CandleData


class _Rates(msgspec.Struct, gc=False):
    result: _RateData


_CANDLES: Final = msgspec.json.Decoder(_Candles)
_RATES: Final = msgspec.json.Decoder(_Rates)


class CryptocomHistory(RowHistory):
    """Perpetuals; numbers as text or as numbers."""

    name: ClassVar[str] = "cryptocom"
    spans: ClassVar[Mapping[str, str]] = {
        **{span: span for span in ("1m", "5m", "15m", "30m", "1h", "2h", "4h", "12h")},
        **_FRAMES,
    }
    candle_rows: ClassVar[int] = 300
    funding_rows: ClassVar[int] = 300

    def ask_candles(self, instrument: Instrument, span: str, wanted: Range) -> Request:
        """get-candlestick."""
        parameters = {"timeframe": self.spans[span], **_which(instrument, wanted)}
        return Request("/exchange/v1/public/get-candlestick", parameters)

    def candle_rows_of(self, instrument: Instrument, body: bytes) -> Iterator[tuple[int, Sequence[str], str]]:
        """Base units."""
        for row in _CANDLES.decode(body).result.data:
            opened, high, low, close, volume = map(number_text, (row.o, row.h, row.l, row.c, row.v))
            yield row.t * MILLI, (opened, high, low, close), volume

    def ask_funding(self, instrument: Instrument, wanted: Range) -> Request:
        """get-valuations of the kind funding_hist."""
        parameters = {"valuation_type": "funding_hist", **_which(instrument, wanted)}
        return Request("/exchange/v1/public/get-valuations", parameters)

    def rates_of(self, body: bytes) -> Iterator[tuple[int, str]]:
        """Fractions."""
        return ((row.t * MILLI, number_text(row.v)) for row in _RATES.decode(body).result.data)


def _which(instrument: Instrument, wanted: Range) -> dict[str, str | int]:
    ends = {"start_ts": wanted[0] // MILLI, "end_ts": wanted[1] // MILLI - 1}
    return {"instrument_name": instrument.symbol, "count": 300, **ends}


HISTORIES: Final[Sequence[History]] = (CryptocomHistory(),)
