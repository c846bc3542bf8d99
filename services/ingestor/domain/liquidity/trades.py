"""Trades added up: turnover, volume-weighted average price, and candles with their turnover."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

from cleartide.money import half_up_div

from services.ingestor.domain.liquidity.worth import INVERSE_BASE, Worth

FOREVER: Final = 10**17


class Traded(NamedTuple):
    """One trade: time in microseconds UTC, price in ticks, size in lots, whether the taker bought."""

    at: int
    ticks: int
    lots: int
    bought: bool


@dataclass(slots=True)
class Candle:
    """One interval's trades: prices in ticks, sizes in lots, turnover in units of `Worth`.

    base: what the lots hold of the base, times INVERSE_BASE, where lots are money.
    """

    open_at: int
    open_ticks: int
    high_ticks: int
    low_ticks: int
    close_ticks: int
    bought_lots: int = 0
    sold_lots: int = 0
    units: int = 0
    base: int = 0
    count: int = 0

    @property
    def volume_lots(self) -> int:
        """Both sides' takers."""
        return self.bought_lots + self.sold_lots

    def vwap(self, scale: int = 1) -> int:
        """Money / base, in ticks / `scale`, nearest with halves up."""
        if self.base:
            return half_up_div(self.units * INVERSE_BASE * scale, self.base)
        return half_up_div(self.units * scale, self.volume_lots)

    def add(self, trade: Traded, worth: Worth) -> None:
        """One more trade."""
        self.high_ticks = max(self.high_ticks, trade.ticks)
        self.low_ticks = min(self.low_ticks, trade.ticks)
        self.close_ticks = trade.ticks
        if trade.bought:
            self.bought_lots += trade.lots
        else:
            self.sold_lots += trade.lots
        self.units += worth.units(trade.ticks, trade.lots)
        self.count += 1
        if worth.inverse:
            self.base += trade.lots * INVERSE_BASE // trade.ticks


def candles(trades: Iterable[Traded], worth: Worth, interval: int) -> list[Candle]:
    """Candles of `interval` microseconds from trades in the order in which they happened; none where none traded."""
    found: dict[int, Candle] = {}
    for trade in trades:
        start = trade.at - trade.at % interval
        candle = found.get(start)
        if candle is None:
            candle = found[start] = Candle(start, trade.ticks, trade.ticks, trade.ticks, trade.ticks)
        candle.add(trade, worth)
    return [found[start] for start in sorted(found)]


def vwap(trades: Iterable[Traded], worth: Worth, scale: int = 1) -> int | None:
    """Volume-weighted average price of all trades in ticks / `scale`; None without any."""
    whole = candles(trades, worth, FOREVER)
    return whole[0].vwap(scale) if whole else None
