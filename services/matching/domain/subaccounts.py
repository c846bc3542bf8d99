"""Opening sub-accounts, granting and revoking delegates: every request is answered, by what changed or by a reason."""

from typing import Final

from cleartide.contracts import (
    AccountRequestRejected,
    DelegateChanged,
    GrantDelegate,
    OpenSubaccount,
    RevokeDelegate,
    Right,
    SubaccountOpened,
)
from cleartide.rules.accounts import SYSTEM_ACCOUNTS, VAULTS

from services.matching.domain.access import SUBACCOUNT_MARK, known, require_owner
from services.matching.domain.accounts import Account
from services.matching.domain.errors import Refused
from services.matching.domain.output import Output
from services.matching.domain.state import MatchingState

MAX_SUBACCOUNTS: Final = 128
MAX_DELEGATES: Final = 32
MAX_ACCOUNT_ID: Final = 48


def open_subaccount(state: MatchingState, command: OpenSubaccount, out: Output) -> None:
    """Open `<parent>--<name>`. An isolated one is pinned to its market, a cross one has none (R12)."""
    name = f"{command.account}{SUBACCOUNT_MARK}{command.name}"
    try:
        parent = _parent(state, command, name)
        if (command.margin_mode == "isolated") != (command.market is not None):
            raise Refused("market_missing" if command.market is None else "market_not_allowed")
        if command.market is not None and command.market not in state.markets:
            raise Refused("unknown_market")
    except Refused as verdict:
        reject(out, command.account, command.type, verdict.reason)
        return
    state.open_account(name, out.at, root=parent.name, pinned=command.market or "")
    out.emit(SubaccountOpened, account=name, parent=parent.name, margin_mode=command.margin_mode, market=command.market)


def _parent(state: MatchingState, command: OpenSubaccount, name: str) -> Account:
    parent = known(state, command.account)
    require_owner(parent, command.actor)
    if parent.name == VAULTS:
        raise Refused("reserved_account")
    if parent.root != parent.name:
        raise Refused("parent_is_subaccount")
    if len(name) > MAX_ACCOUNT_ID:
        raise Refused("name_too_long")
    if name in state.accounts:
        raise Refused("account_exists")
    if len(state.families.get(parent.name, ())) >= MAX_SUBACCOUNTS:
        raise Refused("too_many_subaccounts")
    return parent


def grant(state: MatchingState, command: GrantDelegate, out: Output) -> None:
    """Give a delegate exactly the rights named; a grant of none revokes."""
    granted: dict[Right, bool] = {
        "cancel": command.cancel,
        "deposit": command.deposit,
        "trade": command.trade,
        "transfer": command.transfer,
        "withdraw": command.withdraw,
    }
    _change(state, command, out, tuple(right for right, given in granted.items() if given))


def revoke(state: MatchingState, command: RevokeDelegate, out: Output) -> None:
    """Take every right back. Refused: somebody who is no delegate."""
    _change(state, command, out, ())


def _change(
    state: MatchingState, command: GrantDelegate | RevokeDelegate, out: Output, rights: tuple[Right, ...]
) -> None:
    try:
        account = known(state, command.account)
        require_owner(account, command.actor)
        _require_delegate(account, command.delegate, rights)
    except Refused as verdict:
        reject(out, command.account, command.type, verdict.reason)
        return
    others = {name: held for name, held in account.delegates.items() if name != command.delegate}
    account.delegates = {**others, command.delegate: frozenset(rights)} if rights else others
    state.dirty.delegates.add((account.name, command.delegate))
    out.emit(DelegateChanged, account=account.name, delegate=command.delegate, rights=rights)


def _require_delegate(account: Account, delegate: str, rights: tuple[Right, ...]) -> None:
    if delegate in SYSTEM_ACCOUNTS:
        raise Refused("reserved_account")
    if delegate in (account.name, account.root):
        raise Refused("own_account")
    if delegate not in account.delegates:
        if not rights:
            raise Refused("unknown_delegate")
        if len(account.delegates) >= MAX_DELEGATES:
            raise Refused("too_many_delegates")


def reject(out: Output, account: str, request: str, reason: str) -> None:
    """Say that a request is refused; nothing has changed."""
    out.emit(AccountRequestRejected, account=account, request=request, reason=reason)
