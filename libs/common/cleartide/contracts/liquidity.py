"""What an instrument is, and how much can be traded in it at which price, as the ingestor says it."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from cleartide.contracts.market import LevelLots, MarketEvent
from cleartide.contracts.types import JSON_SAFE, PositiveDecimal, Ppb, Ticks

Amount = Annotated[int, Field(ge=0, le=JSON_SAFE)]
Distance = Annotated[int, Field(ge=-JSON_SAFE, le=JSON_SAFE)]
Depths = Annotated[tuple[Amount, ...], Field(min_length=7, max_length=7)]
Distances = Annotated[tuple[Distance | None, ...], Field(min_length=7, max_length=7)]


class VenueInstrument(MarketEvent):
    """What one tick and one lot are, and what trading costs; said when a feed starts, and once an hour.

    A lot is `lot_size` of the base, of the quote where it is inverse; `size_step` is the venue's own number for it.
    Fees are those of the venue's lowest tier, negative where it pays.
    """

    subject_template: ClassVar[str] = "market.{venue}.{symbol}.instrument"
    type: Literal["VenueInstrument"] = "VenueInstrument"
    version: Literal[1] = 1
    base: str = Field(max_length=32)
    quote: str = Field(max_length=32)
    contract_type: Literal["linear", "inverse"]
    tick_size: PositiveDecimal
    lot_size: PositiveDecimal
    size_step: PositiveDecimal
    funding_interval_micros: int = Field(gt=0)
    maker_ppb: Ppb
    taker_ppb: Ppb


class VenueLiquidity(MarketEvent):
    """How much rests near the middle, and what orders of seven sizes would cost beyond it, after a change of the book.

    Depths are at 1, 2.5, 5, 10, 20, 50 and 100 basis points; sizes are 1 k, 10 k, 50 k, 100 k, 500 k, 5 M and 10 M of
    the quote. Slippage is of the average price, impact of the last price touched; null where the book is too thin.
    """

    subject_template: ClassVar[str] = "market.{venue}.{symbol}.liquidity"
    type: Literal["VenueLiquidity"] = "VenueLiquidity"
    version: Literal[1] = 1
    bid_ticks: Ticks
    ask_ticks: Ticks
    bid_depths: Depths
    ask_depths: Depths
    bid_reach: Distance
    ask_reach: Distance
    buy_slippages: Distances
    sell_slippages: Distances
    buy_impacts: Distances
    sell_impacts: Distances


class VenueGroupedBook(MarketEvent):
    """The venue's book in steps of `multiple` ticks: up to 20 a side, best first, as (ticks, lots), each whole.

    A bid stands at the step at or below it and an ask at the step at or above it, so that a group is never better than
    what is in it. A step that the book knows only in part is left out, and so are those behind it.
    """

    subject_template: ClassVar[str] = "market.{venue}.{symbol}.grouped"
    type: Literal["VenueGroupedBook"] = "VenueGroupedBook"
    version: Literal[1] = 1
    multiple: int = Field(gt=1, le=1_000_000)
    bids: tuple[LevelLots, ...] = Field(max_length=20)
    asks: tuple[LevelLots, ...] = Field(max_length=20)
