"""Steps of small orders that rest, alone, in groups or with exits, and of those that take several at once."""

from typing import Any

from cleartide.contracts import PlaceOrder

from services.matching.tests.model.order_steps import FIRST_PRICE, bracket_of, name_of
from services.matching.tests.model.scenes import TRADERS, text_of
from services.matching.tests.model.step import Body, Step
from services.matching.tests.model.world import Market, World


def quiet(world: World, number: int, step: Step, market: Market) -> Body:
    """Behind the mark or, one in four, at it; post-only where takers are batched, and there more often."""
    batching = [one for one in world.markets.values() if one.spec.batching is not None]
    if batching and step.flags % 4:
        market = batching[0]
    return PlaceOrder, _resting(world, number, step, market)


def plain(world: World, number: int, step: Step, market: Market) -> Body:
    """Where it is said, and free to take."""
    return PlaceOrder, {**_resting(world, number, step, market), "post_only": False}


def group(world: World, number: int, step: Step, market: Market) -> Body:
    """In the account's group."""
    return PlaceOrder, {**_resting(world, number, step, market), "oco_group": "g"}


def entry(world: World, number: int, step: Step, market: Market) -> Body:
    """With exits that wait for its first fill."""
    body = _resting(world, number, step, market)
    side = 1 if step.buys else -1
    return PlaceOrder, {**body, **bracket_of(step, market, side, _price(step, market))}


def _resting(world: World, number: int, step: Step, market: Market) -> dict[str, Any]:
    return {
        "account": TRADERS[step.who],
        "market": market.name,
        "client_order_id": name_of(world, number, step),
        "side": "buy" if step.buys else "sell",
        "order_type": "limit",
        "size": text_of(_few(step, market), market.spec.lot_size),
        "price": text_of(_price(step, market), market.spec.tick_size),
        "time_in_force": "gtc",
        "post_only": market.spec.batching is not None or step.terms % 8 == 0,
        "reduce_only": False,
        "self_trade_prevention": "expire_maker",
    }


def _price(step: Step, market: Market) -> int:
    return max(1, (market.mark or FIRST_PRICE) - (1 if step.buys else -1) * (step.amount % 4))


def _few(step: Step, market: Market) -> int:
    return (1 + step.amount // 60) * (10 if market.unit == 1 else 1)


def sweep(world: World, number: int, step: Step, market: Market) -> Body:
    """As much as the first few orders of the other side hold, and now and then a lot more or less."""
    side = 1 if step.buys else -1
    met = world.book(market.name, -side)[: 2 + step.flags % 4]
    lots = max(1, sum(order.left for order in met) + step.terms % 4 - 2) if met else _few(step, market)
    price = met[-1].price if met else _price(step, market)
    return PlaceOrder, {
        **_resting(world, number, step, market),
        "size": text_of(lots, market.spec.lot_size),
        "price": text_of(price, market.spec.tick_size),
        "time_in_force": "ioc" if step.links % 2 else "gtc",
        "oco_group": "g" if step.links < 4 else None,
        "post_only": False,
    }
