"""From an order's terms to an order: whether they go together, and what they are in ticks and lots."""

from typing import Final

from cleartide.contracts import OrderTerms
from cleartide.contracts.types import TimeInForce
from cleartide.money import MAX_PRICE_TICKS, PPB, ceil_div
from cleartide.rules.accounts import SYSTEM_ACCOUNTS

from services.matching.domain.access import require, require_market
from services.matching.domain.accounts import Account
from services.matching.domain.answers import Sender
from services.matching.domain.book import Order
from services.matching.domain.draft import loss_per_lot
from services.matching.domain.errors import Refused
from services.matching.domain.limits import MAX_ICEBERG_PARTS
from services.matching.domain.market import Market
from services.matching.domain.state import MatchingState

SIDES: Final[dict[str, int]] = {"buy": 1, "sell": -1}


def read(state: MatchingState, sender: Sender, terms: OrderTerms, at: int) -> Order:
    """The order that is asked for, in the units of its market and not numbered yet. Raises Refused or MoneyError."""
    account, market = known(state, sender, terms.client_order_id)
    time_in_force = _time_in_force(terms, at)
    if (terms.trigger_price, terms.trail_amount, terms.trail_rate_ppb) != (None, None, None):
        raise Refused("trigger_not_allowed")
    resting = time_in_force in ("gtc", "gtt")
    if terms.post_only and not resting:
        raise Refused("post_only_not_resting")
    side, lots = SIDES[terms.side], market.size_steps.parse(terms.size)
    display = read_display(market, terms, lots, resting)
    price = _price(market, terms, side)
    return Order(
        order_id=0,
        account=account.name,
        market=market.id,
        client_order_id=terms.client_order_id,
        side=side,
        price=price,
        size=lots,
        remaining=lots,
        reduce_only=terms.reduce_only,
        loss_per_lot=loss_per_lot(market, side, price),
        order_type=terms.order_type,
        time_in_force=time_in_force,
        post_only=terms.post_only,
        prevention=terms.self_trade_prevention,
        expires_at=terms.expires_at or 0,
        display=display,
        placed_at=at,
    )


def known(state: MatchingState, sender: Sender, client_order_id: str) -> tuple[Account, Market]:
    """Who wants to place an order where, under an id that is new. Raises Refused."""
    if sender.account in SYSTEM_ACCOUNTS:
        raise Refused("reserved_account")
    market, account = state.markets.get(sender.market), state.accounts.get(sender.account)
    if market is None:
        raise Refused("unknown_market")
    if account is None:
        raise Refused("unknown_account")
    require(account, sender.actor, "trade")
    require_market(account, market.id)
    if state.is_used(account, client_order_id):
        raise Refused("duplicate_client_order_id")
    return account, market


def _time_in_force(terms: OrderTerms, at: int) -> TimeInForce:
    """What holds: a market order never rests (12.2), and an end belongs to GTT and to nothing else (R26)."""
    asked = terms.time_in_force
    if terms.order_type == "market" and asked == "gtt":
        raise Refused("market_order_not_resting")
    require_end(terms, at)
    return "ioc" if terms.order_type == "market" and asked == "gtc" else asked


def require_end(terms: OrderTerms, at: int) -> None:
    """An end belongs to GTT and to nothing else, and lies ahead (R26). Raises Refused."""
    if terms.expires_at is not None:
        read_end(terms.time_in_force, terms.expires_at, at)
    elif terms.time_in_force == "gtt":
        raise Refused("expires_at_missing")


def read_end(time_in_force: TimeInForce, expires_at: int, at: int) -> int:
    """The end that is asked for, of an order that may have one. Raises Refused."""
    if time_in_force != "gtt":
        raise Refused("expires_at_not_allowed")
    if expires_at <= at:
        raise Refused("already_expired")
    return expires_at


def read_display(market: Market, terms: OrderTerms, lots: int, resting: bool) -> int:
    """Lots shown at a time, 0 for all. Each part that is shown costs work, so there is a bound on their number."""
    if terms.display_size is None:
        return 0
    if not resting:
        raise Refused("display_not_resting")
    display = market.size_steps.parse(terms.display_size)
    require_display(display, lots)
    return display


def require_display(display: int, lots: int) -> None:
    """An iceberg of this total size shows neither more than all nor less than its share. Raises Refused."""
    if display > lots:
        raise Refused("display_exceeds_size")
    if display * MAX_ICEBERG_PARTS < lots:
        raise Refused("display_too_small")


def _price(market: Market, terms: OrderTerms, side: int) -> int:
    """The limit in ticks; of a market order mark * (1 +- band), rounded toward the mark (R27)."""
    if terms.order_type == "limit":
        if terms.price is None:
            raise Refused("price_missing")
        return market.price_steps.parse(terms.price)
    if terms.price is not None:
        raise Refused("price_not_allowed")
    if not market.prices.mark:
        raise Refused("no_mark_price")
    return bounded_price(market, side)


def bounded_price(market: Market, side: int) -> int:
    """How far a market order of this side may go, in ticks: mark * (1 +- band), rounded toward the mark (R27)."""
    mark, band = market.prices.mark, market.spec.market_order_band_ppb
    if side > 0:
        return min(mark * (PPB + band) // PPB, MAX_PRICE_TICKS)
    return ceil_div(mark * (PPB - band), PPB)
