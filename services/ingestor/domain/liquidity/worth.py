"""What lots are worth: exact quote money of ticks and lots, for linear and for inverse instruments.

Parts per trillion (ppt, 10^-12) are the unit of every distance: one basis point is 10^8 of them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from cleartide.money import QUANTA_PER_QUOTE, MoneyError, half_up_div, parse_decimal

PPT: Final = 10**12
PPT_PER_BPS: Final = 10**8
INVERSE_BASE: Final = 10**40
"""Money / price is no whole number: the base of inverse contracts counts in parts far finer than any result."""

Level = tuple[int, int]
"""Price in ticks and size in lots."""


@dataclass(frozen=True, slots=True)
class Worth:
    """`numerator` / `denominator` quanta are the worth of one lot at one tick; of one lot, where `inverse`.

    An inverse contract is worth a fixed amount of the quote at every price.
    """

    numerator: int
    denominator: int
    inverse: bool = False

    @classmethod
    def of(cls, tick_size: str, lot_size: str, *, inverse: bool = False) -> "Worth":
        """From an instrument's grid: quote per tick, and base (inverse: quote) per lot. Raises MoneyError."""
        unit = parse_decimal(lot_size) * (1 if inverse else parse_decimal(tick_size)) * QUANTA_PER_QUOTE
        if unit <= 0:
            raise MoneyError("bad_step", f"tick {tick_size}, lot {lot_size}")
        return cls(*unit.as_integer_ratio(), inverse)

    def units(self, ticks: int, lots: int) -> int:
        """What `lots` at `ticks` count before they are turned into quanta."""
        return lots if self.inverse else ticks * lots

    def quanta(self, units: int) -> int:
        """Quanta of so many units, floored; exact wherever a unit is a whole number of quanta."""
        return units * self.numerator // self.denominator

    def total(self, levels: Iterable[Level]) -> int:
        """Quanta of all levels together."""
        return self.quanta(sum(self.units(ticks, lots) for ticks, lots in levels))


def distance_ppt(twice_ticks: int, twice_mid: int) -> int:
    """How far a price lies above the middle, both doubled, in ppt of the middle, nearest with halves up."""
    return half_up_div((twice_ticks - twice_mid) * PPT, twice_mid)
