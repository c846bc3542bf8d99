"""Gate: candlesticks and funding_rate, times in seconds, volumes in contracts."""

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, Final

import msgspec

from services.ingestor.adapters.history import History, RowHistory
from services.ingestor.adapters.instrument import Instrument
from services.ingestor.adapters.protocol import Request
from services.ingestor.adapters.scale import number_text
from services.ingestor.domain.ranges import Range

SECOND: Final = 1_000_000


class _Candle(msgspec.Struct, gc=False):
    t: int
    o: str
    h: str
    l: str  # noqa: E741 - the venue's name
    c: str
    v: msgspec.Raw


class _Rate(msgspec.Struct, gc=False):
    t: int
    r: str


_CANDLES: Final = msgspec.json.Decoder(list[_Candle])
_RATES: Final = msgspec.json.Decoder(list[_Rate])


class GateHistory(RowHistory):
    """Perpetuals in USDT."""

    name: ClassVar[str] = "gate"
    spans: ClassVar[Mapping[str, str]] = {
        span: span for span in ("1m", "5m", "15m", "30m", "1h", "4h", "8h", "1d", "1w")
    }
    candle_rows: ClassVar[int] = 1_000
    funding_rows: ClassVar[int] = 1_000

    def ask_candles(self, instrument: Instrument, span: str, wanted: Range) -> Request:
        """candlesticks; both ends are inclusive."""
        parameters = {"contract": instrument.symbol, "interval": self.spans[span], **_between(wanted)}
        return Request("/api/v4/futures/usdt/candlesticks", parameters)

    def candle_rows_of(self, instrument: Instrument, body: bytes) -> Iterator[tuple[int, Sequence[str], str]]:
        """v: contracts."""
        return ((row.t * SECOND, (row.o, row.h, row.l, row.c), number_text(row.v)) for row in _CANDLES.decode(body))

    def ask_funding(self, instrument: Instrument, wanted: Range) -> Request:
        """funding_rate."""
        parameters = {"contract": instrument.symbol, **_between(wanted), "limit": self.funding_rows}
        return Request("/api/v4/futures/usdt/funding_rate", parameters)

    def rates_of(self, body: bytes) -> Iterator[tuple[int, str]]:
        """Fractions."""
        return ((row.t * SECOND, row.r) for row in _RATES.decode(body))


def _between(wanted: Range) -> dict[str, str | int]:
    return {"from": wanted[0] // SECOND, "to": wanted[1] // SECOND - 1}


HISTORIES: Final[Sequence[History]] = (GateHistory(),)
