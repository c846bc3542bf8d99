"""One instrument's order book: lots by price, and the prices in order."""

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence

from services.ingestor.adapters.instrument import Instrument

TextLevel = tuple[str, str]


class Side:
    """Price levels of one side in ticks and lots, kept sorted upward."""

    __slots__ = ("lots", "order")

    def __init__(self) -> None:
        self.lots: dict[int, int] = {}
        self.order: list[int] = []

    def set_levels(self, levels: Iterable[TextLevel], instrument: Instrument) -> None:
        """Replace the named levels; size zero removes one. Raises MoneyError on a number off the grid."""
        prices, sizes, lots, order = instrument.prices, instrument.sizes, self.lots, self.order
        for price, size in levels:
            ticks = prices[price]
            if amount := sizes[size]:
                if ticks not in lots:
                    insort(order, ticks)
                lots[ticks] = amount
            elif ticks in lots:
                del lots[ticks]
                del order[bisect_left(order, ticks)]

    def lowest(self, count: int) -> list[tuple[int, int]]:
        """Up to `count` levels from the lowest price up."""
        return [(ticks, self.lots[ticks]) for ticks in self.order[:count]]

    def highest(self, count: int) -> list[tuple[int, int]]:
        """Up to `count` levels from the highest price down."""
        return [(ticks, self.lots[ticks]) for ticks in reversed(self.order[-count:])]


class Book:
    """Both sides of one instrument.

    A snapshot of full length ends where the venue cut it: beyond its last price the book knows only the levels that
    changed since. `known_from` and `known_to` are those prices, None where the snapshot held the whole side.
    """

    __slots__ = ("_instrument", "asks", "bids", "known_from", "known_to")

    def __init__(self, instrument: Instrument) -> None:
        self._instrument = instrument
        self.bids = Side()
        self.asks = Side()
        self.known_from: int | None = None
        self.known_to: int | None = None

    @classmethod
    def of(
        cls, instrument: Instrument, bids: Sequence[TextLevel], asks: Sequence[TextLevel], full_length: int
    ) -> "Book":
        """A book from a snapshot of at most `full_length` levels a side."""
        book = cls(instrument)
        book.apply(bids, asks)
        if len(bids) >= full_length:
            book.known_from = book.bids.order[0]
        if len(asks) >= full_length:
            book.known_to = book.asks.order[-1]
        return book

    def apply(self, bids: Iterable[TextLevel], asks: Iterable[TextLevel]) -> None:
        """Replace the named levels of both sides. After a MoneyError the book is spoilt and must be dropped."""
        self.bids.set_levels(bids, self._instrument)
        self.asks.set_levels(asks, self._instrument)

    @property
    def crossed(self) -> bool:
        """Whether the best bid is at or above the best ask: never true of a real book, so something was lost."""
        bids, asks = self.bids.order, self.asks.order
        return bool(bids and asks and bids[-1] >= asks[0])

    def top(self, count: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """Bids and asks as (ticks, lots), best first."""
        return self.bids.highest(count), self.asks.lowest(count)

    def knows_top(self, count: int) -> bool:
        """Whether the best `count` levels of both sides lie within what the snapshot covered."""
        bids, asks = self.bids.order, self.asks.order
        if self.known_from is not None and bids[-count:] and bids[-count:][0] < self.known_from:
            return False
        return self.known_to is None or not asks[:count] or asks[:count][-1] <= self.known_to
