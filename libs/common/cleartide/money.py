"""Exact money: decimal text in, integers of a named unit inside, decimal text out. No floats, no silent loss.

Domain rules R1-R3: price in ticks, size in lots, money in quanta of 1e-6 quote, `u` quanta per (lot * tick).
"""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Final, NewType

Ticks = NewType("Ticks", int)
Lots = NewType("Lots", int)
Quanta = NewType("Quanta", int)
Ppb = NewType("Ppb", int)

QUANTA_PER_QUOTE: Final = 1_000_000
QUANTA_DECIMALS: Final = 6
PPB: Final = 1_000_000_000
MAX_QUANTA: Final = 2**53 - 1
MAX_SIZE_LOTS: Final = 2**40 - 1
MAX_PRICE_TICKS: Final = 2**40 - 1
MAX_EXPONENT: Final = 60  # far beyond every unit: a number outside is refused before it is written out
MAX_DIGITS: Final = 128


class MoneyError(ValueError):
    """A number that cannot be held exactly: not a number, off the grid, or out of range. `reason` is a code."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason


def parse_decimal(text: str) -> Decimal:
    """A finite decimal of a sane magnitude from text; NaN, infinities and anything else are refused."""
    if not isinstance(text, str):
        raise MoneyError("not_a_number", f"expected decimal text, got {type(text).__name__}")
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise MoneyError("not_a_number", text[:40]) from None
    if not value.is_finite():
        raise MoneyError("not_a_number", text[:40])
    if value.adjusted() > MAX_EXPONENT:
        raise MoneyError("overflow", text[:40])
    if value.adjusted() < -MAX_EXPONENT or len(text) > MAX_DIGITS:
        raise MoneyError("off_grid", text[:40])
    return value


def to_grid(text: str, step: str, limit: int, name: str) -> int:
    """`text` / `step` as an exact integer within +-`limit`; off-grid and overflowing values are refused."""
    value, unit = parse_decimal(text), parse_decimal(step)
    if unit <= 0:
        raise MoneyError("bad_step", f"{name} step {step}")
    numerator, denominator = value.as_integer_ratio()
    unit_numerator, unit_denominator = unit.as_integer_ratio()
    quotient, rest = divmod(numerator * unit_denominator, denominator * unit_numerator)
    if rest:
        raise MoneyError("off_grid", f"{name} {text} is not a multiple of {step}")
    if abs(quotient) > limit:
        raise MoneyError("overflow", f"{name} {text}")
    return quotient


def quanta_from_text(text: str) -> Quanta:
    """Quote amount in quanta; more than six decimals are refused rather than rounded."""
    return Quanta(to_grid(text, "0.000001", MAX_QUANTA, "amount"))


def quanta_to_text(quanta: int) -> str:
    """Quanta as a decimal string with six decimals, e.g. -1500000 -> "-1.500000"."""
    sign = "-" if quanta < 0 else ""
    whole, fraction = divmod(abs(quanta), QUANTA_PER_QUOTE)
    return f"{sign}{whole}.{fraction:06d}"


def units_text(units: int, decimals: int) -> str:
    """Smallest units as decimal text of whole assets: 1234567 with 6 decimals is 1.234567."""
    sign, digits = "-" if units < 0 else "", str(abs(units)).rjust(decimals + 1, "0")
    return f"{sign}{digits[:-decimals]}.{digits[-decimals:]}" if decimals else sign + digits


def rate_text(rate_ppb: int | None) -> str | None:
    """A rate in 1e-9 as decimal text of a fraction: 0.05 is 5 %. None stays None."""
    return None if rate_ppb is None else units_text(rate_ppb, 9)


def checked_quanta(value: int) -> Quanta:
    """The value, or `overflow` when it leaves the range that every reader holds exactly."""
    if not -MAX_QUANTA <= value <= MAX_QUANTA:
        raise MoneyError("overflow", f"{value} quanta")
    return Quanta(value)


def ceil_div(numerator: int, denominator: int) -> int:
    """Quotient rounded toward +inf; denominator > 0."""
    return -(-numerator // denominator)


def trunc_div(numerator: int, denominator: int) -> int:
    """Quotient rounded toward zero; denominator > 0."""
    quotient = abs(numerator) // denominator
    return quotient if numerator >= 0 else -quotient


def half_up_div(numerator: int, denominator: int) -> int:
    """Quotient rounded to nearest, halves toward +inf; denominator > 0."""
    return (2 * numerator + denominator) // (2 * denominator)


def health_factor_text(equity: int, maintenance_margin: int) -> str | None:
    """equity / maintenance margin floored to 1e-6 as text; None without a requirement (domain rule R10)."""
    if maintenance_margin <= 0:
        return None
    return quanta_to_text(equity * QUANTA_PER_QUOTE // maintenance_margin)


@dataclass(frozen=True, slots=True)
class Grid:
    """A market's steps: decimal text of one tick and one lot, and u, the quanta of one lot at one tick."""

    tick_size: str
    lot_size: str
    quanta_per_lot_tick: int

    @classmethod
    def of(cls, tick_size: str, lot_size: str) -> "Grid":
        """Build from a market's definition; tick * lot must be a whole number of quanta >= 1 (domain rule R1)."""
        product = parse_decimal(tick_size) * parse_decimal(lot_size)
        if product <= 0:
            raise MoneyError("bad_step", f"tick {tick_size}, lot {lot_size}")
        return cls(tick_size, lot_size, to_grid(format(product, "f"), "0.000001", 10**12, "tick * lot"))

    def ticks(self, price: str) -> Ticks:
        """Price text to ticks; zero, negative and off-grid prices are refused."""
        ticks = to_grid(price, self.tick_size, MAX_PRICE_TICKS, "price")
        if ticks <= 0:
            raise MoneyError("not_positive", f"price {price}")
        return Ticks(ticks)

    def nearest_ticks(self, price: str) -> Ticks:
        """Price text to the nearest tick, halves up: for index prices, which need not lie on our grid."""
        numerator, denominator = parse_decimal(price).as_integer_ratio()
        unit_numerator, unit_denominator = parse_decimal(self.tick_size).as_integer_ratio()
        ticks = half_up_div(numerator * unit_denominator, denominator * unit_numerator)
        if not 0 < ticks <= MAX_PRICE_TICKS:
            raise MoneyError("overflow" if ticks > 0 else "not_positive", f"price {price}")
        return Ticks(ticks)

    def lots(self, size: str) -> Lots:
        """Size text to lots; zero, negative and off-grid sizes are refused."""
        lots = to_grid(size, self.lot_size, MAX_SIZE_LOTS, "size")
        if lots <= 0:
            raise MoneyError("not_positive", f"size {size}")
        return Lots(lots)

    def notional(self, lots: int, ticks: int) -> Quanta:
        """|lots| * ticks * u, exact; overflow refused."""
        return checked_quanta(abs(lots) * ticks * self.quanta_per_lot_tick)

    def price_text(self, ticks: int) -> str:
        """Ticks as decimal text in the tick's own number of decimals."""
        return format(Decimal(ticks) * Decimal(self.tick_size), "f")

    def size_text(self, lots: int) -> str:
        """Lots as decimal text in the lot's own number of decimals."""
        return format(Decimal(lots) * Decimal(self.lot_size), "f")
