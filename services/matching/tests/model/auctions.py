"""Just-in-time auctions: slot by slot the book and the makers' quotes compete for an order (R33)."""

from cleartide.contracts import JitAuctionOpened, JitQuoteAccepted, JitQuoteRejected, PlaceOrder, QuoteAuction

from services.matching.tests.model.courses import SIDES, SLOT, Auction, plan
from services.matching.tests.model.matching import Taker, close, say_closed, sweep, used_up
from services.matching.tests.model.orders import admit, loss_of, name_all, read_order, say_accepted
from services.matching.tests.model.rights import head, require_market, require_right
from services.matching.tests.model.terms import barred
from services.matching.tests.model.texts import steps_of
from services.matching.tests.model.venue import closed_by, keeps_out
from services.matching.tests.model.world import MOST_LOTS, MOST_TICKS, RESERVED, Order, Refusal, World, is_stale


def place(world: World, command: PlaceOrder, *, batched: bool = False) -> None:
    """An order takes what the book has at the start price, and is auctioned with the rest. Raises Refusal."""
    assert command.auction is not None
    order, _ = read_order(world, command)
    if (command.oco_group, command.take_profit, command.stop_loss) != (None, None, None):
        raise Refusal("auction_not_allowed")
    auction = plan(world.markets[order.market], order, command.auction, world.at)
    guarded = admit(world, order, batched=batched)
    name_all(world, order, [], None)
    say_accepted(world, order)
    reason = _meet(world, auction, 0, guarded)
    if reason is not None:
        say_closed(world, order, reason)
        return
    world.auctions[order.number] = auction
    _say_opened(world, auction)


def pass_slot(world: World, auction: Auction) -> None:
    """Who offers this slot's price or better trades; behind the last slot the rest is dropped."""
    reason = _meet(world, auction, auction.slot, guarded=True)
    if reason is None and auction.slot > auction.slots:
        reason = "ioc_remainder"
    auction.slot += 1
    if reason is not None:
        close(world, auction.order, reason)


def _meet(world: World, auction: Auction, slot: int, guarded: bool) -> str | None:
    """Trade at a slot's price, opening only by a fresh index and where it may; why the order is over, if it is."""
    order, stopped = auction.order, None
    account, market = world.accounts[order.account], world.markets[order.market]
    price = auction.price(market.index, slot)
    shut = barred(world, order) or closed_by(world, market, order) or keeps_out(market, order)
    if shut is None and (order.reduce_only or not is_stale(world, market)):
        stopped = sweep(world, Taker(account, market, order.side, price, order.left, order, guarded, auction=auction))
    if not order.left:
        return used_up(order)
    if stopped is None and order.reduce_only and order.side * account.position(market.name).lots >= 0:
        return "reduce_only"
    return stopped


def _say_opened(world: World, auction: Auction) -> None:
    order = auction.order
    world.say(
        JitAuctionOpened,
        auction_id=order.number,
        account=order.account,
        market=order.market,
        side=SIDES[order.side],
        size_lots=order.left,
        limit_ticks=order.price,
        start_ticks=auction.start,
        end_ticks=auction.end,
        offsets=auction.offsets,
        slots=auction.slots,
        slot_micros=SLOT,
        best_opposite_ticks=world.best(order.market, -order.side),
    )


def quote(world: World, command: QuoteAuction) -> None:
    """A maker's offer stands in the auction, in the place of an earlier one that it betters."""
    try:
        auction, offer, before = _read(world, command)
    except Refusal as refusal:
        refused = {"auction_id": command.auction_id, "account": command.account, "market": command.market}
        world.say(JitQuoteRejected, quote_id=None, reason=refusal.reason, **refused)
        return
    world.quote_number += 1
    offer.number = offer.age = world.quote_number
    auction.quotes = [held for held in auction.quotes if held is not before] + [offer]
    world.say(
        JitQuoteAccepted,
        quote_id=offer.number,
        auction_id=auction.order.number,
        account=offer.account,
        market=offer.market,
        price_ticks=offer.price,
        size_lots=offer.left,
        replaced_quote_id=before and before.number,
    )


def _read(world: World, command: QuoteAuction) -> tuple[Auction, Order, Order | None]:
    """The auction, the offer, and the account's offer before it. Raises Refusal."""
    if command.account in RESERVED:
        raise Refusal("reserved_account")
    if command.market not in world.markets:
        raise Refusal("unknown_market")
    if command.account not in world.accounts:
        raise Refusal("unknown_account")
    require_right(world, world.accounts[command.account], command.actor, "trade")
    require_market(world.accounts[command.account], command.market)
    market, auction = world.markets[command.market], world.auctions.get(command.auction_id)
    if auction is None or auction.order.market != market.name:
        raise Refusal("unknown_auction")
    taker = auction.order
    if head(world, taker.account) == head(world, command.account):
        raise Refusal("self_trade")
    price, lots = steps_of(command.price, market.tick, MOST_TICKS), steps_of(command.size, market.lot, MOST_LOTS)
    furthest = taker.price if auction.offsets else auction.price(market.index, auction.slots)
    if taker.side * price > taker.side * furthest:
        raise Refusal("price_beyond_end")
    before = next((held for held in auction.quotes if held.account == command.account), None)
    if before is not None and (taker.side * price, -lots) >= (taker.side * before.price, -before.left):
        raise Refusal("not_better")
    offer = Order(
        number=0,
        account=command.account,
        market=market.name,
        name="",
        side=-taker.side,
        price=price,
        size=lots,
        left=lots,
        reduce_only=False,
        loss=loss_of(market, -taker.side, price),
        shown=lots,
        quoted=True,
        in_force="ioc",
    )
    admit(world, offer, batched=True)
    return auction, offer, before
