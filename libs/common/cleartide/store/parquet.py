"""Rows to Parquet and CSV: the one place that writes columnar files, for archives and for exports.

Rows leave the database as one COPY and become a Parquet file with DuckDB, column types as declared, compressed with
zstd. Nothing is held in memory as Python objects, so the size of a day does not matter.
"""

import csv
import io
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import asyncpg

TYPES: Final = {
    "text": "VARCHAR",
    "jsonb": "VARCHAR",
    "bigint": "BIGINT",
    "integer": "INTEGER",
    "smallint": "SMALLINT",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "timestamptz": "TIMESTAMPTZ",
}
"""Column types of our tables and what they are in a Parquet file."""
ROWS_PER_GROUP: Final = 122_880
COPY_SECONDS: Final = 600.0
MEMORY: Final = "256MB"


async def export(
    connection: "asyncpg.Connection[Any]", query: str, columns: Mapping[str, str], target: Path, *arguments: Any
) -> int:
    """Write what a query returns, in its order, as a Parquet file; returns the number of rows.

    `columns`: the query's columns with their PostgreSQL types, which are keys of TYPES. The file appears whole or not
    at all.
    """
    with tempfile.NamedTemporaryFile(dir=target.parent, suffix=".csv") as rows:
        await connection.copy_from_query(
            query, *arguments, output=Path(rows.name), format="csv", null="\\N", timeout=COPY_SECONDS
        )
        return from_csv(Path(rows.name), columns, target)


def from_csv(rows: Path, columns: Mapping[str, str], target: Path) -> int:
    """Turn a CSV file without a header, nulls written as \\N, into a Parquet file; returns the number of rows."""
    typed = ", ".join(f"'{name}': '{TYPES[kind]}'" for name, kind in columns.items())
    partial = target.with_suffix(".partial")
    import duckdb  # where it is wanted: 30 MB that a process without exports need not hold

    with duckdb.connect(config={"memory_limit": MEMORY, "threads": 2, "temp_directory": str(target.parent)}) as duck:
        duck.execute("SET TimeZone = 'UTC'")
        counted = duck.execute(
            f"COPY (SELECT * FROM read_csv('{rows}', header = false, auto_detect = false, nullstr = '\\N', "  # noqa: S608
            f"delim = ',', quote = '\"', escape = '\"', columns = {{{typed}}})) "
            f"TO '{partial}' (FORMAT parquet, PARQUET_VERSION V2, COMPRESSION zstd, ROW_GROUP_SIZE {ROWS_PER_GROUP})"
        ).fetchall()
    partial.replace(target)
    return int(counted[0][0])


def csv_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows with a header line; nulls are empty. Columns are those of the first row."""
    text = io.StringIO()
    if rows:
        writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return text.getvalue()


def parquet_bytes(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Few rows as a Parquet file in memory: integers and booleans as such, everything else as text."""
    names = list(rows[0]) if rows else ["empty"]
    kinds = {name: _kind(row[name] for row in rows) for name in names}
    with tempfile.TemporaryDirectory(prefix="cleartide-export-") as folder:
        source, target = Path(folder) / "rows.csv", Path(folder) / "rows.parquet"
        with source.open("w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerows(["\\N" if row[name] is None else row[name] for name in names] for row in rows)
        from_csv(source, kinds, target)
        return target.read_bytes()


def _kind(values: Iterable[Any]) -> str:
    kinds = {type(value) for value in values if value is not None}
    if kinds == {bool}:
        return "boolean"
    return "bigint" if kinds == {int} else "text"
