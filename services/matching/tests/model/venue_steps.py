"""What an operator does next: turns a switch, stops a market, lets it trade or collect, or closes it for good."""

from typing import Any, Final

from cleartide.contracts import DelistMarket, HaltMarket, PlaceOrder, ReportTrade, ResumeMarket, SetVenueSwitch

from services.matching.tests.model.guards import position_cap, width
from services.matching.tests.model.maker_steps import plain
from services.matching.tests.model.numbers import SECOND, down
from services.matching.tests.model.order_steps import FIRST_PRICE, MODES
from services.matching.tests.model.scenes import TRADERS, text_of
from services.matching.tests.model.step import Body, Step
from services.matching.tests.model.venue import SWITCHES
from services.matching.tests.model.world import Market, World

TIMES: Final = (0, SECOND, 4 * SECOND, 7 * SECOND, 15 * SECOND, 40 * SECOND)


def switch(world: World, number: int, step: Step, market: Market) -> Body:
    """Off what is on, on what is off; one in eight the other way round, which is refused."""
    name = SWITCHES[step.amount % 2]
    on = name not in world.switches
    return SetVenueSwitch, {"switch": name, "on": on == bool(step.flags % 8), "by": "ops", "note": f"step {number}"}


def halt(world: World, number: int, step: Step, market: Market) -> Body:
    """Another state of a market; one in eight the one that it has, which is refused; now and then of none."""
    name = market.name if step.flags % 16 else "NONE-PERP"
    body = {"market": name, "by": "ops", "note": f"step {number}"}
    others = [state for state in ("trading", "reduce_only", "halted") if state != market.state]
    state = others[step.amount % 2] if step.flags % 8 else market.state
    return (ResumeMarket, body) if state == "trading" else (HaltMarket, {**body, "state": state})


def collect(world: World, number: int, step: Step, market: Market) -> Body:
    """Orders only wait, for a while or until it is said; or what waits is over."""
    body: dict[str, Any] = {"market": market.name, "by": "ops", "note": f"step {number}"}
    if market.state in ("auction", "post_only") and step.flags % 2:
        return (ResumeMarket, body) if step.flags % 4 == 1 else (HaltMarket, {**body, "state": "reduce_only"})
    if step.flags % 4 == 0:
        return HaltMarket, {**body, "state": "post_only"}
    return ResumeMarket, {**body, "auction_micros": TIMES[step.amount % len(TIMES)]}


def delist(world: World, number: int, step: Step, market: Market) -> Body:
    """One in eight: a market ends soon, or it is said again of one that does; all others halt it or an order comes."""
    body: dict[str, Any] = {"market": market.name, "by": "ops", "note": f"step {number}"}
    if step.flags % 8 == 0 or (market.state in ("delisting", "delisted") and step.flags % 8 == 2):
        return DelistMarket, {**body, "notice_micros": TIMES[step.amount % len(TIMES)]}
    if market.state == "delisting" and step.flags % 8 == 1:
        return HaltMarket, {**body, "state": "halted"}
    return plain(world, number, step, market)


def waiting(world: World, number: int, step: Step, market: Market) -> Body:
    """An order where orders wait, through the best price of the other side; some only reduce. Nowhere: they come to."""
    collecting = [one for one in world.markets.values() if one.state in ("auction", "post_only")]
    if not collecting and step.flags % 2:
        return collect(world, number, step, market)
    market = collecting[step.amount % len(collecting)] if collecting else market
    _, body = plain(world, number, step, market)
    side = 1 if step.buys else -1
    best = world.best(market.name, -side)
    if best is not None:
        body["price"] = text_of(max(1, best + side * (step.amount % 5 - 1)), market.spec.tick_size)
    held = [name for name in TRADERS if name in world.accounts and _lots(world, name, market) * side < 0]
    only = step.flags % 4 == 0 and bool(held)
    if only:
        body["account"] = held[step.who % len(held)]
        body["size"] = text_of(abs(_lots(world, body["account"], market)), market.spec.lot_size)
    mode = MODES[step.terms % 4] if step.terms > 40 else "expire_taker"
    shown = {} if step.terms % 3 else {"display_size": text_of(max(1, step.amount // 120), market.spec.lot_size)}
    return PlaceOrder, {**body, "reduce_only": only, "post_only": not only, "self_trade_prevention": mode, **shown}


def _lots(world: World, name: str, market: Market) -> int:
    position = world.accounts[name].positions.get(market.name)
    return position.lots if position is not None else 0


def part_with(world: World, number: int, step: Step, market: Market) -> Body:
    """A trade from outside by which somebody's whole position becomes another's."""
    holders = [name for name in TRADERS if name in world.accounts and _lots(world, name, market)]
    if not holders:
        return plain(world, number, step, market)
    giver = holders[step.who % len(holders)]
    others = [name for name in TRADERS if name != giver]
    lots, other = _lots(world, giver, market), others[step.amount % len(others)]
    buyer, seller = (other, giver) if lots > 0 else (giver, other)
    return ReportTrade, {
        "market": market.name,
        "trade_id": f"t{number}",
        "price": text_of(market.mark or FIRST_PRICE, market.spec.tick_size),
        "size": text_of(abs(lots), market.spec.lot_size),
        "buyer": buyer,
        "seller": seller,
        "executed_at": world.at,
    }


def brim(world: World, number: int, step: Step, market: Market) -> Body:
    """As much as the cap of the position leaves beside what is open, or a lot more."""
    _, body = plain(world, number, step, market)
    name, side = body["account"], 1 if step.buys else -1
    if name in world.accounts:
        mine = [order for order in world.orders_of(name) if (order.market, order.side) == (market.name, side)]
        waiting = sum(order.left for order in mine if not order.reduce_only)
        lots = position_cap(market) - side * _lots(world, name, market) - waiting + step.flags % 2
        body["size"] = text_of(max(1, min(lots, 2**30)), market.spec.lot_size)
    return PlaceOrder, body


def edge(world: World, number: int, step: Step, market: Market) -> Body:
    """At the end of the band around the mark, a tick before it or behind it."""
    _, body = plain(world, number, step, market)
    far = width(market)
    if far is not None and market.mark:
        end = down(market.mark * (1 + (far if step.buys else -far)))
        body["price"] = text_of(max(1, end + step.amount % 3 - 1), market.spec.tick_size)
    return PlaceOrder, body
