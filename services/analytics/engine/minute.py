"""The open minute of one series: first, highest, lowest and last price per market, sums of size and quote, entries.

Ordinary integers, not machine words: sums of a minute are exact however large.
"""

from typing import final


@final
class Candle:
    """A minute in the making. Prices in ticks, volume in lots, quote volume in quanta.

    `entries` counts trades (or mark updates; these carry no volume), `restated` those that were taken back or corrected
    while the minute was open: they are in all figures as they were made.
    """

    def __init__(
        self,
        open_time: int,
        open_ticks: int,
        high_ticks: int,
        low_ticks: int,
        close_ticks: int,
        volume_lots: int = 0,
        quote_quanta: int = 0,
        entries: int = 0,
        restated: int = 0,
    ) -> None:
        self.open_time = open_time
        self.open_ticks = open_ticks
        self.high_ticks = high_ticks
        self.low_ticks = low_ticks
        self.close_ticks = close_ticks
        self.volume_lots = volume_lots
        self.quote_quanta = quote_quanta
        self.entries = entries
        self.restated = restated

    def add(self, price_ticks: int, lots: int, quote_quanta: int) -> None:
        """Count one entry; entries come in the order of the stream, so the last one closes."""
        if price_ticks > self.high_ticks:
            self.high_ticks = price_ticks
        elif price_ticks < self.low_ticks:
            self.low_ticks = price_ticks
        self.close_ticks = price_ticks
        self.volume_lots += lots
        self.quote_quanta += quote_quanta
        self.entries += 1

    def widen(self, later: "Candle") -> None:
        """Take in what follows: first, highest, lowest, last, sums. So a wider candle is made of minutes."""
        self.high_ticks = max(self.high_ticks, later.high_ticks)
        self.low_ticks = min(self.low_ticks, later.low_ticks)
        self.close_ticks = later.close_ticks
        self.volume_lots += later.volume_lots
        self.quote_quanta += later.quote_quanta
        self.entries += later.entries


@final
class Minute:
    """The candles of the open minute by market. `touched` names those that changed, or ended, since it was cleared."""

    def __init__(self) -> None:
        self.open_time = 0
        self.candles: dict[str, Candle] = {}
        self.touched: set[str] = set()

    def enter(self, market: str, price_ticks: int, lots: int, quote_quanta: int) -> None:
        """Count one price in the market's candle: the one look-up that a trade costs, whatever the timeframes."""
        candle = self.candles.get(market)
        if candle is None:
            candle = Candle(self.open_time, price_ticks, price_ticks, price_ticks, price_ticks)
            self.candles[market] = candle
        candle.add(price_ticks, lots, quote_quanta)
        self.touched.add(market)

    def turn(self, open_time: int) -> dict[str, Candle]:
        """Begin the minute at `open_time`, in microseconds; returns the candles that have ended, by market."""
        ended = self.candles
        self.touched.update(ended)
        self.candles = {}
        self.open_time = open_time
        return ended
