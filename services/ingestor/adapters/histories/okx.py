"""OKX: history-candles and funding-rate-history, newest first, a hundred at a time; both ends are exclusive."""

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, Final

import msgspec

from services.ingestor.adapters.history import History, RowHistory
from services.ingestor.adapters.instrument import Instrument
from services.ingestor.adapters.protocol import Request
from services.ingestor.adapters.wire import MILLI
from services.ingestor.domain.ranges import Range

_BARS: Final = {"1h": "1H", "2h": "2H", "4h": "4H", "6h": "6Hutc", "12h": "12Hutc", "1d": "1Dutc", "1w": "1Wutc"}


class _Rate(msgspec.Struct, gc=False, rename="camel"):
    funding_time: str
    realized_rate: str


class _Candles(msgspec.Struct, gc=False):
    data: list[list[str]]


class _Rates(msgspec.Struct, gc=False):
    data: list[_Rate]


_CANDLES: Final = msgspec.json.Decoder(_Candles)
_RATES: Final = msgspec.json.Decoder(_Rates)


class OkxHistory(RowHistory):
    """Swaps; volumes in contracts. Of rates the venue keeps three months."""

    name: ClassVar[str] = "okx"
    spans: ClassVar[Mapping[str, str]] = {
        **{span: span for span in ("1m", "3m", "5m", "15m", "30m")},
        **_BARS,
    }
    candle_rows: ClassVar[int] = 100
    funding_rows: ClassVar[int] = 100

    def ask_candles(self, instrument: Instrument, span: str, wanted: Range) -> Request:
        """history-candles."""
        parameters = {"instId": instrument.symbol, "bar": self.spans[span], **_between(wanted), "limit": 100}
        return Request("/api/v5/market/history-candles", parameters)

    def candle_rows_of(self, instrument: Instrument, body: bytes) -> Iterator[tuple[int, Sequence[str], str]]:
        """Rows of [start, open, high, low, close, contracts, ...]."""
        return ((int(row[0]) * MILLI, row[1:5], row[5]) for row in _CANDLES.decode(body).data)

    def ask_funding(self, instrument: Instrument, wanted: Range) -> Request:
        """funding-rate-history."""
        parameters = {"instId": instrument.symbol, **_between(wanted), "limit": 100}
        return Request("/api/v5/public/funding-rate-history", parameters)

    def rates_of(self, body: bytes) -> Iterator[tuple[int, str]]:
        """What was settled, not what was predicted."""
        return ((int(row.funding_time) * MILLI, row.realized_rate) for row in _RATES.decode(body).data)


def _between(wanted: Range) -> dict[str, str | int]:
    return {"before": wanted[0] // MILLI - 1, "after": wanted[1] // MILLI}


HISTORIES: Final[Sequence[History]] = (OkxHistory(),)
