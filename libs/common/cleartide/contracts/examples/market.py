"""Examples of normalised venue market data."""

from typing import Any, Final

from cleartide.contracts.base import Message
from cleartide.contracts.examples.story import ALERTED, HOUR, OPENED
from cleartide.contracts.market import (
    MarketEvent,
    VenueBook,
    VenueFunding,
    VenueGap,
    VenueStatus,
    VenueTicker,
    VenueTrade,
)


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
    ),
    _event(VenueGap, "gap", 985, expected_seq=981, reason="depth: 4 missing", quality="resynced"),
    _event(VenueStatus, "status", 1, status="connected", detail="public"),
)
