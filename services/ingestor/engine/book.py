"""One instrument's order book: lots by price, and the prices in order."""

from collections.abc import Callable, Sequence
from typing import Final, Protocol, final

from services.ingestor.engine import COMPILED
from services.ingestor.engine.side import ASKS, BIDS, UNUSUAL, Grid, Scale, Shape, Side

TextLevel = tuple[str, str]


class Scales(Protocol):
    """An instrument's steps: of text, and of numbers that are read from bytes."""

    @property
    def prices(self) -> Scale: ...
    @property
    def sizes(self) -> Scale: ...
    @property
    def price_grid(self) -> Grid: ...
    @property
    def size_grid(self) -> Grid: ...


@final
class Layout:
    """How a venue writes levels: as they are read from bytes, and by which they become text where they are not.

    `decode` raises MoneyError for what are no levels.
    """

    def __init__(self, shape: Shape, decode: Callable[[bytes], Sequence[TextLevel]]) -> None:
        self.shape: Final = shape
        self.decode: Final = decode


@final
class Written:
    """Levels as a venue wrote them, in the order in which they are to be laid: each part has a layout of its own."""

    def __init__(self, *parts: tuple[bytes, Layout]) -> None:
        self.parts: Final = parts


Levels = Sequence[TextLevel] | Written
NO_LEVELS: Final[Sequence[TextLevel]] = ()


def text_levels(levels: Levels) -> Sequence[TextLevel]:
    """Levels as text. Raises MoneyError for what are no levels."""
    if not isinstance(levels, Written):
        return levels
    return [level for data, layout in levels.parts for level in layout.decode(data)]


@final
class Book:
    """Both sides of one instrument.

    A snapshot of full length ends where the venue cut it: beyond its last price the book knows only the levels that
    changed since. `known_from` and `known_to` are those prices, None where the snapshot held the whole side.
    """

    def __init__(self, instrument: Scales) -> None:
        self.prices: Final[Scale] = instrument.prices
        self.sizes: Final[Scale] = instrument.sizes
        self.price_grid: Final[Grid] = instrument.price_grid
        self.size_grid: Final[Grid] = instrument.size_grid
        self.compiled: Final[bool] = COMPILED
        self.bids: Final = Side(BIDS)
        self.asks: Final = Side(ASKS)
        self.known_from: int | None = None
        self.known_to: int | None = None

    @classmethod
    def of(cls, instrument: Scales, bids: Levels, asks: Levels, full_length: int) -> "Book":
        """A book from a snapshot of at most `full_length` levels a side."""
        book = Book(instrument)
        below, above = book.apply(bids, asks)
        if below >= full_length:
            book.known_from = book.bids.queue[0]
        if above >= full_length:
            book.known_to = -book.asks.queue[0]
        return book

    def apply(self, bids: Levels, asks: Levels) -> tuple[int, int]:
        """Replace the named levels of both sides; how many are named. After a MoneyError the book must be dropped."""
        return self.lay(self.bids, bids), self.lay(self.asks, asks)

    def lay(self, side: Side, levels: Levels) -> int:
        """Replace the named levels of a side; how many are named."""
        if not isinstance(levels, Written):
            side.set_levels(levels, self.prices, self.sizes)
            return len(levels)
        total = 0
        for data, layout in levels.parts:
            count = side.read_levels(data, self.price_grid, self.size_grid, layout.shape) if self.compiled else UNUSUAL
            if count == UNUSUAL:
                texts = layout.decode(data)
                side.set_levels(texts, self.prices, self.sizes)
                count = len(texts)
            total += count
        return total

    def change(self, *, bid: bool, price: str, size: str) -> None:
        """Replace one level. After a MoneyError the book must be dropped."""
        side = self.bids if bid else self.asks
        if self.compiled:
            side.put(self.price_grid[price], self.size_grid[size])
        else:
            side.put(self.prices[price], self.sizes[size])

    def give_way(self, bids: Levels, asks: Levels) -> bool:
        """Take out the levels that are met by levels just laid on the other side; whether the book is a book again."""
        for laid, side, other in ((bids, self.bids, self.asks), (asks, self.asks, self.bids)):
            ticks = [self.prices[price] * side.sign for price, _ in text_levels(laid)]
            edge = max((each for each in ticks if each * side.sign in side.lots), default=None)
            while edge is not None and other.queue and -other.queue[-1] <= edge:
                del other.lots[other.queue.pop() * other.sign]
        return not self.crossed

    @property
    def crossed(self) -> bool:
        """Whether the best bid is at or above the best ask: never true of a real book, so something was lost."""
        bids, asks = self.bids.queue, self.asks.queue
        return bool(bids) and bool(asks) and bids[-1] >= -asks[-1]

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
