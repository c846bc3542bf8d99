"""Two orders of one family meet: the newer order's mode says which of them gives way (domain rule R29)."""

from typing import Final

from cleartide.contracts import SelfTradePrevented

from services.matching.domain.book import Order
from services.matching.domain.output import Output
from services.matching.domain.resting import close, prevent
from services.matching.domain.state import MatchingState

REASON: Final = "self_trade"


def part(state: MatchingState, out: Output, newer: Order, older: Order) -> None:
    """Both rest, and may not trade with each other: at least one leaves the book or shrinks."""
    if newer.prevention == "decrement":
        lots = min(newer.shown, older.shown)
        prevent(state, newer, lots)
        shrink_maker(state, out, older, lots, newer.order_id, newer.remaining)
        if not newer.remaining:
            close(state, out, newer, REASON)
        return
    if newer.prevention != "expire_taker":
        close(state, out, older, REASON)
    if newer.prevention != "expire_maker":
        close(state, out, newer, REASON)


def shrink_maker(
    state: MatchingState, out: Output, maker: Order, lots: int, taker_order_id: int | None, taker_remaining: int
) -> None:
    """The resting order goes down with the incoming one; what is prevented is no fill, and is said as what it is."""
    prevent(state, maker, lots)
    out.emit(
        SelfTradePrevented,
        market=maker.market,
        maker_order_id=maker.order_id,
        taker_order_id=taker_order_id,
        price_ticks=maker.price,
        prevented_lots=lots,
        maker_remaining_lots=maker.remaining,
        taker_remaining_lots=taker_remaining,
    )
    if not maker.remaining:
        close(state, out, maker, REASON)
