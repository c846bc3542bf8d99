"""Steps about vaults: opened, paid into, traded with, left again; and their farms."""

from typing import Any, Final

from cleartide.contracts import Message, PlaceOrder
from cleartide.contracts.farms import ClaimFarmRewards, FundFarm, OpenFarm, StakeShares, UnstakeShares
from cleartide.contracts.vaults import (
    CancelVaultExit,
    CompoundVault,
    CreateVault,
    DepositToVault,
    HaltVault,
    HarvestVault,
    RebalanceVault,
    SetVaultState,
    SetVaultTerms,
    VaultTerms,
    WithdrawFromVault,
)

from services.matching.tests.model.maker_steps import plain
from services.matching.tests.model.margin import withdrawable
from services.matching.tests.model.scenes import TRADERS, text_of
from services.matching.tests.model.sizing import affordable_lots
from services.matching.tests.model.step import Body, Step
from services.matching.tests.model.vault_record import Vault
from services.matching.tests.model.world import Market, World

NAMES: Final = ("tide", "ebb")
STATES: Final = ("active", "paused", "active", "closed")
TERMS: Final = (
    VaultTerms(),
    VaultTerms(deposit_fee_bps=33, withdraw_fee_bps=77, management_fee_bps=2_000, performance_fee_bps=3_333),
    VaultTerms(performance_fee_bps=5_000, lock_seconds=4, capacity="90", reserve_bps=2_500, virtual_shares=1),
    VaultTerms(management_fee_bps=1_999, withdraw_fee_bps=1_000, reserve_bps=777, virtual_shares=1_000_000),
    VaultTerms(deposit_fee_bps=1, lock_seconds=1, capacity="0.0000001"),
)


def vault(world: World, number: int, step: Step, market: Market) -> Body:
    """One is opened, gets other terms or another state, or is halted; now and then by somebody else, or none."""
    name, found = _one(world, step)
    manager = found.manager if found is not None and step.flags % 8 else TRADERS[step.who]
    named: dict[str, Any] = {"account": manager, "vault": name}
    if found is None or step.flags % 16 == 1:
        return CreateVault, {"account": TRADERS[step.who], "vault": name, "terms": TERMS[step.terms % len(TERMS)]}
    way = 7 if found.halted else step.terms % 8
    if way < 3:
        terms = TERMS[step.links % len(TERMS)] if step.flags % 2 else found.terms.model_copy(update={"lock_seconds": 2})
        return SetVaultTerms, {**named, "terms": terms}
    if way < 7:
        state = "closed" if step.amount % 32 == 0 else STATES[step.amount % 3]
        return SetVaultState, {**named, "state": state}
    halted = not found.halted if step.flags % 4 else found.halted
    return HaltVault, {"vault": name if step.flags % 16 else "none", "halted": halted, "by": "ops"}


def join(world: World, number: int, step: Step, market: Market) -> Body:
    """Somebody pays in or takes out: a part, all that there is or more; or stays after all."""
    name, found = _one(world, step)
    named: dict[str, Any] = {"account": TRADERS[step.who], "vault": name}
    if found is None or step.flags % 2 == 0:
        account = world.accounts.get(TRADERS[step.who])
        free = withdrawable(world, account) if account is not None else 0
        amount = (free // 3, free // 7, step.amount, free + 1, step.amount * 10_000)[step.terms % 5]
        return DepositToVault, {**named, "amount": text_of(amount, "0.000001")}
    if (found.queue and step.flags % 8 == 1) or step.flags == 61:
        waits = found.queue[step.amount % len(found.queue)] if found.queue else None
        named |= {"account": waits.owner, "exit_id": waits.number} if waits is not None else {"exit_id": step.amount}
        return CancelVaultExit, named
    holders = [one for one, shares in found.holders.items() if shares]
    if holders and step.flags % 8 > 1:
        named["account"] = holders[step.who % len(holders)]
    mine = found.holders.get(named["account"], 0)
    shares = (mine // 3, mine // 2, mine // 5, found.free(named["account"]), mine + 1)[step.amount % 5]
    return WithdrawFromVault, {**named, "shares": max(1, shares)}


def manage(world: World, number: int, step: Step, market: Market) -> Body:
    """Money goes to work and comes back; now and then more than there is, or at a stranger's word."""
    name, found = _one(world, step)
    manager = found.manager if found is not None and step.flags % 8 else TRADERS[step.who]
    named: dict[str, Any] = {"account": manager, "vault": name}
    way = step.terms % 8
    if found is not None and found.harvested and step.flags % 4 == 1:
        return CompoundVault, named
    if way > 4:
        return (HarvestVault, CompoundVault, HarvestVault)[way - 5], named
    reserve = found.reserve if found is not None else 0
    there = withdrawable(world, world.accounts[found.strategy]) if found is not None else 0
    spare = reserve - (found.fees if found is not None else 0)
    amount = (reserve // 2, spare, reserve + 1, -(there // 2), -there - step.flags % 2)[way]
    return RebalanceVault, {**named, "amount": text_of(amount, "0.000001")}


def strategy(world: World, number: int, step: Step, market: Market) -> Body:
    """The manager trades for a vault; now and then somebody else wants to."""
    name, found = _one(world, step)
    contract, body = plain(world, number, step, market)
    assert contract is PlaceOrder
    if found is None:
        return CreateVault, {"account": TRADERS[step.who], "vault": name, "terms": TERMS[step.links % 4]}
    actor = found.manager if step.flags % 8 else (None, TRADERS[step.who])[step.terms % 2]
    body |= {"account": found.strategy, "actor": actor}
    if step.flags % 4 and market.mark:
        order = PlaceOrder(id="try", source="gateway", occurred_at=0, **body)
        lots = affordable_lots(world, order) // (1 + step.amount % 3)
        body["size"] = text_of(max(1, lots), market.spec.lot_size)
    return PlaceOrder, body


def farm(world: World, number: int, step: Step, market: Market) -> Body:
    """It is opened or funded; shares go in and out; what they earn is claimed."""
    name, found = _one(world, step)
    named: dict[str, Any] = {"account": TRADERS[step.who], "vault": name}
    way = step.terms % 8
    if found is None or found.farm is None or step.flags == 59:
        return OpenFarm, {"vault": name, "platform_fee_bps": step.amount % 2 * 1_234, "by": "ops"}
    if way < 2:
        return FundFarm, {**named, "amount": text_of(step.amount * 2_003, "0.000001"), "seconds": 1 + step.links}
    holders = [one for one, held in found.holders.items() if held]
    if way < 5:
        if holders and step.flags % 4:
            named["account"] = holders[step.amount % len(holders)]
        shares = max(1, found.free(named["account"]) // (1 + step.links % 3) + step.flags % 2)
        return StakeShares, {**named, "shares": shares}
    if way == 5:
        held = found.farm.stakes.get(named["account"])
        return UnstakeShares, {**named, "shares": max(1, held.shares // (1 + step.links % 3)) if held else 1}
    contract: type[Message] = ClaimFarmRewards
    stakers = [one for one in found.farm.stakes if one in TRADERS]
    if stakers and step.flags % 4:
        named["account"] = stakers[step.amount % len(stakers)]
    return contract, named


def _one(world: World, step: Step) -> tuple[str, Vault | None]:
    name = NAMES[0 if step.amount % 5 else 1]
    return name, world.vaults.get(name)
