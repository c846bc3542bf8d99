"""Candles of venues that tell them as they stand and do not say when one is final."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from services.ingestor.adapters.core import Unusable
from services.ingestor.adapters.protocol import Output
from services.ingestor.adapters.symbol import SymbolFeed
from services.ingestor.adapters.wire import chosen_intervals


class _Told(NamedTuple):
    open_at: int
    prices: tuple[str, str, str, str]
    lots: int


class RunningCandles:
    """A candle is final when a later one is told: it is then said once more, as it was told last.

    What is told on one connection is put together; a candle during which the connection broke is told as final only
    when the venue has told it again since. Sums that the venue has rounded in binary go to the nearest lot.

    chosen: the option `candles`, as in "1m,1h"; `names` are the venue's of each interval, `wanted` those it chooses.
    """

    def __init__(self, chosen: str, names: Mapping[str, str]) -> None:
        self.wanted = chosen_intervals(chosen, names)
        self._ours = {theirs: ours for ours, theirs in names.items()}
        self._newest: dict[tuple[str, str], _Told] = {}

    def forget(self, symbols: Collection[str] | None = None) -> None:
        """The connection of these symbols, or of all, is new: what was told last may not be the last there was."""
        self._newest = {
            key: told for key, told in self._newest.items() if symbols is not None and key[0] not in symbols
        }

    def take(
        self,
        feed: SymbolFeed,
        name: str,
        open_at: int,
        prices: tuple[str, str, str, str],
        volume: str,
        venue_time: int,
        at: int,
    ) -> list[Output]:
        """A candle as it stands; `prices` are open, high, low and close, `volume` in the venue's own size.

        Raises Unusable for an interval that is none.
        """
        interval = self._ours.get(name)
        if interval is None:
            raise Unusable("unknown_interval", name)
        key, told = (feed.instrument.symbol, interval), _Told(open_at, prices, feed.instrument.nearest_lots(volume))
        before = self._newest.get(key)
        if before is not None and open_at < before.open_at:
            return []
        out = feed.candle(interval, *told, False, venue_time, at)
        self._newest[key] = told
        if before is not None and open_at > before.open_at:
            return [*feed.candle(interval, *before, True, venue_time, at), *out]
        return out
