"""What a candle is called and when its minute begins; how one is counted is `services.analytics.engine.minute`."""

from typing import Final, Literal, NamedTuple

from services.analytics.engine.minute import Candle

MINUTE_MICROS: Final = 60_000_000

Series = Literal["trade", "mark"]


def minute_of(at: int) -> int:
    """Start of the UTC minute of `at`, both in microseconds since the Unix epoch."""
    return at - at % MINUTE_MICROS


class ClosedCandle(NamedTuple):
    """A finished minute of one market and series; it never changes again."""

    market: str
    series: Series
    candle: Candle
