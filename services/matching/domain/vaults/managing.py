"""What a vault's manager may do: open it, set its terms, stop its intake, and move its money to work and back.

Nothing here lets the manager take anything out but the fees that are owed to him.
"""

from typing import Final

from cleartide.contracts import (
    DelegateChanged,
    Right,
)
from cleartide.contracts.vaults import (
    CompoundVault,
    CreateVault,
    HaltVault,
    HarvestVault,
    RebalanceVault,
    SetVaultState,
    SetVaultTerms,
    VaultCommand,
    VaultCreated,
    VaultStateChanged,
    VaultTermsSet,
)
from cleartide.money import ceil_div, quanta_from_text
from cleartide.rules.accounts import strategy_of
from cleartide.rules.vaults import BPS

from services.matching.domain.access import known, require_owner
from services.matching.domain.errors import Refused
from services.matching.domain.ledger import vault_name
from services.matching.domain.margin import withdrawable
from services.matching.domain.output import Output
from services.matching.domain.state import MatchingState
from services.matching.domain.vaults.record import OwnVault, rules_of
from services.matching.domain.vaults.shares import serve
from services.matching.domain.vaults.value import (
    Revalued,
    allocate,
    announce,
    pay_out,
    require_open,
    strategy_equity,
    told,
    vault_of,
)

MAX_VAULTS: Final = 1_000
STRATEGY_RIGHTS: Final[tuple[Right, ...]] = ("cancel", "trade")
FEES: Final = ("deposit_fee_bps", "withdraw_fee_bps", "management_fee_bps", "performance_fee_bps")


def create(state: MatchingState, command: CreateVault, out: Output) -> None:
    """Open a vault and the account that trades for it. Refused: vault_exists, too_many_vaults."""
    manager = known(state, command.account)
    require_owner(manager, command.actor)
    rules_of(command.terms)
    name = strategy_of(command.vault)
    if command.vault in state.vaults.by_name or name in state.accounts:
        raise Refused("vault_exists", command.vault)
    if len(state.vaults.by_name) >= MAX_VAULTS:
        raise Refused("too_many_vaults")
    strategy = state.open_account(name, out.at)
    strategy.delegates = {manager.name: frozenset(STRATEGY_RIGHTS)}
    state.dirty.delegates.add((name, manager.name))
    reserve = state.ledger.account(vault_name(command.vault))
    number = len(state.vaults.by_name) + 1
    state.vaults.add(OwnVault(command.vault, number, manager.name, strategy, reserve, command.terms, out.at))
    out.emit(VaultCreated, vault=command.vault, manager=manager.name, strategy=name, terms=command.terms)
    out.emit(DelegateChanged, account=name, delegate=manager.name, rights=STRATEGY_RIGHTS)


def managed(state: MatchingState, command: VaultCommand) -> OwnVault:
    """The vault, if who asks is its manager. Refused: unknown_vault, not_permitted."""
    vault, account = vault_of(state, command.vault), known(state, command.account)
    require_owner(account, command.actor)
    if vault.manager != account.name:
        raise Refused("not_permitted", vault.name)
    return vault


def set_terms(state: MatchingState, command: SetVaultTerms, out: Output) -> None:
    """New terms, after the old ones were charged. Refused while shares are out: fee_raise, terms_fixed."""
    vault, terms = managed(state, command), command.terms
    wanted = rules_of(terms)
    if vault.book.shares:
        if any(getattr(terms, fee) > getattr(vault.terms, fee) for fee in FEES):
            raise Refused("fee_raise", vault.name)
        if terms.virtual_shares != vault.terms.virtual_shares:
            raise Refused("terms_fixed", vault.name)
    with Revalued(state, vault) as taken:
        vault.terms, vault.book.terms = terms, wanted
    out.emit(VaultTermsSet, vault=vault.name, terms=terms)
    announce(state, out, vault, taken)


def set_state(state: MatchingState, command: SetVaultState, out: Output) -> None:
    """Stop or resume the intake; closed is for good. Refused: closed, nothing_changed."""
    vault = managed(state, command)
    if vault.state == "closed":
        raise Refused("closed", vault.name)
    if vault.state == command.state:
        raise Refused("nothing_changed", vault.name)
    with Revalued(state, vault) as taken:
        vault.state = command.state
    out.emit(VaultStateChanged, vault=vault.name, state=vault.shown_state)
    announce(state, out, vault, taken)


def halt(state: MatchingState, command: HaltVault, out: Output) -> None:
    """The operator's stop. Refused: unknown_vault, nothing_changed."""
    vault = vault_of(state, command.vault)
    if vault.book.paused == command.halted:
        raise Refused("nothing_changed", vault.name)
    vault.book.paused = command.halted
    state.vaults.touched.add(vault.name)
    out.emit(VaultStateChanged, vault=vault.name, state=vault.shown_state)


def rebalance(state: MatchingState, command: RebalanceVault, out: Output) -> None:
    """Cash to the strategy or back. Refused: not_positive, exceeds_reserve, exceeds_withdrawable, no_equity."""
    vault, amount = managed(state, command), quanta_from_text(command.amount)
    if not amount:
        raise Refused("not_positive", vault.name)
    if amount > 0:
        require_open(vault)
    with Revalued(state, vault) as taken:
        if amount > 0:
            _require_able(vault)
        if amount > spare(vault):
            raise Refused("exceeds_reserve", vault.name)
        if -amount > withdrawable(vault.strategy):
            raise Refused("exceeds_withdrawable", vault.name)
    allocate(state, out, vault, "rebalance", amount)
    serve(state, out, vault)
    announce(state, out, vault, taken)


def compound(state: MatchingState, command: CompoundVault, out: Output) -> None:
    """Harvested gains back to work, as far as the reserve can spare them. Refused: nothing_to_compound, no_equity."""
    vault = managed(state, command)
    require_open(vault)
    with Revalued(state, vault) as taken:
        _require_able(vault)
        amount = min(vault.harvested, spare(vault))
        if amount <= 0:
            raise Refused("nothing_to_compound", vault.name)
    allocate(state, out, vault, "compound", amount)
    announce(state, out, vault, taken)


def harvest(state: MatchingState, command: HarvestVault, out: Output) -> None:
    """Gains to the reserve, then whoever waits is paid, then fees that are owed. Refused: nothing_to_harvest."""
    vault = managed(state, command)
    with Revalued(state, vault) as taken:
        strategy = vault.strategy
        gained = min(withdrawable(strategy), max(0, strategy_equity(vault) - vault.allocated))
        if not gained and not min(vault.book.fees, vault.reserve.balance) and not vault.book.queue:
            raise Refused("nothing_to_harvest", vault.name)
    allocate(state, out, vault, "harvest", -gained)
    serve(state, out, vault)
    if not vault.book.queue:
        _pay_fees(state, out, vault)
    announce(state, out, vault, taken)


def spare(vault: OwnVault) -> int:
    """What of the reserve may go to work: neither owed nor waited for, nor what the terms keep back; never below 0."""
    book = vault.book
    waited_for = book.value_of(sum(waiting.shares for waiting in book.queue))
    kept = ceil_div(book.assets * vault.terms.reserve_bps, BPS)
    return max(0, vault.reserve.balance - book.fees - max(waited_for, kept))


def _require_able(vault: OwnVault) -> None:
    """Refused `no_equity` for a strategy that owes: what went there would pay its debts."""
    if strategy_equity(vault) < 0:
        raise Refused("no_equity", vault.name)


def _pay_fees(state: MatchingState, out: Output, vault: OwnVault) -> None:
    amount = min(vault.book.fees, vault.reserve.balance)
    if not amount:
        return
    vault.book.fees -= amount
    pay_out(state, out, vault, state.accounts[vault.manager], "vault_fee", amount)
    told(state, out, vault, "fee", amount)
