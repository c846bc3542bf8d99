"""Rows in binary COPY: every kind of column is written as it was given, and what does not fit is refused."""

import struct
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import asyncpg
import pytest
from cleartide.fold import Row, Table
from cleartide.store.copying import MADE, chunks, copy_rows, is_copied
from hypothesis import given
from hypothesis import strategies as st

from tests.support.servers import Database

KINDS = Table("kinds", ("n",), {"n": "bigint", **{f"c_{kind}": kind for kind in sorted({*MADE} - {"bigint"})}})
NUMBERED, *OTHERS = KINDS.columns.values()
FIRST, LAST = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
VALUES: dict[str, "st.SearchStrategy[Any]"] = {
    "bigint": st.integers(-(2**63), 2**63 - 1),
    "integer": st.integers(-(2**31), 2**31 - 1),
    "smallint": st.integers(-(2**15), 2**15 - 1),
    "boolean": st.booleans(),
    "text": st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    "timestamptz": st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=-9, minutes=30))])),
}
EDGES: list[Row] = [
    (-(2**63), True, -(2**31), -(2**15), "€ \t\\N\n", FIRST),
    (2, None, None, None, None, None),
    (3, False, 0, 0, "x" * 70_000, datetime(2000, 1, 1, tzinfo=timezone(timedelta(hours=14)))),
    (2**63 - 1, False, 2**31 - 1, 2**15 - 1, "", LAST),
]


def read(stream: bytes, kinds: Sequence[str]) -> list[Row]:
    """The rows of a stream of binary COPY, by the documented form of it."""
    assert stream[:19] == b"PGCOPY\n\xff\r\n\0" + bytes(8)
    assert stream[-2:] == b"\xff\xff"
    rows, place = [], 19
    while place < len(stream) - 2:
        (fields,) = struct.unpack_from(">h", stream, place)
        assert fields == len(kinds)
        row, place = [], place + 2
        for kind in kinds:
            (length,) = struct.unpack_from(">i", stream, place)
            part, place = stream[place + 4 : place + 4 + max(length, 0)], place + 4 + max(length, 0)
            row.append(None if length < 0 else value_of(kind, part))
        rows.append(tuple(row))
    return rows


def value_of(kind: str, part: bytes) -> Any:
    if kind == "text":
        return part.decode()
    if kind == "boolean":
        return {b"\0": False, b"\1": True}[part]
    number = int.from_bytes(part, signed=True)
    assert len(part) == {"smallint": 2, "integer": 4}.get(kind, 8)
    return datetime(2000, 1, 1, tzinfo=UTC) + timedelta(microseconds=number) if kind == "timestamptz" else number


@given(rows=st.lists(st.tuples(VALUES[NUMBERED], *(st.none() | VALUES[kind] for kind in OTHERS))))
async def test_every_value_is_written_as_it_was_given(rows: list[Row]) -> None:
    """RUN-BULK-004"""
    whole = b"".join([part async for part in chunks(KINDS, rows, size=3)])
    assert read(whole, [NUMBERED, *OTHERS]) == rows


async def test_the_server_takes_what_was_given(database: Database) -> None:
    """RUN-BULK-004"""
    columns = ", ".join(f"{name} {kind}" for name, kind in KINDS.columns.items())
    connection = await asyncpg.connect(database.admin_dsn)
    try:
        await connection.execute(f"CREATE TEMPORARY TABLE kinds ({columns})")
        await copy_rows(connection, KINDS, EDGES)
        await copy_rows(connection, KINDS, [])
        found = [tuple(row) for row in await connection.fetch("SELECT * FROM kinds ORDER BY n")]
        assert found == EDGES
        good = (9, *EDGES[0][1:])
        naive = LAST.replace(tzinfo=None)
        for place, wrong in ((0, 2**63), (1, "yes"), (2, 2**31), (3, 1.5), (4, 7), (5, naive)):
            bad = (*good[:place], wrong, *good[place + 1 :])
            with pytest.raises(ValueError, match="does not fit"):
                await copy_rows(connection, KINDS, [good, bad])
        with pytest.raises(asyncpg.CharacterNotInRepertoireError):
            await copy_rows(connection, KINDS, [(*good[:4], "a\0b", good[5])])
        assert await connection.fetchval("SELECT count(*) FROM kinds") == len(EDGES), "all or none"
    finally:
        await connection.close()


def test_other_columns_and_values_are_left_to_others() -> None:
    """RUN-BULK-004"""
    assert is_copied(KINDS, EDGES[0]) and is_copied(KINDS, EDGES[1])
    assert not is_copied(KINDS, ("0", *EDGES[0][1:]))
    assert not is_copied(Table("t", ("n",), {"n": "bigint", "levels": "jsonb"}), (1, [1]))
