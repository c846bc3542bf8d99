"""A symbol's book as a venue shows it: the market's, at the symbol's prices and in the venue's sizes."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from heapq import nlargest, nsmallest
from typing import Protocol

from services.ingestor.simulator.recording import Level
from services.ingestor.simulator.twin import Traded, Twin


class BookSource(Protocol):
    """The market's book: sizes in base units by price, as text."""

    @property
    def bids(self) -> Mapping[str, str]: ...
    @property
    def asks(self) -> Mapping[str, str]: ...
    @property
    def known(self) -> bool: ...
    @property
    def now_millis(self) -> int: ...


class MarketView:
    """One symbol's book: the market's, at the symbol's prices and in the venue's sizes."""

    def __init__(self, source: BookSource, twin: Twin, traded: Traded) -> None:
        self._source, self._twin, self._traded = source, twin, traded
        self.skew = 0

    @property
    def number(self) -> int:
        """The number of the newest change."""
        return self._twin.numbers[self._traded.symbol]

    @property
    def millis(self) -> int:
        """The venue's time."""
        return self._source.now_millis + self.skew

    def top(self, count: int) -> tuple[list[Level], list[Level]]:
        """Bids and asks, best first."""
        bids = nlargest(count, self._source.bids.items(), key=_price)
        asks = nsmallest(count, self._source.asks.items(), key=_price)
        return self._levels(bids), self._levels(asks)

    def _levels(self, levels: Sequence[Level]) -> list[Level]:
        return translated(levels, self._twin, self._traded.offset)


def translated(levels: Sequence[Level], twin: Twin, offset: Decimal = Decimal(0)) -> list[Level]:
    """Levels in the venue's sizes, their prices `offset` higher."""
    sized = [(price, twin.size(size, price)) for price, size in levels]
    return [(format(Decimal(price) + offset, "f"), size) for price, size in sized] if offset else sized


def _price(level: Level) -> Decimal:
    return Decimal(level[0])
