"""Kraken Futures: charts of trades, and all hourly rates of a product at once."""

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, Final

import msgspec

from services.ingestor.adapters.history import History, RowHistory
from services.ingestor.adapters.instrument import Instrument
from services.ingestor.adapters.protocol import Request
from services.ingestor.adapters.scale import number_text
from services.ingestor.adapters.wire import MILLI, iso_micros
from services.ingestor.domain.ranges import Range

SECOND: Final = 1_000_000


class _Candle(msgspec.Struct, gc=False):
    time: int
    open: str
    high: str
    low: str
    close: str
    volume: msgspec.Raw


class _Rate(msgspec.Struct, gc=False, rename="camel"):
    timestamp: str
    relative_funding_rate: msgspec.Raw


class _Candles(msgspec.Struct, gc=False):
    candles: list[_Candle]


class _Rates(msgspec.Struct, gc=False):
    rates: list[_Rate]


_CANDLES: Final = msgspec.json.Decoder(_Candles)
_RATES: Final = msgspec.json.Decoder(_Rates)


class LinearHistory(RowHistory):
    """PF_ products."""

    name: ClassVar[str] = "kraken-futures"
    spans: ClassVar[Mapping[str, str]] = {
        span: span for span in ("1m", "5m", "15m", "30m", "1h", "4h", "12h", "1d", "1w")
    }
    candle_rows: ClassVar[int] = 1_000
    funding_rows: ClassVar[int] = 50_000

    def ask_candles(self, instrument: Instrument, span: str, wanted: Range) -> Request:
        """charts/v1/trade; both ends are inclusive, in seconds."""
        ends: dict[str, str | int] = {"from": wanted[0] // SECOND, "to": wanted[1] // SECOND - 1}
        return Request(f"/api/charts/v1/trade/{instrument.symbol}/{self.spans[span]}", ends)

    def candle_rows_of(self, instrument: Instrument, body: bytes) -> Iterator[tuple[int, Sequence[str], str]]:
        """Prices as text."""
        for row in _CANDLES.decode(body).candles:
            yield row.time * MILLI, (row.open, row.high, row.low, row.close), number_text(row.volume)

    def ask_funding(self, instrument: Instrument, wanted: Range) -> Request:
        """historical-funding-rates takes no range."""
        return Request("/derivatives/api/v3/historical-funding-rates", {"symbol": instrument.symbol})

    def rates_of(self, body: bytes) -> Iterator[tuple[int, str]]:
        """The relative rate is the fraction; the other is money."""
        for row in _RATES.decode(body).rates:
            yield iso_micros(row.timestamp), number_text(row.relative_funding_rate)


class InverseHistory(LinearHistory):
    """PI_ products: volumes in dollars."""

    name: ClassVar[str] = "kraken-inverse"


HISTORIES: Final[Sequence[History]] = (LinearHistory(), InverseHistory())
