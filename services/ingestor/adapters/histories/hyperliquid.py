"""Hyperliquid: candleSnapshot (the newest 5,000 alone) and fundingHistory, hourly."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Final

import msgspec
from msgspec import Meta

from services.ingestor.adapters.history import History, PastCandle, PastFunding, candle
from services.ingestor.adapters.instrument import Instrument
from services.ingestor.adapters.protocol import Request
from services.ingestor.adapters.symbol import rate_ppb
from services.ingestor.domain.ranges import SPANS, Range

MILLI: Final = 1_000
_Millis = Annotated[int, Meta(ge=0, le=9 * 10**12)]


class _Candle(msgspec.Struct, gc=False):
    t: _Millis
    o: str
    h: str
    l: str  # noqa: E741 - the venue's name
    c: str
    v: str


class _Rate(msgspec.Struct, gc=False, rename="camel"):
    time: _Millis
    funding_rate: str


_CANDLES: Final = msgspec.json.Decoder(list[_Candle])
_RATES: Final = msgspec.json.Decoder(list[_Rate])


class HyperliquidHistory(History):
    """Perpetuals."""

    name: ClassVar[str] = "hyperliquid"
    spans: ClassVar[Mapping[str, str]] = {span: span for span in SPANS if span != "6h"}
    candle_rows: ClassVar[int] = 500
    funding_rows: ClassVar[int] = 500

    def ask_candles(self, instrument: Instrument, span: str, wanted: Range) -> Request:
        """candleSnapshot."""
        return _info("candleSnapshot", req={"coin": instrument.symbol, "interval": span, **_between(wanted)})

    def candles(self, instrument: Instrument, body: bytes) -> list[PastCandle]:
        """Prices of five digits, sizes in base units."""
        rows = _CANDLES.decode(body)
        return [candle(instrument, row.t * MILLI, (row.o, row.h, row.l, row.c), row.v) for row in rows]

    def ask_funding(self, instrument: Instrument, wanted: Range) -> Request:
        """fundingHistory."""
        return _info("fundingHistory", coin=instrument.symbol, **_between(wanted))

    def funding(self, instrument: Instrument, body: bytes) -> list[PastFunding]:
        """The venue dates a rate some milliseconds after the hour: the hour is meant."""
        return [
            PastFunding((row.time + 500) // 1_000 * 1_000 * MILLI, rate_ppb(row.funding_rate))
            for row in _RATES.decode(body)
        ]


def _info(kind: str, **fields: Any) -> Request:
    return Request("/info", method="POST", body=msgspec.json.encode({"type": kind, **fields}).decode(), weight=20)


def _between(wanted: Range) -> dict[str, int]:
    return {"startTime": wanted[0] // MILLI, "endTime": wanted[1] // MILLI - 1}


HISTORIES: Final[Sequence[History]] = (HyperliquidHistory(),)
