"""Who must be looked at after a price: the engine's wheel, fed with the accounts, markets and assets of the state.

Nothing here decides. The wheel says whose level may have changed, and the account is then judged by `domain.review`.
What the wheel cannot hold in 64 bits is judged at every price instead: any figure is right, a huge one only slower.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from cleartide.rules.collateral import quanta_per_tick

from services.risk.domain.levels import ALERTED, ENTER_PPM, LEAVE_PPM, Level
from services.risk.engine.wheel import (
    MOST_KEEP,
    MOST_POSITIONS,
    MOST_RATE,
    MOST_RATES,
    MOST_SLOPE,
    MOST_VALUE,
    Wheel,
)

if TYPE_CHECKING:
    from services.risk.domain.collateral import Asset
    from services.risk.domain.health import Health
    from services.risk.domain.state import Account, Market


def _all_fit(account: "Account") -> bool:
    """Whether the wheel can hold every position in 64 bits."""
    for position in account.positions.values():
        market = position.market
        slope = abs(position.lots) * market.quanta_per_lot_tick
        if not market.fits or slope >= MOST_SLOPE or slope * market.mark_ticks >= MOST_VALUE:
            return False
    return True


class Watch:
    """The wheel, and which of its rows is which account."""

    def __init__(self) -> None:
        self.wheel: Final = Wheel([ENTER_PPM[level] for level in ALERTED], [LEAVE_PPM[level] for level in ALERTED])
        self._accounts: Final[list[Account]] = []

    @property
    def looks(self) -> int:
        """How many accounts were looked at because of a price."""
        return self.wheel.looks

    def set_rules(self, market: "Market") -> None:
        """Open a market, or take over its new rules; its holders are judged next."""
        if market.wheel < 0:
            market.wheel = self.wheel.market()
            self.wheel.move(market.wheel, market.mark_ticks)
        market.fits = all(
            max(bracket.initial_margin_ppb, bracket.maintenance_fraction_ppb) <= MOST_RATE
            and bracket.initial_margin_ppb * bracket.maintenance_fraction_ppb <= MOST_RATES
            for bracket in market.brackets
        )
        brackets = [
            (
                -1 if bracket.upper_notional_quanta is None else bracket.upper_notional_quanta,
                bracket.initial_margin_ppb,
                bracket.maintenance_fraction_ppb,
            )
            for bracket in market.brackets
        ]
        self.wheel.set_margin(market.wheel, brackets if market.fits else [])
        for account in market.holders.values():
            self.hold(account, market, account.positions[market.market].lots)

    def set_asset(self, asset: "Asset") -> None:
        """Take over where an asset's price comes from and what it counts for; its holders are judged next."""
        for account in asset.holders.values():
            self.hold_asset(account, asset, 0)
        asset.wheel = -1
        if asset.market is not None:
            asset.wheel = self.wheel.market()
            self.wheel.move(asset.wheel, asset.market.index_ticks)
        for account in asset.holders.values():
            self.hold_asset(account, asset, account.collateral[asset.asset].units)

    def hold(self, account: "Account", market: "Market", lots: int) -> None:
        """An account has this position now; it is judged next."""
        slope = lots * market.quanta_per_lot_tick
        self.wheel.hold(self._row(account), market.wheel, max(-MOST_SLOPE, min(slope, MOST_SLOPE)))

    def hold_asset(self, account: "Account", asset: "Asset", units: int) -> None:
        """An account has this much of an asset now; it is judged next."""
        if asset.wheel >= 0:
            slope = quanta_per_tick(units, asset.per_tick, asset.spec.maintenance_weight_ppb)
            self.wheel.hold(self._row(account), asset.wheel, min(slope, MOST_SLOPE))

    def place(self, account: "Account", margin: "Health", level: Level, below: bool) -> None:
        """Leave an account, judged just now, alone until a price comes at which its level may change."""
        row, keep = self._row(account), margin.equity_quanta - margin.worth_quanta
        priced = sum(stake.asset.wheel >= 0 for stake in account.collateral.values()) if account.collateral else 0
        if not account.positions:
            self.wheel.leave(row)
        elif abs(keep) >= MOST_KEEP or len(account.positions) + priced > MOST_POSITIONS or not _all_fit(account):
            self.wheel.watch(row)
        elif priced:
            self.wheel.place_outside(row, margin.equity_quanta, margin.maintenance_margin_quanta, level, below)
        else:
            self.wheel.place(row, keep, level, below)

    def leave(self, account: "Account") -> None:
        """An account cannot be judged at any price for now."""
        self.wheel.leave(self._row(account))

    def moved(self, market: "Market", mark_ticks: int, index_ticks: int) -> "Iterator[Account]":
        """Whose level new prices of a market may have changed, by its mark and by the index behind collateral."""
        for asset in market.assets.values():
            yield from self._moved(asset.wheel, index_ticks)
        yield from self._moved(market.wheel, mark_ticks)

    def _moved(self, wheel: int, ticks: int) -> "Iterator[Account]":
        self.wheel.move(wheel, ticks)
        for row in self.wheel.out:
            yield self._accounts[self.wheel.name(row)]

    def _row(self, account: "Account") -> int:
        if not account.row:
            account.row = self.wheel.account(len(self._accounts))
            self._accounts.append(account)
        return account.row
