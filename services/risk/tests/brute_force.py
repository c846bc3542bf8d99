"""The slow truth: every event judges everyone it could concern, with nothing left out and no boxes.

Written apart from the service: only the margin rules and the event contracts are shared.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction

from cleartide.contracts import (
    AssetChanged,
    AssetListed,
    AssetSpec,
    CollateralChanged,
    CollateralSwapped,
    FundingSettled,
    LiquidationExecuted,
    LiquidationRejected,
    MarginBracket,
    MarketListed,
    MarkPriceUpdated,
    Message,
    PositionChanged,
    TransferApplied,
)
from cleartide.rules.margin import requirements

LEVELS = ("none", "watch", "warning", "critical", "liquidatable")
ENTER_PERCENT = (150, 120, 105, 100)
LEAVE_BASIS_POINTS = (15_300, 12_240, 10_710, 10_200)

Said = tuple[str | int | None, ...]


@dataclass
class BruteMarket:
    u: int
    brackets: tuple[MarginBracket, ...]
    tick: Fraction
    mark: int = 0
    oracle: int = 0
    stale: bool = True
    index: int = 0
    holders: set[str] = field(default_factory=set)


@dataclass
class BrutePosition:
    """`worth` is Q + value + unsettled funding, `required` the maintenance margin, both at the last mark."""

    lots: int
    quote: int
    settled: int
    worth: int = 0
    required: int = 0


@dataclass
class BruteAccount:
    """`worth` and `required` are the sums over the positions; `held` is collateral beside cash, in smallest units."""

    cash: int = 0
    worth: int = 0
    required: int = 0
    level: int = 0
    pending: bool = False
    positions: dict[str, BrutePosition] = field(default_factory=dict)
    held: dict[str, int] = field(default_factory=dict)


class BruteForce:
    """Says ("alert", account, level, previous, equity, mm) and ("liquidate", account, market, equity, mm)."""

    def __init__(self) -> None:
        self.markets: dict[str, BruteMarket] = {}
        self.accounts: dict[str, BruteAccount] = {}
        self.assets: dict[str, AssetSpec] = {}

    def hear(self, event: Message, may_request: bool = True) -> list[Said]:
        concerned: Iterable[str] = ()
        match event:
            case MarketListed():
                tick = Fraction(event.spec.tick_size)
                self.markets[event.market] = BruteMarket(event.quanta_per_lot_tick, event.spec.brackets, tick)
            case MarkPriceUpdated():
                market = self.markets[event.market]
                market.mark, market.stale, market.oracle = event.mark_ticks, event.index_stale, event.index_ticks
                priced = {name for name, spec in self.assets.items() if spec.index_market == event.market}
                concerned = self._revalue(event.market) | self._owners(priced)
            case AssetListed() | AssetChanged():
                self.assets[event.asset] = event.spec
                concerned = self._owners({event.asset})
            case CollateralChanged():
                self._account(event.account).held[event.asset] = event.balance_units
                concerned = (event.account,)
            case CollateralSwapped():
                self._account(event.account).held[event.sold_asset] = event.sold_balance_units
                self._account(event.account).cash = event.bought_balance_units
                concerned = (event.account,)
            case FundingSettled():
                self.markets[event.market].index = event.funding_index_quanta
                concerned = self._revalue(event.market)
            case TransferApplied():
                self._account(event.account).cash = event.cash_quanta
                concerned = (event.account,)
            case PositionChanged():
                self._change(event)
                may_request = False
                concerned = (event.account,)
            case LiquidationExecuted() | LiquidationRejected():
                self.accounts[event.account].pending = False
                may_request = False
                concerned = (event.account,)
        return self._judge(concerned, may_request)

    def _account(self, name: str) -> BruteAccount:
        return self.accounts.setdefault(name, BruteAccount())

    def _change(self, event: PositionChanged) -> None:
        account, market = self._account(event.account), self.markets[event.market]
        account.cash = event.cash_quanta
        if (known := account.positions.pop(event.market, None)) is not None:
            account.worth -= known.worth
            account.required -= known.required
        market.holders.discard(event.account)
        if event.lots:
            position = BrutePosition(event.lots, event.quote_quanta, event.funding_index_quanta)
            account.positions[event.market] = position
            market.holders.add(event.account)
            self._value(market, account, position)

    def _owners(self, assets: set[str]) -> set[str]:
        if not assets:
            return set()
        return {name for name, account in self.accounts.items() if any(account.held.get(asset, 0) for asset in assets)}

    def collateral(self, account: BruteAccount) -> int:
        """Each asset's amount * price * weight, floored."""
        total = 0
        for name, units in account.held.items():
            spec = self.assets[name]
            market = self.markets.get(spec.index_market or "")
            price = market.oracle * market.tick if market is not None else Fraction(spec.fixed_price or 0)
            exact = units * price * Fraction(10**6 * spec.maintenance_weight_ppb, 10 ** (spec.decimals + 9))
            total += int(exact)
        return total

    def _revalue(self, name: str) -> set[str]:
        market = self.markets[name]
        for holder in market.holders:
            account = self.accounts[holder]
            self._value(market, account, account.positions[name])
        return market.holders

    @staticmethod
    def _value(market: BruteMarket, account: BruteAccount, position: BrutePosition) -> None:
        value = position.lots * market.mark * market.u
        worth = position.quote + value - position.lots * (market.index - position.settled)
        required = requirements(abs(value), market.brackets)[1]
        account.worth += worth - position.worth
        account.required += required - position.required
        position.worth, position.required = worth, required

    def _judge(self, names: Iterable[str], may_request: bool) -> list[Said]:
        said: list[tuple[Fraction | float, str, Said]] = []
        for name in names:
            account = self.accounts[name]
            equity, required = account.cash + account.worth, account.required
            if account.held:
                equity += self.collateral(account)
            if not account.level and not brute_level(0, equity, required):
                continue
            if any(not self.markets[market].mark for market in account.positions):
                continue
            if (level := brute_level(account.level, equity, required)) != account.level:
                before, account.level = account.level, level
                alert = ("alert", name, LEVELS[level], LEVELS[before], equity, required)
                said.append((_health(equity, required), name, alert))
            fresh = not any(self.markets[market].stale for market in account.positions)
            if required and equity < required and fresh and may_request and not account.pending:
                account.pending = True
                chosen = min((-position.required, market) for market, position in account.positions.items())[1]
                said.append((_health(equity, required), name, ("liquidate", name, chosen, equity, required)))
        said.sort(key=lambda entry: entry[:2])
        return [entry[2] for entry in said]


def _health(equity: int, required: int) -> Fraction | float:
    return Fraction(equity, required) if required else float("inf")


def brute_level(current: int, equity: int, required: int) -> int:
    """Index into LEVELS."""
    if not required or (not current and equity * 100 >= ENTER_PERCENT[0] * required):
        return 0
    entered = sum(equity * 100 < percent * required for percent in ENTER_PERCENT)
    kept = sum(equity * 10_000 < points * required for points in LEAVE_BASIS_POINTS)
    return entered if entered >= current else min(current, kept)
