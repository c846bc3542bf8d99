"""What is said of auctions: to the parties, and to makers without saying whose order it is."""

from typing import Any

from cleartide.contracts import (
    AuctionOffered,
    JitAuctionOpened,
    JitAuctionSettled,
    JitQuoteAccepted,
    JitQuoteRejected,
)

from services.matching.domain.book import Order
from services.matching.domain.jit.pricing import SLOT_MICROS
from services.matching.domain.jit.record import Auction
from services.matching.domain.market import Market
from services.matching.domain.output import Output


def opened(out: Output, auction: Auction, market: Market) -> None:
    """An auction has begun."""
    order, course = auction.order, auction.course
    called: dict[str, Any] = {
        "auction_id": auction.number,
        "market": order.market,
        "side": _side(order),
        "size_lots": order.remaining,
        "start_ticks": course.start,
        "end_ticks": course.end,
        "offsets": course.offsets,
        "slots": course.slots,
        "slot_micros": SLOT_MICROS,
    }
    best = market.book.half(-order.side).best_price
    out.emit(JitAuctionOpened, account=order.account, limit_ticks=order.price, best_opposite_ticks=best, **called)
    out.emit(AuctionOffered, opened_at=auction.opened_at, **called)


def quoted(out: Output, auction: Auction, quote: Order, replaced: Order | None) -> None:
    """A quote stands."""
    out.emit(
        JitQuoteAccepted,
        quote_id=quote.priority,
        auction_id=auction.number,
        account=quote.account,
        market=quote.market,
        price_ticks=quote.price,
        size_lots=quote.remaining,
        replaced_quote_id=replaced.priority if replaced is not None else None,
    )


def refused(out: Output, auction_id: int, account: str, market: str, reason: str, quote_id: int | None = None) -> None:
    """A quote was refused; with its number, it stood and has left."""
    out.emit(JitQuoteRejected, quote_id=quote_id, auction_id=auction_id, account=account, market=market, reason=reason)


def settled(out: Output, auction: Auction, market: Market, reason: str) -> None:
    """An auction is over. What its fills are better than is the end price, at the index of this moment."""
    order = auction.order
    end = auction.price(market.prices.index, auction.course.slots)
    out.emit(
        JitAuctionSettled,
        auction_id=auction.number,
        account=order.account,
        market=order.market,
        side=_side(order),
        filled_lots=order.filled,
        maker_lots=auction.maker_lots,
        unfilled_lots=order.size - order.filled,
        quote_quanta=order.quote,
        end_ticks=end,
        improvement_quanta=(end * order.filled * market.unit - order.quote) * order.side,
        reason=reason,
    )


def _side(order: Order) -> str:
    return "buy" if order.side > 0 else "sell"
