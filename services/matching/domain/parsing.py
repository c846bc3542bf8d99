"""Decimal text to whole steps, with each step's fraction worked out once per number of decimals."""

from math import gcd
from typing import Final

from cleartide.money import MoneyError, parse_decimal

MOST_DECIMALS: Final = 12


class Steps:
    """Reads text that a contract has already checked; gives the verdicts of `cleartide.money.Grid`.

    A value of d decimals is digits / 10**d, and a step n / m, so the count is digits * m / (10**d * n).
    """

    __slots__ = ("_fractions", "_limit", "_name", "_step")

    def __init__(self, step: str, limit: int, name: str) -> None:
        numerator, denominator = parse_decimal(step).as_integer_ratio()
        if numerator <= 0:
            raise MoneyError("bad_step", f"{name} step {step}")
        self._step, self._limit, self._name = step, limit, name
        self._fractions = tuple(
            _reduced(denominator, numerator * 10**decimals) for decimals in range(MOST_DECIMALS + 1)
        )

    def parse(self, text: str) -> int:
        """The number of steps, > 0. Raises MoneyError: off_grid, overflow or not_positive."""
        whole, _, fraction = text.partition(".")
        multiplier, divisor = self._fractions[len(fraction)]
        steps, rest = divmod(int(whole + fraction) * multiplier, divisor)
        if rest:
            raise MoneyError("off_grid", f"{self._name} {text} is not a multiple of {self._step}")
        if steps > self._limit:
            raise MoneyError("overflow", f"{self._name} {text}")
        if not steps:
            raise MoneyError("not_positive", f"{self._name} {text}")
        return steps


def _reduced(numerator: int, denominator: int) -> tuple[int, int]:
    divisor = gcd(numerator, denominator)
    return numerator // divisor, denominator // divisor
