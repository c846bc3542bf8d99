"""Rounding by name. Everything between two roundings is an exact `Fraction`."""

from fractions import Fraction
from functools import cache
from math import ceil, floor, trunc
from typing import Final

MILLION: Final = 1_000_000
BILLION: Final = 1_000_000_000
SECOND: Final = MILLION
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR

up = ceil
down = floor
toward_zero = trunc


@cache
def rate(ppb: int) -> Fraction:
    """Parts per billion as a number."""
    return Fraction(ppb, BILLION)


def half_up(value: Fraction) -> int:
    """To the nearest whole number, halves up."""
    return floor(value + Fraction(1, 2))


def within(value: int, lowest: int, highest: int) -> int:
    """The value, or the bound that it passes."""
    return max(lowest, min(value, highest))
