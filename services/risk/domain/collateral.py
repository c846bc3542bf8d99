"""Collateral beside cash: the assets that count, at which price, and who holds them (4.1)."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from cleartide.contracts import AssetSpec
from cleartide.rules.collateral import CollateralView, UnitPrice, unit_price

if TYPE_CHECKING:
    from services.risk.domain.state import Account, Market


@dataclass(slots=True, eq=False)
class Asset:
    """An asset's rules. `market` is where its price comes from, None where the price is fixed.

    holders: who has some of it. wheel: the number of its price in the watch, -1 where no index moves it.
    """

    asset: str
    spec: AssetSpec
    market: "Market | None"
    holders: "dict[str, Account]" = field(default_factory=dict)
    wheel: int = -1

    @property
    def per_tick(self) -> UnitPrice:
        """Quanta per smallest unit and tick of the index; per smallest unit where the price is fixed."""
        spec, market = self.spec, self.market
        return unit_price(market.tick_size if market is not None else spec.fixed_price or "0", spec.decimals)

    @property
    def ticks(self) -> int:
        """The index price in ticks, 0 before the first; 1 where the price is fixed."""
        return self.market.index_ticks if self.market is not None else 1

    def amount_text(self, units: int) -> str:
        """Smallest units as decimal text in the asset's own number of decimals."""
        return format(Decimal(units).scaleb(-self.spec.decimals), "f")

    @property
    def price_text(self) -> str:
        """The price of one whole asset in quote; 0 before the first index."""
        step = self.market.tick_size if self.market is not None else self.spec.fixed_price or "0"
        return format(self.ticks * Decimal(step), "f")


class Stake(NamedTuple):
    """What one account holds of an asset, in its smallest units."""

    asset: Asset
    units: int

    def view(self) -> CollateralView:
        """As the margin rules see it: at the last index, by the maintenance weight."""
        asset = self.asset
        return CollateralView(self.units, asset.per_tick.at(asset.ticks), asset.spec.maintenance_weight_ppb)
