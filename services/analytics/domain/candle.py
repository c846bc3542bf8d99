"""One-minute candles: first, highest, lowest and last price, sums of size and quote, number of entries."""

from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

MINUTE_MICROS: Final = 60_000_000

Series = Literal["trade", "mark"]


def minute_of(at: int) -> int:
    """Start of the UTC minute of `at`, both in microseconds since the Unix epoch."""
    return at - at % MINUTE_MICROS


class ClosedCandle(NamedTuple):
    """A finished minute of one market and series; it never changes again."""

    market: str
    series: Series
    candle: "Candle"


@dataclass(slots=True)
class Candle:
    """A minute in the making. Prices in ticks, volume in lots, quote volume in quanta.

    `entries` counts trades (or mark updates; these carry no volume), `restated` those that were taken back or corrected
    while the minute was open: they are in all figures as they were made.
    """

    open_time: int
    open_ticks: int
    high_ticks: int
    low_ticks: int
    close_ticks: int
    volume_lots: int = 0
    quote_quanta: int = 0
    entries: int = 0
    restated: int = 0

    @classmethod
    def starting(cls, minute: int, price_ticks: int) -> "Candle":
        """An empty candle whose first price is known."""
        return cls(minute, price_ticks, price_ticks, price_ticks, price_ticks)

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
