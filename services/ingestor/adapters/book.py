"""One instrument's order book: lots by price, and the prices in order."""

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from typing import Final

from services.ingestor.adapters.instrument import Instrument

TextLevel = tuple[str, str]
BIDS: Final = 1
ASKS: Final = -1


class Side:
    """Price levels of one side in ticks and lots.

    `queue` holds the prices, asks negated, worst first: most changes are near the best price, and a list is changed the
    faster the nearer to its end. That is a third of the time a deep book takes.
    """

    __slots__ = ("lots", "queue", "sign")

    def __init__(self, sign: int) -> None:
        self.lots: dict[int, int] = {}
        self.queue: list[int] = []
        self.sign = sign

    @property
    def order(self) -> list[int]:
        """The prices upward; of asks a new list each time."""
        return self.queue if self.sign == BIDS else [-each for each in reversed(self.queue)]

    def set_levels(self, levels: Iterable[TextLevel], instrument: Instrument) -> None:
        """Replace the named levels; size zero removes one. Raises MoneyError on a number off the grid."""
        prices, sizes, lots, queue, sign = instrument.prices, instrument.sizes, self.lots, self.queue, self.sign
        for price, size in levels:
            ticks = prices[price]
            if amount := sizes[size]:
                if ticks not in lots:
                    insort(queue, ticks * sign)
                lots[ticks] = amount
            elif ticks in lots:
                del lots[ticks]
                del queue[bisect_left(queue, ticks * sign)]

    def best(self, count: int) -> list[tuple[int, int]]:
        """Up to `count` levels from the best price on."""
        lots = self.lots
        if self.sign == BIDS:
            return [(ticks, lots[ticks]) for ticks in reversed(self.queue[-count:])]
        return [(-each, lots[-each]) for each in reversed(self.queue[-count:])]

    def grouped(self, multiple: int, count: int, limit: int | None) -> list[tuple[int, int]]:
        """Up to `count` steps of `multiple` ticks from the best on: what is in one is no worse than its price.

        Steps that reach beyond `limit`, up to which the side is known, are left out.
        """
        sign, lots, steps = self.sign, self.lots, dict[int, int]()
        for each in reversed(self.queue):
            step = each // multiple * multiple
            if step not in steps and (len(steps) == count or not step or (limit is not None and step < limit * sign)):
                break
            steps[step] = steps.get(step, 0) + lots[each * sign]
        return [(step * sign, amount) for step, amount in steps.items()]

    def reaches(self, count: int, limit: int | None) -> bool:
        """Whether the best `count` levels lie no farther than `limit` ticks; without a limit they do."""
        near = self.queue[-count:]
        return limit is None or not near or near[0] >= limit * self.sign


class Book:
    """Both sides of one instrument.

    A snapshot of full length ends where the venue cut it: beyond its last price the book knows only the levels that
    changed since. `known_from` and `known_to` are those prices, None where the snapshot held the whole side.
    """

    __slots__ = ("_instrument", "asks", "bids", "known_from", "known_to")

    def __init__(self, instrument: Instrument) -> None:
        self._instrument = instrument
        self.bids = Side(BIDS)
        self.asks = Side(ASKS)
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
            book.known_from = book.bids.queue[0]
        if len(asks) >= full_length:
            book.known_to = -book.asks.queue[0]
        return book

    def apply(self, bids: Iterable[TextLevel], asks: Iterable[TextLevel]) -> None:
        """Replace the named levels of both sides. After a MoneyError the book is spoilt and must be dropped."""
        self.bids.set_levels(bids, self._instrument)
        self.asks.set_levels(asks, self._instrument)

    def give_way(self, bids: Sequence[TextLevel], asks: Sequence[TextLevel]) -> bool:
        """Take out the levels that are met by levels just laid on the other side; whether the book is a book again."""
        for laid, side, other in ((bids, self.bids, self.asks), (asks, self.asks, self.bids)):
            ticks = [self._instrument.prices[price] * side.sign for price, _ in laid]
            edge = max((each for each in ticks if each * side.sign in side.lots), default=None)
            while edge is not None and other.queue and -other.queue[-1] <= edge:
                del other.lots[other.queue.pop() * other.sign]
        return not self.crossed

    @property
    def crossed(self) -> bool:
        """Whether the best bid is at or above the best ask: never true of a real book, so something was lost."""
        bids, asks = self.bids.queue, self.asks.queue
        return bool(bids and asks and bids[-1] >= -asks[-1])

    def top(self, count: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """Bids and asks as (ticks, lots), best first."""
        return self.bids.best(count), self.asks.best(count)

    def grouped(self, multiple: int, count: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """Bids and asks in steps of `multiple` ticks, as (ticks, lots), best first; only steps that are known whole."""
        bids = self.bids.grouped(multiple, count, self.known_from)
        return bids, self.asks.grouped(multiple, count, self.known_to)

    def knows_top(self, count: int) -> bool:
        """Whether the best `count` levels of both sides lie within what the snapshot covered."""
        return self.bids.reaches(count, self.known_from) and self.asks.reaches(count, self.known_to)
