"""What of analytics leaves as Parquet when its day is closed."""

from typing import Final

from cleartide.store.datasets import Dataset

from services.analytics.tables import ACCOUNT_DAYS, ACCOUNT_HOURS, CANDLES, TRADES

_CLOSED: Final = "SELECT CASE WHEN swept >= (SELECT count(*) FROM accounts) THEN hour ELSE 0 END FROM clock LIMIT 1"
ARCHIVED: Final = (
    Dataset(ACCOUNT_DAYS, "ts", "number", _CLOSED),
    Dataset(ACCOUNT_HOURS, "ts", "number, start", _CLOSED),
    Dataset(TRADES, "minute", "seq", _CLOSED),
    Dataset(CANDLES, "open_time", "market, series, open_time", _CLOSED),
)
