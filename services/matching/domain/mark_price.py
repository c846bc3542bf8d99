"""Index, mark price and premium of a market (domain rules R14 to R17). Pure functions on integers.

"Micro-ticks" are millionths of a tick: the scale in which the parts of the mark are compared before rounding.
"""

from collections.abc import Sequence
from typing import Final

from cleartide.money import MAX_PRICE_TICKS, PPB, half_up_div, trunc_div

from services.matching.domain.depth import Levels, sweep
from services.matching.domain.market import Prices

SECOND: Final = 1_000_000
MINUTE: Final = 60 * SECOND
MICRO_TICKS: Final = 1_000_000
EMA_KEEP_PPB: Final = 993_355_506
"""exp(-1/150): what a 150 s average keeps of itself in one second (R15)."""
EMA_MOST_STEPS: Final = 1_500
"""Ten time constants: after a longer silence nothing of the old average is left."""
MAX_INDEX_SILENCE: Final = 60 * SECOND
"""An index not renewed for this long is stale, even if nobody has said so (R13)."""
PREMIUM_BOUND_PPB: Final = 10**12


def is_stale(prices: Prices, at: int) -> bool:
    """Whether the index is stale: declared so, or silent for too long (R13)."""
    return prices.stale or at - prices.updated_at > MAX_INDEX_SILENCE


def ema_step(ema: int, sample: int, steps: int) -> int:
    """The average after `steps` seconds of the same sample; fixed steps and truncation (R15)."""
    for _ in range(min(steps, EMA_MOST_STEPS)):
        ema = trunc_div(ema * EMA_KEEP_PPB + sample * (PPB - EMA_KEEP_PPB), PPB)
    return ema


def basis(best_bid: int, best_ask: int, index: int) -> int:
    """mid - index in micro-ticks, exact: the mid may lie on half a tick."""
    return (best_bid + best_ask - 2 * index) * (MICRO_TICKS // 2)


def median(values: Sequence[int]) -> int:
    """Median of one to three values; of two their mean, floored (R14)."""
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) // 2


def funding_part(index: int, rate_ppb: int, time_left: int, interval: int) -> int:
    """I * (1 + last rate * time left / interval) in micro-ticks, truncated; I before any interval (R14 c)."""
    if not interval:
        return index * MICRO_TICKS
    scale = PPB // MICRO_TICKS
    return index * MICRO_TICKS + trunc_div(index * rate_ppb * time_left, scale * interval)


def mark_ticks(index: int, parts: Sequence[int], band_ppb: int) -> int:
    """Median of the parts (micro-ticks), held within I -+ floor(I * band), rounded half up to a tick (R14)."""
    band = index * band_ppb // PPB
    mark = min(max(median(parts), (index - band) * MICRO_TICKS), (index + band) * MICRO_TICKS)
    return min(max(1, half_up_div(mark, MICRO_TICKS)), MAX_PRICE_TICKS)


def premium_ppb(bids: Levels, asks: Levels, index: int, notional: int) -> int:
    """(max(0, impact bid - I) - max(0, I - impact ask)) / I in ppb, truncated (10.1).

    `bids` and `asks` are (price, lots times u) from the best; a side without enough depth contributes 0.
    """
    above = max(0, _impact_ppb(bids, index, notional))
    below = max(0, -_impact_ppb(asks, index, notional))
    return above - below


def _impact_ppb(levels: Levels, index: int, notional: int) -> int:
    """(average price of sweeping `notional` quanta - I) / I; a side without enough depth gives 0."""
    swept = sweep(levels, notional) if notional else None
    if swept is None:
        return 0
    above, unit = (swept.average - index).as_integer_ratio()
    return trunc_div(PPB * above, index * unit)
