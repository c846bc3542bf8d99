"""Just-in-time auctions: for a few slots makers compete for an order that is about to take (domain rule R33).

The price of an auction moves from `start` to `end`, slot by slot. At each slot, what the book and the makers offer at
that price or better is taken, the best first; the rest is dropped after the last slot. The number of an auction is that
of its order.
"""

from typing import ClassVar, Final, Literal

from pydantic import Field

from cleartide.contracts.base import Contract, Message
from cleartide.contracts.trading import TradingEvent
from cleartide.contracts.types import (
    AccountId,
    Lots,
    MarketId,
    Micros,
    PositiveDecimal,
    Quanta,
    ReasonCode,
    Seq,
    Side,
    SignedDecimal,
    SignedTicks,
    Ticks,
)

DEFAULT_SLOTS: Final = 10
MOST_SLOTS: Final = 150


class AuctionTerms(Contract):
    """How an immediate order is auctioned. Without `start` and `end` the index and the order's limit give them.

    offsets: `start` and `end` are distances from the index in force at each slot, and may be negative.
    """

    start: SignedDecimal | None = None
    end: SignedDecimal | None = None
    offsets: bool = False
    slots: int = Field(default=DEFAULT_SLOTS, ge=1, le=MOST_SLOTS)


class QuoteAuction(Message):
    """A maker's firm offer in a running auction, until that is over. A better one of the same account replaces it."""

    subject_template: ClassVar[str] = "orders.{market}"
    type: Literal["QuoteAuction"] = "QuoteAuction"
    version: Literal[1] = 1
    account: AccountId
    market: MarketId
    auction_id: Seq
    price: PositiveDecimal
    size: PositiveDecimal
    actor: AccountId | None = None


class JitAuctionOpened(TradingEvent):
    """An order that the book did not fill at the start price is auctioned; its margin stays reserved meanwhile.

    `start_ticks` and `end_ticks` are prices, or distances from the index where `offsets` is true.
    """

    type: Literal["JitAuctionOpened"] = "JitAuctionOpened"
    version: Literal[1] = 1
    auction_id: Seq
    account: AccountId
    market: MarketId
    side: Side
    size_lots: Lots
    limit_ticks: Ticks
    start_ticks: SignedTicks
    end_ticks: SignedTicks
    offsets: bool
    slots: int = Field(ge=1, le=MOST_SLOTS)
    slot_micros: int = Field(gt=0)
    best_opposite_ticks: Ticks | None


class JitQuoteAccepted(TradingEvent):
    """A maker's quote stands in an auction. Of equal prices the smaller `quote_id` trades first."""

    type: Literal["JitQuoteAccepted"] = "JitQuoteAccepted"
    version: Literal[1] = 1
    quote_id: Seq
    auction_id: Seq
    account: AccountId
    market: MarketId
    price_ticks: Ticks
    size_lots: Lots
    replaced_quote_id: Seq | None


class JitQuoteRejected(TradingEvent):
    """A maker's quote was refused, or (with a `quote_id`) left the auction because it may not trade any more."""

    type: Literal["JitQuoteRejected"] = "JitQuoteRejected"
    version: Literal[1] = 1
    quote_id: Seq | None
    auction_id: Seq
    account: AccountId
    market: MarketId
    reason: ReasonCode


class JitAuctionSettled(TradingEvent):
    """An auction is over. Its order's OrderClosed follows with the same reason.

    `filled_lots` for `quote_quanta` in all, `maker_lots` of them from quotes, the others from the book.
    `improvement_quanta`: how much better that is than the end price of the last slot, `end_ticks`.
    """

    type: Literal["JitAuctionSettled"] = "JitAuctionSettled"
    version: Literal[1] = 1
    auction_id: Seq
    account: AccountId
    market: MarketId
    side: Side
    filled_lots: int = Field(ge=0, lt=2**40)
    maker_lots: int = Field(ge=0, lt=2**40)
    unfilled_lots: int = Field(ge=0, lt=2**40)
    quote_quanta: Quanta
    end_ticks: Ticks
    improvement_quanta: Quanta
    reason: ReasonCode


class AuctionOffered(Message):
    """What makers hear of an auction: everything but whose order it is."""

    subject_template: ClassVar[str] = "auctions.{market}"
    packed: ClassVar[bool] = True
    type: Literal["AuctionOffered"] = "AuctionOffered"
    version: Literal[1] = 1
    auction_id: Seq
    market: MarketId
    side: Side
    size_lots: Lots
    start_ticks: SignedTicks
    end_ticks: SignedTicks
    offsets: bool
    slots: int = Field(ge=1, le=MOST_SLOTS)
    slot_micros: int = Field(gt=0)
    opened_at: Micros


AUCTION_COMMANDS: tuple[type[Message], ...] = (QuoteAuction,)
AUCTION_EVENTS: tuple[type[Message], ...] = (JitAuctionOpened, JitQuoteAccepted, JitQuoteRejected, JitAuctionSettled)
