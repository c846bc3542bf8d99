"""Running auctions and the quotes that stand in them: tables, and the way between their rows and the state."""

from collections.abc import Mapping, Sequence
from typing import Final

from cleartide.fold import Changes, Row, Table

from services.matching.domain.book import Order
from services.matching.domain.draft import loss_per_lot
from services.matching.domain.jit.pricing import Course
from services.matching.domain.jit.record import Auction
from services.matching.domain.state import MatchingState

JIT_AUCTIONS: Final = Table(
    "jit_auctions",
    key=("auction_id",),
    columns={
        "auction_id": "bigint",
        "account": "text",
        "client_order_id": "text",
        "start_ticks": "bigint",
        "end_ticks": "bigint",
        "offsets": "boolean",
        "slots": "integer",
        "opened_at": "bigint",
        "next_slot": "integer",
        "maker_lots": "bigint",
    },
)
JIT_QUOTES: Final = Table(
    "jit_quotes",
    key=("auction_id", "quote_id"),
    columns={
        "auction_id": "bigint",
        "quote_id": "bigint",
        "account": "text",
        "price_ticks": "bigint",
        "size_lots": "bigint",
        "remaining_lots": "bigint",
    },
)


def restore(state: MatchingState, rows: Mapping[str, Sequence[Row]]) -> None:
    """Take the auctions back, after the orders: each goes on at its next slot."""
    auctions = state.auctions
    for number, account, client_order_id, start, end, offsets, slots, opened_at, *progress in rows[JIT_AUCTIONS.name]:
        order = state.accounts[account].orders[client_order_id]
        auction = auctions.running[number] = Auction(order, Course(start, end, offsets, slots), opened_at)
        auction.next_slot, auction.maker_lots = progress
        state.deadlines.set(auction.deadline)
    for number, quote_id, account, price, size, remaining in rows[JIT_QUOTES.name]:
        auction = auctions.running[number]
        auction.add(_quote(state, auction, quote_id, account, price, size, remaining))


def collect(changes: Changes, state: MatchingState) -> None:
    """Rows of what has changed, and the keys of what is over."""
    auctions = state.auctions
    for number in sorted(auctions.touched):
        auction = auctions.running.get(number)
        if auction is None:
            changes.delete(JIT_AUCTIONS, (number,))
        else:
            owner = (auction.order.account, auction.order.client_order_id)
            progress = (auction.opened_at, auction.next_slot, auction.maker_lots)
            changes.put(JIT_AUCTIONS, (number, *owner, *auction.course, *progress))
    for key, quote in auctions.touched_quotes.items():
        if quote is None:
            changes.delete(JIT_QUOTES, key)
        else:
            changes.put(JIT_QUOTES, (*key, quote.account, quote.price, quote.size, quote.remaining))
    auctions.touched, auctions.touched_quotes = set(), {}


def _quote(
    state: MatchingState, auction: Auction, quote_id: int, account: str, price: int, size: int, remaining: int
) -> Order:
    side, market = -auction.order.side, state.markets[auction.order.market]
    return Order(
        order_id=0,
        account=account,
        market=market.id,
        client_order_id="",
        side=side,
        price=price,
        size=size,
        remaining=remaining,
        shown=remaining,
        reduce_only=False,
        loss_per_lot=loss_per_lot(market, side, price),
        time_in_force="ioc",
        priority=quote_id,
    )
