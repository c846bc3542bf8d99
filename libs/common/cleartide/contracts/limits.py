"""What a market allows beside its margin rules: sizes, leverage, price bands, the breaker, caps, and batches."""

from pydantic import Field

from cleartide.contracts.base import Contract
from cleartide.contracts.types import NonNegativePpb, NonNegativeQuanta, PositiveDecimal


class MarketLimits(Contract):
    """A market's guards (domain rules R31 and R32). Sizes are on the market's grid; null is no limit.

    band_ppb: the price bands are max(band_ppb, initial margin fraction of the first bracket) wide.
    twap_band_ppb: how far a fill may be from the five-minute average of the index.
    breaker_ppb: distance of the index from that average at which trading pauses for `pause_micros`; 0 is never.
    """

    min_order_size: PositiveDecimal | None = None
    max_order_size: PositiveDecimal | None = None
    max_leverage: int | None = Field(default=None, ge=1, le=1_000)
    open_interest_cap: PositiveDecimal | None = None
    position_cap: PositiveDecimal | None = None
    band_ppb: NonNegativePpb = 20_000_000
    twap_band_ppb: NonNegativePpb = 500_000_000
    breaker_ppb: NonNegativePpb = 100_000_000
    pause_micros: int = Field(default=60_000_000, ge=1_000_000, le=86_400_000_000)


class BatchTerms(Contract):
    """How a market batches the orders that may take from its book. Windows in microseconds of sequenced time.

    bond_quanta: locked by each commitment, and lost to the market's insurance fund when it is not revealed.
    """

    commit_micros: int = Field(default=1_000_000, ge=10_000, le=60_000_000)
    reveal_micros: int = Field(default=1_000_000, ge=10_000, le=60_000_000)
    bond_quanta: NonNegativeQuanta = Field(default=1_000_000, le=10**12)
