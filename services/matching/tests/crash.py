"""A recorded crash, replayed with a population of leveraged accounts.

The candles are those of ETHUSDT from 2025-04-06 12:00 UTC on, a fall of a fifth within a day. Every candle gives four
prices; makers quote a thin book around each, and whoever is below maintenance is liquidated, the least healthy first,
as risk would ask for. The fund is small, so that every means of the waterfall is needed.
"""

import csv
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from hashlib import sha256
from heapq import heappop, heappush
from pathlib import Path
from typing import Any, Final

from cleartide.contracts import (
    LiquidationExecuted,
    LiquidationRules,
    MarginBracket,
    PositionChanged,
    TransferApplied,
)
from cleartide.contracts.codec import encode
from cleartide.rules.accounts import SYSTEM_ACCOUNTS
from cleartide.rules.margin import is_liquidatable

from services.matching.domain.margin import standing
from services.matching.domain.verify import verify
from services.matching.tests.support import MARKET, SECOND, Exchange

CANDLES: Final = Path(__file__).parent / "recordings" / "ethusdt_perp_3m_20250406.csv"
TICK: Final = Decimal("0.01")
LEVERAGES: Final = (3, 5, 10, 20, 30, 45)
MAKERS: Final = ("maker-a", "maker-b")
LEVELS: Final = 5
RICH: Final = "100000000"


def prices(every: int = 1) -> Iterator[str]:
    """Open, the two extremes in the order in which the candle likely met them, and close, of every so many candles."""
    with CANDLES.open() as file:
        for number, row in enumerate(csv.DictReader(file)):
            if number % every == 0:
                falls = Decimal(row["close"]) < Decimal(row["open"])
                yield from (row[name] for name in ("open", *(("high", "low") if falls else ("low", "high")), "close"))


@dataclass
class Crash:
    """One run. `figures`: how often and how much of everything; `healthy`: liquidations of somebody who was not due."""

    accounts: int
    seed: int
    ex: Exchange = field(init=False)
    figures: Counter[str] = field(default_factory=Counter)
    healthy: int = 0
    _fences: dict[int, list[tuple[Fraction, str]]] = field(default_factory=lambda: {1: [], -1: []})
    _waiting: set[str] = field(default_factory=set)
    _read: int = 0
    _digest: Any = field(default_factory=sha256)

    def run(self, every: int = 1) -> None:
        """Open the positions at the first price, then let the day pass."""
        path = list(prices(every))
        self._open(path[0])
        for price in path:
            self.ex.wait(45 * SECOND)
            self._quote(price)
            self.ex.price(price)
            self._liquidate()
            self._read_events()
        verify(self.ex.state)

    @property
    def digest(self) -> str:
        """Of every event that was said."""
        return str(self._digest.hexdigest())

    def _open(self, first: str) -> None:
        chance = random.Random(self.seed)
        bracket = MarginBracket(
            upper_notional_quanta=None, initial_margin_ppb=20_000_000, maintenance_fraction_ppb=500_000_000
        )
        rules = LiquidationRules(
            large_notional_quanta=20_000_000_000, cooldown_micros=30 * SECOND, grace_micros=0, stress_ppb=50_000_000
        )
        self.ex = Exchange(tick_size="0.01", brackets=(bracket,), liquidation=rules, price=first)
        self.ex.checked = False
        for name in ("whale", *MAKERS):
            self.ex.deposit(name, RICH)
        for number in range(self.accounts):
            name, long = f"trader-{number}", chance.random() < 0.75
            lots, leverage = int(10 ** chance.uniform(2, 4.3)), chance.choice(LEVERAGES)
            size = Decimal(lots) / 1000
            self.ex.deposit(name, str(round(size * Decimal(first) / leverage, 6)))
            parties = {"buyer": name, "seller": "whale"} if long else {"buyer": "whale", "seller": name}
            self.ex.report(first, str(size), **parties)
            self._fence(name)
        notional = self.ex.state.markets[MARKET].open_interest * Decimal(first) / 1000
        self.ex.insure(str(round(notional / 2_000, 2)))
        self.figures["fund_at_first"] = self._fund

    @property
    def _fund(self) -> int:
        return self.ex.balance(f"insurance:{MARKET}")

    def _quote(self, price: str) -> None:
        """Both makers take their quotes back and make new ones, a little apart and not deep."""
        size = str(Decimal(self.ex.state.markets[MARKET].open_interest // 2_000 + 1) / 1000)
        for place, maker in enumerate(MAKERS):
            self.ex.cancel_all(maker)
            for level in range(1, LEVELS + 1):
                away = Decimal(price) * (4 * level + 2 * place) / 10_000
                for side, at in (("buy", Decimal(price) - away), ("sell", Decimal(price) + away)):
                    self.ex.place(maker, side, size, str(at.quantize(TICK)))

    def _fence(self, name: str) -> None:
        """The mark in ticks at which the account may be due: E = MM, a tick to the safe side."""
        holding = self.ex.state.accounts[name].holdings.get(MARKET)
        if holding is None or not holding.lots:
            return
        unit, rate = holding.market.unit, Fraction(1, 100)
        side = 1 if holding.lots > 0 else -1
        cash = self.ex.state.accounts[name].cash.balance + holding.quote.balance
        fence = Fraction(-cash) / (holding.lots * unit * (1 - side * rate))
        heappush(self._fences[side], (-side * fence, name))

    def _due(self) -> list[str]:
        """Whoever the mark has met and whoever waits, the least healthy first (R19)."""
        mark = self.ex.state.markets[MARKET].prices.mark
        for side, heap in self._fences.items():
            while heap and side * mark <= -heap[0][0] + 1:
                self._waiting.add(heappop(heap)[1])
        found = []
        for name in self._waiting:
            now = standing(self.ex.state.accounts[name])
            if is_liquidatable(now.equity_quanta, now.maintenance_margin_quanta):
                found.append((Fraction(now.equity_quanta, now.maintenance_margin_quanta), name))
        for name in self._waiting.difference(name for _, name in found):
            self._fence(name)
        self._waiting = {name for _, name in found}
        return [name for _, name in sorted(found)]

    def _liquidate(self) -> None:
        for name in self._due():
            now = standing(self.ex.state.accounts[name])
            due = is_liquidatable(now.equity_quanta, now.maintenance_margin_quanta)
            steps = [said for said in self.ex.liquidate(name) if isinstance(said, LiquidationExecuted)]
            self.healthy += bool(steps) and not due
            for step in steps:
                self.figures["steps"] += 1
                self.figures["closed_by_the_book"] += abs(step.closed_lots)
                self.figures["taken_by_the_fund"] += abs(step.taken_over_lots)
                self.figures["deleveraged"] += abs(step.deleveraged_lots)
                self.figures[f"waits_{step.waits}"] += step.waits is not None
            self.figures["accounts_emptied"] += bool(steps) and not self.ex.lots(name)
        self.figures["fund_at_least"] = min(self.figures.get("fund_at_least", self._fund), self._fund)

    def _read_events(self) -> None:
        """Take every event into the digest, and fence anew whoever it moved."""
        moved: set[str] = set()
        for event in self.ex.effects.emitted[self._read :]:
            self._digest.update(encode(event))
            self.figures[event.type] += 1
            if isinstance(event, PositionChanged | TransferApplied):
                moved.add(event.account)
        self._read = len(self.ex.effects.emitted)
        for name in sorted(moved - SYSTEM_ACCOUNTS - {"whale", *MAKERS} - self._waiting):
            self._fence(name)
