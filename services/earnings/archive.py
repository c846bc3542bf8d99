"""What of earnings leaves as Parquet when its day is closed for every account."""

from typing import Final

from cleartide.store.datasets import Dataset

from services.earnings.tables import DAYS

ARCHIVED: Final = (
    Dataset(
        DAYS,
        "ts",
        "number",
        "SELECT CASE WHEN swept >= (SELECT count(*) FROM earnings_accounts) THEN day ELSE 0 END FROM earnings_clock "
        "LIMIT 1",
    ),
)
