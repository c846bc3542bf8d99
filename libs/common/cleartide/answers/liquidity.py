"""Answers about the venues: their feeds, and what their books can bear."""

from typing_extensions import TypedDict

from cleartide.answers.parts import Page


class VenueLiquidity(TypedDict):
    """An instrument's book at `ts`: depths by distance, slippage and impact by size, null where it is too thin."""

    ts: int
    venue: str
    symbol: str
    base: str
    quote: str
    venue_seq: int
    quality: str
    bid: str
    ask: str
    spread: str
    taker_fee: str
    bid_depths: list[str]
    ask_depths: list[str]
    bid_reach: str
    ask_reach: str
    buy_slippages: list[str | None]
    sell_slippages: list[str | None]
    buy_impacts: list[str | None]
    sell_impacts: list[str | None]


class VenueShare(TypedDict):
    """A venue's part of the depth; `partial`: its book reaches less far."""

    base: str
    bps: str
    venue: str
    depth: str
    share: str
    partial: bool


class LiquidityView(TypedDict):
    """`bps` and `sizes`: the distances and sizes that the lists are of."""

    bps: list[str]
    sizes: list[str]
    instruments: list[VenueLiquidity]
    shares: list[VenueShare]


class LiquidityHistory(Page):
    """One instrument's measures, newest first."""

    bps: list[str]
    sizes: list[str]
    rows: list[VenueLiquidity]


class Distribution(TypedDict):
    """How a figure was spread."""

    count: int
    least: str
    mean: str
    median: str
    p5: str
    p95: str
    p99: str
    largest: str


class FundingStatistics(TypedDict):
    """A venue's funding rates."""

    count: int
    newest: str
    interval_micros: int
    least: str
    largest: str
    mean: str
    deviation: str
    trend: str


class PriceDeviation(TypedDict):
    """Basis points; `absolute`: of the mark from the index, either way."""

    mark_from_index: str
    last_from_index: str | None
    last_from_mark: str | None
    absolute: Distribution | None


class LiquidityStatistics(TypedDict):
    """Null where nothing was recorded. `turnover`: open interest over the volume of 24 hours."""

    venue: str
    symbol: str
    hours: int
    funding: FundingStatistics | None
    turnover: Distribution | None
    deviation: PriceDeviation | None


class VenueFunding(TypedDict):
    """What a venue said at `ts`: `rate` until `next_funding_at`, `predicted_rate` of the interval after it."""

    ts: int
    venue: str
    symbol: str
    base: str
    quote: str
    mark: str
    index: str
    rate: str
    interval_micros: int
    next_funding_at: int
    predicted_rate: str | None


class VenueFundingList(TypedDict):
    """Of every instrument the newest."""

    funding: list[VenueFunding]


class VenueFundingPage(Page):
    """Of one instrument, newest first."""

    funding: list[VenueFunding]


class VenueInstrument(TypedDict):
    """What is followed: grid, kind and fees."""

    venue: str
    symbol: str
    base: str
    quote: str
    contract_type: str
    tick_size: str
    lot_size: str
    size_step: str
    funding_interval_micros: int
    said_at: int
    maker_fee: str
    taker_fee: str


class FeedView(TypedDict):
    """An instrument's feed: its state and since when, when last heard of (null: not yet), and its gaps."""

    venue: str
    symbol: str
    status: str
    detail: str
    since: int | None
    heard_at: int | None
    gaps: int
    last_gap_at: int | None


class FeedList(TypedDict):
    """Every feed."""

    feeds: list[FeedView]


class GapView(TypedDict):
    """Messages that a feed has missed: it expected one number and was sent another."""

    at: int
    venue: str
    symbol: str
    venue_seq: int
    expected_seq: int
    reason: str


class GapPage(Page):
    """Gaps, newest first."""

    gaps: list[GapView]
