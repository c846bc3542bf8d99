"""Deposits, withdrawals and insurance money (R11)."""

from cleartide.contracts import (
    Deposit,
    DepositCollateral,
    FundInsurance,
    InsuranceFunded,
    TransferRejected,
    Withdraw,
    WithdrawCollateral,
)

from services.matching.tests.model.collateral import SETTLEMENT, require_asset
from services.matching.tests.model.margin import spare, withdrawable
from services.matching.tests.model.moves import move
from services.matching.tests.model.rights import known, require_payable, require_right
from services.matching.tests.model.texts import require_cap, require_room, units_of
from services.matching.tests.model.world import MOST_BALANCE, Account, Refusal, World


def deposit(world: World, command: Deposit | DepositCollateral) -> None:
    """From outside; the first opens the account."""
    try:
        asset = require_asset(world, command.asset)
        units = units_of(world, asset, command.amount)
        require_cap(world, units, asset)
        require_payable(world, command.account, command.actor)
        require_room(world, command.account, units, asset)
    except Refusal as refusal:
        world.say(TransferRejected, account=command.account, reason=refusal.reason)
        return
    world.outside[asset] -= units
    move(world, world.open_account(command.account), units, "deposit", asset=asset)


def withdraw(world: World, command: Withdraw | WithdrawCollateral) -> None:
    """To the outside, as far as it is free."""
    try:
        asset = require_asset(world, command.asset)
        units = units_of(world, asset, command.amount)
        account = known(world, command.account)
        require_right(world, account, command.actor, "withdraw")
        require_free(world, account, asset, units)
    except Refusal as refusal:
        world.say(TransferRejected, account=command.account, reason=refusal.reason)
        return
    world.outside[asset] += units
    move(world, account, -units, "withdrawal", asset=asset)


def require_free(world: World, account: Account, asset: str, units: int) -> None:
    """That R11 lets so much go. Raises Refusal."""
    if units > (withdrawable(world, account) if asset == SETTLEMENT else spare(world, account, asset)):
        raise Refusal("exceeds_withdrawable")


def fund_insurance(world: World, command: FundInsurance) -> None:
    """Money from outside into a market's fund. Raises Refusal."""
    market = world.markets.get(command.market)
    if market is None:
        raise Refusal("unknown_market")
    amount = units_of(world, SETTLEMENT, command.amount)
    if market.insurance + amount > MOST_BALANCE:
        raise Refusal("balance_cap")
    world.outside[SETTLEMENT] -= amount
    market.insurance += amount
    world.say(InsuranceFunded, market=market.name, amount_quanta=amount, balance_quanta=market.insurance)
