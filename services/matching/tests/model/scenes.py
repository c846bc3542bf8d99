"""Who trades, and where: a few markets whose numbers make rounding and margin matter."""

from decimal import Decimal
from functools import cache
from typing import Any, Final

from cleartide.contracts import (
    AssetSpec,
    BatchTerms,
    FeeTier,
    LiquidationRules,
    MarginBracket,
    MarketLimits,
    MarketSpec,
)

TRADERS: Final = ("ann", "bob", "cat", "dan", "eve")
SCENES: Final = 14
TIERS: Final = (
    FeeTier(volume_quanta=0, taker_fee_ppb=450_001, maker_fee_ppb=150_001),
    FeeTier(volume_quanta=1_000_000, taker_fee_ppb=333_333, maker_fee_ppb=-111_111),
    FeeTier(volume_quanta=200_000_000, taker_fee_ppb=222_222, maker_fee_ppb=-150_007),
)
"""Of the odd scenes, where ann was brought by bob."""


def text_of(count: int, step: str, decimals: int = 0) -> str:
    """So many steps as decimal text; with `decimals`, so many of their thousandths and the like."""
    return format((Decimal(count) * Decimal(step)).scaleb(-decimals), "f")


FEES: Final = ((450_000, 150_000), (0, 0), (333_333, 111_111), (1, 1), (100_000, 700_000), (9_999_999, 1))
"""Taker's and maker's, in ppb."""
RULES: Final = {
    6: LiquidationRules(
        min_notional_quanta=3_000_000,
        large_notional_quanta=40_000_000,
        cooldown_micros=4_000_000,
        grace_micros=1_000_000,
        stress_ppb=20_000_000,
        keeper_share_ppb=333_333_333,
    ),
    7: LiquidationRules(
        min_notional_quanta=0,
        step_ppb=77_777_777,
        large_notional_quanta=10_000_000,
        cooldown_micros=1_000_000,
        grace_micros=0,
        stress_ppb=0,
        position_cap_quanta=200_000_000,
        disposal_ppb=333_333_333,
    ),
}
RULES[11] = RULES[7]
RULES[13] = RULES[6]
"""Of some scenes: a fund that shrinks back, and ones that take whatever is small."""
LIMITS: Final = {
    10: (
        MarketLimits(
            min_order_size="0.003", max_order_size="0.5", max_leverage=4, open_interest_cap="0.6", position_cap="0.3"
        ),
        MarketLimits(twap_band_ppb=0, breaker_ppb=20_000_000, pause_micros=2_000_000, position_cap="0.009"),
        MarketLimits(band_ppb=60_000_001, twap_band_ppb=40_000_000, breaker_ppb=50_000_000, pause_micros=1_000_000),
    ),
    11: (
        MarketLimits(twap_band_ppb=30_000_000, breaker_ppb=30_000_000, pause_micros=3_000_000, position_cap="0.4"),
        MarketLimits(breaker_ppb=0, open_interest_cap="0.02", min_order_size="0.0004", max_leverage=30),
        MarketLimits(twap_band_ppb=20_000_000, breaker_ppb=40_000_001, pause_micros=1_500_000, max_order_size="30"),
    ),
}
"""Of the last two scenes: caps that are met, narrow bands, and breakers that trip often."""


HOUSED: Final = (4, 5)
"""Scenes with a vault that is at work, and its farm."""
PLEDGED: Final = (12, 13)
"""Scenes in which most of what accounts have is not cash."""
ASSETS: Final = (
    AssetSpec(
        asset="WETH",
        decimals=8,
        index_market="ETH-PERP",
        initial_weight_ppb=700_000_000,
        maintenance_weight_ppb=800_000_001,
        cap="3",
        conversion_fee_ppb=3_333_333,
    ),
    AssetSpec(
        asset="WSOL",
        decimals=4,
        index_market="SOL-PERP",
        initial_weight_ppb=333_333_333,
        maintenance_weight_ppb=500_000_000,
        cap="10",
    ),
    AssetSpec(
        asset="EURC",
        decimals=6,
        fixed_price="1.0837",
        initial_weight_ppb=900_000_000,
        maintenance_weight_ppb=950_000_000,
        cap="900",
        conversion_fee_ppb=1_000_000,
    ),
)


CROWDED: Final = {
    3: {"oi_scale_lower_quanta": 20_000_000, "oi_scale_upper_quanta": 900_000_001},
    5: {"oi_scale_lower_quanta": 0, "oi_scale_upper_quanta": 50_000_000_000},
}
"""Of two scenes: the plain market asks for more margin as it fills."""
BATCHING: Final = {
    8: BatchTerms(commit_micros=10_000_000, reveal_micros=30_000_000, bond_quanta=1_234_567),
    9: BatchTerms(commit_micros=50_000_000, reveal_micros=60_000_000, bond_quanta=0),
}
"""Of two more scenes: the dear market takes in batches."""


@cache
def specs(scene: int) -> tuple[MarketSpec, MarketSpec, MarketSpec]:
    """Three markets: a plain one, one with brackets and u = 1, and a dear one that liquidates whole positions.

    Scenes differ in fees (odd ones, none, a maker's above a taker's), in margin rates, and in their rules of
    liquidation: the first six have none.
    """
    taker, maker = FEES[scene % len(FEES)]
    plain = _spec("BTC-PERP", "0.1", "0.001", (_bracket(None, 100_000_000, 500_000_000),))
    steep = _spec(
        "ETH-PERP",
        "0.05",
        "0.00002",
        (
            _bracket(3_000_001, (20_000_000, 33_333_333)[scene % 2], 600_000_000),
            _bracket(20_000_000, 50_000_001, 333_333_333),
            _bracket(None, 250_000_000, 999_999_999),
        ),
        liquidation_fee_ppb=1_234_567,
        impact_notional_quanta=777_777,
    )
    dear = _spec(
        "SOL-PERP",
        "0.01",
        "0.1",
        (_bracket(500_000_000, 50_000_000, 100_000_000), _bracket(None, 1_000_000_000, 1_000_000_000)),
        liquidation_fee_ppb=(50_000_000, 0)[scene % 2],
        mark_band_ppb=100_000_000,
        funding_cap_hourly_ppb=1_000_000,
    )
    fees = {"taker_fee_ppb": taker, "maker_fee_ppb": maker, "liquidation": RULES.get(scene)}
    dear = dear.model_copy(update={"batching": BATCHING.get(scene)})
    plain = plain.model_copy(update=CROWDED.get(scene, {}))
    limits = LIMITS.get(scene, (None, None, None))
    return tuple(  # type: ignore[return-value]
        spec.model_copy(update={**fees, "limits": limit})
        for spec, limit in zip((plain, steep, dear), limits, strict=True)
    )


def _bracket(upper: int | None, initial: int, fraction: int) -> MarginBracket:
    return MarginBracket(upper_notional_quanta=upper, initial_margin_ppb=initial, maintenance_fraction_ppb=fraction)


def _spec(market: str, tick: str, lot: str, brackets: tuple[MarginBracket, ...], **changes: Any) -> MarketSpec:
    values: dict[str, Any] = {
        "market": market,
        "base": market[:3],
        "quote": "USDC",
        "tick_size": tick,
        "lot_size": lot,
        "brackets": brackets,
        "taker_fee_ppb": 0,
        "maker_fee_ppb": 0,
        "liquidation_fee_ppb": 5_000_000,
        "mark_band_ppb": 25_000_000,
        "market_order_band_ppb": 50_000_001,
        "impact_notional_quanta": 100_000_000,
        "interest_8h_ppb": 100_000,
        "funding_clamp_ppb": 500_000,
        "funding_cap_hourly_ppb": 40_000_000,
    }
    return MarketSpec(**{**values, **changes})
