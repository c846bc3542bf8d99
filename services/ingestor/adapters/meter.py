"""What a book can bear, told beside it: at most once every so often, since the walk is long in a deep book."""

from typing import Final

from cleartide.contracts.types import JSON_SAFE

from services.ingestor.adapters.instrument import Instrument
from services.ingestor.domain.liquidity.depth import depth
from services.ingestor.domain.liquidity.slippage import Fill, slippage
from services.ingestor.domain.liquidity.worth import Worth
from services.ingestor.engine.book import Book

OFF: Final = -1
Measures = tuple[
    int, int, list[int], list[int], int, int, list[int | None], list[int | None], list[int | None], list[int | None]
]


class LiquidityMeter:
    """One symbol's. `every`: microseconds of venue time between two measures; 0 = with every change, OFF = never.

    multiples: in steps of how many ticks the book is told beside them.
    """

    __slots__ = ("_due_at", "_worth", "every", "multiples")

    def __init__(self, instrument: Instrument) -> None:
        self._worth = Worth.of(instrument.tick_size, instrument.lot_size, inverse=instrument.kind == "inverse")
        self._due_at = 0
        self.every = OFF
        self.multiples: tuple[int, ...] = ()

    def measure(self, book: Book, at: int) -> Measures | None:
        """The fields of `VenueLiquidity` after its head, if they are due and the book has two sides."""
        if self.every == OFF or at < self._due_at or not book.bids.queue or not book.asks.queue:
            return None
        self._due_at = at + self.every
        deep, cost = depth(book.bids, book.asks, self._worth), slippage(book.bids, book.asks, self._worth)
        return (
            book.bids.queue[-1],
            -book.asks.queue[-1],
            [min(each, JSON_SAFE) for each in deep.bids],
            [min(each, JSON_SAFE) for each in deep.asks],
            deep.bid_reach,
            deep.ask_reach,
            _slippages(cost.buys),
            _slippages(cost.sells),
            _impacts(cost.buys),
            _impacts(cost.sells),
        )


def _slippages(fills: tuple[Fill | None, ...]) -> list[int | None]:
    return [None if fill is None else min(fill.slippage, JSON_SAFE) for fill in fills]


def _impacts(fills: tuple[Fill | None, ...]) -> list[int | None]:
    return [None if fill is None else min(fill.impact, JSON_SAFE) for fill in fills]
