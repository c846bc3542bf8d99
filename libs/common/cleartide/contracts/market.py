"""Normalised venue market data, published by the ingestor's adapters on `market.<venue>.<symbol>.<kind>`.

Prices and sizes are integers in the instrument's ticks and lots (the adapter's registry holds both); venue time
and receive time are kept apart, and every event carries the venue's own sequence and a quality flag.
"""

from typing import ClassVar, Literal

from pydantic import Field

from cleartide.contracts.base import Message
from cleartide.contracts.types import Micros, Ppb, Seq, Side, Symbol, Ticks, VenueName

Quality = Literal["ok", "late", "resynced"]
LevelLots = tuple[Ticks, int]
CandleInterval = Literal["1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "1w"]


class MarketEvent(Message):
    """Base of everything on MARKET."""

    packed: ClassVar[bool] = True

    venue: VenueName
    symbol: Symbol
    venue_time: Micros
    received_at: Micros
    venue_seq: Seq
    quality: Quality = "ok"


class VenueTicker(MarketEvent):
    """Best bid and ask with their sizes in lots."""

    subject_template: ClassVar[str] = "market.{venue}.{symbol}.ticker"
    type: Literal["VenueTicker"] = "VenueTicker"
    version: Literal[1] = 1
    bid_ticks: Ticks
    bid_lots: int = Field(ge=0)
    ask_ticks: Ticks
    ask_lots: int = Field(ge=0)


class VenueTrade(MarketEvent):
    """One trade at the venue; `taker_side` is the aggressor's side."""

    subject_template: ClassVar[str] = "market.{venue}.{symbol}.trade"
    type: Literal["VenueTrade"] = "VenueTrade"
    version: Literal[1] = 1
    trade_id: str = Field(min_length=1, max_length=64)
    price_ticks: Ticks
    size_lots: int = Field(gt=0)
    taker_side: Side


class VenueBook(MarketEvent):
    """The top of the venue's book after a change: up to 20 levels a side, best first, as (ticks, lots)."""

    subject_template: ClassVar[str] = "market.{venue}.{symbol}.book"
    type: Literal["VenueBook"] = "VenueBook"
    version: Literal[1] = 1
    bids: tuple[LevelLots, ...] = Field(max_length=20)
    asks: tuple[LevelLots, ...] = Field(max_length=20)


class VenueFunding(MarketEvent):
    """The venue's mark, index and funding rate for the current interval.

    predicted_rate_ppb: of the interval after it; null where the venue says none.
    """

    subject_template: ClassVar[str] = "market.{venue}.{symbol}.funding"
    type: Literal["VenueFunding"] = "VenueFunding"
    version: Literal[1] = 1
    mark_ticks: Ticks
    index_ticks: Ticks
    rate_ppb: Ppb
    interval_micros: int = Field(gt=0)
    next_funding_at: Micros
    predicted_rate_ppb: Ppb | None = None


class VenueOpenInterest(MarketEvent):
    """Open interest in lots, one side of it: venues that count both sides are halved by their adapter."""

    subject_template: ClassVar[str] = "market.{venue}.{symbol}.interest"
    type: Literal["VenueOpenInterest"] = "VenueOpenInterest"
    version: Literal[1] = 1
    open_interest_lots: int = Field(ge=0, lt=2**50)


class VenueLiquidation(MarketEvent):
    """A liquidation order of the venue; `side` is that of the order, so a liquidated long sells."""

    subject_template: ClassVar[str] = "market.{venue}.{symbol}.liquidation"
    type: Literal["VenueLiquidation"] = "VenueLiquidation"
    version: Literal[1] = 1
    liquidation_id: str = Field(min_length=1, max_length=64)
    price_ticks: Ticks
    size_lots: int = Field(gt=0)
    side: Side


class VenueCandle(MarketEvent):
    """The venue's own candle; `closed` false while its interval runs."""

    subject_template: ClassVar[str] = "market.{venue}.{symbol}.candle"
    type: Literal["VenueCandle"] = "VenueCandle"
    version: Literal[1] = 1
    interval: CandleInterval
    open_at: Micros
    open_ticks: Ticks
    high_ticks: Ticks
    low_ticks: Ticks
    close_ticks: Ticks
    volume_lots: int = Field(ge=0, lt=2**50)
    closed: bool


class VenueStats(MarketEvent):
    """The venue's running figures of the last 24 hours."""

    subject_template: ClassVar[str] = "market.{venue}.{symbol}.stats"
    type: Literal["VenueStats"] = "VenueStats"
    version: Literal[1] = 1
    last_ticks: Ticks
    high_ticks: Ticks
    low_ticks: Ticks
    volume_lots: int = Field(ge=0, lt=2**50)


class VenueGap(MarketEvent):
    """Messages are missing: the book of the symbol is not valid until it is resynced."""

    subject_template: ClassVar[str] = "market.{venue}.{symbol}.status"
    type: Literal["VenueGap"] = "VenueGap"
    version: Literal[1] = 1
    expected_seq: Seq
    reason: str = Field(max_length=120)


class VenueStatus(MarketEvent):
    """A connection or symbol changed state."""

    subject_template: ClassVar[str] = "market.{venue}.{symbol}.status"
    type: Literal["VenueStatus"] = "VenueStatus"
    version: Literal[1] = 1
    status: Literal["connected", "disconnected", "stale", "synced"]
    detail: str = Field(default="", max_length=120)
