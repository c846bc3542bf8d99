"""Deribit: get_tradingview_chart_data, columns of numbers, and hourly rates of get_funding_rate_history."""

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, Final

import msgspec

from services.ingestor.adapters.history import History, RowHistory
from services.ingestor.adapters.instrument import Instrument
from services.ingestor.adapters.protocol import Request
from services.ingestor.adapters.scale import number_text
from services.ingestor.adapters.wire import MILLI
from services.ingestor.domain.ranges import Range

_RESOLUTIONS: Final = {
    "1m": "1", "3m": "3", "5m": "5", "15m": "15", "30m": "30", "1h": "60", "2h": "120", "6h": "360", "12h": "720",
    "1d": "1D",
}  # fmt: skip


class _Chart(msgspec.Struct, gc=False):
    ticks: list[int]
    open: list[msgspec.Raw]
    high: list[msgspec.Raw]
    low: list[msgspec.Raw]
    close: list[msgspec.Raw]
    volume: list[msgspec.Raw]
    cost: list[msgspec.Raw]


class _Rate(msgspec.Struct, gc=False):
    timestamp: int
    interest_1h: msgspec.Raw


class _Candles(msgspec.Struct, gc=False):
    result: _Chart


class _Rates(msgspec.Struct, gc=False):
    result: list[_Rate]


_CANDLES: Final = msgspec.json.Decoder(_Candles)
_RATES: Final = msgspec.json.Decoder(_Rates)


class DeribitHistory(RowHistory):
    """Perpetuals. `volume` is in the base and `cost` in money, whatever a contract is."""

    name: ClassVar[str] = "deribit"
    spans: ClassVar[Mapping[str, str]] = _RESOLUTIONS
    candle_rows: ClassVar[int] = 1_000
    funding_rows: ClassVar[int] = 700

    def ask_candles(self, instrument: Instrument, span: str, wanted: Range) -> Request:
        """get_tradingview_chart_data."""
        return Request(
            "/api/v2/public/get_tradingview_chart_data",
            {**_which(instrument, wanted), "resolution": self.spans[span]},
        )

    def candle_rows_of(self, instrument: Instrument, body: bytes) -> Iterator[tuple[int, Sequence[str], str]]:
        """Lots of inverse contracts are dollars."""
        chart = _CANDLES.decode(body).result
        sizes = chart.cost if instrument.kind == "inverse" else chart.volume
        rows = zip(chart.ticks, chart.open, chart.high, chart.low, chart.close, sizes, strict=True)
        for at, *prices, size in rows:
            yield at * MILLI, [number_text(each) for each in prices], number_text(size)

    def ask_funding(self, instrument: Instrument, wanted: Range) -> Request:
        """get_funding_rate_history."""
        return Request("/api/v2/public/get_funding_rate_history", _which(instrument, wanted))

    def rates_of(self, body: bytes) -> Iterator[tuple[int, str]]:
        """Of the hour that ended."""
        return ((row.timestamp * MILLI, number_text(row.interest_1h)) for row in _RATES.decode(body).result)


def _which(instrument: Instrument, wanted: Range) -> dict[str, str | int]:
    ends = {"start_timestamp": wanted[0] // MILLI, "end_timestamp": wanted[1] // MILLI - 1}
    return {"instrument_name": instrument.symbol, **ends}


HISTORIES: Final[Sequence[History]] = (DeribitHistory(),)
