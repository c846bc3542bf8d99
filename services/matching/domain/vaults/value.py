"""What a vault is worth at the marks of now, and the moves of its money: each is one of the ledger, and is told."""

from collections.abc import Callable
from typing import Final, NamedTuple

from cleartide.contracts import (
    AccountRequestRejected,
    TransferApplied,
)
from cleartide.contracts.vaults import (
    VaultCommand,
    VaultFundsMoved,
    VaultMove,
    VaultValued,
)
from cleartide.money import MoneyError
from cleartide.rules import vaults as rules

from services.matching.domain.accounts import Account
from services.matching.domain.errors import Refused
from services.matching.domain.ledger import LedgerAccount
from services.matching.domain.margin import withdrawable
from services.matching.domain.mark_price import is_stale
from services.matching.domain.output import Output
from services.matching.domain.state import MatchingState
from services.matching.domain.vaults.record import OwnVault, VaultMoveRecord

OWNERLESS: Final = ""


class Taken(NamedTuple):
    """Fees that a vault's revaluation took, in quanta."""

    management: int
    performance: int


def answered(rule: Callable[..., None]) -> Callable[..., None]:
    """The rule, with every refusal answered by AccountRequestRejected."""

    def handle(state: MatchingState, command: VaultCommand, out: Output) -> None:
        try:
            rule(state, command, out)
        except (Refused, MoneyError) as verdict:
            out.emit(AccountRequestRejected, account=command.account, request=command.type, reason=verdict.reason)

    return handle


def vault_of(state: MatchingState, name: str) -> OwnVault:
    """Refused `unknown_vault`."""
    vault = state.vaults.by_name.get(name)
    if vault is None:
        raise Refused("unknown_vault", name)
    return vault


def require_open(vault: OwnVault) -> None:
    """Refused by the name of the state in which a vault takes nothing in."""
    if vault.shown_state != "active":
        raise Refused(vault.shown_state, vault.name)


def equity_of(vault: OwnVault) -> int:
    """What there is: the reserve, and the strategy's equity at the marks, which the reserve does not stand in for."""
    return vault.reserve.balance + max(0, strategy_equity(vault))


def strategy_equity(vault: OwnVault) -> int:
    """Cash and positions at the marks; assets beside cash are no part of a vault. May be below zero."""
    held = [holding for holding in vault.strategy.holdings.values() if holding.lots]
    positions = sum(holding.quote.balance + holding.value + holding.unsettled for holding in held)
    return vault.strategy.cash.balance + positions


def is_priced(state: MatchingState, vault: OwnVault) -> bool:
    """Whether every position of the strategy has a mark that may be relied on (R13)."""
    prices = [holding.market.prices for holding in vault.strategy.holdings.values() if holding.lots]
    return not any(is_stale(price, state.ledger.at) or not price.mark for price in prices)


def idle(vault: OwnVault) -> int:
    """What can be paid now: the reserve, and what the strategy can spare by R11."""
    return vault.reserve.balance + withdrawable(vault.strategy)


class Revalued:
    """A step of a vault, with its book at the value of now and fees taken; a refusal inside leaves the book as it was.

    Refused `stale_price`. The shared rules' refusals come out as matching's.
    """

    __slots__ = ("_before", "_state", "_vault")

    def __init__(self, state: MatchingState, vault: OwnVault) -> None:
        if not is_priced(state, vault):
            raise Refused("stale_price", vault.name)
        self._state, self._vault, self._before = state, vault, vault.book.figures

    def __enter__(self) -> Taken:
        return revalue(self._state, self._vault)

    def __exit__(self, _: type[BaseException] | None, verdict: BaseException | None, __: object) -> None:
        if isinstance(verdict, Refused | rules.Refused):
            self._vault.book.restore(self._before)
            raise Refused(verdict.reason, self._vault.name) from None


def revalue(state: MatchingState, vault: OwnVault) -> Taken:
    """Charge for the time that passed, then book what was gained or lost since (R36).

    assets + fees owed = reserve + strategy, to the quantum. What is not there any more is owed to nobody.
    """
    book = vault.book
    management = book.charge(state.ledger.at) if vault.state != "closed" else 0
    equity = equity_of(vault)
    book.fees = min(book.fees, equity)
    performance = book.gain(equity - book.fees - book.assets)
    return Taken(management, performance)


def pay_out(
    state: MatchingState,
    out: Output,
    vault: OwnVault,
    account: Account,
    kind: str,
    amount: int,
    pot: LedgerAccount | None = None,
) -> None:
    """Cash from the reserve, or another pot of the vault, to an account; the other way below zero."""
    if not amount:
        return
    pot = pot or vault.reserve
    source, target = (pot, account.cash) if amount > 0 else (account.cash, pot)
    state.ledger.move(kind, source, target, abs(amount))
    out.emit(
        TransferApplied,
        account=account.name,
        amount_quanta=amount,
        cash_quanta=account.cash.balance,
        kind=kind,
        counterparty=vault.name,
    )
    state.treasury.log.moved(out.at, account.name, account.cash.asset, kind, amount, vault.name)


def allocate(state: MatchingState, out: Output, vault: OwnVault, move: VaultMove, amount: int) -> None:
    """Cash from the reserve to the strategy, the other way below zero; told to who watches the vault."""
    if not amount:
        return
    pay_out(state, out, vault, vault.strategy, "vault_allocation" if amount > 0 else "vault_recall", amount)
    if move != "harvest":
        vault.allocated = max(0, vault.allocated + amount)
    if move in ("harvest", "compound"):
        vault.harvested = max(0, vault.harvested - amount)
    told(state, out, vault, move, amount)


def told(state: MatchingState, out: Output, vault: OwnVault, move: VaultMove, amount: int) -> None:
    """Say which of the vault's money has moved, and keep it."""
    out.emit(
        VaultFundsMoved,
        vault=vault.name,
        move=move,
        amount_quanta=amount,
        allocated_quanta=vault.allocated,
        harvested_quanta=vault.harvested,
    )
    record(state, out, vault, OWNERLESS, move, 0, -amount, 0)


def raise_cash(state: MatchingState, out: Output, vault: OwnVault, amount: int) -> None:
    """Have this much in the reserve, from what the strategy can spare."""
    allocate(state, out, vault, "recall", -max(0, amount - vault.reserve.balance))


def record(
    state: MatchingState, out: Output, vault: OwnVault, account: str, kind: str, shares: int, amount: int, fee: int
) -> None:
    """Keep a step of the vault's history."""
    vaults, book = state.vaults, vault.book
    vaults.moves += 1
    vaults.news.append(
        VaultMoveRecord(vaults.moves, out.at, vault.name, account, kind, shares, amount, fee, book.assets, book.shares)
    )


def announce(state: MatchingState, out: Output, vault: OwnVault, taken: Taken) -> None:
    """Say what the vault holds after a step, and which fees it took."""
    book = vault.book
    state.vaults.touched.add(vault.name)
    out.emit(
        VaultValued,
        vault=vault.name,
        assets_quanta=book.assets,
        shares=book.shares,
        reserve_quanta=vault.reserve.balance,
        fees_owed_quanta=book.fees,
        management_fee_quanta=taken.management,
        performance_fee_quanta=taken.performance,
        waiting_shares=sum(waiting.shares for waiting in book.queue),
    )
