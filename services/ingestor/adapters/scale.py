"""Venue text to integers, exactly: prices to ticks, sizes to lots. A cache makes the same text cost one look-up."""

import re
from typing import Final

import msgspec
from cleartide.money import MoneyError, parse_decimal

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


def number_text(number: msgspec.Raw) -> str:
    """A JSON number or string as plain decimal text; "" for null."""
    text = bytes(number).decode("ascii", "replace").strip('"')
    if text == "null":
        return ""
    return format(parse_decimal(text), "f") if "e" in text.lower() else text
