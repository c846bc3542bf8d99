"""The adapter of Binance USD-M."""

from services.ingestor.adapters.instrument import Instrument
from services.ingestor.adapters.venues.binance import UsdmCore
from services.ingestor.adapters.venues.binance.core import MARKET, PUBLIC

SYMBOL = "BTCUSDT"


class Subject:
    """Exact integers, a book, events."""

    def __init__(self) -> None:
        self._core = UsdmCore([Instrument(SYMBOL, "0.10", "0.001")])
        for route in (PUBLIC, MARKET):
            self._core.connected(route, 0)

    def prepared(self, raw: bytes) -> bytes:
        """As it came."""
        return raw

    async def begin(self, snapshot: bytes, first: bytes) -> None:
        """The first frame asks for the snapshot."""
        self._core.frame(first, 1)
        self._core.snapshot(SYMBOL, snapshot, 1)

    async def take(self, frames: list[bytes]) -> None:
        """Every frame."""
        take = self._core.frame
        for raw in frames:
            take(raw, 1)

    def book(self, levels: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]], int]:
        """The best levels in ticks of ten cents and thousandths of a coin, and the update they are of."""
        sync = self._core.symbol(SYMBOL).sync
        assert sync.book is not None and not self._core.counts["lost_books"]
        return *sync.book.top(levels), sync.last
