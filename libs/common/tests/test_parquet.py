"""Rows become Parquet and CSV without losing a digit or a null."""

from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import duckdb
from cleartide.store.parquet import csv_text, export, parquet_bytes

from tests.support.servers import Database

ROWS = [
    {"day": 86_400_000_000, "open": None, "volume": "9007199254740993.000001", "closed": True, "name": 'a,"b"\n'},
    {"day": 0, "open": "0.1", "volume": "0", "closed": False, "name": ""},
]


def test_few_rows_as_parquet_in_memory(tmp_path: Path) -> None:
    """ANA-EXPORT-001: integers and booleans as such, decimals as the text that they are, nulls as nulls."""
    path = tmp_path / "rows.parquet"
    path.write_bytes(parquet_bytes(ROWS))
    found = duckdb.connect().read_parquet(str(path))
    assert found.fetchall() == [tuple(row.values()) for row in ROWS]
    assert [str(kind) for kind in found.types] == ["BIGINT", "VARCHAR", "VARCHAR", "BOOLEAN", "VARCHAR"]
    assert duckdb.connect().from_parquet(str(_empty(tmp_path))).fetchall() == []


def _empty(folder: Path) -> Path:
    path = folder / "empty.parquet"
    path.write_bytes(parquet_bytes([]))
    return path


def test_rows_as_csv() -> None:
    """ANA-EXPORT-001"""
    assert csv_text(ROWS[1:]) == "day,open,volume,closed,name\n0,0.1,0,False,\n"
    assert csv_text([]) == ""


async def test_a_query_becomes_a_file(database: Database, tmp_path: Path) -> None:
    """ANA-EXPORT-002: of any size, as one COPY; the file has the declared types, and rows in the order of the query."""
    query = (
        "SELECT n::bigint, CASE WHEN n % 3 > 0 THEN 'x,' || n || chr(10) END AS t, to_timestamp(n) AS ts, "
        "n % 2 = 0 AS even FROM generate_series(1, 1000) n ORDER BY n DESC LIMIT $1"
    )
    columns = {"n": "bigint", "t": "text", "ts": "timestamptz", "even": "boolean"}
    connection = await asyncpg.connect(database.admin_dsn)
    try:
        rows = await export(connection, query, columns, tmp_path / "n.parquet", 900)
    finally:
        await connection.close()
    found = duckdb.connect()
    found.execute("SET TimeZone = 'UTC'")
    read = found.execute(f"SELECT n, t, epoch_us(ts), even FROM '{tmp_path}/n.parquet'").fetchall()
    assert (rows, len(read)) == (900, 900)
    assert read[0] == (1_000, "x,1000\n", 1_000 * 10**6, True)
    assert read[1] == (999, None, int(datetime(1970, 1, 1, 0, 16, 39, tzinfo=UTC).timestamp()) * 10**6, False)
    assert [path.name for path in tmp_path.iterdir()] == ["n.parquet"]
