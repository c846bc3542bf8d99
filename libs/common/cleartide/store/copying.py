"""Rows in PostgreSQL's binary COPY, a few hundred at a time: the server writes some while the next are being made.

The driver makes half a megabyte of rows before it sends the first, which is a whole batch of a service: the server then
waits for the service and the service for the server. Rows are made column by column with functions of the interpreter's
own, which takes less time than the driver needs for the same bytes.
"""

import struct
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import repeat
from operator import floordiv, sub
from typing import Any, Final

import asyncpg

from cleartide.fold import Row, Table

CHUNK_ROWS: Final = 500
SIGNATURE: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
"""The beginning of such a stream: no flags, no further header."""
END: Final = b"\xff\xff"
NULL: Final = struct.pack(">i", -1)
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_MICRO: Final = timedelta(microseconds=1)
_LONG: Final = struct.Struct(">iq").pack
_INTEGER: Final = struct.Struct(">ii").pack
_SMALL: Final = struct.Struct(">ih").pack
_BOOLEAN: Final = {value: struct.pack(">i?", 1, value) for value in (True, False)}
_UNFIT: Final = (TypeError, AttributeError, KeyError, struct.error)
Column = Sequence[Any]


class _Texts(dict[str, bytes]):
    """Each text of a column made once."""

    def __missing__(self, text: str) -> bytes:
        encoded = text.encode()
        made = self[text] = struct.pack(">i", len(encoded)) + encoded
        return made


def _texts(column: Column) -> Iterable[bytes]:
    return map(_Texts().__getitem__, column)


def _times(column: Column) -> Iterable[bytes]:
    """Microseconds since 2000, exactly."""
    since = map(sub, column, repeat(_EPOCH))
    return map(_LONG, repeat(8), map(floordiv, since, repeat(_MICRO)))


MADE: Final[Mapping[str, tuple[type, Callable[[Column], Iterable[bytes]]]]] = {
    "bigint": (int, lambda column: map(_LONG, repeat(8), column)),
    "integer": (int, lambda column: map(_INTEGER, repeat(4), column)),
    "smallint": (int, lambda column: map(_SMALL, repeat(2), column)),
    "boolean": (bool, lambda column: map(_BOOLEAN.__getitem__, column)),
    "text": (str, _texts),
    "timestamptz": (datetime, _times),
}
"""Column types that are known here: what their values are, and a column of them as length and bytes each."""


def is_copied(table: Table, row: Row) -> bool:
    """Whether rows like this one can be made here; a value may be None."""
    kinds = table.columns.values()
    return MADE.keys() >= set(kinds) and all(
        value is None or isinstance(value, MADE[kind][0]) for value, kind in zip(row, kinds, strict=True)
    )


async def copy_rows(
    connection: "asyncpg.Connection[Any]", table: Table, rows: Sequence[Row], into: str | None = None
) -> None:
    """Copy rows into a table, or into another of the same columns, all or none.

    Raises what the server says, and ValueError for what does not fit a column.
    """
    source, columns = chunks(table, rows), [*table.columns]
    await connection.copy_to_table(into or table.name, source=source, columns=columns, format="binary")


async def chunks(table: Table, rows: Sequence[Row], size: int = CHUNK_ROWS) -> AsyncIterator[bytes]:
    """The rows as a stream of binary COPY, `size` of them at a time."""
    makers = [MADE[kind][1] for kind in table.columns.values()]
    head, begun = struct.pack(">h", len(makers)), SIGNATURE
    for start in range(0, len(rows), size):
        columns = zip(*rows[start : start + size], strict=True)
        made = [_made(maker, column) for maker, column in zip(makers, columns, strict=True)]
        yield begun + b"".join(map(b"".join, zip(repeat(head), *made)))
        begun = b""
    yield begun + END


def _made(maker: Callable[[Column], Iterable[bytes]], column: Column) -> Iterable[bytes]:
    """None is rare, and found by what comes of it."""
    try:
        return list(maker(column))
    except _UNFIT:
        there = iter(list(_checked(maker, [value for value in column if value is not None])))
        return [NULL if value is None else next(there) for value in column]


def _checked(maker: Callable[[Column], Iterable[bytes]], column: Column) -> Iterable[bytes]:
    try:
        return list(maker(column))
    except _UNFIT as error:
        raise ValueError(f"a value does not fit its column: {error}") from error
