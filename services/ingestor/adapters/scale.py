"""Venue text to integers, exactly: prices to ticks, sizes to lots. A cache makes the same text cost one look-up."""

import re
from dataclasses import dataclass, field
from typing import Final

from cleartide.money import MAX_PRICE_TICKS, MAX_SIZE_LOTS, MoneyError, half_up_div, parse_decimal

_PLAIN_NUMBER: Final = re.compile(r"[0-9]{1,20}(?:\.[0-9]{1,20})?")
_CACHED_TEXTS: Final = 100_000


class TextScale(dict[str, int]):
    """`scale[text]` = text / step as an exact integer from `least` to `limit`; raises MoneyError for any other text.

    Integer arithmetic only: with step = unit / 10**places, text / step = digits * 10**places / (unit * 10**decimals).
    """

    def __init__(self, step: str, *, least: int, limit: int, name: str) -> None:
        super().__init__()
        if not _PLAIN_NUMBER.fullmatch(step) or not int(step.replace(".", "")):
            raise MoneyError("bad_step", f"{name} step {step!r}")
        self._unit, self._places = int(step.replace(".", "")), len(step.partition(".")[2])
        self._step, self._least, self._limit, self._name = step, least, limit, name

    def __missing__(self, text: str) -> int:
        if not _PLAIN_NUMBER.fullmatch(text):
            raise MoneyError("not_a_number", f"{self._name} {text[:40]!r}")
        whole, _, decimals = text.partition(".")
        numerator: int = int(whole + decimals) * 10**self._places
        denominator: int = self._unit * 10 ** len(decimals)
        value, rest = divmod(numerator, denominator)
        if rest:
            raise MoneyError("off_grid", f"{self._name} {text} is not a multiple of {self._step}")
        if value < self._least:
            raise MoneyError("not_positive", f"{self._name} {text}")
        if value > self._limit:
            raise MoneyError("overflow", f"{self._name} {text}")
        if len(self) >= _CACHED_TEXTS:
            self.clear()
        self[text] = value
        return value


@dataclass(frozen=True)
class Instrument:
    """One instrument's grid at its venue: sizes of a tick (quote) and a lot (base) as decimal text."""

    symbol: str
    tick_size: str
    lot_size: str
    funding_interval_micros: int = 8 * 3600 * 1_000_000
    prices: TextScale = field(init=False, repr=False, compare=False)
    sizes: TextScale = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        prices = TextScale(self.tick_size, least=1, limit=MAX_PRICE_TICKS, name="price")
        sizes = TextScale(self.lot_size, least=0, limit=MAX_SIZE_LOTS, name="size")
        object.__setattr__(self, "prices", prices)
        object.__setattr__(self, "sizes", sizes)

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
