"""One instrument's order book: lots by price, and the prices in order."""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import msgspec
from cleartide.money import MoneyError

from services.ingestor.adapters.instrument import Instrument
from services.ingestor.engine import COMPILED
from services.ingestor.engine.side import ASKS, BIDS, PLAIN, UNUSUAL, Shape, Side

TextLevel = tuple[str, str]
NO_LEVELS: Final = msgspec.Raw(b"[]")
_TEXT_LEVELS: Final = msgspec.json.Decoder(list[TextLevel])


class Layout(NamedTuple):
    """How a venue writes levels: as the engine reads them, and by which they become text where it does not."""

    shape: Shape
    decode: Callable[[msgspec.Raw], Sequence[TextLevel]]


class Written(NamedTuple):
    """Levels as a venue wrote them."""

    levels: msgspec.Raw
    layout: Layout


PLAIN_LAYOUT: Final = Layout(PLAIN, _TEXT_LEVELS.decode)
Levels = Sequence[TextLevel] | msgspec.Raw | Written
"""As text, or as the venue wrote them: a JSON array of [price, size] unless a layout is named."""


def text_levels(levels: Levels) -> Sequence[TextLevel]:
    """Levels as text. Raises MoneyError for what are no levels."""
    if isinstance(levels, msgspec.Raw):
        levels = Written(levels, PLAIN_LAYOUT)
    if not isinstance(levels, Written):
        return levels
    try:
        return levels.layout.decode(levels.levels)
    except msgspec.MsgspecError as error:
        raise MoneyError("unreadable", f"levels: {error}") from error


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
    def of(cls, instrument: Instrument, bids: Levels, asks: Levels, full_length: int) -> "Book":
        """A book from a snapshot of at most `full_length` levels a side."""
        book = cls(instrument)
        below, above = book.apply(bids, asks)
        if below >= full_length:
            book.known_from = book.bids.queue[0]
        if above >= full_length:
            book.known_to = -book.asks.queue[0]
        return book

    def apply(self, bids: Levels, asks: Levels) -> tuple[int, int]:
        """Replace the named levels of both sides; how many are named. After a MoneyError the book must be dropped."""
        return self._lay(self.bids, bids), self._lay(self.asks, asks)

    def _lay(self, side: Side, levels: Levels) -> int:
        instrument = self._instrument
        if COMPILED and isinstance(levels, msgspec.Raw | Written):
            raw, shape = (levels, PLAIN) if isinstance(levels, msgspec.Raw) else (levels.levels, levels.layout.shape)
            count = side.read_levels(bytes(raw), instrument.price_grid, instrument.size_grid, shape)
            if count != UNUSUAL:
                return count
        texts = text_levels(levels)
        side.set_levels(texts, instrument.prices, instrument.sizes)
        return len(texts)

    def change(self, *, bid: bool, price: str, size: str) -> None:
        """Replace one level. After a MoneyError the book must be dropped."""
        instrument = self._instrument
        (self.bids if bid else self.asks).set_level(price, size, instrument.prices, instrument.sizes)

    def give_way(self, bids: Levels, asks: Levels) -> bool:
        """Take out the levels that are met by levels just laid on the other side; whether the book is a book again."""
        for laid, side, other in ((bids, self.bids, self.asks), (asks, self.asks, self.bids)):
            ticks = [self._instrument.prices[price] * side.sign for price, _ in text_levels(laid)]
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
