"""The checks of an order, one function each. All raise Refused with a reason of their check, and change nothing."""

from collections.abc import Mapping
from typing import Final

from cleartide.contracts import MarketState
from cleartide.money import ceil_div

from services.matching.domain.accounts import Holding
from services.matching.domain.conditional.kinds import LIMITED
from services.matching.domain.draft import Draft
from services.matching.domain.errors import Refused
from services.matching.domain.limits import (
    MAX_NOTIONAL_QUANTA,
    MAX_OPEN_INTEREST_LOTS,
    MAX_OPEN_ORDERS,
)
from services.matching.domain.margin import funds_order, only_reduces, order_margin
from services.matching.domain.mark_price import is_stale
from services.matching.domain.market import Market
from services.matching.domain.state import MatchingState
from services.matching.domain.venue.record import NO_TERMS

SHUT: Final[Mapping[MarketState, str]] = {"halted": "market_halted", "delisted": "market_delisted"}
REDUCING: Final[Mapping[MarketState, str]] = {"reduce_only": "market_reduce_only", "delisting": "market_delisting"}


def account(state: MatchingState, draft: Draft) -> None:
    """Whether the account may place an order, and one more."""
    standing(state, draft)
    if not draft.immediate and draft.replaced is None and len(draft.account.orders) >= MAX_OPEN_ORDERS:
        raise Refused("too_many_orders")


def standing(state: MatchingState, draft: Draft) -> None:
    """What the venue lets the account do. What is said of a parent goes for its sub-accounts."""
    terms = state.venue.terms
    if not terms:
        return
    for name in (draft.account.name, draft.account.root):
        allowed = terms.get(name, NO_TERMS).standing
        if allowed == "suspended":
            raise Refused("account_suspended")
        if allowed == "reduce_only" and not draft.order.reduce_only:
            raise Refused("account_reduce_only")


def risk(state: MatchingState, draft: Draft, at: int) -> None:
    """Size, leverage, the day's loss, and the distance of the price from the mark (14.1).

    A sale may bring more than its limit says, so amounts are taken at the mark if that is higher.
    """
    holding, market = draft.holding, draft.market
    size(draft)
    quote = max(draft.order.price, market.prices.mark) * draft.lots * market.unit
    if quote > MAX_NOTIONAL_QUANTA:
        raise Refused("notional_cap")
    if not draft.account.fits(holding, quote):
        raise Refused("balance_cap")
    if not draft.order.reduce_only:
        _require_leverage(state, draft)
        limit = state.venue.limits[state.venue.mode].max_daily_loss
        if limit is not None and state.venue.results.loss(draft.account.name, at) >= limit:
            raise Refused("daily_loss")
    if draft.order.order_type in LIMITED:
        _require_band(market, draft)


def size(draft: Draft) -> None:
    """What only reduces may be of any size down to a lot: nobody is kept in a position by its remainder."""
    market = draft.market
    if draft.order.size < market.guards.min_lots and not draft.order.reduce_only:
        raise Refused("below_min_size")
    if draft.order.size > market.guards.max_lots:
        raise Refused("above_max_size")


def _require_leverage(state: MatchingState, draft: Draft) -> None:
    """E - reserved >= sum of ceil(N / L) with the order added, L the lower of the market's and the mode's leverage.

    What can only close the position passes: it lowers the leverage that there is. Where initial margin asks for as much
    everywhere, the margin check says all there is to say.
    """
    account, most = draft.account, state.venue.limits[state.venue.mode].max_leverage
    for held in account.holdings.values():
        guards = held.market.guards
        # A refused order leaves an empty holding, which is in no row: whoever starts from the rows must judge alike.
        concerned = held is draft.holding or held.lots or held.bids or held.asks
        if concerned and not guards.is_ensured(guards.leverage_under(most)):
            break
    else:
        return
    if only_reduces(draft.holding, draft.side, draft.added):
        return
    bids, asks = (draft.added, 0) if draft.side > 0 else (0, draft.added)
    equity, _ = order_margin(account, draft.holding, bids, asks)
    needed = sum(
        _at_leverage(held, most, draft.added if held is draft.holding else 0, draft.side)
        for held in account.holdings.values()
    )
    if equity - account.reserved - draft.added_loss < needed:
        raise Refused("leverage_cap")


def _at_leverage(held: Holding, most: int | None, lots: int, side: int) -> int:
    """ceil(N / L) of the worse of |s + buys| and |s - sells| at the mark; 0 where nothing limits it."""
    leverage = held.market.guards.leverage_under(most)
    longest = held.lots + held.bids + (lots if side > 0 else 0)
    shortest = held.asks - held.lots + (lots if side < 0 else 0)
    notional = max(longest, shortest, 0) * held.market.prices.mark * held.market.unit
    return ceil_div(notional, leverage) if leverage else 0


def _require_band(market: Market, draft: Draft) -> None:
    lowest_sell, highest_buy = market.guards.limit_band(market.prices.mark)
    if draft.order.price > highest_buy if draft.side > 0 else draft.order.price < lowest_sell:
        raise Refused("price_band")


def market(state: MatchingState, draft: Draft, at: int) -> None:
    """What the venue's switches, the market's state and its prices allow now."""
    market = draft.market
    openness(state, draft)
    _require_state(market.status.state, draft)
    batched(draft)
    if not market.prices.mark:
        raise Refused("no_mark_price")
    if not draft.order.reduce_only and is_stale(market.prices, at):
        raise Refused("index_stale")
    if draft.order.post_only and market.status.matches and _crosses(market, draft):
        raise Refused("post_only_would_cross")


def openness(state: MatchingState, draft: Draft) -> None:
    """Whether the venue and the market take orders of this kind at all."""
    now = draft.market.status.state
    if not draft.order.reduce_only and (stopped := state.venue.stopped_by) is not None:
        raise Refused(stopped)
    if now in SHUT:
        raise Refused(SHUT[now])
    if now in REDUCING and not draft.order.reduce_only:
        raise Refused(REDUCING[now])


def batched(draft: Draft) -> None:
    """Where takers are batched, orders that come in the open only wait or reduce, so that none goes before a batch."""
    order, replaced = draft.order, draft.replaced
    if draft.market.spec.batching is None or draft.batched or order.post_only or order.reduce_only:
        return
    if replaced is None or replaced.state == "armed" or _crosses(draft.market, draft):
        raise Refused("batched_only")


def _require_state(now: MarketState, draft: Draft) -> None:
    """In an auction orders wait, in a pause only those that wait anyway or reduce."""
    if now == "auction" and draft.immediate:
        raise Refused("market_auction")
    if now == "post_only" and (draft.immediate or not (draft.order.post_only or draft.order.reduce_only)):
        raise Refused("market_post_only")


def _crosses(market: Market, draft: Draft) -> bool:
    best = market.book.half(-draft.side).best_price
    return best is not None and (draft.order.price - best) * draft.side >= 0


def margin(draft: Draft) -> bool:
    """R9 and R30 at entry. True: not funded in full, but it only reduces, so each fill is checked by itself (3.11)."""
    holding = draft.holding
    if draft.order.reduce_only:
        if holding.lots * draft.side >= 0:
            raise Refused("reduce_only")
        return True
    market = holding.market
    quote, standing = draft.order.price * draft.lots * market.unit, draft.account.standing
    fee = standing.maker_fee(market, quote, 0) if draft.order.post_only else standing.taker_fee(market, quote)
    if funds_order(draft.account, holding, draft.side, draft.added, fee + draft.added_loss):
        return False
    if only_reduces(holding, draft.side, draft.added):
        return True
    raise Refused("insufficient_margin")


def position(state: MatchingState, draft: Draft) -> None:
    """The market's cap per account (R32) and the mode's, over the position with all open orders of the side."""
    if draft.order.reduce_only:
        return
    market, reach = draft.market, draft.reach
    if reach > market.guards.position_cap or market.open_interest + draft.lots > MAX_OPEN_INTEREST_LOTS:
        raise Refused("position_cap")
    value = reach * market.prices.mark * market.unit
    if value > MAX_NOTIONAL_QUANTA:
        raise Refused("notional_cap")
    limit = state.venue.limits[state.venue.mode].max_position
    if limit is not None and value > limit:
        raise Refused("position_limit")
