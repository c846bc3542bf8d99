"""Lighter: candles and fundings, markets by number, hourly rates in percent with the side that pays."""

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, Final

import msgspec
from cleartide.money import parse_decimal

from services.ingestor.adapters.history import History, RowHistory
from services.ingestor.adapters.instrument import Instrument
from services.ingestor.adapters.protocol import Request
from services.ingestor.adapters.scale import number_text
from services.ingestor.adapters.wire import MILLI
from services.ingestor.domain.ranges import Range


class _Candle(msgspec.Struct, gc=False):
    t: int
    o: msgspec.Raw
    h: msgspec.Raw
    l: msgspec.Raw  # noqa: E741 - the venue's name
    c: msgspec.Raw
    v: msgspec.Raw


class _Rate(msgspec.Struct, gc=False):
    timestamp: int
    rate: str
    direction: str


class _Candles(msgspec.Struct, gc=False):
    c: list[_Candle]


class _Rates(msgspec.Struct, gc=False):
    fundings: list[_Rate]


_CANDLES: Final = msgspec.json.Decoder(_Candles)
_RATES: Final = msgspec.json.Decoder(_Rates)


class LighterHistory(RowHistory):
    """Perpetuals."""

    name: ClassVar[str] = "lighter"
    spans: ClassVar[Mapping[str, str]] = {
        span: span for span in ("1m", "5m", "15m", "30m", "1h", "4h", "12h", "1d", "1w")
    }
    candle_rows: ClassVar[int] = 500
    funding_rows: ClassVar[int] = 500

    def ask_candles(self, instrument: Instrument, span: str, wanted: Range) -> Request:
        """candles, times in milliseconds."""
        return Request("/api/v1/candles", _which(instrument, self.spans[span], wanted, MILLI))

    def candle_rows_of(self, instrument: Instrument, body: bytes) -> Iterator[tuple[int, Sequence[str], str]]:
        """v: base units."""
        for row in _CANDLES.decode(body).c:
            opened, high, low, close, volume = map(number_text, (row.o, row.h, row.l, row.c, row.v))
            yield row.t * MILLI, (opened, high, low, close), volume

    def ask_funding(self, instrument: Instrument, wanted: Range) -> Request:
        """fundings, times in seconds."""
        return Request("/api/v1/fundings", _which(instrument, "1h", wanted, SECOND))

    def rates_of(self, body: bytes) -> Iterator[tuple[int, str]]:
        """Percent, as a fraction; negative where shorts pay."""
        for row in _RATES.decode(body).fundings:
            rate = format(parse_decimal(row.rate).scaleb(-2), "f")
            yield row.timestamp * SECOND, f"-{rate}" if row.direction == "short" else rate


def _which(instrument: Instrument, resolution: str, wanted: Range, unit: int) -> dict[str, str | int]:
    ends = {"start_timestamp": wanted[0] // unit, "end_timestamp": wanted[1] // unit - 1}
    return {"market_id": instrument.code, "resolution": resolution, **ends, "count_back": 500}


SECOND: Final = 1_000_000

HISTORIES: Final[Sequence[History]] = (LighterHistory(),)
