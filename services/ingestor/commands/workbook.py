"""Rows as an Excel workbook: a sheet for each table, numbers as numbers as far as a spreadsheet holds them exactly."""

import importlib
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from cleartide.console import CommandError

from services.ingestor.commands.values import Rows, plain

EXACT_DIGITS: Final = 15
"""What a double, and so a cell, holds of any decimal number. More goes into the cell as text."""
MOST_ROWS: Final = 1_048_575
"""Rows of a sheet below its header."""
_NAME: Final = 31
_FORBIDDEN: Final = str.maketrans(dict.fromkeys("[]:*?/\\", "-"))


def write_workbook(path: Path, sheets: Mapping[str, Rows]) -> None:
    """One sheet per table, header in bold and frozen. The file appears whole or not at all. Raises CommandError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.part")
    try:
        with new_workbook(draft) as book:
            bold = book.add_format({"bold": True})
            for name, rows in sheets.items():
                _fill(book.add_worksheet(_sheet_name(name)), rows, bold)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def new_workbook(path: Path) -> Any:
    """An open workbook that keeps one row in memory. Raises CommandError where the library is missing."""
    try:
        library = importlib.import_module("xlsxwriter")
    except ImportError:
        raise CommandError("Excel files need xlsxwriter: `make tools` installs it") from None
    return library.Workbook(str(path), {"constant_memory": True, "strings_to_formulas": False})


def cell(value: Any) -> Any:
    """As a cell holds it: numbers with more digits than a cell has are text, and so are times, in ISO format."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return value if len(str(abs(value))) <= EXACT_DIGITS else str(value)
    if isinstance(value, Decimal):
        return float(value) if len(value.normalize().as_tuple().digits) <= EXACT_DIGITS else format(value, "f")
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return plain(value)


def _fill(sheet: Any, rows: Rows, bold: Any) -> None:
    if not rows:
        return
    if len(rows) > MOST_ROWS:
        raise CommandError(f"{len(rows):,} rows do not fit a sheet: take CSV or Parquet")
    for column, name in enumerate(rows[0]):
        sheet.write_string(0, column, name, bold)
    sheet.freeze_panes(1, 0)
    for number, row in enumerate(rows, start=1):
        for column, value in enumerate(row.values()):
            if value is not None:
                sheet.write(number, column, cell(value))


def _sheet_name(name: str) -> str:
    return name.translate(_FORBIDDEN)[:_NAME]
