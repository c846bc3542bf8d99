"""What came, went and moved without a trade, and what is on its way."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from cleartide.contracts.types import JSON_SAFE
from cleartide.service import Query, QueryError

DEFAULT_ROWS: Final = 50
MOST_ROWS: Final = 500
MOST_OPEN: Final = 1_000

_HISTORY_SQL: Final = """
SELECT t.*, coalesce(a.decimals, 6) AS decimals FROM transfers t LEFT JOIN assets a USING (asset)
WHERE t.account = $1 AND ($2::text IS NULL OR t.asset = $2) AND t.transfer_id < $3
ORDER BY t.transfer_id DESC LIMIT $4
"""
_DEPOSITS_SQL: Final = """
SELECT d.*, coalesce(a.decimals, 6) AS decimals FROM deposits d LEFT JOIN assets a USING (asset)
WHERE d.account = $1 ORDER BY d.deposit_id LIMIT $2
"""
_WITHDRAWALS_SQL: Final = """
SELECT w.*, coalesce(a.decimals, 6) AS decimals FROM withdrawals w LEFT JOIN assets a USING (asset)
WHERE w.account = $1 ORDER BY w.withdrawal_id LIMIT $2
"""


async def transfers(pool: Any, params: dict[str, Any]) -> Any:
    """An account's transfers, step by step, newest first. Parameters: account; asset, before (a transfer id), limit.

    `moved` is by how much the balance changed with the step; the moves of all steps add up to what transfers ever did.
    """
    name, asset = str(params["account"]), params.get("asset")
    before, limit = int(params.get("before", JSON_SAFE)), int(params.get("limit", DEFAULT_ROWS))
    if not (0 <= before <= JSON_SAFE and 1 <= limit <= MOST_ROWS):
        raise QueryError("bad_parameters", f"1 to {MOST_ROWS} rows before a number that an answer gave")
    rows = await pool.fetch(_HISTORY_SQL, name, asset and str(asset), before, limit)
    same = ("transfer_id", "at", "asset", "kind", "status", "counterparty", "reference")
    return {
        "account": name,
        "transfers": [
            {
                **{field: row[field] for field in same},
                "amount": units_text(row["amount_units"], row["decimals"]),
                "moved": units_text(row["moved_units"], row["decimals"]),
            }
            for row in rows
        ],
    }


async def open_transfers(pool: Any, params: dict[str, Any]) -> Any:
    """An account's deposits that wait for confirmations and withdrawals that have not left. Parameters: account."""
    name = str(params["account"])
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        deposits = await connection.fetch(_DEPOSITS_SQL, name, MOST_OPEN)
        withdrawals = await connection.fetch(_WITHDRAWALS_SQL, name, MOST_OPEN)
    coming = ("deposit_id", "asset", "tx_id", "output", "confirmations", "confirmations_needed", "status", "seen_at")
    going = ("withdrawal_id", "asset", "destination", "status", "asked_at")
    return {
        "account": name,
        "deposits": [_open(row, coming) for row in deposits],
        "withdrawals": [_open(row, going) for row in withdrawals],
    }


def units_text(units: int, decimals: int) -> str:
    """Smallest units as decimal text in the asset's own number of decimals."""
    return format(Decimal(units).scaleb(-decimals), "f")


def _open(row: Mapping[str, Any], fields: tuple[str, ...]) -> dict[str, Any]:
    return {**{field: row[field] for field in fields}, "amount": units_text(row["amount_units"], row["decimals"])}


QUERIES: Final[Mapping[str, Query]] = {"open_transfers": open_transfers, "transfers": transfers}
