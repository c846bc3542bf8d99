"""A market's book on the reader's side: a snapshot, and the changes that lead on from it.

    snapshot (book_seq 41) + BookChanged 42 + BookChanged 43 + ... = the book

Changes that the snapshot holds already are passed over; one that is missing makes the view ask for a new snapshot, and
so does a best price that is not the one which matching had. Prices are in ticks, sizes in lots.
"""

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from cleartide.contracts import BookChanged

CHANGES_HELD: Final = 10_000
"""While a snapshot is on its way. Should it take longer than that, a gap shows, and another one is asked for."""


class BookSide:
    """One side. `side` is +1 for bids and -1 for asks."""

    def __init__(self, side: int) -> None:
        self._side = side
        self._keys: list[int] = []
        self._lots: dict[int, int] = {}
        self._known_to: int | None = None
        self._fewest = 0

    @property
    def best(self) -> int | None:
        """The best price in ticks; None for an empty side."""
        return self._keys[-1] * self._side if self._keys else None

    @property
    def exhausted(self) -> bool:
        """Whether so much of what was known is gone that levels beyond it may matter."""
        return self._known_to is not None and len(self._keys) < self._fewest

    def levels(self) -> Iterator[tuple[int, int]]:
        """(ticks, lots) from the best level on."""
        for key in reversed(self._keys):
            yield key * self._side, self._lots[key]

    def load(self, levels: Sequence[Sequence[int]], *, complete: bool) -> None:
        """Begin again with these levels, best first; if they are not all there are, what lies beyond is not kept."""
        self._lots = {price * self._side: lots for price, lots in levels}
        self._keys = sorted(self._lots)
        self._known_to = None if complete or not self._keys else self._keys[0]
        self._fewest = len(self._keys) // 2

    def put(self, price: int, lots: int) -> None:
        """A level's new total; 0 takes it away."""
        key = price * self._side
        if self._known_to is not None and key < self._known_to:
            return
        if lots and key not in self._lots:
            insort(self._keys, key)
        if lots:
            self._lots[key] = lots
        elif self._lots.pop(key, None) is not None:
            del self._keys[bisect_left(self._keys, key)]


class BookView:
    """One market's book. It is right whenever `ready`; until then it holds back what arrives for the next snapshot."""

    def __init__(self, market: str) -> None:
        self.market = market
        self.bids, self.asks = BookSide(1), BookSide(-1)
        self.book_seq = 0
        self.ready = False
        self.snapshots = 0
        self._held: deque[BookChanged] = deque(maxlen=CHANGES_HELD)

    def load(self, snapshot: Mapping[str, Any]) -> bool:
        """Begin from an answer of `query.matching.book` in steps, and go on with what was held back; False: a gap."""
        for side, levels in ((self.bids, snapshot["bids"]), (self.asks, snapshot["asks"])):
            side.load(levels, complete=snapshot["complete"])
        self.book_seq, self.ready = snapshot["book_seq"], True
        self.snapshots += 1
        held, self._held = self._held, deque(maxlen=CHANGES_HELD)
        for change in held:
            self.apply(change)
        return self.ready

    def apply(self, change: BookChanged) -> bool:
        """Take one change, in whatever order and however often changes come; False: a snapshot is needed."""
        if not self.ready or change.book_seq > self.book_seq + 1:
            self._hold(change)
        elif change.book_seq == self.book_seq + 1:
            for side, levels in ((self.bids, change.bids), (self.asks, change.asks)):
                for price, lots in levels:
                    side.put(price, lots)
            self.book_seq = change.book_seq
            if not self._agrees(change):
                self.ready = False
        return self.ready

    def _hold(self, change: BookChanged) -> None:
        self.ready = False
        self._held.append(change)

    def _agrees(self, change: BookChanged) -> bool:
        """The best prices are the ones that matching had, and enough of a large book is left to know the best ones."""
        if self.bids.exhausted or self.asks.exhausted:
            return False
        return (self.bids.best, self.asks.best) == (change.best_bid_ticks, change.best_ask_ticks)
