"""What collateral is worth: amount * price * weight, exact but for one floor (domain section 4.1)."""

from collections.abc import Iterable
from fractions import Fraction
from functools import lru_cache
from typing import Final, NamedTuple

from cleartide.money import PPB, QUANTA_PER_QUOTE, ceil_div, parse_decimal

MAX_COLLATERAL_QUANTA: Final = 2**51
"""What one account's collateral counts for at most, so that every equity can be published; about 2.2e9 quote."""


class UnitPrice(NamedTuple):
    """Quote quanta per smallest unit of an asset, as an exact fraction in lowest terms; 0/1: no price yet."""

    numerator: int
    denominator: int

    def at(self, ticks: int) -> "UnitPrice":
        """The price at so many ticks, of the price of one tick."""
        return UnitPrice(self.numerator * ticks, self.denominator)


class CollateralView(NamedTuple):
    """One asset of an account as the margin rules see it."""

    amount_units: int
    price: UnitPrice
    weight_ppb: int


SETTLEMENT_PRICE: Final = UnitPrice(1, 1)


@lru_cache(maxsize=1_024)
def unit_price(price: str, decimals: int) -> UnitPrice:
    """Quanta per smallest unit of an asset that costs `price` quote; per tick where `price` is the size of a tick."""
    numerator, denominator = parse_decimal(price).as_integer_ratio()
    exact = Fraction(numerator * QUANTA_PER_QUOTE, denominator * 10**decimals)
    return UnitPrice(exact.numerator, exact.denominator)


def quanta_of(units: int, price: UnitPrice, weight_ppb: int = PPB) -> int:
    """floor(units * price * weight), in quanta; the weight in 1e-9 (4.1)."""
    return units * price.numerator * weight_ppb // (price.denominator * PPB)


def quanta_per_tick(units: int, price: UnitPrice, weight_ppb: int) -> int:
    """By how many quanta `quanta_of` moves at most when a price of so much per tick moves by one tick."""
    return ceil_div(units * price.numerator * weight_ppb, price.denominator * PPB)


def units_worth(quanta: int, price: UnitPrice, weight_ppb: int) -> int:
    """The fewest units whose `quanta_of` reaches `quanta` (4.1, solved for units); price and weight are not zero."""
    return ceil_div(quanta * price.denominator * PPB, price.numerator * weight_ppb)


def collateral_value(collateral: Iterable[CollateralView]) -> int:
    """What an account's collateral adds to its equity, in quanta: each asset floored, the sum bounded."""
    return min(sum(quanta_of(*view) for view in collateral), MAX_COLLATERAL_QUANTA)


def converted(units: int, sold: UnitPrice, bought: UnitPrice, fee_ppb: int) -> int:
    """floor(units * sold / bought * (1 - fee)), in smallest units of the asset bought; the fee in 1e-9 (R3).

    What is less than a smallest unit stays behind.
    """
    numerator = units * sold.numerator * bought.denominator * (PPB - fee_ppb)
    return numerator // (sold.denominator * bought.numerator * PPB)
