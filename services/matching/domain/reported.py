"""The outside trades that may still be taken back or corrected, as they stand now."""

from collections import deque
from typing import Final, NamedTuple

HOUR: Final = 3_600 * 1_000_000
CORRECTION_WINDOW: Final = 24 * HOUR
"""For how long after its execution, in sequenced microseconds, a trade may be restated; the last instant included."""
TRADES_REMEMBERED: Final = 500_000
"""The newest ones; older trades are too old even within the window. Bounds memory at about 250 MB."""
FORGOTTEN_AT_ONCE: Final = 2
"""With each new trade, so that no command has to do the work of many."""


class ReportedTrade(NamedTuple):
    """One outside trade in its present form, in the column order of its table.

    first_trade_id, at: number and time of its first execution. trade_id: the number of the form that holds now.
    last_before: the market's last price before it, in ticks; 0 where there was none.
    """

    source: str
    outside_trade_id: str
    market: str
    first_trade_id: int
    trade_id: int
    at: int
    price: int
    lots: int
    buyer: str
    seller: str
    last_before: int
    busted: bool


class ReportedTrades:
    """By source and its own id. `fresh` maps what changed since it was last collected; None is forgotten."""

    __slots__ = ("_oldest", "by_source", "fresh")

    def __init__(self) -> None:
        self.by_source: dict[str, dict[str, ReportedTrade]] = {}
        # lint: allow bounded-queue: `forget` keeps it within TRADES_REMEMBERED
        self._oldest: deque[tuple[int, str, str]] = deque()
        self.fresh: dict[tuple[str, str], ReportedTrade | None] = {}

    def find(self, source: str, outside_trade_id: str) -> ReportedTrade | None:
        """The trade of this source, if it is still remembered."""
        return self.by_source.get(source, {}).get(outside_trade_id)

    def has_other_source(self, source: str, outside_trade_id: str) -> bool:
        """Whether somebody else has reported a trade of this id."""
        return any(outside_trade_id in held for name, held in self.by_source.items() if name != source)

    def add(self, trade: ReportedTrade) -> None:
        """A new trade; the oldest ones go when their time or their place is over."""
        self.restore(trade)
        self.fresh[trade.source, trade.outside_trade_id] = trade
        self._forget(trade.at)

    def replace(self, trade: ReportedTrade) -> None:
        """The trade has another form now."""
        self.by_source[trade.source][trade.outside_trade_id] = trade
        self.fresh[trade.source, trade.outside_trade_id] = trade

    def restore(self, trade: ReportedTrade) -> None:
        """Take back a stored trade; they come in the order of their first numbers."""
        self.by_source.setdefault(trade.source, {})[trade.outside_trade_id] = trade
        self._oldest.append((trade.at, trade.source, trade.outside_trade_id))

    def _forget(self, now: int) -> None:
        for _ in range(FORGOTTEN_AT_ONCE):
            at, source, identity = self._oldest[0]
            if now - at <= CORRECTION_WINDOW and len(self._oldest) <= TRADES_REMEMBERED:
                return
            self._oldest.popleft()
            held = self.by_source[source]
            del held[identity]
            if not held:
                del self.by_source[source]
            self.fresh[source, identity] = None
