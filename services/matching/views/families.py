"""A family of accounts: the head, its sub-accounts, and who may act for each."""

from collections.abc import Mapping
from typing import Any, Final

from cleartide.service import Query, QueryError

MOST_ACCOUNTS: Final = 129
MOST_DELEGATES: Final = 32

_FAMILY_SQL: Final = """
SELECT account, opened_at, parent, isolated_market FROM accounts WHERE account = $1 OR parent = $1
ORDER BY parent NULLS FIRST, account LIMIT $2
"""
_DELEGATES_SQL: Final = "SELECT * FROM delegates WHERE account = ANY($1) ORDER BY account, delegate LIMIT $2"
_RIGHTS: Final = ("cancel", "deposit", "trade", "transfer", "withdraw")


async def family(pool: Any, params: dict[str, Any]) -> Any:
    """The accounts of a family, its head first. Parameters: account (the head). Error `not_found`."""
    head = str(params["account"])
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        accounts = await connection.fetch(_FAMILY_SQL, head, MOST_ACCOUNTS)
        names = [row["account"] for row in accounts]
        delegates = await connection.fetch(_DELEGATES_SQL, names, len(names) * MOST_DELEGATES + 1)
    if head not in names or accounts[0]["parent"] is not None:
        raise QueryError("not_found", f"account {head} is not the head of a family")
    return {"account": head, "accounts": [_account(row, delegates) for row in accounts]}


def _account(row: Mapping[str, Any], delegates: list[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "account": row["account"],
        "opened_at": row["opened_at"],
        "margin_mode": "isolated" if row["isolated_market"] else "cross",
        "market": row["isolated_market"],
        "delegates": {
            found["delegate"]: [right for right in _RIGHTS if found[f"may_{right}"]]
            for found in delegates
            if found["account"] == row["account"]
        },
    }


QUERIES: Final[Mapping[str, Query]] = {"family": family}
