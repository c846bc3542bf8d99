"""Vaults of the venue, who holds their shares, who waits, and their history. Their cash is in the ledger's balances."""

from collections.abc import Mapping, Sequence
from typing import Final

from cleartide.contracts.vaults import (
    VaultTerms,
)
from cleartide.fold import Changes, Row, Table
from cleartide.rules.vaults import Waiting

from services.matching.domain.ledger import vault_name
from services.matching.domain.state import MatchingState
from services.matching.domain.vaults.record import OwnVault, Vaults
from services.matching.tables.farms import FARM_TABLES, collect_farms, restore_farms

_TERMS: Final = {
    "deposit_fee_bps": "integer",
    "withdraw_fee_bps": "integer",
    "management_fee_bps": "integer",
    "performance_fee_bps": "integer",
    "lock_seconds": "integer",
    "capacity": "text",
    "reserve_bps": "integer",
    "virtual_shares": "integer",
}
OWN_VAULTS: Final = Table(
    "own_vaults",
    key=("vault",),
    columns={
        "vault": "text",
        "number": "integer",
        "manager": "text",
        "strategy": "text",
        "created_at": "bigint",
        **_TERMS,
        "state": "text",
        "halted": "boolean",
        "assets_quanta": "bigint",
        "shares": "bigint",
        "fees_owed_quanta": "bigint",
        "high_water": "text",
        "charged_at": "bigint",
        "carry": "bigint",
        "allocated_quanta": "bigint",
        "harvested_quanta": "bigint",
        "retry_at": "bigint",
    },
)
HOLDERS: Final = Table(
    "own_vault_holders",
    key=("vault", "account"),
    columns={"vault": "text", "account": "text", "shares": "bigint", "locked_until": "bigint"},
)
EXITS: Final = Table(
    "own_vault_exits",
    key=("exit_id",),
    columns={"exit_id": "bigint", "vault": "text", "account": "text", "shares": "bigint"},
)
MOVES: Final = Table(
    "own_vault_moves",
    key=("move_id",),
    columns={
        "move_id": "bigint",
        "at": "bigint",
        "vault": "text",
        "account": "text",
        "kind": "text",
        "shares": "bigint",
        "amount_quanta": "bigint",
        "fee_quanta": "bigint",
        "assets_quanta": "bigint",
        "total_shares": "bigint",
    },
    write="append",
    load=False,
)
VAULT_TABLES: Final = (OWN_VAULTS, HOLDERS, EXITS, MOVES, *FARM_TABLES)


def restore(state: MatchingState, rows: Mapping[str, Sequence[Row]]) -> None:
    """Every vault with its book and its queue in order."""
    for name, number, manager, strategy, created_at, *rest in sorted(rows[OWN_VAULTS.name], key=lambda row: row[1]):
        terms = VaultTerms(**dict(zip(_TERMS, rest, strict=False)))
        reserve = state.ledger.account(vault_name(name))
        vault = OwnVault(name, number, manager, state.accounts[strategy], reserve, terms, created_at)
        _restore_book(vault, rest[len(_TERMS) :])
        state.vaults.add(vault)
        if vault.retry_at:
            state.deadlines.set(vault.deadline)
    state.vaults.touched.clear()
    for name, account, shares, locked_until in sorted(rows[HOLDERS.name]):
        book = state.vaults.by_name[name].book
        book.holders[account], book.locked_until[account] = shares, locked_until
    for number, name, account, shares in sorted(rows[EXITS.name]):
        state.vaults.by_name[name].book.queue.append(Waiting(account, shares, number))
    restore_farms(state.vaults, rows)


def _restore_book(vault: OwnVault, values: Sequence[object]) -> None:
    vault.state, vault.book.paused, *figures = values  # type: ignore[assignment]
    assets, shares, fees, high_water, charged_at, carry, *rest = (int(str(figure)) for figure in figures)
    book = vault.book
    book.assets, book.shares, book.fees, book.high_water = assets, shares, fees, high_water
    book.charged_at, book.carry = charged_at, carry
    vault.allocated, vault.harvested, vault.retry_at = rest


def collect(changes: Changes, vaults: Vaults) -> None:
    """Rows of what changed."""
    for name in sorted(vaults.touched):
        changes.put(OWN_VAULTS, _row(vaults.by_name[name]))
    for name, account in sorted(vaults.touched_holders):
        book = vaults.by_name[name].book
        changes.put(HOLDERS, (name, account, book.holders[account], book.locked_until[account]))
    for number, waiting in sorted(vaults.touched_exits.items()):
        if waiting is None:
            changes.delete(EXITS, (number,))
        else:
            changes.put(EXITS, (number, *waiting))
    changes.put_all(MOVES, vaults.news)
    collect_farms(changes, vaults)
    vaults.touched, vaults.touched_holders, vaults.touched_exits, vaults.news = set(), set(), {}, []


def _row(vault: OwnVault) -> Row:
    book = vault.book
    return (
        vault.name,
        vault.number,
        vault.manager,
        vault.strategy.name,
        vault.created_at,
        *(getattr(vault.terms, name) for name in _TERMS),
        vault.state,
        book.paused,
        book.assets,
        book.shares,
        book.fees,
        str(book.high_water),
        book.charged_at,
        book.carry,
        vault.allocated,
        vault.harvested,
        vault.retry_at,
    )
