"""Pools: money that is nobody's collateral; each is opened by the first that is put in, and never below zero."""

from cleartide.contracts import FundPool, PayFromPool, TransferRejected, TransferToPool, WithdrawPool

from services.matching.tests.model.collateral import require_asset
from services.matching.tests.model.money import require_free
from services.matching.tests.model.moves import fill_pool, move
from services.matching.tests.model.rights import known, require_right
from services.matching.tests.model.swaps import repay_all
from services.matching.tests.model.texts import require_pool_room, require_room, units_of
from services.matching.tests.model.world import Refusal, World


def fund(world: World, command: FundPool) -> None:
    """From outside; who owes what he has assets for tries again. Raises Refusal."""
    asset = require_asset(world, command.asset)
    units = units_of(world, asset, command.amount)
    require_pool_room(world, command.pool, units, asset)
    world.pools.setdefault(command.pool, {})
    world.outside[asset] -= units
    fill_pool(world, command.pool, asset, units, "deposit")
    repay_all(world)


def withdraw(world: World, command: WithdrawPool) -> None:
    """To the outside. Raises Refusal."""
    asset = require_asset(world, command.asset)
    units = units_of(world, asset, command.amount)
    _require_in(world, command.pool, asset, units)
    world.outside[asset] += units
    fill_pool(world, command.pool, asset, -units, "withdrawal")


def pay(world: World, command: PayFromPool) -> None:
    """To somebody. Raises Refusal."""
    asset = require_asset(world, command.asset)
    units = units_of(world, asset, command.amount)
    _require_open(world, command.pool)
    account = known(world, command.account)
    _require_in(world, command.pool, asset, units)
    require_room(world, account.name, units, asset)
    fill_pool(world, command.pool, asset, -units, "pool", account.name)
    move(world, account, units, "pool", asset=asset, counterparty=command.pool)


def put(world: World, command: TransferToPool) -> None:
    """From an account, as far as it is free; it is a payment into the pool like any other."""
    try:
        asset = require_asset(world, command.asset)
        units = units_of(world, asset, command.amount)
        account = known(world, command.account)
        _require_open(world, command.pool)
        require_right(world, account, command.actor, "transfer")
        require_free(world, account, asset, units)
        require_pool_room(world, command.pool, units, asset)
    except Refusal as refusal:
        world.say(TransferRejected, account=command.account, reason=refusal.reason)
        return
    move(world, account, -units, "pool", asset=asset, counterparty=command.pool)
    fill_pool(world, command.pool, asset, units, "pool", account.name)
    repay_all(world)


def _require_open(world: World, pool: str) -> None:
    if pool not in world.pools:
        raise Refusal("unknown_pool")


def _require_in(world: World, pool: str, asset: str, units: int) -> None:
    _require_open(world, pool)
    if units > world.pools[pool].get(asset, 0):
        raise Refusal("exceeds_pool")
