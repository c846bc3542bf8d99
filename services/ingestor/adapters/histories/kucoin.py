"""KuCoin futures: kline/query and funding-rates; volumes in contracts."""

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, Final

import msgspec

from services.ingestor.adapters.history import History, RowHistory
from services.ingestor.adapters.instrument import Instrument
from services.ingestor.adapters.protocol import Request
from services.ingestor.adapters.scale import number_text
from services.ingestor.adapters.wire import MILLI
from services.ingestor.domain.ranges import MINUTE_MICROS, SPANS, Range

_MINUTES: Final = ("1m", "5m", "15m", "30m", "1h", "2h", "4h", "8h", "12h", "1d", "1w")


class _Rate(msgspec.Struct, gc=False, rename="camel"):
    funding_rate: msgspec.Raw
    timepoint: int


class _Candles(msgspec.Struct, gc=False):
    data: list[list[msgspec.Raw]] | None


class _Rates(msgspec.Struct, gc=False):
    data: list[_Rate] | None


_CANDLES: Final = msgspec.json.Decoder(_Candles)
_RATES: Final = msgspec.json.Decoder(_Rates)


class KucoinHistory(RowHistory):
    """Perpetuals. Here the order is open, high, low, close; on the socket it is another."""

    name: ClassVar[str] = "kucoin"
    spans: ClassVar[Mapping[str, str]] = {span: str(SPANS[span] // MINUTE_MICROS) for span in _MINUTES}
    candle_rows: ClassVar[int] = 200
    funding_rows: ClassVar[int] = 100

    def ask_candles(self, instrument: Instrument, span: str, wanted: Range) -> Request:
        """kline/query; the end is inclusive."""
        return Request("/api/v1/kline/query", {"granularity": self.spans[span], **_which(instrument, wanted)})

    def candle_rows_of(self, instrument: Instrument, body: bytes) -> Iterator[tuple[int, Sequence[str], str]]:
        """Rows of [start, open, high, low, close, contracts, ...], as numbers."""
        for row in _CANDLES.decode(body).data or ():
            texts = [number_text(each) for each in row]
            yield int(texts[0]) * MILLI, texts[1:5], texts[5]

    def ask_funding(self, instrument: Instrument, wanted: Range) -> Request:
        """contract/funding-rates."""
        return Request("/api/v1/contract/funding-rates", _which(instrument, wanted))

    def rates_of(self, body: bytes) -> Iterator[tuple[int, str]]:
        """Fractions."""
        return ((row.timepoint * MILLI, number_text(row.funding_rate)) for row in _RATES.decode(body).data or ())


def _which(instrument: Instrument, wanted: Range) -> dict[str, str | int]:
    return {"symbol": instrument.symbol, "from": wanted[0] // MILLI, "to": wanted[1] // MILLI - 1}


HISTORIES: Final[Sequence[History]] = (KucoinHistory(),)
