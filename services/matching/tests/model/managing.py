"""What a vault's manager may do, and the operator: never take anything out but fees that are owed (R36)."""

from typing import Any, Final

from cleartide.contracts import DelegateChanged
from cleartide.contracts.vaults import (
    CompoundVault,
    CreateVault,
    HaltVault,
    HarvestVault,
    RebalanceVault,
    SetVaultState,
    SetVaultTerms,
    VaultCreated,
    VaultStateChanged,
    VaultTermsSet,
)

from services.matching.tests.model.margin import withdrawable
from services.matching.tests.model.numbers import up
from services.matching.tests.model.rights import known, require_owner
from services.matching.tests.model.vault_record import Vault, part
from services.matching.tests.model.vaults import (
    allocate,
    announce,
    answered,
    cash_of,
    equity,
    pay,
    require_open,
    serve,
    tell_move,
    valued,
    vault_of,
)
from services.matching.tests.model.world import Refusal, World

MOST_VAULTS: Final = 1_000
RIGHTS: Final = ("cancel", "trade")
FEES: Final = ("deposit_fee_bps", "withdraw_fee_bps", "management_fee_bps", "performance_fee_bps")


def create(world: World, command: CreateVault) -> None:
    """And the account that trades for it: nobody's, but that its manager may place and cancel orders there."""
    with answered(world, command):
        manager = known(world, command.account)
        require_owner(world, manager, command.actor)
        if command.terms.capacity is not None:
            cash_of(command.terms.capacity)
        made = Vault(command.vault, len(world.vaults) + 1, manager.name, command.terms, world.at, world.at)
        if command.vault in world.vaults or made.strategy in world.accounts:
            raise Refusal("vault_exists")
        if len(world.vaults) >= MOST_VAULTS:
            raise Refusal("too_many_vaults")
        world.vaults[made.name] = made
        world.open_account(made.strategy).delegates[manager.name] = RIGHTS
        told: dict[str, Any] = {"vault": made.name, "manager": manager.name, "strategy": made.strategy}
        world.say(VaultCreated, **told, terms=command.terms)
        world.say(DelegateChanged, account=made.strategy, delegate=manager.name, rights=RIGHTS)


def set_terms(world: World, command: SetVaultTerms) -> None:
    """After the old ones were charged; while shares are out no fee rises."""
    with answered(world, command):
        vault, terms = _managed(world, command), command.terms
        if terms.capacity is not None:
            cash_of(terms.capacity)
        if vault.shares and any(getattr(terms, fee) > getattr(vault.terms, fee) for fee in FEES):
            raise Refusal("fee_raise")
        if vault.shares and terms.virtual_shares != vault.terms.virtual_shares:
            raise Refusal("terms_fixed")
        with valued(world, vault) as taken:
            vault.terms = terms
        world.say(VaultTermsSet, vault=vault.name, terms=terms)
        announce(world, vault, taken)


def set_state(world: World, command: SetVaultState) -> None:
    """Nothing comes in, or it does again; closed is for good."""
    with answered(world, command):
        vault = _managed(world, command)
        if vault.state == "closed":
            raise Refusal("closed")
        if vault.state == command.state:
            raise Refusal("nothing_changed")
        with valued(world, vault) as taken:
            vault.state = command.state
        world.say(VaultStateChanged, vault=vault.name, state=vault.shown)
        announce(world, vault, taken)


def halt(world: World, command: HaltVault) -> None:
    """The operator stops what comes in and what goes out, or lets it go on. Raises Refusal."""
    vault = vault_of(world, command.vault)
    if vault.halted == command.halted:
        raise Refusal("nothing_changed")
    vault.halted = command.halted
    world.say(VaultStateChanged, vault=vault.name, state=vault.shown)


def rebalance(world: World, command: RebalanceVault) -> None:
    """Cash to the strategy, as far as it is spare, or back, as far as R11 lets it go."""
    with answered(world, command):
        vault = _managed(world, command)
        amount = cash_of(command.amount)
        if not amount:
            raise Refusal("not_positive")
        if amount > 0:
            require_open(vault)
        with valued(world, vault) as taken:
            if amount > 0 and equity(world, vault) < 0:
                raise Refusal("no_equity")
            if amount > _spare(vault):
                raise Refusal("exceeds_reserve")
            if -amount > withdrawable(world, world.accounts[vault.strategy]):
                raise Refusal("exceeds_withdrawable")
        allocate(world, vault, "rebalance", amount)
        serve(world, vault)
        announce(world, vault, taken)


def compound(world: World, command: CompoundVault) -> None:
    """What was harvested goes to work again, as far as it is spare."""
    with answered(world, command):
        vault = _managed(world, command)
        require_open(vault)
        with valued(world, vault) as taken:
            if equity(world, vault) < 0:
                raise Refusal("no_equity")
            amount = min(vault.harvested, _spare(vault))
            if amount <= 0:
                raise Refusal("nothing_to_compound")
        allocate(world, vault, "compound", amount)
        announce(world, vault, taken)


def harvest(world: World, command: HarvestVault) -> None:
    """What the strategy has gained and can spare; then who waits is paid, then what is owed to the manager."""
    with answered(world, command):
        vault = _managed(world, command)
        with valued(world, vault) as taken:
            free = withdrawable(world, world.accounts[vault.strategy])
            gained = min(free, max(0, equity(world, vault) - vault.allocated))
            if not gained and not min(vault.fees, vault.reserve) and not vault.queue:
                raise Refusal("nothing_to_harvest")
        allocate(world, vault, "harvest", -gained)
        serve(world, vault)
        owed = 0 if vault.queue else min(vault.fees, vault.reserve)
        if owed:
            vault.fees -= owed
            pay(world, vault, world.accounts[vault.manager], owed, "vault_fee")
            tell_move(world, vault, "fee", owed)
        announce(world, vault, taken)


def _managed(
    world: World, command: SetVaultTerms | SetVaultState | RebalanceVault | CompoundVault | HarvestVault
) -> Vault:
    vault, account = vault_of(world, command.vault), known(world, command.account)
    require_owner(world, account, command.actor)
    if vault.manager != account.name:
        raise Refusal("not_permitted")
    return vault


def _spare(vault: Vault) -> int:
    """Of the reserve: neither owed, nor waited for, nor what the terms keep back."""
    waited_for = vault.worth(sum(one.shares for one in vault.queue))
    kept = up(vault.assets * part(vault.terms.reserve_bps))
    return max(0, vault.reserve - vault.fees - max(waited_for, kept))
