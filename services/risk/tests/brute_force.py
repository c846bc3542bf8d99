"""The slow truth: every event judges everyone it could concern, with nothing left out and no boxes.

Written apart from the service: only the margin rules and the event contracts are shared.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction

from cleartide.contracts import (
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
    mark: int = 0
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
    """`worth` and `required` are the sums over the positions."""

    cash: int = 0
    worth: int = 0
    required: int = 0
    level: int = 0
    seq: int = 0
    pending: bool = False
    positions: dict[str, BrutePosition] = field(default_factory=dict)


class BruteForce:
    """Says ("alert", account, seq, level, previous, equity, mm) and ("liquidate", account, market, equity, mm)."""

    def __init__(self) -> None:
        self.markets: dict[str, BruteMarket] = {}
        self.accounts: dict[str, BruteAccount] = {}

    def hear(self, event: Message) -> list[Said]:
        may_request = True
        concerned: Iterable[str] = ()
        match event:
            case MarketListed():
                self.markets[event.market] = BruteMarket(event.quanta_per_lot_tick, event.spec.brackets)
            case MarkPriceUpdated():
                market = self.markets[event.market]
                market.mark, market.stale = event.mark_ticks, event.index_stale
                concerned = self._revalue(event.market)
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
            if not account.level and not brute_level(0, equity, required):
                continue
            if any(not self.markets[market].mark for market in account.positions):
                continue
            if (level := brute_level(account.level, equity, required)) != account.level:
                account.seq += 1
                before, account.level = account.level, level
                alert = ("alert", name, account.seq, LEVELS[level], LEVELS[before], equity, required)
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
