"""What a book would give: the average price of sweeping an amount, and how much lies near the middle."""

from collections.abc import Iterable
from fractions import Fraction
from typing import Final, NamedTuple

BASIS_POINTS: Final = 10_000

Levels = Iterable[tuple[int, int]]
"""(price in ticks, size) of one side, best first."""


class Sweep(NamedTuple):
    """Of taking a notional from one side: the average and the worst price in ticks, the size taken. All exact."""

    average: Fraction
    worst: int
    size: Fraction


class Within(NamedTuple):
    """What rests between the best price and a bound: lots, and their notional in ticks times lots."""

    lots: int
    lot_ticks: int


def sweep(levels: Levels, notional: int) -> Sweep | None:
    """Take a notional (> 0, in ticks times the levels' unit of size) from the best price on; None: too thin.

    The last level is taken in part, exactly: with `taken` of the full levels and r left at price p the average price
    is N / (taken + r / p) (domain 10.1).
    """
    taken, left = 0, notional
    for price, size in levels:
        if price * size >= left:
            swept = taken + Fraction(left, price)
            return Sweep(Fraction(notional * swept.denominator, swept.numerator), price, swept)
        taken += size
        left -= price * size
    return None


def within(levels: Levels, bid: int, ask: int, distance: int) -> Within:
    """What rests no further than `distance` basis points from the middle of the best bid and ask, bounds included."""
    middle = bid + ask
    lots = lot_ticks = 0
    for price, size in levels:
        if abs(2 * price - middle) * BASIS_POINTS > middle * distance:
            break
        lots += size
        lot_ticks += price * size
    return Within(lots, lot_ticks)
