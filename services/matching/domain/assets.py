"""Assets that count as collateral: their rules, their price, and what an account holds of them."""

from decimal import Decimal
from typing import Final

from cleartide.contracts import AssetSpec
from cleartide.money import MAX_QUANTA, PPB
from cleartide.rules.assets import SETTLEMENT_ASSET
from cleartide.rules.collateral import CollateralView, UnitPrice, unit_price

from services.matching.domain.ledger import Ledger, LedgerAccount, external_name
from services.matching.domain.mark_price import is_stale
from services.matching.domain.market import Market
from services.matching.domain.parsing import Steps

_SETTLEMENT: Final = AssetSpec(
    asset=SETTLEMENT_ASSET,
    decimals=6,
    fixed_price="1",
    initial_weight_ppb=PPB,
    maintenance_weight_ppb=PPB,
    cap="9007199254.740991",
)


class Asset:
    """One asset. `market` is where its price comes from, None where the price is fixed; `cap` in smallest units."""

    __slots__ = ("_clock", "_fixed", "amounts", "cap", "external", "id", "market", "spec")

    def __init__(self, spec: AssetSpec, market: Market | None, ledger: Ledger) -> None:
        """Raises MoneyError when the cap or the price cannot be held exactly."""
        self.id, self._clock = spec.asset, ledger
        self.amounts = Steps(format(Decimal(1).scaleb(-spec.decimals), "f"), MAX_QUANTA, "amount")
        self.adopt(spec, market)
        self.external = ledger.account(external_name(spec.asset), spec.asset)

    def adopt(self, spec: AssetSpec, market: Market | None) -> None:
        """Go by these rules from here on. Raises MoneyError before anything changed."""
        cap = self.amounts.parse(spec.cap)
        fixed = unit_price(spec.fixed_price or "0", spec.decimals)
        self.spec, self.market, self.cap, self._fixed = spec, market, cap, fixed

    @property
    def price(self) -> UnitPrice:
        """Quanta per smallest unit at the last index; nothing while there is none."""
        market = self.market
        if market is None:
            return self._fixed
        return unit_price(market.spec.tick_size, self.spec.decimals).at(market.prices.index)

    @property
    def is_fresh(self) -> bool:
        """Whether the price may be relied on to take on risk or to pay out (R13)."""
        return self.market is None or not is_stale(self.market.prices, self._clock.at)

    @property
    def initial_weight_ppb(self) -> int:
        """What the asset counts for where risk is taken on or money leaves: nothing while its price is stale."""
        return self.spec.initial_weight_ppb if self.is_fresh else 0

    @property
    def is_settlement(self) -> bool:
        """Whether this is what positions are settled in."""
        return self.id == SETTLEMENT_ASSET


class Pocket:
    """What one account holds of one asset beside the settlement asset."""

    __slots__ = ("asset", "held")

    def __init__(self, asset: Asset, held: LedgerAccount) -> None:
        self.asset, self.held = asset, held

    def maintenance_view(self) -> CollateralView:
        """As it counts in the health factor: at the last price, whatever its age."""
        asset = self.asset
        return CollateralView(self.held.balance, asset.price, asset.spec.maintenance_weight_ppb)

    def initial_view(self) -> CollateralView:
        """As it counts where risk is taken on or money leaves."""
        asset = self.asset
        return CollateralView(self.held.balance, asset.price, asset.initial_weight_ppb)


def settlement_asset(ledger: Ledger) -> Asset:
    """The settlement asset, worth itself."""
    return Asset(_SETTLEMENT, None, ledger)
