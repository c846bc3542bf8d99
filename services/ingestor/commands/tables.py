"""Series as files: CSV, JSON lines and Parquet, out and in, batch by batch, each value exactly.

A file is written under another name and takes its own when it is whole. Integers stay integers, times are microseconds
UTC, and what is JSON in the database is JSON text in the file.
"""

import csv
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self

import duckdb
from cleartide.console import CommandError
from cleartide.fold import Row, Table
from cleartide.store.parquet import from_csv

from services.ingestor.commands.workbook import MOST_ROWS, cell, new_workbook
from services.ingestor.repository import instant

FORMATS: Final = ("csv", "json", "parquet")
"""What is written and read; a workbook is only written."""
_BATCH: Final = 10_000


class Sink(ABC):
    """A file that is being written. Left with an error, it leaves no file."""

    def __init__(self, path: Path, table: Table) -> None:
        self.path, self.table, self.rows = path, table, 0
        self._draft = path.with_name(f".{path.name}.part")

    def __enter__(self) -> Self:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.open(self._draft)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        if kind is None:
            self._draft.replace(self.path)
        else:
            with suppress(FileNotFoundError):
                self._draft.unlink()

    def add(self, rows: Sequence[Row]) -> None:
        """Write rows in column order."""
        self.rows += len(rows)
        self.write(rows)

    @abstractmethod
    def open(self, draft: Path) -> None:
        """Begin."""

    @abstractmethod
    def write(self, rows: Sequence[Row]) -> None:
        """One batch."""

    @abstractmethod
    def close(self) -> None:
        """End."""


class CsvSink(Sink):
    """A header and a line per row; nothing stands for null."""

    _file: IO[str]

    def open(self, draft: Path) -> None:
        """The header."""
        self._file = draft.open("w", newline="", encoding="utf-8")
        self._writer = csv.writer(self._file, lineterminator="\n")
        self._writer.writerow(self.table.columns)

    def write(self, rows: Sequence[Row]) -> None:
        """As text."""
        self._writer.writerows([["" if value is None else _text(value) for value in row] for row in rows])

    def close(self) -> None:
        """The file."""
        self._file.close()


class JsonSink(Sink):
    """One object per line."""

    _file: IO[str]

    def open(self, draft: Path) -> None:
        """The file."""
        self._file = draft.open("w", encoding="utf-8")

    def write(self, rows: Sequence[Row]) -> None:
        """By column name."""
        for row in rows:
            named = zip(self.table.columns, row, strict=True)
            self._file.write(json.dumps({name: _plain(value) for name, value in named}) + "\n")

    def close(self) -> None:
        """The file."""
        self._file.close()


class ParquetSink(CsvSink):
    """Columns typed as the table's, compressed with zstd. Rows wait in a CSV file: their number does not matter."""

    def open(self, draft: Path) -> None:
        """The file in which rows wait."""
        self._waiting = draft.with_suffix(".rows")
        self._file = self._waiting.open("w", newline="", encoding="utf-8")
        self._writer = csv.writer(self._file, lineterminator="\n")

    def write(self, rows: Sequence[Row]) -> None:
        """As text, in which null differs from nothing."""
        self._writer.writerows([["\\N" if value is None else _text(value) for value in row] for row in rows])

    def close(self) -> None:
        """All rows at once."""
        self._file.close()
        from_csv(self._waiting, self.table.columns, self._draft)
        self._waiting.unlink()


class XlsxSink(Sink):
    """One sheet. Numbers of more than 15 digits are text, as a cell would round them."""

    def open(self, draft: Path) -> None:
        """The workbook with its header."""
        self._book = new_workbook(draft)
        self._sheet = self._book.add_worksheet(self.table.name[:31])
        self._sheet.write_row(0, 0, list(self.table.columns), self._book.add_format({"bold": True}))
        self._sheet.freeze_panes(1, 0)

    def write(self, rows: Sequence[Row]) -> None:
        """Below those that are there."""
        if self.rows > MOST_ROWS:
            raise CommandError(f"{self.table.name} has more rows than a sheet: take Parquet or --max-rows")
        for number, row in enumerate(rows, start=self.rows - len(rows) + 1):
            for column, value in enumerate(row):
                if value is not None:
                    self._sheet.write(number, column, cell(_text(value)))

    def close(self) -> None:
        """The file."""
        self._book.close()


SINKS: Final[Mapping[str, type[Sink]]] = {
    "csv": CsvSink,
    "json": JsonSink,
    "parquet": ParquetSink,
    "xlsx": XlsxSink,
}


def form_of(path: Path) -> str:
    """The format that a file's name says. Raises CommandError for another."""
    form = path.suffix.removeprefix(".")
    if form not in FORMATS:
        raise CommandError(f"{path}: a file is called .csv, .json or .parquet")
    return form


def batches(path: Path, table: Table, size: int = _BATCH) -> Iterator[list[Row]]:
    """The rows of a file in the table's column order. Raises CommandError, with the place, for what cannot be read."""
    readers: Mapping[str, Callable[[Path, Table], Iterator[Sequence[Any]]]] = {
        "csv": _csv_rows,
        "json": _json_rows,
        "parquet": _parquet_rows,
    }
    parse: list[Callable[[Any], Any]] = [_PARSERS.get(kind, _as_text) for kind in table.columns.values()]
    batch: list[Row] = []
    for number, values in enumerate(_readable(path, readers[form_of(path)](path, table)), start=1):
        try:
            row = tuple(
                None if value is None or value == "" else read(value) for read, value in zip(parse, values, strict=True)
            )
        except (ValueError, TypeError) as error:
            raise CommandError(f"{path}, row {number}: {error}") from error
        batch.append(row)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _readable(path: Path, rows: Iterator[Sequence[Any]]) -> Iterator[Sequence[Any]]:
    try:
        yield from rows
    except (UnicodeDecodeError, csv.Error) as error:
        raise CommandError(f"{path} is no text of rows: {error}") from error


def _csv_rows(path: Path, table: Table) -> Iterator[Sequence[Any]]:
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.reader(file)
        header = next(reader, [])
        places = _places(path, header, table)
        for number, line in enumerate(reader, start=1):
            if len(line) != len(header):
                raise CommandError(f"{path}, row {number}: {len(line)} fields, where the header has {len(header)}")
            yield [line[place] for place in places]


def _json_rows(path: Path, table: Table) -> Iterator[Sequence[Any]]:
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            try:
                named = json.loads(line)
            except ValueError as error:
                raise CommandError(f"{path}, line {number}: {error}") from error
            if not isinstance(named, dict):
                raise CommandError(f"{path}, line {number}: {line.strip()[:40]} is no object with a field per column")
            if number == 1:
                _places(path, list(named), table)
            yield [named.get(name) for name in table.columns]


def _parquet_rows(path: Path, table: Table) -> Iterator[Sequence[Any]]:
    with duckdb.connect() as connection:
        connection.execute("SET threads = 2")
        try:
            header = connection.execute(f"SELECT * FROM read_parquet({_literal(path)}) LIMIT 0").description  # noqa: S608
        except duckdb.Error as error:
            raise CommandError(f"{path}: {str(error).partition(chr(10))[0]}") from error
        _places(path, [column[0] for column in header], table)
        chosen = ", ".join(
            f"epoch_us({name})" if kind == "timestamptz" else name for name, kind in table.columns.items()
        )
        # lint: allow bounded-query: a file, read a batch at a time
        found = connection.execute(f"SELECT {chosen} FROM read_parquet({_literal(path)})")  # noqa: S608
        while rows := found.fetchmany(_BATCH):
            yield from rows


def _literal(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def _places(path: Path, header: Sequence[str], table: Table) -> list[int]:
    missing = [name for name in table.columns if name not in header]
    if missing:
        raise CommandError(f"{path} is no {table.name}: it has no {', '.join(missing)}")
    return [list(header).index(name) for name in table.columns]


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    return json.loads(value) if isinstance(value, bytes) else value


def _text(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else _plain(value)


def _as_time(value: Any) -> datetime:
    """ISO text with its zone, or microseconds UTC."""
    if isinstance(value, int):
        return instant(value)
    at = datetime.fromisoformat(value)
    if at.tzinfo is None:
        raise ValueError(f"{value} has no time zone")
    return at.astimezone(UTC)


def _as_integer(value: Any) -> int:
    if isinstance(value, float):
        raise ValueError(f"{value} is no integer")
    return int(value)


def _as_text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no text")
    return value


def _as_json(value: Any) -> bytes:
    """Given as it is read: text is checked to be JSON."""
    return json.dumps(json.loads(value) if isinstance(value, str) else value).encode()


_PARSERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "timestamptz": _as_time,
    "bigint": _as_integer,
    "integer": _as_integer,
    "smallint": _as_integer,
    "jsonb": _as_json,
}
