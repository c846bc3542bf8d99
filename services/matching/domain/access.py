"""Who may do what for an account, and in which market an account may trade."""

from typing import Final

from cleartide.contracts import Right
from cleartide.rules.accounts import SYSTEM_ACCOUNTS, is_strategy

from services.matching.domain.accounts import Account
from services.matching.domain.answers import Sender
from services.matching.domain.errors import Refused
from services.matching.domain.state import MatchingState

SUBACCOUNT_MARK: Final = "--"
"""Stands between parent and name in a sub-account's id; neither a name nor an id opened by a deposit may hold it."""


def may(account: Account, actor: str | None, right: Right) -> bool:
    """Whether the actor has the right: the owner has all, others what the account has granted to them.

    Nobody has any for the venue's own accounts: what the insurance fund quotes is the fund's to take back.
    """
    if account.name in SYSTEM_ACCOUNTS:
        return False
    return is_owner(account, actor) or right in account.delegates.get(actor or "", ())


def is_owner(account: Account, actor: str | None) -> bool:
    """Whether the actor is the account itself or the head of its family; None is the owner by definition.

    Nobody is the owner of a vault's strategy: its money is the holders', and its manager has the rights of a delegate.
    """
    if is_strategy(account.name):
        return False
    return actor is None or actor in (account.name, account.root)


def permits(state: MatchingState, sender: Sender, right: Right) -> bool:
    """Whether the sender may; who is not known has nothing to protect, and is answered so by the rule."""
    account = state.accounts.get(sender.account)
    return account is None or may(account, sender.actor, right)


def require(account: Account, actor: str | None, right: Right) -> None:
    """Refused `not_permitted` without the right."""
    if not may(account, actor, right):
        raise Refused("not_permitted", f"{actor} may not {right} for {account.name}")


def require_owner(account: Account, actor: str | None) -> None:
    """Refused `not_permitted` for everybody but the owner."""
    if not is_owner(account, actor):
        raise Refused("not_permitted", f"{actor} does not own {account.name}")


def require_market(account: Account, market: str) -> None:
    """Refused `isolated_market`: an isolated account trades the one market that it was opened for (R12)."""
    if account.pinned and account.pinned != market:
        raise Refused("isolated_market", f"{account.name} trades {account.pinned}")


def require_openable(state: MatchingState, name: str) -> None:
    """Refused `unknown_account`: a sub-account's id is given out by its parent, never taken by paying in."""
    if SUBACCOUNT_MARK in name and name not in state.accounts:
        raise Refused("unknown_account", name)


def known(state: MatchingState, name: str) -> Account:
    """The account of this name, unless nobody or the venue has it."""
    account = state.accounts.get(name)
    if name in SYSTEM_ACCOUNTS:
        raise Refused("reserved_account")
    if account is None:
        raise Refused("unknown_account")
    return account
