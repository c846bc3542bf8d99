"""Accounts with their place in a family, what delegates may do for them, and their choices of leverage."""

from collections.abc import Mapping, Sequence
from typing import Final

from cleartide.contracts import Right
from cleartide.fold import Changes, Row, Table

from services.matching.domain.accounts import Account
from services.matching.domain.state import Dirty, MatchingState

ACCOUNTS: Final = Table(
    "accounts",
    key=("account",),
    columns={"account": "text", "opened_at": "bigint", "parent": "text", "isolated_market": "text"},
)
DELEGATES: Final = Table(
    "delegates",
    key=("account", "delegate"),
    columns={
        "account": "text",
        "delegate": "text",
        "may_cancel": "boolean",
        "may_deposit": "boolean",
        "may_trade": "boolean",
        "may_transfer": "boolean",
        "may_withdraw": "boolean",
    },
)
LEVERAGES: Final = Table(
    "leverages",
    key=("account", "market"),
    columns={"account": "text", "market": "text", "leverage": "integer"},
)
_RIGHTS: Final[tuple[Right, ...]] = ("cancel", "deposit", "trade", "transfer", "withdraw")


def restore(state: MatchingState, rows: Mapping[str, Sequence[Row]]) -> None:
    """Accounts, then what they have granted and chosen."""
    for name, opened_at, parent, market in rows[ACCOUNTS.name]:
        state.open_account(name, opened_at, root=parent or "", pinned=market or "")
        del state.dirty.accounts[name]
    for name, delegate, *granted in rows[DELEGATES.name]:
        account = state.accounts[name]
        rights = frozenset(right for right, given in zip(_RIGHTS, granted, strict=True) if given)
        account.delegates = {**account.delegates, delegate: rights}
    for name, market, leverage in rows[LEVERAGES.name]:
        state.holding(state.accounts[name], state.markets[market]).leverage = leverage


def collect(changes: Changes, state: MatchingState, dirty: Dirty) -> None:
    """Rows of accounts that opened, and of delegates and leverages that changed."""
    changes.put_all(ACCOUNTS, (_account_row(account) for account in dirty.accounts.values()))
    for key in sorted(dirty.delegates):
        rights = state.accounts[key[0]].delegates.get(key[1])
        if rights is None:
            changes.delete(DELEGATES, key)
        else:
            changes.put(DELEGATES, (*key, *(right in rights for right in _RIGHTS)))
    for key, holding in dirty.leverages.items():
        if holding.leverage:
            changes.put(LEVERAGES, (*key, holding.leverage))
        else:
            changes.delete(LEVERAGES, key)


def _account_row(account: Account) -> Row:
    parent = account.root if account.root != account.name else None
    return (account.name, account.opened_at, parent, account.pinned or None)
