"""The price bounds of everyone who holds one market, so that a tick finds the bounds it crossed without a scan."""

from collections.abc import Iterator
from heapq import heapify, heappop, heappush
from typing import Final, Generic, NamedTuple, Protocol, TypeVar

from cleartide.money import MAX_PRICE_TICKS

SPARE_ENTRIES: Final = 64
"""Dead entries a heap may hold beyond twice its live ones before it is swept."""


class Fenced(Protocol):
    """Whoever stands behind a fence. `box` numbers its present box; entries of another number are dead."""

    box: int


class Bounds(NamedTuple):
    """Inclusive price interval in ticks. 0 and MAX_PRICE_TICKS mean: no bound on that side."""

    lo: int
    hi: int


F = TypeVar("F", bound=Fenced)


class Fences(Generic[F]):
    """Two heaps, one over each side's bounds. Entries are never removed in place: they die and are swept.

    Cost: O(log holders) per placed bound; a tick that crosses nothing compares two numbers. Size: at most
    twice the live entries and SPARE_ENTRIES more, on each side.
    """

    def __init__(self) -> None:
        self._upper: list[tuple[int, int, F]] = []
        self._lower: list[tuple[int, int, F]] = []

    def place(self, holder: F, bounds: Bounds, holders: int) -> None:
        """Fence a holder's present box; `holders` is how many hold the market now, hence how many entries live."""
        if bounds.hi < MAX_PRICE_TICKS:
            heappush(self._upper, (bounds.hi, holder.box, holder))
            _sweep(self._upper, holders)
        if bounds.lo > 0:
            heappush(self._lower, (-bounds.lo, holder.box, holder))
            _sweep(self._lower, holders)

    def crossed(self, ticks: int) -> Iterator[F]:
        """Take out the holders whose bounds the price has left. Whoever is given must be fenced again."""
        yield from _take(self._upper, ticks)
        yield from _take(self._lower, -ticks)

    def __len__(self) -> int:
        return len(self._upper) + len(self._lower)


def _take(heap: list[tuple[int, int, F]], limit: int) -> Iterator[F]:
    while heap and heap[0][0] < limit:
        _, box, holder = heappop(heap)
        if holder.box == box:
            yield holder


def _sweep(heap: list[tuple[int, int, F]], holders: int) -> None:
    if len(heap) > 2 * holders + SPARE_ENTRIES:
        heap[:] = [entry for entry in heap if entry[2].box == entry[1]]
        heapify(heap)
