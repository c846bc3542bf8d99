"""From what a command says to whole steps, and whether there is room for them."""

from fractions import Fraction
from typing import Final

from services.matching.tests.model.collateral import SETTLEMENT, holding
from services.matching.tests.model.world import MOST_BALANCE, MOST_QUANTA, Refusal, World

SIDES: Final = {"buy": 1, "sell": -1}
QUANTUM_DECIMALS: Final = 6


def steps_of(text: str, step: Fraction, most: int) -> int:
    """Decimal text in whole steps, at least one."""
    count = signed_steps_of(text, step, most)
    if not count:
        raise Refusal("not_positive")
    return count


def signed_steps_of(text: str, step: Fraction, most: int) -> int:
    """Decimal text in whole steps, which may be none or fewer."""
    count = Fraction(text) / step
    if count.denominator != 1:
        raise Refusal("off_grid")
    if abs(count) > most:
        raise Refusal("overflow")
    return int(count)


def units_of(world: World, asset: str, text: str) -> int:
    """An amount in smallest units of an asset, at least one."""
    decimals = QUANTUM_DECIMALS if asset == SETTLEMENT else world.assets[asset].decimals
    return steps_of(text, Fraction(1, 10**decimals), MOST_QUANTA)


def require_room(world: World, name: str, units: int, asset: str = SETTLEMENT) -> None:
    """That an account stays readable with so much more, also when what it has locked comes back. Raises Refusal."""
    held = holding(world.accounts[name], asset) if name in world.accounts else 0
    if held + world.locked[asset, name] + units > MOST_BALANCE:
        raise Refusal("balance_cap")


def require_pool_room(world: World, pool: str, units: int, asset: str) -> None:
    """The same of a pool. Raises Refusal."""
    if world.pools.get(pool, {}).get(asset, 0) + units > MOST_BALANCE:
        raise Refusal("balance_cap")


def require_cap(world: World, units: int, asset: str) -> None:
    """That the venue takes so much more of an asset: all of it has come from outside. Raises Refusal."""
    if asset != SETTLEMENT and units - world.outside[asset] > units_of(world, asset, world.assets[asset].cap):
        raise Refusal("asset_cap")
