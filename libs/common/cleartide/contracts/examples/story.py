"""When and where the examples' story happens, and the envelopes of its messages."""

from typing import Any, Final

from cleartide.contracts.base import Message
from cleartide.contracts.commands import MarginBracket, MarketSpec

MINUTE: Final = 60_000_000
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
OPENED: Final = 1_767_225_600_000_000  # 2026-01-01 00:00 UTC
ALERTED: Final = OPENED + 30 * MINUTE
FUNDED: Final = OPENED + HOUR
LIQUIDATED: Final = OPENED + 2 * HOUR

MARKET: Final = "BTC-PERP"
QUANTA_PER_LOT_TICK: Final = 100
SPEC: Final = MarketSpec(
    market=MARKET,
    base="BTC",
    quote="USDC",
    tick_size="0.1",
    lot_size="0.001",
    brackets=(
        MarginBracket(
            upper_notional_quanta=10**12, initial_margin_ppb=50_000_000, maintenance_fraction_ppb=600_000_000
        ),
        MarginBracket(upper_notional_quanta=None, initial_margin_ppb=100_000_000, maintenance_fraction_ppb=600_000_000),
    ),
    taker_fee_ppb=500_000,
    maker_fee_ppb=200_000,
    liquidation_fee_ppb=5_000_000,
    mark_band_ppb=25_000_000,
    market_order_band_ppb=50_000_000,
    impact_notional_quanta=10**10,
    interest_8h_ppb=100_000,
    funding_clamp_ppb=500_000,
    funding_cap_hourly_ppb=40_000_000,
)


def sent(contract: type[Message], ident: str, source: str, **body: Any) -> Message:
    """A command of somebody outside, who does not number what they send."""
    return contract(id=ident, occurred_at=OPENED, source=source, **body)


def said(contract: type[Message], source: str, channel: str, seq: int, at: int, cause: str, **body: Any) -> Message:
    """What a service says because of a message."""
    return contract(
        id=f"{source}-{channel}-{seq}",
        seq=seq,
        occurred_at=at,
        causation_id=cause,
        correlation_id=cause,
        source=source,
        **body,
    )
