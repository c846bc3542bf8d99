"""From an order's terms to what it waits for, and to the exits of its bracket. Raises Refused or MoneyError."""

from typing import Final

from cleartide.contracts import BracketLeg, OrderTerms
from cleartide.contracts.types import OrderType, SelfTradePrevention
from cleartide.money import PPB

from services.matching.domain.answers import Sender
from services.matching.domain.book import Order
from services.matching.domain.conditional.kinds import LIMITED, PROFITABLE
from services.matching.domain.conditional.registry import Trigger
from services.matching.domain.conditional.trailing import Distance
from services.matching.domain.conditional.triggers import direction
from services.matching.domain.errors import Refused
from services.matching.domain.limits import MAX_ARMED_ORDERS, MAX_CLIENT_ORDER_ID
from services.matching.domain.market import Market
from services.matching.domain.reading import SIDES, known, read_display, require_end
from services.matching.domain.state import MatchingState

AT_ONCE: Final = Distance(0, 0)
"""The distance of an order that does not trail."""


def read(state: MatchingState, sender: Sender, terms: OrderTerms, at: int) -> Trigger:
    """The conditional order that is asked for, not numbered yet. What depends on prices is judged when it fires."""
    account, market = known(state, sender, terms.client_order_id)
    require_end(terms, at)
    side, lots = SIDES[terms.side], market.size_steps.parse(terms.size)
    resting = terms.order_type in LIMITED and terms.time_in_force in ("gtc", "gtt")
    if terms.post_only and not resting:
        raise Refused("post_only_not_resting")
    if terms.reduce_only and state.holding(account, market).lots * side >= 0:
        raise Refused("reduce_only")
    if state.conditional.held_by(account.name) + len(_legs(terms)) >= MAX_ARMED_ORDERS:
        raise Refused("too_many_conditional_orders")
    order = Order(
        order_id=0,
        account=account.name,
        market=market.id,
        client_order_id=terms.client_order_id,
        side=side,
        price=_limit(market, terms),
        size=lots,
        remaining=lots,
        reduce_only=terms.reduce_only,
        loss_per_lot=0,
        order_type=terms.order_type,
        time_in_force=terms.time_in_force,
        post_only=terms.post_only,
        prevention=terms.self_trade_prevention,
        expires_at=terms.expires_at or 0,
        display=read_display(market, terms, lots, resting),
        placed_at=at,
    )
    level, distance = _trigger(market, terms)
    way = direction(side, terms.order_type in PROFITABLE)
    return Trigger(order, source=terms.trigger_source, way=way, level=level, distance=distance)


def read_exits(state: MatchingState, order: Order, terms: OrderTerms) -> list[Trigger]:
    """The exits of an order's bracket, not numbered yet: reduce-only, of the other side, dormant until it fills."""
    legs = _legs(terms)
    if not legs:
        return []
    if order.reduce_only:
        raise Refused("bracket_not_allowed")
    if state.conditional.held_by(order.account) + len(legs) > MAX_ARMED_ORDERS:
        raise Refused("too_many_conditional_orders")
    exits = [_exit(state.markets[order.market], order, suffix, leg) for suffix, leg in legs]
    for found in exits:
        name = found.order.client_order_id
        if len(name) > MAX_CLIENT_ORDER_ID:
            raise Refused("client_order_id_too_long")
        if state.is_used(state.accounts[order.account], name):
            raise Refused("duplicate_client_order_id")
    if len(exits) == 2 and _cross(order, *exits):
        raise Refused("bracket_crossed")
    return exits


def leg(order_type: OrderType, client_order_id: str, parent: Order, price: int) -> Order:
    """The order of a dormant exit; `price` in ticks, 0 for a market order."""
    prevention: SelfTradePrevention = parent.prevention
    return Order(
        order_id=0,
        account=parent.account,
        market=parent.market,
        client_order_id=client_order_id,
        side=-parent.side,
        price=price,
        size=0,
        remaining=0,
        reduce_only=True,
        loss_per_lot=0,
        order_type=order_type,
        prevention=prevention,
    )


def _cross(entry: Order, profit: Trigger, loss: Trigger) -> bool:
    """Whether one price would meet both exits, or could only meet them in the wrong order."""
    return profit.source == loss.source and entry.side * (profit.level - loss.level) <= 0


def _legs(terms: OrderTerms) -> list[tuple[str, BracketLeg]]:
    legs = (("tp", terms.take_profit), ("sl", terms.stop_loss))
    return [(suffix, found) for suffix, found in legs if found is not None]


def _exit(market: Market, parent: Order, suffix: str, terms: BracketLeg) -> Trigger:
    takes_profit = suffix == "tp"
    limit = terms.limit_price
    price = market.price_steps.parse(limit) if limit is not None else 0
    kind: OrderType
    if takes_profit:
        kind = "take_profit_limit" if price else "take_profit_market"
    else:
        kind = "stop_limit" if price else "stop_market"
    order = leg(kind, f"{parent.client_order_id}:{suffix}", parent, price)
    level = market.price_steps.parse(terms.trigger_price)
    way = direction(order.side, takes_profit)
    return Trigger(order, source=terms.trigger_source, way=way, level=level, distance=AT_ONCE)


def _limit(market: Market, terms: OrderTerms) -> int:
    """The limit in ticks, 0 for an order that is placed as a market order."""
    if terms.order_type in LIMITED:
        if terms.price is None:
            raise Refused("price_missing")
        return market.price_steps.parse(terms.price)
    if terms.price is not None:
        raise Refused("price_not_allowed")
    return 0


def _trigger(market: Market, terms: OrderTerms) -> tuple[int, Distance]:
    """(level in ticks, distance): one of the two is none."""
    trails = terms.order_type == "trailing_stop"
    if trails and terms.trigger_price is not None:
        raise Refused("trigger_not_allowed")
    if trails:
        return 0, read_distance(market, terms.trail_amount, terms.trail_rate_ppb)
    if (terms.trail_amount, terms.trail_rate_ppb) != (None, None):
        raise Refused("trail_not_allowed")
    if terms.trigger_price is None:
        raise Refused("trigger_missing")
    return market.price_steps.parse(terms.trigger_price), AT_ONCE


def read_distance(market: Market, amount: str | None, rate_ppb: int | None) -> Distance:
    """How far an order trails: an amount on the grid or a rate in (0, 1), not both (12.6)."""
    if (amount is None) == (rate_ppb is None):
        raise Refused("trail_missing" if amount is None else "trail_ambiguous")
    if amount is not None:
        return Distance(market.price_steps.parse(amount), 0)
    if rate_ppb is None or not 0 < rate_ppb < PPB:
        raise Refused("trail_out_of_range")
    return Distance(0, rate_ppb)
