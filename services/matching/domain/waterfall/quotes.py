"""The insurance fund's quotes: what it has taken over it offers in the book, before it takes anybody's price (R23).

One order per market, post-only and reduce-only, an order like any other but for its owner: it is in the book, in the
tables and in the clock of expiring orders, so a restart finds it where it was.
"""

from typing import Final

from cleartide.contracts import InsuranceQuoted
from cleartide.money import MAX_PRICE_TICKS, MAX_SIZE_LOTS, PPB, ceil_div
from cleartide.rules.accounts import INSURANCE

from services.matching.domain.accounts import Holding
from services.matching.domain.book import Order
from services.matching.domain.mark_price import MINUTE
from services.matching.domain.market import Market
from services.matching.domain.orders import announce
from services.matching.domain.output import Output
from services.matching.domain.resting import close, rest
from services.matching.domain.state import MatchingState
from services.matching.domain.waterfall import fund

MINUTES_KEPT: Final = 2
"""A quote ends with the minute after its own: an index that is silent for so long is stale (R13)."""


def resting(state: MatchingState, market: Market) -> Order | None:
    """The fund's quote in its market."""
    account = state.accounts.get(INSURANCE)
    return account.orders.get(_name(market)) if account is not None else None


def step_aside(state: MatchingState, market: Market, out: Output, index: int | None) -> int:
    """Before a new index counts, take back a quote that it leaves behind; returns the lots that it still offered.

    The book is a part of the mark, and the fund's own quote is a part of the book: it may not hold a mark back by which
    the fund and its counterparties are judged. index: in ticks, None for a stale one, at which nothing is offered.
    """
    order = resting(state, market)
    if order is None:
        return 0
    if index is None:
        close(state, out, order, "index_stale")
        return 0
    mark = max(1, market.prices.mark + index - market.prices.index)
    is_near = abs(order.price - mark) * PPB <= mark * market.spec.liquidation_fee_ppb
    if is_near or order.price == _price(market, order.side, mark):
        return 0
    close(state, out, order, "mark_moved")
    return order.remaining


def withdraw(state: MatchingState, market: Market, out: Output, reason: str) -> int:
    """Take the quote back, if there is one; returns the lots that it still offered."""
    order = resting(state, market)
    if order is None:
        return 0
    close(state, out, order, reason)
    return order.remaining


def part(held: Holding) -> int:
    """How many lots of the fund's position a minute may bring to the market."""
    rules = held.market.spec.liquidation
    return ceil_div(abs(held.lots) * rules.disposal_ppb, PPB) if rules is not None else 0


def offer(state: MatchingState, out: Output, held: Holding, lots: int, reason: str) -> None:
    """Quote a part of the position at the mark, or behind the best order of the other side where that is further."""
    market, side = held.market, -1 if held.lots > 0 else 1
    lots, price = min(lots, abs(held.lots), MAX_SIZE_LOTS), _price(market, side, market.prices.mark)
    if not lots or not 0 < price <= MAX_PRICE_TICKS:
        return
    state.counters.orders += 1
    order = Order(
        order_id=state.counters.orders,
        account=held.account,
        market=market.id,
        client_order_id=_name(market),
        side=side,
        price=price,
        size=lots,
        remaining=lots,
        reduce_only=True,
        loss_per_lot=0,
        time_in_force="gtt",
        post_only=True,
        expires_at=(out.at // MINUTE + MINUTES_KEPT) * MINUTE,
        placed_at=out.at,
    )
    announce(state, out, order)
    rest(state, order)
    out.emit(
        InsuranceQuoted,
        market=market.id,
        order_id=order.order_id,
        side="buy" if side > 0 else "sell",
        price_ticks=price,
        size_lots=lots,
        held_lots=held.lots,
        mark_ticks=market.prices.mark,
        reason=reason,
    )


def offer_taken(state: MatchingState, market: Market, out: Output) -> None:
    """After the fund has taken a position over: offer a part of it at once, unless one is offered already."""
    held, order = fund.position(state, market), resting(state, market)
    if order is not None and (held is None or order.side * held.lots >= 0):
        close(state, out, order, "reduce_only")
        order = None
    if held is not None and order is None and market.status.matches:
        offer(state, out, held, part(held), "taken_over")


def _price(market: Market, side: int, mark: int) -> int:
    """The mark, or the nearest price beyond it at which nothing trades at once; in ticks, 0 for none."""
    best = market.book.half(-side).best_price
    if best is None:
        return mark
    return max(mark, best + 1) if side < 0 else min(mark, best - 1)


def _name(market: Market) -> str:
    return f"disposal-{market.id}"
