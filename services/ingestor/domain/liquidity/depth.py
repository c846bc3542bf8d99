"""Spread and depth of a book: the money that rests within so many basis points of the middle, on either side.

A price exactly at the distance counts. `twice_mid` is best bid + best ask in ticks: the middle without a half.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import mul
from typing import Final, Protocol

from services.ingestor.domain.liquidity.worth import Worth, distance_ppt

DISTANCES: Final = (10, 25, 50, 100, 200, 500, 1_000)
"""1, 2.5, 5, 10, 20, 50 and 100 basis points, in tenths of one."""
TENTHS: Final = 100_000
MAX_REACH: Final = 2**53 - 1
"""What every reader of the contracts holds exactly."""


class Rows(Protocol):
    """One side of a book: prices in ticks upward, and the lots at each."""

    @property
    def order(self) -> Sequence[int]: ...
    @property
    def lots(self) -> Mapping[int, int]: ...


@dataclass(frozen=True, slots=True)
class PlainRows:
    """One side from levels in any order."""

    order: tuple[int, ...]
    lots: Mapping[int, int]

    @classmethod
    def of(cls, levels: Iterable[tuple[int, int]]) -> "PlainRows":
        """Prices must differ."""
        lots = dict(levels)
        return cls(tuple(sorted(lots)), lots)


@dataclass(frozen=True, slots=True)
class Depth:
    """Quanta within each of DISTANCES, bids and asks; how far the deepest level of each side lies, in ppt."""

    bids: tuple[int, ...]
    asks: tuple[int, ...]
    bid_reach: int
    ask_reach: int


def twice_mid(bids: Rows, asks: Rows) -> int:
    """Best bid + best ask. Raises IndexError when a side is empty."""
    return bids.order[-1] + asks.order[0]


def spread_ppt(bids: Rows, asks: Rows) -> int:
    """The spread in ppt of the middle."""
    bid, ask = bids.order[-1], asks.order[0]
    return distance_ppt(bid + ask + 2 * (ask - bid), bid + ask)


def depth(bids: Rows, asks: Rows, worth: Worth, distances: Sequence[int] = DISTANCES) -> Depth:
    """Both sides' depth, `distances` rising. Raises IndexError when a side is empty."""
    below, above = bids.order, asks.order
    middle = below[-1] + above[0]
    ends = [-(-middle * (TENTHS - each) // (2 * TENTHS)) for each in distances]
    starts = [bisect_left(below, end) for end in ends]
    stops = [bisect_right(above, middle * (TENTHS + each) // (2 * TENTHS)) for each in distances]
    bid_spans = [below[low:high] for high, low in pairwise([len(below), *starts])]
    ask_spans = [above[low:high] for low, high in pairwise([0, *stops])]
    return Depth(
        _sums(bids.lots, bid_spans, worth),
        _sums(asks.lots, ask_spans, worth),
        min(MAX_REACH, -distance_ppt(2 * below[0], middle)),
        min(MAX_REACH, distance_ppt(2 * above[-1], middle)),
    )


def _sums(lots: Mapping[int, int], spans: Iterable[Sequence[int]], worth: Worth) -> tuple[int, ...]:
    """Running totals: each level is added once, however many distances it lies within."""
    total, sums = 0, []
    for prices in spans:
        sizes = map(lots.__getitem__, prices)
        total += sum(sizes) if worth.inverse else sum(map(mul, prices, sizes))
        sums.append(worth.quanta(total))
    return tuple(sums)
