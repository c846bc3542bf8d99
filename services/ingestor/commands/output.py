"""Rows as a table for people, as JSON and as CSV for programs."""

import csv
import io
import json
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

Rows = Sequence[Mapping[str, Any]]
_SIZES: Final = ("B", "kB", "MB", "GB", "TB")


def show(rows: Rows, form: str, *, empty: str = "nothing") -> None:
    """Print rows that have the same keys."""
    if form == "json":
        print(json.dumps([{key: plain(value) for key, value in row.items()} for row in rows], indent=2))
    elif form == "csv":
        print(as_csv(rows), end="")
    else:
        print(_emphasised(as_table(rows)) if rows else empty)


def _emphasised(table: str) -> str:
    """A terminal shows the header line bold; what is piped on is plain, also where NO_COLOR is set."""
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return table
    header, _, rest = table.partition("\n")
    return f"\x1b[1m{header}\x1b[0m\n{rest}"


def as_csv(rows: Rows) -> str:
    """A header and a line per row."""
    text = io.StringIO()
    if rows:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(rows[0])
        writer.writerows([["" if value is None else plain(value) for value in row.values()] for row in rows])
    return text.getvalue()


def as_table(rows: Rows) -> str:
    """Columns as wide as what they hold; numbers to the right."""
    names = list(rows[0])
    cells = [[_cell(row[name]) for name in names] for row in rows]
    right = [all(isinstance(row[name], int | float | Decimal | Size | None) for row in rows) for name in names]
    widths = [max(len(name), *(len(row[place]) for row in cells)) for place, name in enumerate(names)]
    lines = [[name.replace("_", " ").upper() for name in names], *cells]
    return "\n".join(
        "  ".join(
            text.rjust(width) if is_right else text.ljust(width)
            for text, width, is_right in zip(line, widths, right, strict=True)
        ).rstrip()
        for line in lines
    )


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
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Size):
        return int(value)
    if isinstance(value, Age):
        return round(float(value), 3)
    return value


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, Size | Age):
        return str(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    return str(plain(value))
