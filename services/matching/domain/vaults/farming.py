"""Farms: staking shares of a vault for rewards that flow over a time (`cleartide.rules.farms`)."""

from dataclasses import replace

from cleartide.contracts import PoolChanged
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
from cleartide.rules.assets import SETTLEMENT_ASSET
from cleartide.rules.farms import Farm

from services.matching.domain.access import known, require
from services.matching.domain.accounts import Account
from services.matching.domain.errors import Refused
from services.matching.domain.ledger import LedgerAccount, farm_name, pool_name
from services.matching.domain.limits import MAX_NOTIONAL_QUANTA
from services.matching.domain.moves import asset_of, require_free
from services.matching.domain.output import Output
from services.matching.domain.state import MatchingState
from services.matching.domain.treasury import PLATFORM_POOL, Pool
from services.matching.domain.vaults.record import SECOND, OwnVault
from services.matching.domain.vaults.shares import amount_of
from services.matching.domain.vaults.value import pay_out, vault_of


def open_farm(state: MatchingState, command: OpenFarm, out: Output) -> None:
    """A vault's one farm. Refused: unknown_vault, farm_exists."""
    vault = vault_of(state, command.vault)
    if vault.farm is not None:
        raise Refused("farm_exists", vault.name)
    vault.farm = Farm(command.platform_fee_bps, at=out.at)
    state.vaults.touched_farms.add(vault.name)
    out.emit(FarmOpened, vault=vault.name, platform_fee_bps=command.platform_fee_bps)


def fund(state: MatchingState, command: FundFarm, out: Output) -> None:
    """Cash that R11 lets go becomes reward. Refused besides: unknown_farm, balance_cap."""
    vault, account, farm = _asked(state, command)
    amount = amount_of(command.amount)
    require_free(account, asset_of(state, SETTLEMENT_ASSET), amount)
    pot = _pot(state, vault)
    if pot.balance + amount > MAX_NOTIONAL_QUANTA:
        raise Refused("balance_cap")
    farm.fund(amount, command.seconds * SECOND, out.at)
    pay_out(state, out, vault, account, "farm_funding", -amount, pot)
    state.vaults.touched_farms.add(vault.name)
    out.emit(
        FarmFunded,
        account=account.name,
        vault=vault.name,
        amount_quanta=amount,
        to_come_quanta=farm.to_come,
        ends_at=farm.ends_at,
    )


def stake(state: MatchingState, command: StakeShares, out: Output) -> None:
    """Shares that neither wait to leave nor are staked. Refused: unknown_farm, halted, not_enough_shares."""
    vault, account, farm = _asked(state, command)
    if vault.book.paused:
        raise Refused("halted", vault.name)
    if command.shares > vault.book.free_of(account.name):
        raise Refused("not_enough_shares", vault.name)
    _stake(state, out, vault, farm, account, command.shares)


def unstake(state: MatchingState, command: UnstakeShares, out: Output) -> None:
    """Shares back, at any time. Refused: unknown_farm, not_enough_shares."""
    vault, account, farm = _asked(state, command)
    if command.shares > vault.book.staked.get(account.name, 0):
        raise Refused("not_enough_shares", vault.name)
    _stake(state, out, vault, farm, account, -command.shares)


def claim(state: MatchingState, command: ClaimFarmRewards, out: Output) -> None:
    """What was earned, less the platform's fee. Refused: unknown_farm, nothing_to_claim."""
    vault, account, farm = _asked(state, command)
    held = farm.stakes.get(account.name)
    if held is None:
        raise Refused("nothing_to_claim", vault.name)
    before, stood = farm.figures, replace(held)
    claimed = farm.claim(account.name, out.at)
    if not claimed.gross:
        farm.restore(before)
        farm.stakes[account.name] = stood
        raise Refused("nothing_to_claim", vault.name)
    pot = _pot(state, vault)
    pay_out(state, out, vault, account, "farm_reward", claimed.net, pot)
    _keep_fee(state, out, vault, pot, claimed.fee)
    _touch(state, vault, account)
    out.emit(
        FarmRewardsPaid,
        account=account.name,
        vault=vault.name,
        gross_quanta=claimed.gross,
        platform_fee_quanta=claimed.fee,
        amount_quanta=claimed.net,
    )


def _asked(
    state: MatchingState, command: FundFarm | StakeShares | UnstakeShares | ClaimFarmRewards
) -> tuple[OwnVault, Account, Farm]:
    vault, account = vault_of(state, command.vault), known(state, command.account)
    require(account, command.actor, "transfer")
    if vault.farm is None:
        raise Refused("unknown_farm", vault.name)
    return vault, account, vault.farm


def _stake(state: MatchingState, out: Output, vault: OwnVault, farm: Farm, account: Account, shares: int) -> None:
    staked = farm.stake(account.name, shares, out.at)
    vault.book.staked[account.name] = staked
    _touch(state, vault, account)
    out.emit(SharesStaked, account=account.name, vault=vault.name, change_shares=shares, staked_shares=staked)


def _touch(state: MatchingState, vault: OwnVault, account: Account) -> None:
    state.vaults.touched_farms.add(vault.name)
    state.vaults.touched_stakes.add((vault.name, account.name))


def _pot(state: MatchingState, vault: OwnVault) -> LedgerAccount:
    return state.ledger.account(farm_name(vault.name))


def _keep_fee(state: MatchingState, out: Output, vault: OwnVault, pot: LedgerAccount, fee: int) -> None:
    if not fee:
        return
    state.treasury.pools.setdefault(PLATFORM_POOL, Pool(PLATFORM_POOL))
    kept = state.ledger.account(pool_name(PLATFORM_POOL, SETTLEMENT_ASSET))
    state.ledger.move("farm_fee", pot, kept, fee)
    out.emit(
        PoolChanged,
        pool=PLATFORM_POOL,
        asset=SETTLEMENT_ASSET,
        amount_units=fee,
        balance_units=kept.balance,
        kind="farm_fee",
        counterparty=vault.name,
    )
