"""Joins a stream of book differences to a snapshot.

A frame covers the updates first..final and follows `previous`, the final of the frame before it (for a venue that only
counts, one less than its number). A snapshot of its own request is joined to the frames kept since: those with
final < last are dropped, the first one with first <= last <= final (or previous == last) is taken. A snapshot within
the feed simply begins anew. From then on previous == last is required: whatever breaks the chain drops the book at
once, and later frames are kept for the next join. Older frames are ignored, but not for ever: MAX_OLD_FRAMES in a row
mean that the venue's numbers start anew.
"""

from collections import deque
from typing import Final, Literal, final

from cleartide.money import MoneyError

from services.ingestor.engine.book import Book, Levels, Scales

MAX_WAITING_FRAMES: Final = 2_048
MAX_OLD_FRAMES: Final = 8

Step = Literal["applied", "joined", "ignored", "waiting", "lost"]


@final
class Update:
    """One frame of changed levels."""

    def __init__(self, first: int, final: int, previous: int, bids: Levels, asks: Levels) -> None:
        self.first: Final = first
        self.final: Final = final
        self.previous: Final = previous
        self.bids: Final = bids
        self.asks: Final = asks


@final
class BookSync:
    """One symbol's book and how far it can be trusted.

    `book` is None until a snapshot is there; `joined` tells that the chain from it is unbroken. `fault` says why the
    book was lost, `last` the final update it holds (or held). `newest_wins`: at this venue books cross by nature, and
    older levels give way to what was laid last.
    """

    def __init__(self, instrument: Scales) -> None:
        self._instrument = instrument
        self._waiting: deque[Update] | None = deque(maxlen=MAX_WAITING_FRAMES)
        self._asked = False
        self._old = 0
        self.book: Book | None = None
        self.joined = False
        self.last = 0
        self.fault = ""
        self.attempts = 0
        self.newest_wins = False

    def reset(self, attempts: int = 0) -> None:
        """Forget the book: the connection that fed it is gone. The next frame begins a new join."""
        self.book, self.joined, self.attempts = None, False, attempts
        self._waiting, self._asked = deque(maxlen=MAX_WAITING_FRAMES), False

    def refresh(self) -> None:
        """Keep the frames from here on for a new join. The book stays in use until that succeeds."""
        if self._waiting is None:
            self._waiting = deque(maxlen=MAX_WAITING_FRAMES)

    def unanswered(self) -> None:
        """The snapshot came and could not be read: it must be fetched again."""
        self._asked = False
        self.attempts += 1

    def ask(self) -> bool:
        """Whether a snapshot must be fetched now; it says so once until the snapshot comes."""
        if self._waiting is None or self._asked:
            return False
        self._asked = True
        return True

    def expect(self) -> None:
        """A snapshot is on its way without being asked for."""
        self._asked = True

    def begin(self, last: int, bids: Levels, asks: Levels, full_length: int) -> Step:
        """Take a snapshot from the feed itself, which the next frame follows: `joined`, or `lost` if it is no book."""
        self._asked = False
        try:
            book = Book.of(self._instrument, bids, asks, full_length)
        except MoneyError as error:
            return self.spoil(str(error))
        if book.crossed:
            return self.spoil("crossed book")
        self.book, self.last, self.joined, self.attempts, self._waiting, self._old = book, last, True, 0, None, 0
        return "joined"

    def difference(self, frame: Update) -> Step:
        """Take the next frame."""
        if self._waiting is not None:
            self._waiting.append(frame)
        if self.book is None:
            return "waiting"
        step = self._advance(self.book, frame)
        if step == "lost":
            self._drop(frame)
        return step

    def step(self, number: int, bid: bool, price: str, size: str) -> bool:
        """Take one changed level, the next by number, without what a frame of several needs.

        False leaves it to `difference`, which lays it again and says what is the matter.
        """
        book = self.book
        if book is None or not self.joined or self._waiting is not None or number != self.last + 1:
            return False
        try:
            book.change(bid=bid, price=price, size=size)
        except MoneyError:
            return False
        if book.crossed:
            return False
        self.last, self._old = number, 0
        return True

    def snapshot(self, last: int, bids: Levels, asks: Levels, full_length: int) -> Step:
        """Take the snapshot asked for: `joined`, `waiting` for the frame that joins, or `lost` when it does not fit."""
        if self._waiting is None:
            return "ignored"
        self._asked = False
        before = (self.book, self.last, self.joined)
        waiting, self._waiting = self._waiting, None
        try:
            self.book = Book.of(self._instrument, bids, asks, full_length)
        except MoneyError as error:
            return self._refuse(str(error), before, waiting)
        self.last, self.joined = last, False
        step: Step = "waiting"
        for frame in waiting:
            result = self._advance(self.book, frame)
            if result == "lost":
                return self._refuse(self.fault, before, waiting)
            if result != "ignored":
                step = "joined"
        self.attempts = 0
        return step

    def spoil(self, fault: str) -> Step:
        """The book cannot be trusted: drop it. `lost`."""
        self.reset(self.attempts + 1)
        self.fault = fault
        return "lost"

    def _refuse(self, fault: str, before: tuple[Book | None, int, bool], waiting: "deque[Update]") -> Step:
        self.book, self.last, self.joined = before
        self.fault = fault
        self.attempts += 1
        self._waiting = waiting
        return "lost"

    def is_restart(self) -> bool:
        """One more frame older than the book came; whether so many did in a row that the numbers must start anew."""
        self._old += 1
        return self._old >= MAX_OLD_FRAMES

    def _advance(self, book: Book, frame: Update) -> Step:
        if frame.final < self.last or (self.joined and frame.final == self.last):
            if self.joined and frame.final < self.last and self.is_restart():
                self.fault = "numbers start anew"
                return "lost"
            return "ignored"
        follows = frame.previous == self.last
        if not follows and (self.joined or not frame.first <= self.last):
            self.fault = f"previous {frame.previous} is not {self.last}"
            return "lost"
        try:
            book.apply(frame.bids, frame.asks)
        except MoneyError as error:
            self.fault = str(error)
            return "lost"
        if book.crossed and not (self.newest_wins and book.give_way(frame.bids, frame.asks)):
            self.fault = "crossed book"
            return "lost"
        step: Step = "applied" if self.joined else "joined"
        self.last, self.joined, self._old = frame.final, True, 0
        return step

    def _drop(self, frame: Update) -> None:
        self.book, self.joined, self._old = None, False, 0
        self._waiting = deque((frame,), maxlen=MAX_WAITING_FRAMES)
