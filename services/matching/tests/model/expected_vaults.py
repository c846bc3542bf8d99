"""The rows of vaults and farms that must be in the service's tables."""

from collections.abc import Callable, Mapping
from typing import Final

from services.matching.tables.vaults import OWN_VAULTS
from services.matching.tests.model.rows import Rows
from services.matching.tests.model.vault_record import EARNED_STEP, YEAR
from services.matching.tests.model.world import World

VAULT_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "own_vaults": tuple(name for name in OWN_VAULTS.columns if name != "vault"),
    "own_vault_holders": ("shares", "locked_until"),
    "own_vault_exits": ("vault", "account", "shares"),
    "farms": ("fee_bps", "to_come_quanta", "at", "ends_at", "earned", "staked"),
    "farm_stakes": ("shares", "credited", "pending_quanta"),
}


def _vaults(world: World) -> Rows:
    rows: Rows = {}
    for one in world.vaults.values():
        book = (one.assets, one.shares, one.fees, str(one.high_water), one.charged_at, int(one.carry * YEAR * 10_000))
        life = (one.state, one.halted, *book, one.allocated, one.harvested, one.retry_at)
        rows[(one.name,)] = (one.number, one.manager, one.strategy, one.made_at, *dict(one.terms).values(), *life)
    return rows


def _holders(world: World) -> Rows:
    found = world.vaults.values()
    return {(one.name, name): (held, one.locked[name]) for one in found for name, held in one.holders.items()}


def _exits(world: World) -> Rows:
    found = world.vaults.values()
    return {(waits.number,): (one.name, waits.owner, waits.shares) for one in found for waits in one.queue}


def _farms(world: World) -> Rows:
    found = ((one.name, one.farm) for one in world.vaults.values())
    return {
        (name,): (farm.fee_bps, farm.to_come, farm.at, farm.ends_at, str(farm.earned / EARNED_STEP), farm.staked)
        for name, farm in found
        if farm is not None
    }


def _stakes(world: World) -> Rows:
    farms = ((one.name, one.farm.stakes) for one in world.vaults.values() if one.farm is not None)
    return {
        (vault, name): (stake.shares, str(stake.credited / EARNED_STEP), stake.pending)
        for vault, stakes in farms
        for name, stake in stakes.items()
    }


VAULT_ROWS: Final[Mapping[str, Callable[[World], Rows]]] = {
    "own_vaults": _vaults,
    "own_vault_holders": _holders,
    "own_vault_exits": _exits,
    "farms": _farms,
    "farm_stakes": _stakes,
}
