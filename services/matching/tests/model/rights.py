"""Who may do what for an account, and where it may trade."""

from typing import Final

from services.matching.tests.model.world import RESERVED, Account, Refusal, World

MARK: Final = "--"
"""Between a parent's name and a sub-account's."""
STRATEGY: Final = "vault--"
"""How the names of those begin that trade for vaults."""


def head(world: World, name: str) -> str:
    """The name of its family."""
    account = world.accounts.get(name)
    return account.parent or name if account is not None else name


def known(world: World, name: str) -> Account:
    """Somebody's account. Raises Refusal."""
    if name in RESERVED:
        raise Refusal("reserved_account")
    if name not in world.accounts:
        raise Refusal("unknown_account")
    return world.accounts[name]


def owns(world: World, account: Account, actor: str | None) -> bool:
    """Itself, the head of its family, or nobody in particular; nobody owns what trades for a vault."""
    if account.name.startswith(STRATEGY):
        return False
    return actor is None or actor in (account.name, head(world, account.name))


def may(world: World, account: Account, actor: str | None, right: str) -> bool:
    """The owner may everything, a delegate what he was given, nobody anything with what is the venue's."""
    return account.name not in RESERVED and (
        owns(world, account, actor) or right in account.delegates.get(actor or "", ())
    )


def require_right(world: World, account: Account, actor: str | None, right: str) -> None:
    """Raises Refusal."""
    if not may(world, account, actor, right):
        raise Refusal("not_permitted")


def require_owner(world: World, account: Account, actor: str | None) -> None:
    """Raises Refusal."""
    if not owns(world, account, actor):
        raise Refusal("not_permitted")


def require_market(account: Account, market: str) -> None:
    """An isolated account has one market (R12). Raises Refusal."""
    if account.pinned not in ("", market):
        raise Refusal("isolated_market")


def require_openable(world: World, name: str) -> None:
    """A sub-account is opened by its parent, not by what is paid to it. Raises Refusal."""
    if MARK in name and name not in world.accounts:
        raise Refusal("unknown_account")


def require_payable(world: World, name: str, actor: str | None) -> None:
    """Whether somebody may pay in for an account that is open, or is to be opened by it. Raises Refusal."""
    if name in RESERVED:
        raise Refusal("reserved_account")
    require_openable(world, name)
    if name in world.accounts:
        require_right(world, world.accounts[name], actor, "deposit")
    elif actor not in (None, name):
        raise Refusal("not_permitted")
