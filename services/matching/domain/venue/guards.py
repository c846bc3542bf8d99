"""A market's limits in its own units, and the prices that its bands allow (domain rules R31 and R32)."""

from typing import Final

from cleartide.contracts import MarketSpec
from cleartide.money import MAX_PRICE_TICKS, MAX_SIZE_LOTS, PPB

from services.matching.domain.errors import Refused
from services.matching.domain.limits import MAX_OPEN_INTEREST_LOTS, MAX_POSITION_LOTS
from services.matching.domain.parsing import Steps

MICRO_TICKS: Final = 1_000_000
ANY_PRICE: Final = (1, MAX_PRICE_TICKS)


class Guards:
    """The limits of a specification as integers. Bands and breaker of 0 ppb are switched off.

    band_ppb: d of rule R31, the initial margin fraction of the first bracket but at least the market's minimum.
    least_margin_ppb: what initial margin asks of any value at least.
    """

    __slots__ = (
        "band_ppb",
        "breaker_ppb",
        "least_margin_ppb",
        "max_leverage",
        "max_lots",
        "min_lots",
        "open_interest_cap",
        "pause_micros",
        "position_cap",
        "twap_band_ppb",
    )

    def __init__(self, spec: MarketSpec, sizes: Steps) -> None:
        """Raises MoneyError for a size off the grid, Refused for limits that contradict each other."""
        limits = spec.limits
        self.band_ppb = self.twap_band_ppb = self.breaker_ppb = self.pause_micros = 0
        self.min_lots, self.max_lots = 1, MAX_SIZE_LOTS
        self.open_interest_cap, self.position_cap = MAX_OPEN_INTEREST_LOTS, MAX_POSITION_LOTS
        self.max_leverage: int | None = None
        self.least_margin_ppb = min(bracket.initial_margin_ppb for bracket in spec.brackets)
        if limits is None:
            return
        self.band_ppb = max(limits.band_ppb, spec.brackets[0].initial_margin_ppb)
        self.twap_band_ppb, self.breaker_ppb = limits.twap_band_ppb, limits.breaker_ppb
        self.pause_micros, self.max_leverage = limits.pause_micros, limits.max_leverage
        self.min_lots = sizes.parse(limits.min_order_size) if limits.min_order_size else 1
        self.max_lots = sizes.parse(limits.max_order_size) if limits.max_order_size else MAX_SIZE_LOTS
        if limits.open_interest_cap:
            self.open_interest_cap = sizes.parse(limits.open_interest_cap)
        if limits.position_cap:
            self.position_cap = sizes.parse(limits.position_cap)
        if self.min_lots > self.max_lots:
            raise Refused("bad_spec", "the smallest order is larger than the largest")

    def limit_band(self, mark: int) -> tuple[int, int]:
        """(lowest sell, highest buy) in ticks: a buy at p >= M(1 + d) or a sell at p <= M(1 - d) breaches (14.1)."""
        return strictly_within(mark, 1, self.band_ppb) if self.band_ppb else ANY_PRICE

    def fill_band(self, index: int, average: int) -> tuple[int, int]:
        """(lowest, highest) price of a fill in ticks: |p/I - 1| < d and |p/average - 1| < twap band, strict (14.2).

        `average` is the five-minute average of the index, in micro-ticks.
        """
        if not self.band_ppb or not index:
            return ANY_PRICE
        low, high = strictly_within(index, 1, self.band_ppb)
        if self.twap_band_ppb:
            lower, higher = strictly_within(average, MICRO_TICKS, self.twap_band_ppb)
            low, high = max(low, lower), min(high, higher)
        return low, high

    def leverage_under(self, mode_limit: int | None) -> int | None:
        """The largest leverage: the lower of the market's and the mode's, None where neither limits it."""
        if mode_limit is None or self.max_leverage is None:
            return self.max_leverage if mode_limit is None else mode_limit
        return min(self.max_leverage, mode_limit)

    def is_ensured(self, leverage: int | None) -> bool:
        """Whether initial margin asks for as much as this leverage does, or more, whatever the value: imf >= 1 / L."""
        return leverage is None or leverage * self.least_margin_ppb >= PPB

    def trips(self, index: int, average: int) -> bool:
        """|I / average - 1| >= breaker (14.2); never while the breaker is switched off."""
        return self.breaker_ppb > 0 and abs(index * MICRO_TICKS - average) * PPB >= self.breaker_ppb * average


def strictly_within(centre: int, scale: int, width_ppb: int) -> tuple[int, int]:
    """(lowest, highest) whole price p in ticks with |p / c - 1| < width, where `centre` is c in 1/scale ticks."""
    step = scale * PPB
    low, high = centre * (PPB - width_ppb) // step + 1, (centre * (PPB + width_ppb) - 1) // step
    return max(1, low), min(high, MAX_PRICE_TICKS)
