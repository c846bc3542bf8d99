"""How a market is liquidated: in which steps, and what its insurance fund may take on."""

from typing import Annotated

from pydantic import Field

from cleartide.contracts.base import Contract
from cleartide.contracts.types import NonNegativePpb, NonNegativeQuanta

Share = Annotated[int, Field(ge=0, le=10**9, description="share in parts per billion, at most the whole")]


class LiquidationRules(Contract):
    """Steps, backstop and last resorts of a market (domain rules R20, R23 to R25).

    A position above `large_notional_quanta` is closed in steps of `step_ppb` with `cooldown_micros` between them; what
    would leave less than `min_notional_quanta` is closed whole. The insurance fund takes a position only if it would
    bear a move of `stress_ppb` against all it holds in the market, within `position_cap_quanta`; what it may not take
    is deleveraged. It gives back `disposal_ppb` of its position a minute. Nobody is liquidated for `grace_micros` after
    a stale index or a pause of trading. `keeper_share_ppb` of the liquidation fees is for an outside liquidator who
    asked first.
    """

    min_notional_quanta: NonNegativeQuanta = 10_000_000
    large_notional_quanta: NonNegativeQuanta = 100_000_000_000
    step_ppb: Annotated[int, Field(gt=0, le=10**9)] = 200_000_000
    cooldown_micros: int = Field(default=30_000_000, ge=0, le=86_400_000_000)
    stress_ppb: NonNegativePpb = 100_000_000
    position_cap_quanta: NonNegativeQuanta | None = None
    disposal_ppb: Share = 100_000_000
    grace_micros: int = Field(default=10_000_000, ge=0, le=3_600_000_000)
    keeper_share_ppb: Share = 200_000_000
