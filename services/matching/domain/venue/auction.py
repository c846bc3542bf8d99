"""The call auction: orders that have been collected trade at one price, and the book is not crossed any more (R31)."""

from collections import Counter
from collections.abc import Iterator

from cleartide.contracts import AuctionUncrossed
from cleartide.contracts.types import Side
from cleartide.rules.accounts import INSURANCE

from services.matching.domain.accounts import stp_group
from services.matching.domain.book import Order
from services.matching.domain.fees.charging import making_party, shared, taking_party
from services.matching.domain.margin import allows_fill
from services.matching.domain.market import Market
from services.matching.domain.output import Output
from services.matching.domain.resting import close, finish, take
from services.matching.domain.self_trade import part
from services.matching.domain.settlement import Deal, Party, execute
from services.matching.domain.state import MatchingState
from services.matching.domain.sweep import cancel_others
from services.matching.domain.venue.clearing import clear
from services.matching.domain.venue.fills import Barred, fillable


def uncross(state: MatchingState, market: Market, out: Output) -> None:
    """Trade everything that crosses, at the price at which most of it does.

    Orders beyond the bands leave first. The price comes from the orders as they stand; one that its account cannot
    afford leaves when its turn comes, and should the book still be crossed after that, what is left is cleared again.
    """
    _leave_bands(state, market, out)
    while market.is_crossed:
        bids, asks = list(_offers(state, market, 1)), list(_offers(state, market, -1))
        found = clear(bids, asks)
        if found is None:
            _drop_idle(state, market, out)
            continue
        traded = _trade(state, market, out, found.price)
        if traded:
            out.emit(
                AuctionUncrossed,
                market=market.id,
                price_ticks=found.price,
                lowest_ticks=found.lowest,
                highest_ticks=found.highest,
                size_lots=traded,
            )


def _leave_bands(state: MatchingState, market: Market, out: Output) -> None:
    """Close the orders whose price would harm their owner now: after that, whatever crosses is within the bands."""
    lowest, highest = market.guards.limit_band(market.prices.mark)
    low, high = max(lowest, market.fill_band[0]), min(highest, market.fill_band[1])
    for side, bound in ((1, high), (-1, low)):
        half = market.book.half(side)
        while (order := half.best_order) is not None and (order.price - bound) * side > 0:
            close(state, out, order, "price_band")


def _offers(state: MatchingState, market: Market, side: int) -> Iterator[tuple[int, int]]:
    """(price, lots) of the side's orders that cross and have something to trade.

    Reduce-only orders of an account give no more than it holds, together.
    """
    other = market.book.half(-side).best_price
    granted: Counter[str] = Counter()
    for order in market.book.half(side).orders():
        if other is None or (order.price - other) * side < 0:
            return
        lots = order.remaining
        if order.reduce_only:
            lots = min(lots, _reducible(state, market, order) - granted[order.account])
            granted[order.account] += lots
        if lots:
            yield order.price, lots


def _reducible(state: MatchingState, market: Market, order: Order) -> int:
    return max(0, -order.side * state.holding(state.accounts[order.account], market).lots)


def _drop_idle(state: MatchingState, market: Market, out: Output) -> None:
    """Close an order in front that has nothing to reduce, a bid before an ask (R30).

    There is one: of two in front that both may trade some lots would have been cleared.
    """
    for half in (market.book.bids, market.book.asks):
        order = half.best_order
        if order is not None and order.reduce_only and not _reducible(state, market, order):
            close(state, out, order, "reduce_only")
            return
    raise AssertionError(f"{market.id} is crossed, and nobody in front may trade or has to go")


def _trade(state: MatchingState, market: Market, out: Output, price: int) -> int:
    """Pair off the orders that accept the price, best first; returns the lots that traded."""
    traded = 0
    while True:
        bid, ask = market.book.bids.best_order, market.book.asks.best_order
        if bid is None or ask is None or bid.price < price or ask.price > price:
            return traded
        newer, older = (bid, ask) if bid.priority > ask.priority else (ask, bid)
        traded += _pair(state, market, out, price, newer, older)


def _pair(state: MatchingState, market: Market, out: Output, price: int, newer: Order, older: Order) -> int:
    """Trade two orders; returns the lots, 0 when they may not trade and one has been closed or cut.

    The newer one takes and the older one makes, so that a rebate never exceeds what the other side pays (R6).
    """
    lots = _lots(state, market, out, price, newer, older)
    if not lots:
        return 0
    quote = price * lots * market.unit
    taking = taking_party(state, state.accounts[newer.account], newer.order_id, market, quote)
    making = making_party(state, state.accounts[older.account], older.order_id, market, quote, taking)
    for order, party in ((older, making), (newer, taking)):
        if (reason := _barrier(state, market, order, party, price, lots)) is not None:
            close(state, out, order, reason)
            return 0
    taking = shared(taking, making)
    taker_side: Side = "buy" if newer.side > 0 else "sell"
    buyer, seller = (taking, making) if newer.side > 0 else (making, taking)
    for order in (older, newer):
        take(state, order, lots, price * lots * market.unit)
    execute(state, out, Deal(market, price, lots, taker_side, "book"), buyer, seller)
    cancel_others(state, out)
    for order in (older, newer):
        if not order.remaining:
            finish(state, out, order)
    return lots


def _lots(state: MatchingState, market: Market, out: Output, price: int, newer: Order, older: Order) -> int:
    """The lots that two orders may trade; 0 when one of them has just been closed or cut because it may not."""
    if stp_group(state.accounts[newer.account]) == stp_group(state.accounts[older.account]):
        part(state, out, newer, older)
        return 0
    lots = min(newer.shown, older.shown)
    for order in (older, newer):
        if order.reduce_only:
            lots = min(lots, _reducible(state, market, order))
            if not lots:
                close(state, out, order, "reduce_only")
                return 0
    taking, making = (state.holding(state.accounts[order.account], market) for order in (newer, older))
    allowed = fillable(taking, making, newer.side, price, lots, banded=False)
    if isinstance(allowed, Barred):
        close(state, out, older if allowed.maker else newer, allowed.reason)
        return 0
    return allowed


def _barrier(state: MatchingState, market: Market, order: Order, party: Party, price: int, lots: int) -> str | None:
    """The reason why an order's account may not make the trade, if there is one (3.11)."""
    holding = state.holding(party.account, market)
    if not party.account.fits(holding, price * lots * market.unit):
        return "balance_cap"
    if party.account.name != INSURANCE and not allows_fill(party.account, holding, order.side * lots, price, party.fee):
        return "insufficient_margin"
    return None
