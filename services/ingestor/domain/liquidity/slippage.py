"""What an order of so much money would cost beyond the middle: walk the book, and compare the average price with it.

The last level is taken in part. Linear: average = money / size. Inverse: sizes are money, and so the average is the
harmonic one; the same formula, with base counted as money / price.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from cleartide.money import PPB, QUANTA_PER_QUOTE, half_up_div

from services.ingestor.domain.liquidity.depth import Rows, twice_mid
from services.ingestor.domain.liquidity.worth import INVERSE_BASE, PPT, Worth, distance_ppt

AMOUNTS: Final = tuple(each * QUANTA_PER_QUOTE for each in (1_000, 10_000, 50_000, 100_000, 500_000, 5_000_000, 10**7))
"""1 k, 10 k, 50 k, 100 k, 500 k, 5 M and 10 M of the quote, in quanta."""


@dataclass(frozen=True, slots=True)
class Fill:
    """An order of `amount` quanta walked through one side. Distances are in ppt of the middle, positive = worse.

    slippage: of the average price. impact: of the last price touched, where the order leaves the book.
    """

    amount: int
    slippage: int
    impact: int
    levels: int

    def cost(self, fee_ppb: int) -> int:
        """Slippage and taker fee together, in ppt of the amount."""
        return self.slippage + fee_ppb * (PPT // PPB)


@dataclass(frozen=True, slots=True)
class Slippage:
    """One entry for each amount: buying and selling. None = the book is too thin for it."""

    buys: tuple[Fill | None, ...]
    sells: tuple[Fill | None, ...]


def slippage(bids: Rows, asks: Rows, worth: Worth, amounts: Sequence[int] = AMOUNTS) -> Slippage:
    """Both ways for each of `amounts` in quanta, rising. Raises IndexError when a side is empty."""
    middle = twice_mid(bids, asks)
    return Slippage(
        _walk(_levels(asks.order, asks, worth), amounts, worth, middle, 1),
        _walk(_levels(reversed(bids.order), bids, worth), amounts, worth, middle, -1),
    )


def _levels(prices: Iterable[int], rows: Rows, worth: Worth) -> Iterator[tuple[int, int, int]]:
    """Ticks, what the level is worth in units, and the base it holds, best price first."""
    lots = rows.lots
    if worth.inverse:
        return ((ticks, lots[ticks], lots[ticks] * INVERSE_BASE // ticks) for ticks in prices)
    return ((ticks, ticks * lots[ticks], lots[ticks]) for ticks in prices)


def _walk(
    levels: Iterable[tuple[int, int, int]], amounts: Sequence[int], worth: Worth, middle: int, sign: int
) -> tuple[Fill | None, ...]:
    """One pass over the side for all amounts: an amount ends within a level, and the next goes on from there."""
    fills: list[Fill | None] = []
    wanted = [-(-each * worth.denominator // worth.numerator) for each in amounts]
    units, base = 0, 0
    for taken, (ticks, here, more) in enumerate(levels, 1):
        while len(fills) < len(wanted) and units + here >= wanted[len(fills)]:
            fills.append(_fill(amounts[len(fills)], worth, (units, base, ticks), middle, sign, taken))
        if len(fills) == len(wanted):
            break
        units += here
        base += more
    return (*fills, *[None] * (len(wanted) - len(fills)))


def _fill(amount: int, worth: Worth, reached: tuple[int, int, int], middle: int, sign: int, levels: int) -> Fill:
    """Average = money / base, where `rest` of the money buys at the last level's price."""
    units, base, ticks = reached
    money = amount * worth.denominator
    rest = money - units * worth.numerator
    if worth.inverse:
        bought = base * worth.numerator + rest * INVERSE_BASE // ticks
        top, bottom = money * INVERSE_BASE, bought
    else:
        top, bottom = money * ticks, base * worth.numerator * ticks + rest
    slip = half_up_div(sign * (2 * top - middle * bottom) * PPT, middle * bottom)
    return Fill(amount, slip, sign * distance_ppt(2 * ticks, middle), levels)
