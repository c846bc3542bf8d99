"""What can be asked of the venue's vaults. Amounts leave as decimal text, shares as whole numbers."""

from collections.abc import Mapping
from typing import Any, Final

from cleartide.money import quanta_to_text
from cleartide.service import Query, QueryError

from services.matching.domain.vaults.managing import MAX_VAULTS
from services.matching.views.pages import DEFAULT_ROWS, MOST_ROWS, before_of, limit_of

_LIST_SQL: Final = "SELECT * FROM own_vault_worth WHERE vault = $1 OR $1 IS NULL ORDER BY number LIMIT $2"
_HELD_SQL: Final = """
SELECT w.vault, w.state, w.halted, o.shares, o.locked_until, coalesce(s.shares, 0) AS staked_shares,
    least(w.worth_quanta, div(o.shares::numeric * (w.worth_quanta + 1), w.shares + w.virtual_shares))::bigint AS value
FROM own_vault_holders o JOIN own_vault_worth w USING (vault)
LEFT JOIN farm_stakes s ON s.vault = o.vault AND s.account = o.account
WHERE o.account = $1 AND o.shares > 0 ORDER BY w.number LIMIT $2
"""
_EXITS_SQL: Final = """
SELECT exit_id, vault, shares FROM own_vault_exits WHERE account = $1 ORDER BY exit_id LIMIT $2
"""
_OF_VAULT_SQL: Final = """
SELECT * FROM own_vault_moves WHERE vault = $1 AND move_id < $2 ORDER BY move_id DESC LIMIT $3
"""
_OF_ACCOUNT_SQL: Final = """
SELECT * FROM own_vault_moves WHERE account = $1 AND account <> '' AND move_id < $2 ORDER BY move_id DESC LIMIT $3
"""
_TERMS: Final = (
    "deposit_fee_bps",
    "withdraw_fee_bps",
    "management_fee_bps",
    "performance_fee_bps",
    "lock_seconds",
    "capacity",
    "reserve_bps",
    "virtual_shares",
)


async def own_vaults(pool: Any, _: dict[str, Any]) -> Any:
    """Every vault of the venue, the oldest first."""
    return {"vaults": [_vault(row) for row in await pool.fetch(_LIST_SQL, None, MAX_VAULTS)]}


async def own_vault(pool: Any, params: dict[str, Any]) -> Any:
    """One vault. Parameters: vault. Error `not_found`."""
    rows = await pool.fetch(_LIST_SQL, str(params["vault"]), 1)
    if not rows:
        raise QueryError("not_found", f"vault {params['vault']}")
    return _vault(rows[0])


async def vault_holdings(pool: Any, params: dict[str, Any]) -> Any:
    """What an account holds of vaults, at the marks of now and before a withdrawal's fee; and which exits wait.

    Parameters: account.
    """
    account = str(params["account"])
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        held = await connection.fetch(_HELD_SQL, account, MAX_VAULTS)
        exits = await connection.fetch(_EXITS_SQL, account, MAX_VAULTS)
    return {
        "account": account,
        "holdings": [
            {
                "vault": row["vault"],
                "state": _state(row),
                "shares": row["shares"],
                "staked_shares": row["staked_shares"],
                "value": quanta_to_text(row["value"]),
                "locked_until": row["locked_until"],
            }
            for row in held
        ],
        "exits": [dict(row) for row in exits],
    }


async def vault_moves(pool: Any, params: dict[str, Any]) -> Any:
    """What happened in a vault, or to an account in all of them, newest first. Parameters: vault or account; before, a
    move's number; limit.
    """
    limit, before = limit_of(params.get("limit", DEFAULT_ROWS), MOST_ROWS), before_of(params)
    if params.get("account") is not None:
        rows = await pool.fetch(_OF_ACCOUNT_SQL, str(params["account"]), before, limit)
    else:
        rows = await pool.fetch(_OF_VAULT_SQL, str(params["vault"]), before, limit)
    return {"moves": [_move(row) for row in rows]}


def _state(row: Mapping[str, Any]) -> str:
    return "halted" if row["halted"] else str(row["state"])


def _vault(row: Mapping[str, Any]) -> dict[str, Any]:
    worth, shares, virtual = row["worth_quanta"], row["shares"], row["virtual_shares"]
    return {
        "vault": row["vault"],
        "manager": row["manager"],
        "strategy": row["strategy"],
        "created_at": row["created_at"],
        "state": _state(row),
        "terms": {name: row[name] for name in _TERMS},
        "assets": quanta_to_text(worth),
        "shares": shares,
        "million_shares": quanta_to_text((worth + 1) * 1_000_000 // (shares + virtual)),
        "reserve": quanta_to_text(row["reserve_quanta"]),
        "fees_owed": quanta_to_text(row["fees_owed_quanta"]),
        "allocated": quanta_to_text(row["allocated_quanta"]),
        "harvested": quanta_to_text(row["harvested_quanta"]),
        "holders": row["holders"],
        "waiting_shares": row["waiting_shares"],
    }


def _move(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "move_id": row["move_id"],
        "at": row["at"],
        "vault": row["vault"],
        "account": row["account"] or None,
        "kind": row["kind"],
        "shares": row["shares"],
        "amount": quanta_to_text(row["amount_quanta"]),
        "fee": quanta_to_text(row["fee_quanta"]),
        "assets": quanta_to_text(row["assets_quanta"]),
        "total_shares": row["total_shares"],
    }


QUERIES: Final[Mapping[str, Query]] = {
    "own_vault": own_vault,
    "own_vaults": own_vaults,
    "vault_holdings": vault_holdings,
    "vault_moves": vault_moves,
}
