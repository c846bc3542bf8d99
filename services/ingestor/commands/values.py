"""Values of rows: what programs get of each, and the numbers that people read otherwise."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

Rows = Sequence[Mapping[str, Any]]
_SIZES: Final = ("B", "kB", "MB", "GB", "TB")


class Size(int):
    """Bytes: a number for programs, `12.3 MB` for people."""

    def __str__(self) -> str:
        value, unit = float(self), _SIZES[0]
        for unit in _SIZES:
            if value < 1000 or unit == _SIZES[-1]:
                break
            value /= 1000
        return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"


class Age(float):
    """Seconds: a number for programs, `3 h 20 min` for people."""

    def __str__(self) -> str:
        seconds = int(self)
        for size, unit, part, smaller in ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "min"), (60, "min", 1, "s")):
            if seconds >= size:
                rest = seconds % size // part
                return f"{seconds // size} {unit}" + (f" {rest} {smaller}" if rest else "")
        return f"{max(0.0, float(self)):.0f} s"


def plain(value: Any) -> Any:
    """As JSON and CSV have it: times in ISO format, exact decimals as text."""
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Size):
        return int(value)
    if isinstance(value, Age):
        return round(float(value), 3)
    return value
