"""Examples of normalised venue market data."""

from typing import Any, Final

from cleartide.contracts.base import Message
from cleartide.contracts.examples.story import ALERTED, HOUR, OPENED
from cleartide.contracts.liquidity import VenueGroupedBook, VenueInstrument, VenueLiquidity
from cleartide.contracts.market import (
    MarketEvent,
    VenueBook,
    VenueCandle,
    VenueFunding,
    VenueGap,
    VenueLiquidation,
    VenueOpenInterest,
    VenueStats,
    VenueStatus,
    VenueTicker,
    VenueTrade,
)
from cleartide.contracts.oracle import VenueOracle


def _event(contract: type[MarketEvent], kind: str, number: int, **body: Any) -> Message:
    return contract(
        id=f"binance-usdm:BTCUSDT:{kind}:{number}",
        occurred_at=ALERTED,
        source="ingestor",
        venue="binance-usdm",
        symbol="BTCUSDT",
        venue_time=ALERTED - 4_000,
        received_at=ALERTED,
        venue_seq=number,
        **body,
    )


MARKET_EXAMPLES: Final[tuple[Message, ...]] = (
    _event(VenueOracle, "oracle", 311, price=6_349_010_000_000, confidence=2_500_000_000, exponent=-8),
    _event(VenueTicker, "ticker", 990, bid_ticks=634_899, bid_lots=1_200, ask_ticks=634_901, ask_lots=800),
    _event(VenueTrade, "trade", 401, trade_id="401", price_ticks=634_901, size_lots=12, taker_side="buy"),
    _event(VenueBook, "book", 989, bids=((634_899, 1_200), (634_898, 5)), asks=((634_901, 800),)),
    _event(
        VenueFunding,
        "funding",
        12,
        mark_ticks=634_950,
        index_ticks=634_900,
        rate_ppb=100_000,
        interval_micros=8 * HOUR,
        next_funding_at=OPENED + 8 * HOUR,
        predicted_rate_ppb=85_000,
    ),
    _event(VenueOpenInterest, "interest", 13, open_interest_lots=81_250_400),
    _event(
        VenueLiquidation,
        "liquidation",
        14,
        liquidation_id="1723161255000-SELL",
        price_ticks=634_800,
        size_lots=150,
        side="sell",
    ),
    _event(
        VenueCandle,
        "candle",
        15,
        interval="1m",
        open_at=OPENED,
        open_ticks=634_900,
        high_ticks=635_000,
        low_ticks=634_850,
        close_ticks=634_950,
        volume_lots=42_000,
        closed=True,
    ),
    _event(VenueStats, "stats", 16, last_ticks=634_950, high_ticks=651_000, low_ticks=629_990, volume_lots=310_000_000),
    _event(
        VenueInstrument,
        "instrument",
        17,
        base="BTC",
        quote="USDT",
        contract_type="linear",
        tick_size="0.1",
        lot_size="0.001",
        size_step="0.001",
        funding_interval_micros=8 * HOUR,
        maker_ppb=200_000,
        taker_ppb=500_000,
    ),
    _event(
        VenueLiquidity,
        "liquidity",
        989,
        bid_ticks=634_899,
        ask_ticks=634_901,
        bid_depths=(76_187_880_000, *(76_505_324_500,) * 6),
        ask_depths=(50_792_080_000,) * 7,
        bid_reach=3_150_012,
        ask_reach=1_575_000,
        buy_slippages=(1_575_000, 1_575_000, 1_575_000, None, None, None, None),
        sell_slippages=(1_575_000, 1_575_000, 1_575_000, None, None, None, None),
        buy_impacts=(1_575_000, 1_575_000, 1_575_000, None, None, None, None),
        sell_impacts=(1_575_000, 1_575_000, 1_575_000, None, None, None, None),
    ),
    _event(
        VenueGroupedBook,
        "grouped",
        989,
        multiple=10,
        bids=((634_890, 1_205), (634_880, 17)),
        asks=((634_910, 800),),
    ),
    _event(VenueGap, "gap", 985, expected_seq=981, reason="depth: 4 missing", quality="resynced"),
    _event(VenueStatus, "status", 1, status="connected", detail="public"),
)
