"""Other terms for an order that waits (domain rule 12.8): it keeps its number, and a trailing stop its best price."""

from copy import copy

from cleartide.contracts import AmendTerms

from services.matching.domain.acceptance.pipeline import authorize_waiting
from services.matching.domain.book import Order
from services.matching.domain.conditional.arming import announce, touch, wait
from services.matching.domain.conditional.kinds import LIMITED
from services.matching.domain.conditional.reading import read_distance
from services.matching.domain.conditional.registry import Trigger
from services.matching.domain.conditional.trailing import Distance
from services.matching.domain.draft import Draft
from services.matching.domain.errors import Refused
from services.matching.domain.lifecycle import after
from services.matching.domain.market import Market
from services.matching.domain.output import Output
from services.matching.domain.reading import read_end, require_display
from services.matching.domain.resting import postpone
from services.matching.domain.state import MatchingState


def rearm(state: MatchingState, out: Output, order: Order, terms: AmendTerms) -> None:
    """Change an armed order; it fires at once when its new trigger is met already. Raises Refused or MoneyError."""
    trigger, market = state.conditional.triggers[order.order_id], state.markets[order.market]
    if trigger.due is not None and not trigger.level:
        raise Refused("already_triggered", "its best price is behind it: it fires after this command, or is cancelled")
    price, lots = _price(market, order, terms), _lots(market, order, terms)
    level, distance = _level(market, trigger, terms), _distance(market, trigger, terms)
    until, display = _end(order, terms, out.at), _display(market, trigger, terms, lots)
    if (price, lots, level, distance, until, display) == (
        *(order.price, order.size, trigger.level),
        *(trigger.distance, order.expires_at, order.display),
    ):
        raise Refused("nothing_to_amend")
    wanted, account = copy(order), state.accounts[order.account]
    wanted.price, wanted.size, wanted.remaining = price, lots, lots
    authorize_waiting(state, Draft(account, state.holding(account, market), wanted, replaced=order), out.at)
    order.price, order.size, order.remaining, order.display = price, lots, lots, display
    postpone(state, order, until)
    order.state = after(order.state, "amend")
    if trigger.level:
        state.conditional.stop_waiting(trigger)
        trigger.level = level
        wait(state, trigger, out.at)
    else:
        state.conditional.book(trigger.key).trail(order.side).change(order.order_id, trigger.distance, distance)
        trigger.distance = distance
        touch(state, trigger)
    announce(state, out, trigger)


def _price(market: Market, order: Order, terms: AmendTerms) -> int:
    if terms.price is None:
        return order.price
    if order.order_type not in LIMITED:
        raise Refused("price_not_allowed")
    return market.price_steps.parse(terms.price)


def _lots(market: Market, order: Order, terms: AmendTerms) -> int:
    if terms.size is None:
        return order.size
    return market.size_steps.parse(terms.size)


def _end(order: Order, terms: AmendTerms, at: int) -> int:
    if terms.expires_at is None:
        return order.expires_at
    return read_end(order.time_in_force, terms.expires_at, at)


def _display(market: Market, trigger: Trigger, terms: AmendTerms, lots: int) -> int:
    """Lots shown at a time once it is placed. An exit grows with its parent, and shows all that it is."""
    order = trigger.order
    display = order.display
    if terms.display_size is not None:
        if trigger.parent:
            raise Refused("display_not_allowed")
        if order.order_type not in LIMITED or order.time_in_force not in ("gtc", "gtt"):
            raise Refused("display_not_resting")
        display = market.size_steps.parse(terms.display_size)
    if display:
        require_display(display, lots)
    return display


def _level(market: Market, trigger: Trigger, terms: AmendTerms) -> int:
    if terms.trigger_price is None:
        return trigger.level
    if not trigger.level:
        raise Refused("trigger_not_allowed")
    return market.price_steps.parse(terms.trigger_price)


def _distance(market: Market, trigger: Trigger, terms: AmendTerms) -> Distance:
    if (terms.trail_amount, terms.trail_rate_ppb) == (None, None):
        return trigger.distance
    if trigger.level:
        raise Refused("trail_not_allowed")
    return read_distance(market, terms.trail_amount, terms.trail_rate_ppb)
