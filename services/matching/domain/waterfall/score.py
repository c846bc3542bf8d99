"""Who is deleveraged first, as an exact number, and the lamps that tell everybody where they stand (R24)."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import groupby
from typing import Final

LAMPS: Final = 5
NEAR_BITS: Final = 64


def score(quote: int, value: int, equity: int) -> Fraction:
    """(profit / |Q|) * (N / E) of a profitable position, (profit / |Q|) / (N / E) of another.

    Amounts in quanta, E > 0.
    """
    return Fraction(*ratio(quote, value, equity))


def ratio(quote: int, value: int, equity: int) -> tuple[int, int]:
    """The score as dividend and divisor, the divisor above 0."""
    profit, notional, cost = quote + value, abs(value), max(1, abs(quote))
    if profit > 0:
        return profit * notional, cost * equity
    return profit * equity, cost * max(1, notional)


def places(scored: Sequence[tuple[int, int, str]]) -> list[int]:
    """Where each of (dividend, divisor, name) stands: the highest quotient first, equal ones by name; exact.

    Floors of the quotients, times 2^NEAR_BITS, cannot turn two of them round. Only those that share a floor are
    compared as fractions, which costs ten times more.
    """
    near = [-((dividend << NEAR_BITS) // divisor) for dividend, divisor, _ in scored]
    ordered: list[int] = []
    for _, alike in groupby(sorted(range(len(scored)), key=near.__getitem__), near.__getitem__):
        group = list(alike)
        if len(group) > 1:
            group.sort(key=lambda place: (-Fraction(*scored[place][:2]), scored[place][2]))
        ordered += group
    return ordered


def lamps(scores: Sequence[Fraction]) -> list[int]:
    """1 to 5 for each score: the fifth of the side, by rank, that it lies in; 5 is closed first, equal ones alike."""
    ordered = sorted(scores)
    last = {value: place for place, value in enumerate(ordered, start=1)}
    return [-(-last[value] * LAMPS // len(ordered)) for value in scores]
