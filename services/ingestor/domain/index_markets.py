"""How an index market is put together: its sources, their weights, and the limits of domain rule R13."""

from dataclasses import dataclass
from typing import Final

from cleartide.money import MoneyError, parse_decimal

DEFAULT_MIN_SOURCES: Final = 3
DEFAULT_MAX_AGE_MICROS: Final = 10_000_000
DEFAULT_MAX_DEVIATION_PPB: Final = 30_000_000
DEFAULT_MAX_CONFIDENCE_PPB: Final = 100_000_000


@dataclass(frozen=True)
class PriceSource:
    """One venue's instrument. Its prices come in ticks of `tick_size` (quote); `weight` >= 1 is its say.

    oracle: it gives one price with a confidence. fallback: it counts only where the others alone make no index.
    """

    venue: str
    symbol: str
    tick_size: str
    weight: int = 1
    oracle: bool = False
    fallback: bool = False

    def __post_init__(self) -> None:
        if self.weight < 1:
            raise ValueError(f"{self.venue} {self.symbol}: weight {self.weight}")
        _require_step(self.tick_size)


@dataclass(frozen=True)
class IndexMarket:
    """One index. Its price is counted in ticks of `tick_size`.

    A source counts while its quote is at most `max_age_micros` old and its price at most `max_deviation_ppb` from the
    plain median of those; an oracle's while its confidence is less than `max_confidence_ppb` of its price. With fewer
    than `min_sources`, or less than half of all weight, the fallbacks count too; is that not enough, it is stale.
    """

    market: str
    tick_size: str
    sources: tuple[PriceSource, ...]
    min_sources: int = DEFAULT_MIN_SOURCES
    max_age_micros: int = DEFAULT_MAX_AGE_MICROS
    max_deviation_ppb: int = DEFAULT_MAX_DEVIATION_PPB
    max_confidence_ppb: int = DEFAULT_MAX_CONFIDENCE_PPB

    def __post_init__(self) -> None:
        _require_step(self.tick_size)
        names = [(source.venue, source.symbol) for source in self.sources]
        if not names or len(set(names)) != len(names):
            raise ValueError(f"{self.market}: sources must be given, each once")
        if all(source.fallback for source in self.sources):
            raise ValueError(f"{self.market}: a fallback needs something to stand in for")


def _require_step(step: str) -> None:
    if parse_decimal(step) <= 0:
        raise MoneyError("bad_step", step)
