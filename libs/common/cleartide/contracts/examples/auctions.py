"""Examples of a just-in-time auction: alice sells her 19 lots, carol outbids dave, and the last lot finds nobody."""

from typing import Any, Final

from cleartide.contracts.auctions import (
    AuctionOffered,
    JitAuctionOpened,
    JitAuctionSettled,
    JitQuoteAccepted,
    JitQuoteRejected,
    QuoteAuction,
)
from cleartide.contracts.base import Message
from cleartide.contracts.examples.story import DAY, LIQUIDATED, MARKET, said, sent

OPENED_AT: Final = LIQUIDATED + DAY // 2
SLOT: Final = 400_000
CALLED: Final[dict[str, Any]] = {
    "auction_id": 9,
    "market": MARKET,
    "side": "sell",
    "size_lots": 19,
    "start_ticks": 626_500,
    "end_ticks": 623_400,
    "offsets": False,
    "slots": 10,
    "slot_micros": SLOT,
}


def _event(contract: type[Message], seq: int, slot: int, cause: str, **body: Any) -> Message:
    return said(contract, "matching", "events", seq, OPENED_AT + slot * SLOT, cause, market=MARKET, **body)


AUCTION_EXAMPLES: Final[tuple[Message, ...]] = (
    sent(QuoteAuction, "quote-1", "gateway", account="carol", market=MARKET, auction_id=9, price="62600", size="0.018"),
    said(
        JitAuctionOpened,
        "matching",
        "events",
        81,
        OPENED_AT,
        "order-9",
        account="alice",
        limit_ticks=620_000,
        best_opposite_ticks=None,
        **CALLED,
    ),
    said(AuctionOffered, "matching", "books", 31, OPENED_AT, "order-9", opened_at=OPENED_AT, **CALLED),
    _event(
        JitQuoteAccepted,
        82,
        1,
        "quote-1",
        quote_id=1,
        auction_id=9,
        account="carol",
        price_ticks=626_000,
        size_lots=18,
        replaced_quote_id=None,
    ),
    _event(
        JitQuoteRejected, 83, 1, "quote-2", quote_id=None, auction_id=9, account="dave", reason="insufficient_margin"
    ),
    _event(
        JitAuctionSettled,
        90,
        11,
        "ingestor-commands-9000",
        auction_id=9,
        account="alice",
        side="sell",
        filled_lots=18,
        maker_lots=18,
        unfilled_lots=1,
        quote_quanta=1_126_800_000,
        end_ticks=623_400,
        improvement_quanta=4_680_000,
        reason="ioc_remainder",
    ),
)
