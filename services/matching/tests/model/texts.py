"""From what a command says to whole steps."""

from fractions import Fraction
from typing import Final

from services.matching.tests.model.world import Refusal

SIDES: Final = {"buy": 1, "sell": -1}


def steps_of(text: str, step: Fraction, most: int) -> int:
    """Decimal text in whole steps, at least one."""
    count = signed_steps_of(text, step, most)
    if not count:
        raise Refusal("not_positive")
    return count


def signed_steps_of(text: str, step: Fraction, most: int) -> int:
    """Decimal text in whole steps, which may be none or fewer."""
    count = Fraction(text) / step
    if count.denominator != 1:
        raise Refusal("off_grid")
    if abs(count) > most:
        raise Refusal("overflow")
    return int(count)
