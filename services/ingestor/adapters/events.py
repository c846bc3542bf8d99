"""The market contracts as bare structs, for the hop between an adapter and the bus.

Building and encoding a validated contract costs ten times as much as these. Their bytes are those of the contract,
field for field: a test compares both for every type. Their bounds are kept where the numbers enter, in `scale` and in
the wire structs of each venue.
"""

from collections.abc import Sequence
from typing import ClassVar, Final

import msgspec
from cleartide import contracts

SOURCE: Final = "ingestor"


class MarketStruct(msgspec.Struct, frozen=True, gc=False):
    """Envelope and head of every market event, in the order of `cleartide.contracts.MarketEvent`."""

    contract: ClassVar[type[contracts.MarketEvent]]
    kind: ClassVar[str]

    id: str
    type: str
    version: int
    seq: int
    occurred_at: int
    causation_id: str
    correlation_id: str
    source: str
    venue: str
    symbol: str
    venue_time: int
    received_at: int
    venue_seq: int
    quality: str

    @property
    def subject(self) -> str:
        """`market.<venue>.<symbol>.<kind>`, as the contract has it."""
        return f"market.{self.venue}.{self.symbol}.{self.kind}"


class Ticker(MarketStruct, frozen=True, gc=False):
    """`VenueTicker`."""

    contract: ClassVar[type[contracts.MarketEvent]] = contracts.VenueTicker
    kind: ClassVar[str] = "ticker"
    bid_ticks: int
    bid_lots: int
    ask_ticks: int
    ask_lots: int


class Trade(MarketStruct, frozen=True, gc=False):
    """`VenueTrade`."""

    contract: ClassVar[type[contracts.MarketEvent]] = contracts.VenueTrade
    kind: ClassVar[str] = "trade"
    trade_id: str
    price_ticks: int
    size_lots: int
    taker_side: str


class BookTop(MarketStruct, frozen=True, gc=False):
    """`VenueBook`."""

    contract: ClassVar[type[contracts.MarketEvent]] = contracts.VenueBook
    kind: ClassVar[str] = "book"
    bids: list[tuple[int, int]]
    asks: list[tuple[int, int]]


class Funding(MarketStruct, frozen=True, gc=False):
    """`VenueFunding`."""

    contract: ClassVar[type[contracts.MarketEvent]] = contracts.VenueFunding
    kind: ClassVar[str] = "funding"
    mark_ticks: int
    index_ticks: int
    rate_ppb: int
    interval_micros: int
    next_funding_at: int
    predicted_rate_ppb: int | None = None


class OpenInterest(MarketStruct, frozen=True, gc=False):
    """`VenueOpenInterest`."""

    contract: ClassVar[type[contracts.MarketEvent]] = contracts.VenueOpenInterest
    kind: ClassVar[str] = "interest"
    open_interest_lots: int


class Liquidation(MarketStruct, frozen=True, gc=False):
    """`VenueLiquidation`."""

    contract: ClassVar[type[contracts.MarketEvent]] = contracts.VenueLiquidation
    kind: ClassVar[str] = "liquidation"
    liquidation_id: str
    price_ticks: int
    size_lots: int
    side: str


class Candle(MarketStruct, frozen=True, gc=False):
    """`VenueCandle`."""

    contract: ClassVar[type[contracts.MarketEvent]] = contracts.VenueCandle
    kind: ClassVar[str] = "candle"
    interval: str
    open_at: int
    open_ticks: int
    high_ticks: int
    low_ticks: int
    close_ticks: int
    volume_lots: int
    closed: bool


class Stats(MarketStruct, frozen=True, gc=False):
    """`VenueStats`."""

    contract: ClassVar[type[contracts.MarketEvent]] = contracts.VenueStats
    kind: ClassVar[str] = "stats"
    last_ticks: int
    high_ticks: int
    low_ticks: int
    volume_lots: int


class Gap(MarketStruct, frozen=True, gc=False):
    """`VenueGap`."""

    contract: ClassVar[type[contracts.MarketEvent]] = contracts.VenueGap
    kind: ClassVar[str] = "status"
    expected_seq: int
    reason: str


class Status(MarketStruct, frozen=True, gc=False):
    """`VenueStatus`."""

    contract: ClassVar[type[contracts.MarketEvent]] = contracts.VenueStatus
    kind: ClassVar[str] = "status"
    status: str
    detail: str


class Oracle(MarketStruct, frozen=True, gc=False):
    """`VenueOracle`."""

    contract: ClassVar[type[contracts.MarketEvent]] = contracts.VenueOracle
    kind: ClassVar[str] = "oracle"
    price: int
    confidence: int
    exponent: int


class InstrumentTerms(MarketStruct, frozen=True, gc=False):
    """`VenueInstrument`."""

    contract: ClassVar[type[contracts.MarketEvent]] = contracts.VenueInstrument
    kind: ClassVar[str] = "instrument"
    base: str
    quote: str
    contract_type: str
    tick_size: str
    lot_size: str
    size_step: str
    funding_interval_micros: int
    maker_ppb: int
    taker_ppb: int


class Liquidity(MarketStruct, frozen=True, gc=False):
    """`VenueLiquidity`."""

    contract: ClassVar[type[contracts.MarketEvent]] = contracts.VenueLiquidity
    kind: ClassVar[str] = "liquidity"
    bid_ticks: int
    ask_ticks: int
    bid_depths: list[int]
    ask_depths: list[int]
    bid_reach: int
    ask_reach: int
    buy_slippages: list[int | None]
    sell_slippages: list[int | None]
    buy_impacts: list[int | None]
    sell_impacts: list[int | None]


class GroupedBook(MarketStruct, frozen=True, gc=False):
    """`VenueGroupedBook`."""

    contract: ClassVar[type[contracts.MarketEvent]] = contracts.VenueGroupedBook
    kind: ClassVar[str] = "grouped"
    multiple: int
    bids: list[tuple[int, int]]
    asks: list[tuple[int, int]]


STRUCTS: Final[tuple[type[MarketStruct], ...]] = (
    Ticker,
    Trade,
    BookTop,
    Funding,
    OpenInterest,
    Liquidation,
    Candle,
    Stats,
    Gap,
    Status,
    Oracle,
    InstrumentTerms,
    Liquidity,
    GroupedBook,
)
_encoder = msgspec.json.Encoder()


def encode(events: Sequence[MarketStruct]) -> bytes:
    """Events of one subject as the JSON array that the MARKET stream carries."""
    return _encoder.encode(events)
