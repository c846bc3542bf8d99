"""The price of a call auction: the one at which most trades, in the middle of all such prices (domain 14.3)."""

from collections.abc import Iterable
from typing import NamedTuple


class Clearing(NamedTuple):
    """How many lots trade, and every whole price in ticks, `lowest` to `highest`, at which exactly so many do."""

    lots: int
    lowest: int
    highest: int

    @property
    def price(self) -> int:
        """The middle, floored."""
        return (self.lowest + self.highest) // 2


def clear(bids: Iterable[tuple[int, int]], asks: Iterable[tuple[int, int]]) -> Clearing | None:
    """What trades when all of (price, lots), best first, meet at one price; None when nothing crosses.

    Paired off best against best, the last pair that still crosses bounds the prices: as many lots are bid at or above p
    as long as p is not above that bid, and offered at or below p as long as p is not below that ask. Any other price
    leaves one of the two sides with less.
    """
    buying, selling = iter(bids), iter(asks)
    (bid, wanted), (ask, offered) = next(buying, (0, 0)), next(selling, (0, 0))
    lots, lowest, highest = 0, 0, 0
    while wanted and offered and bid >= ask:
        traded = min(wanted, offered)
        lots, lowest, highest = lots + traded, ask, bid
        wanted, offered = wanted - traded, offered - traded
        if not wanted:
            bid, wanted = next(buying, (0, 0))
        if not offered:
            ask, offered = next(selling, (0, 0))
    return Clearing(lots, lowest, highest) if lots else None
