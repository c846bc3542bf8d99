"""The ingestor's fold without servers."""

from collections.abc import Sequence
from dataclasses import replace

from cleartide.bus.folder import Fold
from cleartide.bus.ports import Delivery
from cleartide.fold import Changes

from services.ingestor.adapters.events import MarketStruct, encode
from services.ingestor.app import SERVICE
from services.ingestor.domain.index_markets import IndexMarket
from services.ingestor.repository import IngestorRepository
from services.ingestor.settings import SANDBOX_INDEX
from tests.support.fold_bench import FoldBench

MARKETS = tuple(market.domain() for market in SANDBOX_INDEX)


class Harness(FoldBench):
    """A fresh service with empty tables."""

    def __init__(self, markets: tuple[IndexMarket, ...] = MARKETS) -> None:
        super().__init__(fold_of(markets))

    def feed(self, events: Sequence[MarketStruct], at: int) -> Changes:
        """One message with these events, sequenced at `at`: folded and written."""
        changes = self.deliver(market_message(events, at))
        assert not changes.deletes
        return changes


def fold_of(markets: tuple[IndexMarket, ...] = MARKETS) -> Fold:
    """The service's fold with an index of these markets."""
    return replace(SERVICE.fold, repository=IngestorRepository(markets))


def market_message(events: Sequence[MarketStruct], at: int) -> Delivery:
    """Events of one subject as the feed publishes them; the message's place in the stream is still open."""
    return Delivery(0, at, events[0].subject, encode(list(events)), "", 0)
