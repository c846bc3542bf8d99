"""What can be asked of the venue's vaults. Amounts leave as decimal text, shares as whole numbers."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from cleartide.money import quanta_to_text
from cleartide.rules.farms import Farm, Stake
from cleartide.rules.vaults import BPS, YEAR_MICROS, unit_price, value_of_shares
from cleartide.service import Query, QueryError

from services.matching.domain.vaults.managing import MAX_VAULTS
from services.matching.views.pages import DEFAULT_ROWS, MOST_ROWS, before_of, limit_of

_FARM: Final = "f.fee_bps AS farm_fee_bps, f.to_come_quanta, f.at AS farm_at, f.ends_at, f.earned, f.staked"
_LIST_SQL: Final = f"""
SELECT w.*, {_FARM}, p.at AS now FROM own_vault_worth w LEFT JOIN farms f USING (vault) CROSS JOIN consumer_position p
WHERE w.vault = $1 OR $1 IS NULL ORDER BY w.number LIMIT $2
"""  # noqa: S608 - a constant
_HELD_SQL: Final = f"""
SELECT w.vault, w.state, w.halted, w.worth_quanta, w.shares AS total_shares, w.virtual_shares, o.shares, o.locked_until,
    s.shares AS staked_shares, s.credited, s.pending_quanta, {_FARM}, p.at AS now
FROM own_vault_holders o JOIN own_vault_worth w USING (vault) CROSS JOIN consumer_position p
LEFT JOIN farms f USING (vault) LEFT JOIN farm_stakes s ON s.vault = o.vault AND s.account = o.account
WHERE o.account = $1 AND (o.shares > 0 OR s.pending_quanta > 0) ORDER BY w.number LIMIT $2
"""  # noqa: S608 - a constant
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

    `rewards`: what a claim would bring now, before the platform's fee. Parameters: account.
    """
    account = str(params["account"])
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        held = await connection.fetch(_HELD_SQL, account, MAX_VAULTS)
        exits = await connection.fetch(_EXITS_SQL, account, MAX_VAULTS)
    return {
        "account": account,
        "holdings": [_holding(account, row) for row in held],
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


def _holding(account: str, row: Mapping[str, Any]) -> dict[str, Any]:
    worth = value_of_shares(row["shares"], row["worth_quanta"], row["total_shares"], row["virtual_shares"])
    farm, pending = _farm_of(row), 0
    if farm is not None and row["staked_shares"] is not None:
        farm.stakes[account] = Stake(row["staked_shares"], int(row["credited"]), row["pending_quanta"])
        pending = farm.pending_of(account, row["now"])
    return {
        "vault": row["vault"],
        "state": _state(row),
        "shares": row["shares"],
        "staked_shares": row["staked_shares"] or 0,
        "value": quanta_to_text(worth),
        "rewards": quanta_to_text(pending),
        "locked_until": row["locked_until"],
    }


def _farm_of(row: Mapping[str, Any]) -> Farm | None:
    """As its last step left it."""
    if row["farm_fee_bps"] is None:
        return None
    figures = (row["to_come_quanta"], row["farm_at"], row["ends_at"], int(row["earned"]), row["staked"])
    return Farm(row["farm_fee_bps"], *figures)


def _farm(row: Mapping[str, Any]) -> dict[str, Any] | None:
    """A farm as it is now. `reward_apr`: what a year of its flow, less the platform's fee, is of what is staked."""
    farm = _farm_of(row)
    if farm is None:
        return None
    farm.advance(row["now"])
    staked = value_of_shares(farm.staked, row["worth_quanta"], row["shares"], row["virtual_shares"])
    yearly = farm.to_come * YEAR_MICROS * (BPS - farm.fee_bps)
    spread = max(1, farm.ends_at - row["now"]) * BPS * staked
    return {
        "platform_fee_bps": farm.fee_bps,
        "to_come": quanta_to_text(farm.to_come),
        "ends_at": farm.ends_at,
        "staked_shares": farm.staked,
        "reward_apr": f"{Decimal(yearly * 10**12 // spread).scaleb(-12):f}" if staked else None,
    }


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
        "unit_price": quanta_to_text(unit_price(worth, shares, virtual)),
        "reserve": quanta_to_text(row["reserve_quanta"]),
        "fees_owed": quanta_to_text(row["fees_owed_quanta"]),
        "allocated": quanta_to_text(row["allocated_quanta"]),
        "harvested": quanta_to_text(row["harvested_quanta"]),
        "holders": row["holders"],
        "waiting_shares": row["waiting_shares"],
        "farm": _farm(row),
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
