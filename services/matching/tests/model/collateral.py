"""What else than cash counts for an account: so much of an asset, at its price, at a weight (4.1)."""

from fractions import Fraction
from typing import Final

from services.matching.tests.model.numbers import MILLION, down, rate
from services.matching.tests.model.world import MOST_COLLATERAL, Account, Refusal, World, is_stale

SETTLEMENT: Final = "USDC"


def price(world: World, asset: str) -> Fraction:
    """Quanta of a smallest unit: fixed, or by the last index; 0 while there is none."""
    if asset == SETTLEMENT:
        return Fraction(1)
    spec = world.assets[asset]
    if spec.index_market is None:
        whole = Fraction(spec.fixed_price or 0)
    else:
        market = world.markets[spec.index_market]
        whole = market.index * market.tick
    return Fraction(whole * MILLION, 10**spec.decimals)


def is_fresh(world: World, asset: str) -> bool:
    """Whether its price may be relied on (R13)."""
    spec = world.assets.get(asset)
    return spec is None or spec.index_market is None or not is_stale(world, world.markets[spec.index_market])


def is_priced(world: World, asset: str) -> bool:
    """Whether it may be bought and sold."""
    return is_fresh(world, asset) and price(world, asset) > 0


def fee_of(world: World, asset: str) -> Fraction:
    """What the pool keeps of a sale."""
    return Fraction(0) if asset == SETTLEMENT else rate(world.assets[asset].conversion_fee_ppb)


def weight(world: World, asset: str) -> Fraction:
    """In the health factor."""
    return rate(world.assets[asset].maintenance_weight_ppb)


def sound(world: World, account: Account) -> int:
    """What an account's assets add to its health: at the last prices, whatever their age."""
    return _counted(world, account, {name: weight(world, name) for name in account.collateral})


def usable(world: World, account: Account) -> int:
    """What they add where risk is taken on or money leaves: nothing of what has no fresh price."""
    weights = {name: rate(world.assets[name].initial_weight_ppb) for name in account.collateral}
    return _counted(world, account, {name: part for name, part in weights.items() if is_fresh(world, name)})


def _counted(world: World, account: Account, weights: dict[str, Fraction]) -> int:
    held = account.collateral
    return min(sum(down(held[name] * price(world, name) * part) for name, part in weights.items()), MOST_COLLATERAL)


def require_asset(world: World, asset: str) -> str:
    """Raises Refusal."""
    if asset != SETTLEMENT and asset not in world.assets:
        raise Refusal("unknown_asset")
    return asset


def holding(account: Account, asset: str) -> int:
    """Of one account, in smallest units."""
    return account.cash if asset == SETTLEMENT else account.collateral.get(asset, 0)


def give(account: Account, asset: str, units: int) -> None:
    """So much more of an asset, below zero less."""
    if asset == SETTLEMENT:
        account.cash += units
        return
    account.collateral[asset] = account.collateral.get(asset, 0) + units
    if not account.collateral[asset]:
        del account.collateral[asset]
