"""How an index market is put together: its sources, their weights, and the limits of domain rule R13."""

from dataclasses import dataclass
from typing import Final

from cleartide.money import MoneyError, parse_decimal

DEFAULT_MIN_SOURCES: Final = 3
DEFAULT_MAX_AGE_MICROS: Final = 10_000_000
DEFAULT_MAX_DEVIATION_PPB: Final = 30_000_000


@dataclass(frozen=True)
class PriceSource:
    """One venue's instrument. Its prices come in ticks of `tick_size` (quote); `weight` >= 1 is its say."""

    venue: str
    symbol: str
    tick_size: str
    weight: int = 1

    def __post_init__(self) -> None:
        if self.weight < 1:
            raise ValueError(f"{self.venue} {self.symbol}: weight {self.weight}")
        _require_step(self.tick_size)


@dataclass(frozen=True)
class IndexMarket:
    """One index. Its price is counted in ticks of `tick_size`.

    A source counts while its quote is at most `max_age_micros` old and its price at most `max_deviation_ppb` from the
    plain median of those; fewer than `min_sources`, or less than half of all weight, and the index is stale.
    """

    market: str
    tick_size: str
    sources: tuple[PriceSource, ...]
    min_sources: int = DEFAULT_MIN_SOURCES
    max_age_micros: int = DEFAULT_MAX_AGE_MICROS
    max_deviation_ppb: int = DEFAULT_MAX_DEVIATION_PPB

    def __post_init__(self) -> None:
        _require_step(self.tick_size)
        names = [(source.venue, source.symbol) for source in self.sources]
        if not names or len(set(names)) != len(names):
            raise ValueError(f"{self.market}: sources must be given, each once")

    @property
    def total_weight(self) -> int:
        """Weight of all sources, fresh or not."""
        return sum(source.weight for source in self.sources)


def _require_step(step: str) -> None:
    if parse_decimal(step) <= 0:
        raise MoneyError("bad_step", step)
