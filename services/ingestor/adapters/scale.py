"""Venue text to integers, exactly: prices to ticks, sizes to lots. A cache makes the same text cost one look-up."""

import re
from fractions import Fraction
from typing import Final

import msgspec
from cleartide.money import MoneyError, parse_decimal

from services.ingestor.engine.side import Grid

MAX_DIGITS: Final = 20
"""On either side of the point."""
_PLAIN_NUMBER: Final = re.compile(r"[0-9]{1,20}(?:\.[0-9]{1,20})?")
_CACHED_TEXTS: Final = 100_000
NO_NUMBER: Final = msgspec.Raw(b"null")
"""A field that is not there, for `number_text`."""


class TextScale(dict[str, int]):
    """`scale[text]` = text / step as an exact integer from `least` to `limit`; raises MoneyError for any other text.

    Integer arithmetic only: with step = unit / 10**places, text / step = digits * 10**places / (unit * 10**decimals), a
    ratio that is worked out once for each number of decimals.
    """

    def __init__(self, step: str, *, least: int, limit: int, name: str) -> None:
        super().__init__()
        if not _PLAIN_NUMBER.fullmatch(step) or not int(step.replace(".", "")):
            raise MoneyError("bad_step", f"{name} step {step!r}")
        unit, places = int(step.replace(".", "")), len(step.partition(".")[2])
        exact = [Fraction(10**places, unit * 10**decimals) for decimals in range(MAX_DIGITS + 1)]
        self._ratios = [each.as_integer_ratio() for each in exact]
        self._step, self._least, self._limit, self._name = step, least, limit, name

    def grid(self) -> Grid:
        """The same without a cache, which compiled is the faster, also for numbers that are read from bytes."""
        return Grid(self._ratios, self._least, self._limit, self)

    def __missing__(self, text: str) -> int:
        point = text.find(".")
        digits = text if point < 0 else text[:point] + text[point + 1 :]
        decimals = 0 if point < 0 else len(text) - point - 1
        if not (digits.isdecimal() and digits.isascii() and _is_plain(point, len(digits), decimals)):
            raise MoneyError("not_a_number", f"{self._name} {text[:40]!r}")
        factor, divisor = self._ratios[decimals]
        value, rest = divmod(int(digits) * factor, divisor)
        if rest:
            raise MoneyError("off_grid", f"{self._name} {text} is not a multiple of {self._step}")
        if not self._least <= value <= self._limit:
            raise MoneyError("overflow" if value > self._limit else "not_positive", f"{self._name} {text}")
        if len(self) >= _CACHED_TEXTS:
            self.clear()
        self[text] = value
        return value


def _is_plain(point: int, digits: int, decimals: int) -> bool:
    """Digits before the point, and behind it if there is one."""
    return 0 < digits - decimals <= MAX_DIGITS and (point < 0 or 0 < decimals <= MAX_DIGITS)


def step_of(decimals: int) -> str:
    """The step of numbers with so many decimals; fewer than none are whole tens, hundreds..."""
    return "0." + "0" * (decimals - 1) + "1" if decimals > 0 else "1" + "0" * -decimals


def number_text(number: msgspec.Raw) -> str:
    """A JSON number or string as plain decimal text; "" for null."""
    text = bytes(number).decode("ascii", "replace").strip('"')
    if text == "null":
        return ""
    return format(parse_decimal(text), "f") if "e" in text.lower() else text
