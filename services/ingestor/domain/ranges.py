"""Stretches of time as half-open pairs of integers, microseconds UTC: joined, subtracted, aligned, cut into chunks."""

from collections.abc import Iterable, Iterator
from typing import Final

Range = tuple[int, int]
"""From the first, up to and without the second."""

MINUTE_MICROS: Final = 60_000_000
DAY_MICROS: Final = 1_440 * MINUTE_MICROS
_MINUTES: Final = {
    "1m": 1,
    "3m": 3,
    "5m": 5,
    "15m": 15,
    "30m": 30,
    "1h": 60,
    "2h": 120,
    "4h": 240,
    "6h": 360,
    "8h": 480,
    "12h": 720,
    "1d": 1_440,
    "1w": 10_080,
}
SPANS: Final = {name: minutes * MINUTE_MICROS for name, minutes in _MINUTES.items()}
"""Candle interval -> its length."""
_MONDAY: Final = 4 * DAY_MICROS
"""The first Monday after the epoch, where weeks begin."""


def joined(ranges: Iterable[Range]) -> list[Range]:
    """The same stretches in order, without overlaps and empty ones."""
    found: list[Range] = []
    for start, end in sorted(each for each in ranges if each[0] < each[1]):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def without(wanted: Iterable[Range], covered: Iterable[Range]) -> list[Range]:
    """What of `wanted` is not in `covered`."""
    left = joined(wanted)
    for start, end in joined(covered):
        left = [piece for each in left for piece in ((each[0], min(each[1], start)), (max(each[0], end), each[1]))]
        left = [each for each in left if each[0] < each[1]]
    return left


def opening(at: int, span: str) -> int:
    """When the candle opens in which a time lies."""
    origin = _MONDAY if span == "1w" else 0
    return (at - origin) // SPANS[span] * SPANS[span] + origin


def aligned(wanted: Range, span: str) -> Range:
    """The opening times of candles that lie wholly within `wanted`, as a range on their grid; it may be empty."""
    length = SPANS[span]
    origin = _MONDAY if span == "1w" else 0
    start = -(-(wanted[0] - origin) // length) * length + origin
    end = (wanted[1] - origin) // length * length + origin
    return start, max(start, end)


def chunks(wanted: Iterable[Range], length: int) -> Iterator[Range]:
    """The stretches in pieces of at most `length`, oldest first."""
    for start, end in wanted:
        for first in range(start, end, length):
            yield first, min(end, first + length)
