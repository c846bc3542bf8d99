"""dYdX v4: candles and historicalFunding of the indexer, newest first."""

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, Final

import msgspec

from services.ingestor.adapters.history import History, RowHistory, iso
from services.ingestor.adapters.instrument import Instrument
from services.ingestor.adapters.protocol import Request
from services.ingestor.adapters.venues.dydx.core import RESOLUTIONS
from services.ingestor.adapters.wire import iso_micros
from services.ingestor.domain.ranges import MINUTE_MICROS, Range


class _Candle(msgspec.Struct, gc=False, rename="camel"):
    started_at: str
    open: str
    high: str
    low: str
    close: str
    base_token_volume: str


class _Rate(msgspec.Struct, gc=False, rename="camel"):
    rate: str
    effective_at: str


class _Candles(msgspec.Struct, gc=False):
    candles: list[_Candle]


class _Rates(msgspec.Struct, gc=False, rename="camel"):
    historical_funding: list[_Rate]


_CANDLES: Final = msgspec.json.Decoder(_Candles)
_RATES: Final = msgspec.json.Decoder(_Rates)


class DydxHistory(RowHistory):
    """Perpetuals."""

    name: ClassVar[str] = "dydx"
    spans: ClassVar[Mapping[str, str]] = RESOLUTIONS
    candle_rows: ClassVar[int] = 1_000
    funding_rows: ClassVar[int] = 1_000

    def ask_candles(self, instrument: Instrument, span: str, wanted: Range) -> Request:
        """candles/perpetualMarkets; the end is exclusive."""
        ends: dict[str, str | int] = {"fromISO": iso(wanted[0]), "toISO": iso(wanted[1])}
        parameters = {"resolution": self.spans[span], **ends, "limit": self.candle_rows}
        return Request(f"/v4/candles/perpetualMarkets/{instrument.symbol}", parameters)

    def candle_rows_of(self, instrument: Instrument, body: bytes) -> Iterator[tuple[int, Sequence[str], str]]:
        """Base units."""
        for row in _CANDLES.decode(body).candles:
            yield iso_micros(row.started_at), (row.open, row.high, row.low, row.close), row.base_token_volume

    def ask_funding(self, instrument: Instrument, wanted: Range) -> Request:
        """historicalFunding knows an end alone: the range holds no more hours than an answer."""
        parameters: dict[str, str | int] = {"effectiveBeforeOrAt": iso(wanted[1] - 1_000), "limit": self.funding_rows}
        return Request(f"/v4/historicalFunding/{instrument.symbol}", parameters)

    def rates_of(self, body: bytes) -> Iterator[tuple[int, str]]:
        """Of an hour each; dated a little after it."""
        for row in _RATES.decode(body).historical_funding:
            yield (iso_micros(row.effective_at) + 30 * SECOND) // MINUTE_MICROS * MINUTE_MICROS, row.rate


SECOND: Final = 1_000_000

HISTORIES: Final[Sequence[History]] = (DydxHistory(),)
