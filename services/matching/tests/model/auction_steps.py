"""Steps about auctions: an order of any kind with a course, and makers' quotes in it."""

from typing import Any, Final

from cleartide.contracts import AuctionTerms, PlaceOrder, QuoteAuction

from services.matching.tests.model.courses import Auction
from services.matching.tests.model.order_steps import FIRST_PRICE, lots_of, order_body
from services.matching.tests.model.scenes import TRADERS, text_of
from services.matching.tests.model.step import Body, Step
from services.matching.tests.model.world import RESERVED, Market, World

SLOTS: Final = (1, 2, 5, 10, 10, 25, 60, 150)


def auction(world: World, number: int, step: Step, market: Market) -> Body:
    """From behind the mark to beyond it, as prices or as offsets, or by default; now and then with something wrong."""
    body = order_body(world, number, step, market)
    alone: dict[str, Any] = {"time_in_force": "ioc", "post_only": False, "display_size": None, "expires_at": None}
    if step.amount % 16:
        alone |= {"oco_group": None, "take_profit": None, "stop_loss": None}
    side = 1 if body["side"] == "buy" else -1
    start = -side * (step.links % 8)
    course = _course(market, start, start + side * (step.amount // 40), offsets=step.terms % 3 == 1)
    terms: dict[str, Any] = {} if step.terms % 3 == 2 else course
    if step.flags in (40, 42, 44):
        wrong: tuple[dict[str, Any], ...] = (
            {"start": None, "end": "1"},
            {"start": None, "end": None, "offsets": True},
            _course(market, side, -side, offsets=True),
            {"start": "-1", "end": "1"},
            {"start": "0.000001", "end": "0.000001"},
        )
        terms = wrong[step.amount % len(wrong)]
    if step.flags == 41:
        alone["time_in_force"] = "fok"
    terms["slots"] = SLOTS[step.offset % len(SLOTS)]
    return PlaceOrder, {**body, **alone, "auction": AuctionTerms(**terms)}


def _course(market: Market, start: int, end: int, *, offsets: bool) -> dict[str, Any]:
    """Both ends in ticks from the mark; of an order with offsets, from the index."""
    base, tick = 0 if offsets else market.mark or FIRST_PRICE, market.spec.tick_size
    first, last = (ticks if offsets else max(1, ticks) for ticks in (base + start, base + end))
    return {"start": text_of(first, tick), "end": text_of(last, tick), "offsets": offsets}


def _offered(world: World, running: Auction, maker: str, step: Step) -> int:
    """What comes next or a little off it; now and then what the book has, or what the maker offers already."""
    order = running.order
    same = [held.price for held in running.quotes if held.account == maker]
    best = world.best(order.market, -order.side)
    if same and step.terms % 4 < 2:
        return same[0]
    if best is not None and step.terms % 4 == 2:
        return best
    return running.price(world.markets[order.market].index, running.slot) + step.offset // 6


def quote(world: World, number: int, step: Step, market: Market) -> Body:
    """Around the price that comes next; now and then by the taker, by nobody, elsewhere, or where no auction is.

    Without an auction, an order that calls for one.
    """
    if not world.auctions and step.flags != 9:
        return auction(world, number, step, market)
    offered: dict[str, Any] = {
        "account": TRADERS[step.who],
        "market": market.name,
        "auction_id": world.order_number,
        "price": "1",
    }
    if world.auctions:
        number = list(world.auctions)[step.amount % len(world.auctions)]
        running = world.auctions[number]
        if step.flags != 11:
            market = world.markets[running.order.market]
        price = _offered(world, running, offered["account"], step)
        offered |= {"market": market.name, "auction_id": number + (step.flags == 10)}
        offered["price"] = text_of(max(1, price), market.spec.tick_size)
        odd = {12: "nobody", 13: RESERVED[step.amount % 2], 14: running.order.account}
        offered["account"] = odd.get(step.flags, offered["account"])
    size = "0" if step.flags == 15 else text_of(1 + lots_of(step, market) // 3, market.spec.lot_size)
    return QuoteAuction, {**offered, "size": size}
