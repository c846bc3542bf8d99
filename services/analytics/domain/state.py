"""The state of analytics: open minute and day, latest figures of markets, the accounts, and what is to be written."""

from dataclasses import dataclass
from operator import itemgetter
from typing import NamedTuple

from services.analytics.domain.account import HOUR_MICROS, day_of
from services.analytics.domain.candle import MINUTE_MICROS, ClosedCandle, Series, minute_of
from services.analytics.domain.ledger import Ledger
from services.analytics.engine.minute import Minute


class UnknownMarket(Exception):  # noqa: N818 - a verdict on the stream, not a fault of the reader
    """An event names a market that was never listed: part of the stream is missing, so the service stops."""


class Trade(NamedTuple):
    """One market trade as it is kept; `seq` is its place among the trading events."""

    seq: int
    market: str
    minute: int
    at: int
    price_ticks: int
    size_lots: int
    quote_quanta: int
    taker_side: str
    origin: str
    trade_id: int


class Terms(NamedTuple):
    """What a corrected trade should have been."""

    price_ticks: int
    size_lots: int
    quote_quanta: int
    taker_side: str


class Restatement(NamedTuple):
    """A trade taken back (no terms) or corrected, by the number of its first execution, in whose minute it counts.

    Of several for one trade the last holds.
    """

    seq: int
    market: str
    first_trade_id: int
    minute: int
    terms: Terms | None


class Liquidation(NamedTuple):
    """One liquidation step as it is kept. Sizes in lots (signed as the position was), money in quanta."""

    seq: int
    market: str
    at: int
    account: str
    closed_lots: int
    taken_over_lots: int
    remaining_lots: int
    mark_ticks: int
    bankruptcy_price_ticks: int
    fee_quanta: int
    insurance_paid_quanta: int
    equity_before_quanta: int
    maintenance_margin_before_quanta: int
    deleveraged_lots: int
    waits: str | None


@dataclass(slots=True)
class MarketNow:
    """A market's steps and its latest figures; None until the first event that tells them."""

    market: str
    tick_size: str
    lot_size: str
    quanta_per_lot_tick: int
    last_ticks: int | None = None
    mark_ticks: int | None = None
    index_ticks: int | None = None
    index_stale: bool = True
    open_interest_lots: int = 0
    funding_rate_ppb: int | None = None
    funding_interval_start: int | None = None


@dataclass(slots=True)
class MarketDay:
    """A market's UTC day, beside its candles: open interest in lots (at the end and highest), rates of funding (sum of
    ppb and how many), fees less rebates and what of them went to referrers, and liquidations (steps, lots, fees).
    """

    market: str
    day: int
    open_interest_lots: int = 0
    open_interest_high_lots: int = 0
    funding_ppb: int = 0
    fundings: int = 0
    fees_quanta: int = 0
    referral_quanta: int = 0
    liquidations: int = 0
    liquidated_lots: int = 0
    liquidation_fees_quanta: int = 0


class AnalyticsState:
    """Open candles, days and latest figures, and the accounts. `touched_*` and the lists: what has to be written."""

    def __init__(self) -> None:
        self.minute = 0
        self.today = 0
        self.ledger = Ledger()
        self.days: dict[str, MarketDay] = {}
        self.closed_days: list[MarketDay] = []
        self.touched_days: set[str] = set()
        self.markets: dict[str, MarketNow] = {}
        self.series: dict[Series, Minute] = {"mark": Minute(), "trade": Minute()}
        self.closed: list[ClosedCandle] = []
        self.trades: list[Trade] = []
        self.restatements: list[Restatement] = []
        self.liquidations: list[Liquidation] = []
        self.touched_clock = False
        self.touched_markets: set[str] = set()

    def is_due(self, at: int) -> bool:
        """Whether something ends with `at`, or is still being closed: most events find nothing to do."""
        ledger = self.ledger
        return at >= self.minute + MINUTE_MICROS or ledger.swept < len(ledger.numbered)

    def advance(self, at: int) -> list[ClosedCandle]:
        """Let time reach `at`; returns the candles that this ends, by market and series.

        A candle belongs to the open minute, so a new minute ends all of them: at most two per market.
        """
        ledger = self.ledger
        if at - ledger.hour >= HOUR_MICROS or ledger.swept < len(ledger.numbered):
            ledger.advance(at)
        if at < self.minute + MINUTE_MICROS:
            return []
        minute = minute_of(at)
        self.today = day_of(minute)
        ended = [
            ClosedCandle(market, series, candle)
            for series, open_minute in self.series.items()
            for market, candle in open_minute.turn(minute).items()
        ]
        ended.sort(key=itemgetter(0, 1))
        self.closed.extend(ended)
        self.minute, self.touched_clock = minute, True
        return ended

    def list_market(self, market: MarketNow) -> None:
        """A market opened."""
        self.markets[market.market] = market
        self.touched_markets.add(market.market)
        self.ledger.list_market(market.market, market.quanta_per_lot_tick)

    def market(self, name: str) -> MarketNow:
        """The market's figures, to be changed by the caller. Raises UnknownMarket when it was never listed."""
        market = self.markets.get(name)
        if market is None:
            raise UnknownMarket(name)
        self.touched_markets.add(name)
        return market

    def day(self, market: str) -> MarketDay:
        """The open UTC day of a listed market, to be changed by the caller. What ended is kept for the next write."""
        day = self.days.get(market)
        start = self.today
        if day is None or day.day < start:
            interest = 0
            if day is not None:
                interest = day.open_interest_lots
                self.closed_days.append(day)
            day = self.days[market] = MarketDay(market, start, interest, interest)
        self.touched_days.add(market)
        return day

    def trade(self, trade: Trade) -> None:
        """Keep one market trade and count it in its minute."""
        self.market(trade.market).last_ticks = trade.price_ticks
        self.trades.append(trade)
        self.enter(trade.market, "trade", trade.price_ticks, trade.size_lots, trade.quote_quanta)

    def restates_open_candle(self, market: str, minute: int) -> bool:
        """Note a restatement in the candle of its minute, if that is still open; False: the candle was told."""
        trades = self.series["trade"]
        candle = trades.candles.get(market)
        if candle is None or candle.open_time != minute:
            return False
        candle.restated += 1
        trades.touched.add(market)
        return True

    def enter(self, market: str, series: Series, price_ticks: int, lots: int = 0, quote_quanta: int = 0) -> None:
        """Count one price in the open minute's candle."""
        self.series[series].enter(market, price_ticks, lots, quote_quanta)
