"""The course of a fall on demand: how far the market's prices are from the recording's, by the seconds since it began.

Down by a smooth step, slow at both ends; a rest at the low; then back by a fixed share of the price each second.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

PPM: Final = 1_000_000
RETURN_PPM: Final = 250
"""A second: 7.5 % in the five minutes over which the breaker averages an index, so that no way back trips it."""


@dataclass(frozen=True)
class Course:
    """From `start` to `low`, both offsets to `base`, in `fall` seconds; back to none after `rest` seconds more.

    base: the recorded price from which the way back is reckoned. tick: of the grid that offsets are on, a power of ten.
    All prices are in quote units.
    """

    base: Decimal
    start: Decimal
    low: Decimal
    fall: Decimal
    rest: Decimal
    tick: Decimal

    def at(self, seconds: Decimal) -> Decimal:
        """The offset so many seconds after it began, on the recording's grid."""
        if seconds < self.fall:
            share = seconds / self.fall
            offset = self.start + (self.low - self.start) * share * share * (3 - 2 * share)
        else:
            risen = (1 + Decimal(RETURN_PPM) / PPM) ** max(Decimal(0), seconds - self.fall - self.rest)
            offset = min(Decimal(0), (self.base + self.low) * risen - self.base)
        return offset.quantize(self.tick)

    def phase(self, seconds: Decimal) -> str:
        """falling, low, returning, or still: prices are the recording's again."""
        if seconds < self.fall:
            return "falling"
        if seconds < self.fall + self.rest:
            return "low"
        return "returning" if self.at(seconds) else "still"
