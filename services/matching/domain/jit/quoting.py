"""Makers' quotes: firm until the auction is over, judged like orders when they come, and again when they trade."""

from typing import Final

from cleartide.contracts import QuoteAuction
from cleartide.money import MoneyError
from cleartide.rules.accounts import SYSTEM_ACCOUNTS

from services.matching.domain.acceptance.pipeline import authorize
from services.matching.domain.access import require, require_market
from services.matching.domain.accounts import stp_group
from services.matching.domain.book import Order
from services.matching.domain.draft import Draft, loss_per_lot
from services.matching.domain.errors import Refused
from services.matching.domain.jit import telling
from services.matching.domain.jit.record import Auction
from services.matching.domain.output import Output
from services.matching.domain.state import MatchingState

MOST_QUOTES: Final = 64
"""In one auction at a time, so that a slot has bounded work."""


def quote(state: MatchingState, command: QuoteAuction, out: Output) -> None:
    """Offer a price in a running auction; one account has one quote there, and may only make it better."""
    try:
        auction, offer, replaced = _read(state, command, out.at)
    except (Refused, MoneyError) as verdict:
        telling.refused(out, command.auction_id, command.account, command.market, verdict.reason)
        return
    if replaced is not None:
        state.auctions.drop(auction, replaced)
    state.auctions.quotes += 1
    offer.priority = state.auctions.quotes
    offer.shown = offer.remaining
    state.auctions.put(auction, offer)
    telling.quoted(out, auction, offer, replaced)


def _read(state: MatchingState, command: QuoteAuction, at: int) -> tuple[Auction, Order, Order | None]:
    """The auction, the quote as an order on its other side, and the one that it takes the place of."""
    if command.account in SYSTEM_ACCOUNTS:
        raise Refused("reserved_account")
    account, market = state.accounts.get(command.account), state.markets.get(command.market)
    if market is None:
        raise Refused("unknown_market")
    if account is None:
        raise Refused("unknown_account")
    require(account, command.actor, "trade")
    require_market(account, market.id)
    auction = state.auctions.running.get(command.auction_id)
    if auction is None or auction.order.market != market.id:
        raise Refused("unknown_auction")
    if stp_group(account) == stp_group(state.accounts[auction.order.account]):
        raise Refused("self_trade")
    side = -auction.order.side
    price, lots = market.price_steps.parse(command.price), market.size_steps.parse(command.size)
    _require_reachable(auction, price)
    offer = Order(
        order_id=0,
        account=account.name,
        market=market.id,
        client_order_id="",
        side=side,
        price=price,
        size=lots,
        remaining=lots,
        reduce_only=False,
        loss_per_lot=loss_per_lot(market, side, price),
        time_in_force="ioc",
        placed_at=at,
    )
    replaced = auction.quote_of(account.name)
    if replaced is not None:
        _require_better(auction, replaced, offer)
    elif len(auction.quotes) >= MOST_QUOTES:
        raise Refused("too_many_quotes")
    authorize(state, Draft(account, state.holding(account, market), offer, batched=True), at)
    return auction, offer, replaced


def _require_reachable(auction: Auction, price: int) -> None:
    """A price that no slot comes to can never trade. Where the index moves the end, the order's limit bounds it."""
    order, course = auction.order, auction.course
    end = order.price if course.offsets else course.price(order, 0, course.slots)
    if (price - end) * order.side > 0:
        raise Refused("price_beyond_end")


def _require_better(auction: Auction, standing: Order, offer: Order) -> None:
    """The price does not get worse for the taker, and at the same price the size does not get smaller."""
    worse = (offer.price - standing.price) * auction.order.side
    if worse > 0 or (worse == 0 and offer.remaining <= standing.remaining):
        raise Refused("not_better")
