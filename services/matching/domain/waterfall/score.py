"""Who is deleveraged first, as an exact number, and the lamps that tell everybody where they stand (R24)."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Final

LAMPS: Final = 5


def score(quote: int, value: int, equity: int) -> Fraction:
    """(profit / |Q|) * (N / E) of a profitable position, (profit / |Q|) / (N / E) of another.

    Amounts in quanta, E > 0.
    """
    profit, notional, cost = quote + value, abs(value), max(1, abs(quote))
    if profit > 0:
        return Fraction(profit * notional, cost * equity)
    return Fraction(profit * equity, cost * max(1, notional))


def lamps(scores: Sequence[Fraction]) -> list[int]:
    """1 to 5 for each score: the fifth of the side, by rank, that it lies in; 5 is closed first, equal ones alike."""
    ordered = sorted(scores)
    last = {value: place for place, value in enumerate(ordered, start=1)}
    return [-(-last[value] * LAMPS // len(ordered)) for value in scores]
