"""Which assets count, and by which rules; those that cannot be valued exactly do not."""

from fractions import Fraction
from typing import Final

from cleartide.contracts import AssetChanged, AssetListed, AssetSpec, ChangeAsset, ListAsset

from services.matching.tests.model.collateral import SETTLEMENT
from services.matching.tests.model.numbers import BILLION
from services.matching.tests.model.texts import steps_of
from services.matching.tests.model.world import MOST_QUANTA, Refusal, World

MOST_ASSETS: Final = 64


def list_asset(world: World, command: ListAsset) -> None:
    """From here on it counts. Raises Refusal."""
    spec = command.spec
    if spec.asset == SETTLEMENT or spec.asset in world.assets:
        raise Refusal("asset_exists")
    if len(world.assets) >= MOST_ASSETS:
        raise Refusal("too_many_assets")
    _require_rules(world, spec)
    world.assets[spec.asset] = spec
    world.say(AssetListed, asset=spec.asset, spec=spec)


def change_asset(world: World, command: ChangeAsset) -> None:
    """Other rules at once, for all who hold it; its units stay what they are. Raises Refusal."""
    spec = command.spec
    if spec.asset not in world.assets:
        raise Refusal("unknown_asset")
    if spec.decimals != world.assets[spec.asset].decimals:
        raise Refusal("decimals_fixed")
    _require_rules(world, spec)
    world.assets[spec.asset] = spec
    world.say(AssetChanged, asset=spec.asset, spec=spec)


def _require_rules(world: World, spec: AssetSpec) -> None:
    """One source of its price, and weights and a fee that are parts. Raises Refusal."""
    if (spec.index_market is None) == (spec.fixed_price is None):
        raise Refusal("bad_spec")
    if spec.fixed_price is not None and not Fraction(spec.fixed_price):
        raise Refusal("bad_spec")
    if not spec.initial_weight_ppb <= spec.maintenance_weight_ppb <= BILLION or spec.conversion_fee_ppb >= BILLION:
        raise Refusal("bad_spec")
    if spec.index_market is not None and spec.index_market not in world.markets:
        raise Refusal("unknown_market")
    steps_of(spec.cap, Fraction(1, 10**spec.decimals), MOST_QUANTA)
