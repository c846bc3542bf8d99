"""Answers about markets and what is traded there."""

from typing_extensions import TypedDict

from cleartide.answers.parts import AsOf, Page


class Bracket(TypedDict):
    """Margin up to a notional value, null: without end. Rates are fractions."""

    upper_notional: str | None
    initial_margin: str
    maintenance_fraction: str


class MarketStatistics(TypedDict):
    """A market's latest figures and those of the last 24 hours, a day that ends with `as_of_minute`."""

    market: str
    last: str | None
    mark: str | None
    index: str | None
    index_stale: bool
    open_interest: str
    funding_rate: str | None
    funding_interval_start: int | None
    as_of_minute: int
    open_24h: str | None
    high_24h: str | None
    low_24h: str | None
    volume_24h: str
    quote_volume_24h: str
    trades_24h: int
    liquidations_24h: int
    liquidated_24h: str
    liquidated_quote_24h: str


class MarketView(TypedDict):
    """A market: rules, latest prices, and `stats` of the last day, null while analytics is away."""

    market: str
    base: str
    quote: str
    tick_size: str
    lot_size: str
    taker_fee: str | None
    maker_fee: str | None
    brackets: list[Bracket]
    mark: str | None
    index: str | None
    last: str | None
    index_stale: bool
    priced_at: int | None
    best_bid: str | None
    best_ask: str | None
    open_interest: str
    funding_rate: str | None
    stats: MarketStatistics | None


class MarketList(TypedDict):
    """Every market."""

    markets: list[MarketView]


class Candle(TypedDict):
    """`entries`: how many trades or marks it is made of; `closed`: nothing more comes."""

    open_time: int
    open: str
    high: str
    low: str
    close: str
    volume: str
    quote_volume: str
    entries: int
    closed: bool


class CandlePage(Page):
    """Candles, oldest first; minutes without a trade have none."""

    market: str
    series: str
    interval_seconds: int
    candles: list[Candle]


class BookView(TypedDict):
    """Levels as [price, size], best first. `complete`: no more levels exist."""

    market: str
    book_seq: int
    tick_size: str
    lot_size: str
    complete: bool
    bids: list[list[str]]
    asks: list[list[str]]


class AuctionQuote(TypedDict):
    """A firm offer; of the same price the smaller number trades first."""

    quote_id: int
    price: str
    size: str


class AuctionView(TypedDict):
    """An order that is auctioned; `quotes` best first. Nobody is told whose they are.

    From `start` to `end` in so many `slots`: prices, or with `offsets` distances from the index.
    """

    auction_id: int
    market: str
    side: str
    remaining: str
    start: str
    end: str
    offsets: bool
    slots: int
    opened_at: int
    next_slot: int
    next_slot_at: int
    quotes: list[AuctionQuote]


class AuctionList(TypedDict):
    """The auctions of a market that run, oldest first; `as_of_seq` is the last trading event that they know."""

    as_of_seq: int
    auctions: list[AuctionView]


class TradeView(TypedDict):
    """`restated`: corrected since it was told first."""

    seq: int
    at: int
    price: str
    size: str
    quote: str
    taker_side: str | None
    origin: str
    restated: bool


class TradePage(Page):
    """Trades, newest first."""

    market: str
    trades: list[TradeView]


class OpenInterval(TypedDict):
    """The funding interval that runs, and the rate that it is heading for."""

    interval_start: int
    interval_end: int
    seconds_left: int
    samples: int
    predicted_rate: str
    average_premium: str


class FundingSettlement(TypedDict):
    """What one lot paid, and the index after it."""

    mark: str
    paid_per_lot: str
    funding_index: str
    settled_at: int


class FundingRate(TypedDict):
    """A published rate; `settlement` is null until matching has settled it."""

    interval_start: int
    interval_micros: int
    rate: str
    samples: int
    published_at: int
    average_premium: str
    settlement: FundingSettlement | None


class MarketFunding(AsOf, Page):
    """The rate in force, the interval that runs (null before the first price), and past ones, newest first."""

    market: str
    now: int
    interval_micros: int
    rate: str | None
    open: OpenInterval | None
    rates: list[FundingRate]


class PredictedFunding(TypedDict):
    """A market's funding now; the figures of the interval are null before the first price."""

    market: str
    interval_micros: int
    next_interval_micros: int | None
    funding_type: str
    rate: str | None
    interval_start: int | None
    interval_end: int | None
    seconds_left: int | None
    minutes_begun: int | None
    samples: int | None
    average_premium: str | None
    predicted_rate: str | None


class FundingList(AsOf):
    """Every market's funding."""

    now: int
    markets: list[PredictedFunding]


class StatisticsList(TypedDict):
    """Every market's last 24 hours."""

    markets: list[MarketStatistics]


class DepthWithin(TypedDict):
    """What rests within a distance of the middle, both sides."""

    basis_points: int
    bid_size: str
    bid_notional: str
    ask_size: str
    ask_notional: str


class DepthView(TypedDict):
    """`middle` is null while a side is empty."""

    market: str
    book_seq: int
    middle: str | None
    within: list[DepthWithin]


class Swept(TypedDict):
    """What taking the amount would cost. `average_ticks`: the exact average in ticks, [numerator, denominator]."""

    average_ticks: list[str]
    average_price: str
    worst_price: str
    size: str


class ImpactView(TypedDict):
    """Null on a side that has not that much."""

    market: str
    book_seq: int
    notional: str
    buy: Swept | None
    sell: Swept | None
