"""Moving an amount of any asset between accounts, pools and the outside world: one ledger move, told to both sides."""

from cleartide.contracts import CollateralChanged, PoolChanged, TransferApplied

from services.matching.domain.accounts import Account
from services.matching.domain.assets import Asset, Pocket
from services.matching.domain.errors import Refused
from services.matching.domain.ledger import LedgerAccount, collateral_name, locked_name, pool_name
from services.matching.domain.limits import MAX_BALANCE_QUANTA, MAX_UNITS
from services.matching.domain.margin import withdrawable, withdrawable_units
from services.matching.domain.output import Output
from services.matching.domain.state import MatchingState
from services.matching.domain.treasury import Escrow, Pool

Holder = Account | Escrow | Pool | None
"""Who holds an amount; None is the outside world."""


def asset_of(state: MatchingState, name: str) -> Asset:
    """Refused `unknown_asset`."""
    asset = state.treasury.assets.get(name)
    if asset is None:
        raise Refused("unknown_asset", name)
    return asset


def balance_of(state: MatchingState, holder: Account | Pool, asset: Asset) -> int:
    """Without making a ledger account for who holds nothing."""
    found = state.ledger.accounts.get(_name(holder, asset))
    return found.balance if found is not None else 0


def require_room(state: MatchingState, holder: Account | Pool | None, asset: Asset, amount: int) -> None:
    """Refused `balance_cap` when the balance would leave the range that every reader holds exactly.

    What an account has locked has room of its own, so that it can always come back.
    """
    held = balance_of(state, holder, asset) if holder is not None else 0
    if isinstance(holder, Account):
        escrow = state.ledger.accounts.get(_name(Escrow(holder.name), asset))
        held += escrow.balance if escrow is not None else 0
    if held + amount > (MAX_BALANCE_QUANTA if asset.is_settlement else MAX_UNITS):
        raise Refused("balance_cap")


def require_cap(asset: Asset, amount: int) -> None:
    """Refused `asset_cap` when the venue would hold more of the asset than its rules allow."""
    if not asset.is_settlement and amount - asset.external.balance > asset.cap:
        raise Refused("asset_cap")


def require_free(account: Account, asset: Asset, amount: int) -> None:
    """Refused `exceeds_withdrawable` when the account would keep less than R11 asks for."""
    pocket = account.collateral.get(asset.id)
    if asset.is_settlement:
        free = withdrawable(account)
    else:
        free = withdrawable_units(account, pocket) if pocket is not None else 0
    if amount > free:
        raise Refused("exceeds_withdrawable")


def shift(
    state: MatchingState,
    out: Output,
    kind: str,
    source: Holder,
    target: Holder,
    asset: Asset,
    amount: int,
    *,
    reference: str = "",
) -> None:
    """Move what both sides are allowed to move, and say so. `reference`: what the history knows the move by."""
    state.ledger.move(kind, _ledger_account(state, source, asset), _ledger_account(state, target, asset), amount)
    for holder, other, signed in ((source, target, -amount), (target, source, amount)):
        _announce(state, out, kind, holder, other, asset, signed)
        if isinstance(holder, Account):
            named = other.name if isinstance(other, Account | Pool) else ""
            state.treasury.log.moved(out.at, holder.name, asset.id, kind, signed, named, reference)
    if isinstance(target, Account) and target.is_debtor:
        state.treasury.debtors.add(target.name)


def exchange(
    state: MatchingState,
    out: Output,
    kind: str,
    account: Account,
    pool: Pool,
    paid: tuple[Asset, int],
    received: tuple[Asset, int],
) -> None:
    """Move one asset into a pool and another out of it; the pool's sides are said here, the account's by the caller."""
    for source, target, (asset, amount) in ((account, pool, paid), (pool, account, received)):
        state.ledger.move(kind, _ledger_account(state, source, asset), _ledger_account(state, target, asset), amount)
        if not asset.is_settlement:
            hold(state, account, asset)
        signed = amount if target is pool else -amount
        _announce(state, out, kind, pool, account, asset, signed)
        state.treasury.log.moved(out.at, account.name, asset.id, kind, -signed, pool.name)


def _announce(
    state: MatchingState, out: Output, kind: str, holder: Holder, other: Holder, asset: Asset, amount: int
) -> None:
    if holder is None or isinstance(holder, Escrow):
        return
    told = {"kind": kind, "counterparty": other.name if isinstance(other, Account | Pool) else ""}
    balance = _ledger_account(state, holder, asset).balance
    if isinstance(holder, Pool):
        moved = {"asset": asset.id, "amount_units": amount, "balance_units": balance}
        out.emit(PoolChanged, pool=holder.name, **moved, **told)
    elif asset.is_settlement:
        out.emit(TransferApplied, account=holder.name, amount_quanta=amount, cash_quanta=balance, **told)
    else:
        hold(state, holder, asset)
        moved = {"asset": asset.id, "amount_units": amount, "balance_units": balance}
        out.emit(CollateralChanged, account=holder.name, **moved, **told)


def hold(state: MatchingState, account: Account, asset: Asset) -> None:
    """Let the account's collateral be what the ledger says it holds of the asset."""
    held = _ledger_account(state, account, asset)
    others = {name: pocket for name, pocket in account.collateral.items() if name != asset.id}
    account.collateral = {**others, asset.id: Pocket(asset, held)} if held.balance else others


def _ledger_account(state: MatchingState, holder: Holder, asset: Asset) -> LedgerAccount:
    if holder is None:
        return asset.external
    if isinstance(holder, Account) and asset.is_settlement:
        return holder.cash
    return state.ledger.account(_name(holder, asset), asset.id)


def _name(holder: Account | Escrow | Pool, asset: Asset) -> str:
    if isinstance(holder, Pool):
        return pool_name(holder.name, asset.id)
    if isinstance(holder, Escrow):
        return locked_name(asset.id, holder.name)
    return holder.cash.name if asset.is_settlement else collateral_name(asset.id, holder.name)
