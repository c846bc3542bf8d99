"""The market that the sandbox opens."""

from typing import Final

from cleartide.contracts import LiquidationRules, MarginBracket, MarketLimits, MarketSpec

MARKET: Final = "BTC-PERP"
INSURANCE: Final = "1000000"
PAUSE_MICROS: Final = 20_000_000
"""How long the breaker pauses the market: rule R31's minute is long for somebody who looks on."""
FUND_CAP_QUANTA: Final = 10_000_000_000
"""What the fund may hold: one leveraged account's position. If it bore every one, nobody would ever be deleveraged."""

SPEC: Final = MarketSpec(
    market=MARKET,
    base="BTC",
    quote="USDC",
    tick_size="0.1",
    lot_size="0.001",
    brackets=(
        MarginBracket(
            upper_notional_quanta=250_000_000_000,
            initial_margin_ppb=10_000_000,
            maintenance_fraction_ppb=500_000_000,
        ),
        MarginBracket(
            upper_notional_quanta=2_000_000_000_000,
            initial_margin_ppb=20_000_000,
            maintenance_fraction_ppb=500_000_000,
        ),
        MarginBracket(upper_notional_quanta=None, initial_margin_ppb=50_000_000, maintenance_fraction_ppb=600_000_000),
    ),
    taker_fee_ppb=450_000,
    maker_fee_ppb=100_000,
    liquidation_fee_ppb=2_500_000,
    mark_band_ppb=25_000_000,
    market_order_band_ppb=50_000_000,
    impact_notional_quanta=20_000_000_000,
    interest_8h_ppb=100_000,
    funding_clamp_ppb=500_000,
    funding_cap_hourly_ppb=40_000_000,
)

LISTED: Final = SPEC.model_copy(
    update={
        "limits": MarketLimits(
            min_order_size="0.001",
            max_order_size="20",
            max_leverage=100,
            open_interest_cap="2000",
            position_cap="200",
            pause_micros=PAUSE_MICROS,
        ),
        "liquidation": LiquidationRules(position_cap_quanta=FUND_CAP_QUANTA),
    }
)
"""What the sandbox lists: the same market with bands, breaker, caps and rules of liquidation."""
