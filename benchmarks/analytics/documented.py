"""What docs/analytics.md shows of the archive, word for word: one query, and how an engine is given its dataset."""

import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Final

DOCUMENT: Final = Path(__file__).parents[2] / "docs" / "analytics.md"


def query(first: date, last: date) -> str:
    """Who gained most, of the days from first to last."""
    return shown("SELECT account,", {"2026-11-01": str(first), "2026-11-30": str(last)})


def duckdb_view(folder: str) -> str:
    """The archive of a folder for DuckDB."""
    return shown("CREATE VIEW account_days AS SELECT * FROM read_parquet(", {"archive": folder})


def clickhouse_view(place: str, key: str, secret: str) -> str:
    """The archive of a bucket for ClickHouse; place is `http://host:port/bucket/prefix`."""
    meant = {"http://host:9000/bucket/prefix": place, "'key'": f"'{key}'", "'secret'": f"'{secret}'"}
    return shown("CREATE VIEW account_days AS SELECT * FROM s3(", meant)


def spark_view(folder: str) -> str:
    """The archive of a folder for Spark, in Python; `spark` is the session."""
    return shown("spark.read.parquet(", {"archive": folder})


def shown(beginning: str, meant: Mapping[str, str]) -> str:
    """The one indented text of the document that begins so, with our places for the document's.

    Raises LookupError where there is not exactly one, or what stands for a place is not in it.
    """
    found = re.findall(rf"^    ({re.escape(beginning)}.*?)\n\n", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL)
    if len(found) != 1:
        raise LookupError(f"{DOCUMENT.name} shows {len(found)} times: {beginning}")
    text: str = found[0]
    for written, ours in meant.items():
        if written not in text:
            raise LookupError(f"{DOCUMENT.name} does not show {written} in: {text}")
        text = text.replace(written, ours)
    return text
