"""Listing assets as collateral and changing their rules; what cannot be valued exactly is refused."""

from typing import Final

from cleartide.contracts import AssetChanged, AssetListed, AssetSpec, ChangeAsset, ListAsset
from cleartide.money import PPB, parse_decimal
from cleartide.rules.assets import SETTLEMENT_ASSET

from services.matching.domain.assets import Asset
from services.matching.domain.errors import Refused
from services.matching.domain.market import Market
from services.matching.domain.output import Output
from services.matching.domain.state import MatchingState

MAX_ASSETS: Final = 64


def list_asset(state: MatchingState, command: ListAsset, out: Output) -> None:
    """Take an asset as collateral. Refused: listed already, too many, rules that make no sense."""
    spec, treasury = command.spec, state.treasury
    if spec.asset in treasury.assets:
        raise Refused("asset_exists", spec.asset)
    if len(treasury.assets) > MAX_ASSETS:
        raise Refused("too_many_assets", f"{MAX_ASSETS} at most")
    asset = Asset(spec, _price_source(state, spec), state.ledger)
    treasury.assets[asset.id] = treasury.changed_assets[asset.id] = asset
    out.emit(AssetListed, asset=asset.id, spec=spec)


def change_asset(state: MatchingState, command: ChangeAsset, out: Output) -> None:
    """Give an asset new rules at once, for all who hold it. Refused: not listed, other decimals, as in listing."""
    spec = command.spec
    asset = state.treasury.assets.get(spec.asset)
    if asset is None or spec.asset == SETTLEMENT_ASSET:
        raise Refused("unknown_asset", spec.asset)
    if spec.decimals != asset.spec.decimals:
        raise Refused("decimals_fixed", f"{asset.spec.decimals} for good")
    asset.adopt(spec, _price_source(state, spec))
    state.treasury.changed_assets[asset.id] = asset
    out.emit(AssetChanged, asset=asset.id, spec=spec)


def _price_source(state: MatchingState, spec: AssetSpec) -> Market | None:
    """The market whose index prices the asset; None where the price is fixed."""
    if (spec.index_market is None) == (spec.fixed_price is None):
        raise Refused("bad_spec", "an index market or a fixed price")
    if spec.fixed_price is not None and not parse_decimal(spec.fixed_price):
        raise Refused("bad_spec", "a fixed price of zero")
    if not spec.initial_weight_ppb <= spec.maintenance_weight_ppb <= PPB:
        raise Refused("bad_spec", "initial weight <= maintenance weight <= 1")
    if spec.conversion_fee_ppb >= PPB:
        raise Refused("bad_spec", "the conversion fee must be below one")
    if spec.index_market is None:
        return None
    market = state.markets.get(spec.index_market)
    if market is None:
        raise Refused("unknown_market", spec.index_market)
    return market
