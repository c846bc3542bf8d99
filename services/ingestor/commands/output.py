"""Rows as a table for people, as JSON and as CSV for programs."""

import argparse
import csv
import io
import json
import os
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from cleartide.console import CommandError

from services.ingestor.commands.values import Age, Rows, Size, plain
from services.ingestor.commands.workbook import write_workbook


def show(rows: Rows, arguments: argparse.Namespace, *, empty: str = "nothing", header: bool = True) -> None:
    """Print rows that have the same keys as `--format` says, or write them where `--output` says.

    header: whether CSV begins with the names of its columns.
    """
    form, output = arguments.format, getattr(arguments, "output_file", None)
    if form == "xlsx":
        write_workbook(_required(output), {arguments.command: rows})
        return
    text = _text(rows, form, empty, header)
    if output is None:
        print(_emphasised(text) if form == "table" and rows else text, end="" if form == "csv" else "\n")
    else:
        write_text(output, text + ("" if form == "csv" else "\n"))


def _text(rows: Rows, form: str, empty: str, header: bool) -> str:
    if form == "json":
        return as_json(rows)
    if form == "csv":
        text = as_csv(rows)
        return text if header else text.partition("\n")[2]
    return as_table(rows) if rows else empty


def _required(output: Path | None) -> Path:
    if output is None:
        raise CommandError("a workbook needs a place: give --output FILE.xlsx")
    return output


def write_text(path: Path, text: str) -> None:
    """The file is there whole, or as it was."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.part")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)


def as_json(rows: Rows) -> str:
    """A list of objects."""
    return json.dumps([{key: plain(value) for key, value in row.items()} for row in rows], indent=2)


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
