"""Candles that the simulated trades make, in the intervals that clients follow. Their sizes are in base units."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from services.ingestor.domain.ranges import opening
from services.ingestor.simulator.moves import Bar, Deal

MICROS_PER_MILLI: Final = 1_000


class Bars:
    """One symbol's. A candle begins with the first trade that is told while somebody follows its interval."""

    def __init__(self) -> None:
        self._running: dict[str, Bar] = {}

    def take(self, deal: Deal, intervals: Iterable[str]) -> list[Bar]:
        """The candles as they are after one more trade; one that it ends comes before it, as final."""
        said: list[Bar] = []
        for interval in intervals:
            open_at = opening(deal.millis * MICROS_PER_MILLI, interval) // MICROS_PER_MILLI
            running = self._running.get(interval)
            if running is not None and open_at > running.open_at:
                said.append(running._replace(closed=True, millis=deal.millis))
                running = None
            self._running[interval] = _begun(deal, interval, open_at) if running is None else _carried_on(running, deal)
            said.append(self._running[interval])
        return said


def _begun(deal: Deal, interval: str, open_at: int) -> Bar:
    return Bar(interval, open_at, (deal.price, deal.price, deal.price, deal.price), deal.size, False, deal.millis)


def _carried_on(running: Bar, deal: Deal) -> Bar:
    opened, high, low, _ = running.prices
    prices = opened, max(high, deal.price, key=Decimal), min(low, deal.price, key=Decimal), deal.price
    volume = format(Decimal(running.volume) + Decimal(deal.size), "f")
    return running._replace(prices=prices, volume=volume, millis=deal.millis)
