"""Farms: rewards that flow evenly to those who have staked shares of a vault, by how much they have."""

from copy import deepcopy
from typing import Final

from cleartide.contracts.farms import (
    ClaimFarmRewards,
    FarmFunded,
    FarmOpened,
    FarmRewardsPaid,
    FundFarm,
    OpenFarm,
    SharesStaked,
    StakeShares,
    UnstakeShares,
)

from services.matching.tests.model.collateral import SETTLEMENT
from services.matching.tests.model.money import require_free
from services.matching.tests.model.moves import fill_pool, move
from services.matching.tests.model.numbers import SECOND, down
from services.matching.tests.model.rights import known, require_right
from services.matching.tests.model.texts import units_of
from services.matching.tests.model.vault_record import Farm, Vault, part
from services.matching.tests.model.vaults import answered, vault_of
from services.matching.tests.model.world import MOST_NOTIONAL, Account, Refusal, World

PLATFORM: Final = "platform"


def open_farm(world: World, command: OpenFarm) -> None:
    """One of each vault. Raises Refusal."""
    vault = vault_of(world, command.vault)
    if vault.farm is not None:
        raise Refusal("farm_exists")
    vault.farm = Farm(command.platform_fee_bps, world.at)
    world.say(FarmOpened, vault=vault.name, platform_fee_bps=command.platform_fee_bps)


def fund(world: World, command: FundFarm) -> None:
    """All that is to come flows until then, or until the end that it had, if that is later."""
    with answered(world, command):
        vault, account, farm = _asked(world, command)
        amount = units_of(world, SETTLEMENT, command.amount)
        require_free(world, account, SETTLEMENT, amount)
        if farm.pot + amount > MOST_NOTIONAL:
            raise Refusal("balance_cap")
        farm.advance(world.at)
        old_end = farm.ends_at if farm.to_come else 0
        farm.to_come += amount
        farm.pot += amount
        farm.ends_at = max(old_end, world.at + command.seconds * SECOND)
        move(world, account, -amount, "farm_funding", counterparty=vault.name)
        told = {"amount_quanta": amount, "to_come_quanta": farm.to_come, "ends_at": farm.ends_at}
        world.say(FarmFunded, account=account.name, vault=vault.name, **told)


def stake(world: World, command: StakeShares) -> None:
    """Shares that neither wait nor are staked."""
    with answered(world, command):
        vault, account, farm = _asked(world, command)
        if vault.halted:
            raise Refusal("halted")
        if command.shares > vault.free(account.name):
            raise Refusal("not_enough_shares")
        _change(world, vault, farm, account, command.shares)


def unstake(world: World, command: UnstakeShares) -> None:
    """At any time."""
    with answered(world, command):
        vault, account, farm = _asked(world, command)
        if account.name not in farm.stakes or command.shares > farm.stakes[account.name].shares:
            raise Refusal("not_enough_shares")
        _change(world, vault, farm, account, -command.shares)


def claim(world: World, command: ClaimFarmRewards) -> None:
    """What was earned by now; what stays the owner's is floored, the platform has the rest (15.5)."""
    with answered(world, command):
        vault, account, farm = _asked(world, command)
        gross = _due(farm, account.name, world.at)
        if not gross:
            raise Refusal("nothing_to_claim")
        farm.stake_of(account.name, world.at).pending = 0
        net = down(gross * (1 - part(farm.fee_bps)))
        farm.pot -= gross
        if net:
            move(world, account, net, "farm_reward", counterparty=vault.name)
        if gross > net:
            world.pools.setdefault(PLATFORM, {})
            fill_pool(world, PLATFORM, SETTLEMENT, gross - net, "farm_fee", vault.name)
        told = {"gross_quanta": gross, "platform_fee_quanta": gross - net, "amount_quanta": net}
        world.say(FarmRewardsPaid, account=account.name, vault=vault.name, **told)


def _due(farm: Farm, name: str, at: int) -> int:
    """Tried on a copy: looking takes nothing."""
    if name not in farm.stakes:
        return 0
    return deepcopy(farm).stake_of(name, at).pending


def _asked(
    world: World, command: FundFarm | StakeShares | UnstakeShares | ClaimFarmRewards
) -> tuple[Vault, Account, Farm]:
    vault, account = vault_of(world, command.vault), known(world, command.account)
    require_right(world, account, command.actor, "transfer")
    if vault.farm is None:
        raise Refusal("unknown_farm")
    return vault, account, vault.farm


def _change(world: World, vault: Vault, farm: Farm, account: Account, shares: int) -> None:
    held = farm.stake_of(account.name, world.at)
    held.shares += shares
    told = {"change_shares": shares, "staked_shares": held.shares}
    world.say(SharesStaked, account=account.name, vault=vault.name, **told)
