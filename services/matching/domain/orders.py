"""Placing orders: every one is answered, by OrderAccepted or OrderRejected with a reason."""

from typing import Final

from cleartide.contracts import OrderAccepted, OrderTerms
from cleartide.contracts.types import TimeInForce
from cleartide.money import MAX_PRICE_TICKS, PPB, MoneyError, ceil_div
from cleartide.rules.accounts import SYSTEM_ACCOUNTS

from services.matching.domain.acceptance.pipeline import authorize, note_attempt
from services.matching.domain.access import require, require_market
from services.matching.domain.answers import Sender, reject
from services.matching.domain.book import Order
from services.matching.domain.draft import Draft
from services.matching.domain.errors import Refused
from services.matching.domain.market import Market
from services.matching.domain.output import Output
from services.matching.domain.resting import announce_closed, rest
from services.matching.domain.state import MatchingState
from services.matching.domain.sweep import Taker, sweep

SIDES: Final[dict[str, int]] = {"buy": 1, "sell": -1}


def place(state: MatchingState, out: Output, sender: Sender, terms: OrderTerms) -> None:
    """Check an order, trade what crosses, and let the rest wait in the book if it may."""
    try:
        _require_supported(terms)
        draft = _read(state, sender, terms)
        guarded = authorize(state, draft, terms, out.at)
    except (Refused, MoneyError) as verdict:
        note_attempt(state, sender.market, verdict.reason)
        reject(out, sender, terms.client_order_id, "place", verdict.reason)
        return
    note_attempt(state, sender.market)
    order = _accept(state, terms, draft)
    _announce(out, terms, order, draft)
    stop = None
    if not terms.post_only and draft.holding.market.status.matches:
        stop = _take(state, out, order, draft, guarded)
    _settle_rest(state, out, order, draft, stop)


def _require_supported(terms: OrderTerms) -> None:
    if terms.order_type not in ("limit", "market"):
        raise Refused("order_type_not_supported")
    if terms.time_in_force not in ("gtc", "ioc"):
        raise Refused("time_in_force_not_supported")
    if terms.self_trade_prevention != "expire_maker":
        raise Refused("self_trade_prevention_not_supported")
    linked = (terms.oco_group, terms.take_profit, terms.stop_loss)
    if (terms.display_size, terms.expires_at, *linked) != (None,) * 5:
        raise Refused("field_not_supported")


def _read(state: MatchingState, sender: Sender, terms: OrderTerms) -> Draft:
    """The order's fields, in the units of its market: the first check. Raises Refused or MoneyError."""
    if sender.account in SYSTEM_ACCOUNTS:
        raise Refused("reserved_account")
    market, account = state.markets.get(sender.market), state.accounts.get(sender.account)
    if market is None:
        raise Refused("unknown_market")
    if account is None:
        raise Refused("unknown_account")
    require(account, sender.actor, "trade")
    require_market(account, market.id)
    if terms.client_order_id in account.orders or terms.client_order_id in account.client_ids:
        raise Refused("duplicate_client_order_id")
    immediate = terms.order_type == "market" or terms.time_in_force == "ioc"
    if terms.post_only and immediate:
        raise Refused("post_only_not_resting")
    side, lots = SIDES[terms.side], market.size_steps.parse(terms.size)
    price = _price(market, terms, side)
    loss_per_lot = max(0, side * (price - market.prices.mark)) * market.unit
    return Draft(account, state.holding(account, market), side, price, lots, immediate, loss_per_lot)


def _price(market: Market, terms: OrderTerms, side: int) -> int:
    """The limit in ticks; of a market order mark * (1 +- band), rounded toward the mark (R27)."""
    if terms.order_type == "limit":
        if terms.price is None:
            raise Refused("price_missing")
        return market.price_steps.parse(terms.price)
    if terms.price is not None:
        raise Refused("price_not_allowed")
    mark, band = market.prices.mark, market.spec.market_order_band_ppb
    if not mark:
        raise Refused("no_mark_price")
    if side > 0:
        return min(mark * (PPB + band) // PPB, MAX_PRICE_TICKS)
    return ceil_div(mark * (PPB - band), PPB)


def _accept(state: MatchingState, terms: OrderTerms, draft: Draft) -> Order:
    """Number the order and remember the client's id."""
    state.counters.orders += 1
    number, account = state.counters.orders, draft.account
    forgotten = account.client_ids.add(terms.client_order_id)
    if forgotten is not None:
        state.dirty.client_ids[(account.name, forgotten)] = None
    state.dirty.client_ids[(account.name, terms.client_order_id)] = number
    return Order(
        order_id=number,
        account=account.name,
        market=draft.holding.market.id,
        client_order_id=terms.client_order_id,
        side=draft.side,
        price=draft.price,
        size=draft.lots,
        remaining=draft.lots,
        reduce_only=terms.reduce_only,
        loss_per_lot=draft.loss_per_lot,
    )


def _announce(out: Output, terms: OrderTerms, order: Order, draft: Draft) -> None:
    time_in_force: TimeInForce = "ioc" if draft.immediate else "gtc"
    out.emit(
        OrderAccepted,
        order_id=order.order_id,
        account=order.account,
        market=order.market,
        client_order_id=order.client_order_id,
        side=terms.side,
        order_type=terms.order_type,
        price_ticks=order.price,
        size_lots=order.size,
        time_in_force=time_in_force,
        post_only=terms.post_only,
        reduce_only=order.reduce_only,
    )


def _take(state: MatchingState, out: Output, order: Order, draft: Draft, guarded: bool) -> str | None:
    """Trade against the book; a reduce-only order takes no more than the position (R30)."""
    wanted = min(order.size, abs(draft.holding.lots)) if order.reduce_only else order.size
    taker = Taker(
        draft.account,
        draft.holding,
        side=order.side,
        limit=order.price,
        lots=wanted,
        order_id=order.order_id,
        guarded=guarded,
    )
    stop = sweep(state, out, taker)
    order.remaining -= wanted - taker.remaining
    return stop


def _settle_rest(state: MatchingState, out: Output, order: Order, draft: Draft, stop: str | None) -> None:
    """What becomes of the order after it has traded."""
    if not order.remaining:
        announce_closed(out, order, "filled")
    elif stop is not None:
        announce_closed(out, order, stop)
    elif order.reduce_only and not draft.holding.lots:
        announce_closed(out, order, "reduce_only")
    elif draft.immediate:
        announce_closed(out, order, "ioc_remainder")
    else:
        rest(state, order)
