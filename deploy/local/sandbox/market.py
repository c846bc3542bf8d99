"""What the sandbox lists: a specification for each of its markets, with the terms that all of them share."""

from typing import Final

from cleartide.contracts import LiquidationRules, MarginBracket, MarketLimits, MarketSpec

from deploy.local.markets import MARKETS, Market

INSURANCE: Final = "1000000"
PAUSE_MICROS: Final = 20_000_000
"""How long the breaker pauses a market: rule R31's minute is long for somebody who looks on."""
FUND_CAP_QUANTA: Final = 10_000_000_000
"""What a fund may hold: one leveraged account's position. If it bore every one, nobody would ever be deleveraged."""
PPB: Final = 1_000_000_000
HALF_PPB: Final = PPB // 2
"""Maintenance margin of the first bracket, of the initial margin."""


def spec_of(market: Market) -> MarketSpec:
    """Its terms without limits: brackets from its leverage, all else as everywhere in the sandbox."""
    initial = PPB // market.leverage
    brackets = (
        (250_000_000_000, initial, HALF_PPB),
        (2_000_000_000_000, 2 * initial, HALF_PPB),
        (None, 5 * initial, 600_000_000),
    )
    return MarketSpec(
        market=market.name,
        base=market.base,
        quote="USDC",
        tick_size=market.tick_size,
        lot_size=market.lot_size,
        brackets=tuple(
            MarginBracket(upper_notional_quanta=upper, initial_margin_ppb=margin, maintenance_fraction_ppb=fraction)
            for upper, margin, fraction in brackets
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


def listed(market: Market) -> MarketSpec:
    """What is listed: the same with bands, breaker, caps and rules of liquidation."""
    limits = MarketLimits(
        min_order_size=market.lot_size,
        max_order_size=market.max_order,
        max_leverage=market.leverage,
        open_interest_cap=market.open_interest_cap,
        position_cap=market.position_cap,
        pause_micros=PAUSE_MICROS,
    )
    rules = LiquidationRules(position_cap_quanta=FUND_CAP_QUANTA)
    return spec_of(market).model_copy(update={"limits": limits, "liquidation": rules})


MARKET: Final = MARKETS[0].name
SPEC: Final = spec_of(MARKETS[0])
"""The first market, which tests and benchmarks trade on."""
