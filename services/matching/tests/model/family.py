"""Families of accounts: a head, sub-accounts with margin of their own, and others who may act for one (R12, R29)."""

from typing import Final

from cleartide.contracts import (
    DelegateChanged,
    GrantDelegate,
    OpenSubaccount,
    RevokeDelegate,
    SubaccountOpened,
    TransferFunds,
    TransferRejected,
)

from services.matching.tests.model.accounts import reject
from services.matching.tests.model.collateral import require_asset
from services.matching.tests.model.money import require_free
from services.matching.tests.model.moves import move
from services.matching.tests.model.rights import MARK, head, known, require_owner, require_right
from services.matching.tests.model.texts import require_room, units_of
from services.matching.tests.model.world import RESERVED, Account, Refusal, World

MOST_SUBACCOUNTS: Final = 128
MOST_DELEGATES: Final = 32
LONGEST_NAME: Final = 48
RIGHTS: Final = ("cancel", "deposit", "trade", "transfer", "withdraw")


def open_subaccount(world: World, command: OpenSubaccount) -> None:
    """`<parent>--<name>`: a cross one, or an isolated one of one market."""
    name = f"{command.account}{MARK}{command.name}"
    try:
        parent = known(world, command.account)
        require_owner(world, parent, command.actor)
        if parent.parent:
            raise Refusal("parent_is_subaccount")
        if len(name) > LONGEST_NAME:
            raise Refusal("name_too_long")
        if name in world.accounts:
            raise Refusal("account_exists")
        if sum(account.parent == parent.name for account in world.accounts.values()) >= MOST_SUBACCOUNTS:
            raise Refusal("too_many_subaccounts")
        if command.margin_mode == "isolated" and command.market is None:
            raise Refusal("market_missing")
        if command.margin_mode == "cross" and command.market is not None:
            raise Refusal("market_not_allowed")
        if command.market is not None and command.market not in world.markets:
            raise Refusal("unknown_market")
    except Refusal as refusal:
        reject(world, command.account, type(command), refusal.reason)
        return
    world.accounts[name] = Account(name, world.at, parent=parent.name, pinned=command.market or "")
    told = {"margin_mode": command.margin_mode, "market": command.market}
    world.say(SubaccountOpened, account=name, parent=parent.name, **told)


def grant(world: World, command: GrantDelegate) -> None:
    """A delegate has these rights and no others; none of them: he is a delegate no more."""
    _change(world, command, tuple(right for right in RIGHTS if getattr(command, right)))


def revoke(world: World, command: RevokeDelegate) -> None:
    """A delegate has no rights any more."""
    _change(world, command, ())


def _change(world: World, command: GrantDelegate | RevokeDelegate, rights: tuple[str, ...]) -> None:
    try:
        account = known(world, command.account)
        require_owner(world, account, command.actor)
        if command.delegate in RESERVED:
            raise Refusal("reserved_account")
        if command.delegate in (account.name, head(world, account.name)):
            raise Refusal("own_account")
        if command.delegate not in account.delegates and not rights:
            raise Refusal("unknown_delegate")
        if command.delegate not in account.delegates and len(account.delegates) >= MOST_DELEGATES:
            raise Refusal("too_many_delegates")
    except Refusal as refusal:
        reject(world, command.account, type(command), refusal.reason)
        return
    account.delegates.pop(command.delegate, None)
    if rights:
        account.delegates[command.delegate] = rights
    world.say(DelegateChanged, account=account.name, delegate=command.delegate, rights=rights)


def transfer(world: World, command: TransferFunds) -> None:
    """Money from one account of a family to another, as far as it is free."""
    try:
        asset = require_asset(world, command.asset)
        amount = units_of(world, asset, command.amount)
        source, target = known(world, command.account), known(world, command.to_account)
        require_right(world, source, command.actor, "transfer")
        if source is target:
            raise Refusal("same_account")
        if head(world, source.name) != head(world, target.name):
            raise Refusal("not_related")
        require_free(world, source, asset, amount)
        require_room(world, target.name, amount, asset)
    except Refusal as refusal:
        world.say(TransferRejected, account=command.account, reason=refusal.reason)
        return
    move(world, source, -amount, "transfer", asset=asset, counterparty=target.name)
    move(world, target, amount, "transfer", asset=asset, counterparty=source.name)
