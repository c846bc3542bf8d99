"""Paradex: klines. Its funding accrues without settlements, so that there are no settled rates to tell."""

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, Final

import msgspec

from services.ingestor.adapters.history import History, RowHistory
from services.ingestor.adapters.instrument import Instrument
from services.ingestor.adapters.protocol import Request
from services.ingestor.adapters.scale import number_text
from services.ingestor.adapters.wire import MILLI
from services.ingestor.domain.ranges import Range


class _Candles(msgspec.Struct, gc=False):
    results: list[list[msgspec.Raw]]


_CANDLES: Final = msgspec.json.Decoder(_Candles)


class ParadexHistory(RowHistory):
    """Perpetuals."""

    name: ClassVar[str] = "paradex"
    spans: ClassVar[Mapping[str, str]] = {"1m": "1", "3m": "3", "5m": "5", "15m": "15", "30m": "30", "1h": "60"}
    candle_rows: ClassVar[int] = 1_000
    funding_rows: ClassVar[int] = 0

    def ask_candles(self, instrument: Instrument, span: str, wanted: Range) -> Request:
        """markets/klines; both ends are inclusive."""
        ends: dict[str, str | int] = {"start_at": wanted[0] // MILLI, "end_at": wanted[1] // MILLI - 1}
        return Request("/v1/markets/klines", {"symbol": instrument.symbol, "resolution": self.spans[span], **ends})

    def candle_rows_of(self, instrument: Instrument, body: bytes) -> Iterator[tuple[int, Sequence[str], str]]:
        """Rows of [start, open, high, low, close, volume], as numbers."""
        for row in _CANDLES.decode(body).results:
            texts = [number_text(each) for each in row]
            yield int(texts[0]) * MILLI, texts[1:5], texts[5]

    def ask_funding(self, instrument: Instrument, wanted: Range) -> Request:
        """There is nothing to ask for."""
        raise ValueError(f"{self.name} does not settle funding")

    def rates_of(self, body: bytes) -> Iterator[tuple[int, str]]:
        """None."""
        raise ValueError(f"{self.name} does not settle funding")


HISTORIES: Final[Sequence[History]] = (ParadexHistory(),)
