"""What of vaults leaves as Parquet when its day is closed for every line, and again when it is told again."""

from typing import Final

from cleartide.store.datasets import Dataset

from services.vaults.repository import DAYS

ARCHIVED: Final = (
    Dataset(
        DAYS,
        "ts",
        "number, revision",
        "SELECT CASE WHEN swept >= (SELECT count(*) FROM vault_lines) THEN day ELSE 0 END FROM vault_clock LIMIT 1",
        "SELECT day, max(revision) AS revision FROM vault_restated GROUP BY day LIMIT 100000",
    ),
)
