"""One instrument of a venue: its grid, and what one lot of it is worth."""

import re
from dataclasses import dataclass, field
from typing import Final, Literal

from cleartide.money import MAX_PRICE_TICKS, MAX_SIZE_LOTS, MoneyError, half_up_div, parse_decimal

from services.ingestor.adapters.scale import TextScale
from services.ingestor.engine import COMPILED
from services.ingestor.engine.side import Grid, Scale

_PLAIN_NUMBER: Final = re.compile(r"[0-9]{1,20}(?:\.[0-9]{1,20})?")
HOUR_MICROS: Final = 3_600_000_000

Kind = Literal["linear", "inverse"]


class UnknownInstrument(Exception):  # noqa: N818 - a verdict on the configuration
    """A symbol is not traded at the venue, or its grid does not fit the configured one."""


@dataclass(frozen=True)
class Instrument:
    """`tick_size`: quote per tick. `lot_size`: base per lot (inverse: quote per lot). Both decimal text.

    `size_step` is the venue's own number for one lot: "1" where sizes are contracts and a contract is `lot_size`.
    `code`: what the venue calls it on the wire, where that is not the symbol. Fees are of the notional, < 0 = paid out.
    """

    symbol: str
    tick_size: str
    lot_size: str
    funding_interval_micros: int = 8 * HOUR_MICROS
    size_step: str = ""
    base: str = ""
    quote: str = ""
    kind: Kind = "linear"
    code: str = ""
    maker_ppb: int = 0
    taker_ppb: int = 0
    prices: Scale = field(init=False, repr=False, compare=False)
    sizes: Scale = field(init=False, repr=False, compare=False)
    price_grid: Grid = field(init=False, repr=False, compare=False)
    size_grid: Grid = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        prices = TextScale(self.tick_size, least=1, limit=MAX_PRICE_TICKS, name="price")
        sizes = TextScale(self.size_step or self.lot_size, least=0, limit=MAX_SIZE_LOTS, name="size")
        for name, scale in (("price", prices), ("size", sizes)):
            grid = scale.grid()
            object.__setattr__(self, f"{name}_grid", grid)
            object.__setattr__(self, f"{name}s", grid if COMPILED else scale)

    def next_funding(self, at: int) -> int:
        """When the interval ends that runs at a time: intervals end at multiples of their length."""
        return (at // self.funding_interval_micros + 1) * self.funding_interval_micros

    def nearest_ticks(self, text: str) -> int:
        """Price text to the nearest tick, halves up: for mark and index, which venues quote finer than the grid."""
        if not _PLAIN_NUMBER.fullmatch(text):
            raise MoneyError("not_a_number", f"price {text[:40]!r}")
        numerator, denominator = parse_decimal(text).as_integer_ratio()
        unit_numerator, unit_denominator = parse_decimal(self.tick_size).as_integer_ratio()
        ticks = half_up_div(numerator * unit_denominator, denominator * unit_numerator)
        if not 0 < ticks <= MAX_PRICE_TICKS:
            raise MoneyError("overflow" if ticks > 0 else "not_positive", f"price {text}")
        return ticks

    def nearest_lots(self, text: str) -> int:
        """Size text to the nearest lot, halves up: for sums that a venue has rounded, or counted on a finer grid."""
        numerator, denominator = parse_decimal(text).as_integer_ratio()
        unit_numerator, unit_denominator = parse_decimal(self.size_step or self.lot_size).as_integer_ratio()
        lots = half_up_div(numerator * unit_denominator, denominator * unit_numerator)
        if not 0 <= lots <= MAX_SIZE_LOTS:
            raise MoneyError("overflow", f"size {text}")
        return lots


def pinned_tick(symbol: str, tick_size: str, pinned: str | None) -> str:
    """The tick to count in: the pinned one, of which the venue's own must be a multiple. Raises UnknownInstrument.

    A venue that makes its tick finer is thus refused rather than read in another unit.
    """
    if pinned is None:
        return tick_size
    if parse_decimal(tick_size) % parse_decimal(pinned):
        raise UnknownInstrument(f"{symbol} has tick {tick_size}, which is no multiple of {pinned}")
    return pinned
