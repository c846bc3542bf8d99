"""Steps of changes to orders that wait for a price, and of many instructions in one command."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from cleartide.contracts import (
    AmendInstruction,
    AmendOrder,
    CancelInstruction,
    CancelOrder,
    Message,
    PlaceInstruction,
    PlaceOrder,
    SubmitOrders,
)
from cleartide.contracts.orders import Instruction

from services.matching.tests.model import maker_steps
from services.matching.tests.model.order_steps import FIRST_PRICE, name_of
from services.matching.tests.model.scenes import TRADERS, text_of
from services.matching.tests.model.step import Body, Step
from services.matching.tests.model.triggers import Armed
from services.matching.tests.model.world import Market, World

Maker = Callable[[World, int, Step, Market], Body]
INSTRUCTIONS: Final[dict[type[Message], Callable[..., Instruction]]] = {
    PlaceOrder: partial(PlaceInstruction, action="place"),
    CancelOrder: partial(CancelInstruction, action="cancel"),
    AmendOrder: partial(AmendInstruction, action="amend"),
}


def rearm(world: World, number: int, step: Step, market: Market) -> Body:
    """Another trigger, distance, size or limit of an order that waits, near enough to fire; now and then an odd one."""
    mine = [armed for armed in world.armed.values() if armed.order.account == TRADERS[step.who]]
    trailing = [
        armed for armed in mine if (armed.order.market, armed.source, armed.level) == (market.name, "last", None)
    ]
    waiting = trailing or mine or list(world.armed.values())
    if not waiting:
        return AmendOrder, {"account": TRADERS[step.who], "market": market.name, "client_order_id": "none"}
    armed = waiting[step.amount % len(waiting)]
    order = armed.order
    names = {"account": order.account, "market": order.market, "client_order_id": order.name}
    return AmendOrder, {**names, **_terms(world.markets[order.market], armed, step)}


def reterm(world: World, market: Market, step: Step, body: dict[str, Any]) -> dict[str, Any]:
    """An amend with another end, now and then one that has passed, or another part that is shown; or that alone."""
    said: dict[str, Any] = {}
    if step.flags % 3 != 1:
        said["expires_at"] = world.at + (step.amount // 60 - 1) * 500_000
    if step.flags % 3:
        said["display_size"] = text_of(1 + step.amount // (4 + 4 * (step.links % 8)), market.spec.lot_size)
    kept = ("account", "market", "client_order_id") if step.amount % 3 else tuple(body)
    return {**{name: body[name] for name in kept}, **said}


def _terms(market: Market, armed: Armed, step: Step) -> dict[str, Any]:
    base = (market.last if armed.source == "last" else market.mark) or FIRST_PRICE
    tick = market.spec.tick_size
    near = text_of(max(1, base + step.offset // 2), tick)
    size = {"size": text_of(1 + step.amount // 60, market.spec.lot_size)}
    trails: tuple[dict[str, Any], ...] = (
        {"trail_amount": text_of(1 + abs(step.offset) // 6, tick)},
        {"trail_rate_ppb": step.amount * 5_000},
        size,
    )
    levels: tuple[dict[str, Any], ...] = (
        {"trigger_price": near},
        {"trigger_price": near, **size},
        {"price": near},
        size,
    )
    fitting = (*trails, *levels) if step.flags % 8 == 1 else trails if armed.level is None else levels
    return fitting[step.terms % len(fitting)]


def trail(world: World, number: int, step: Step, market: Market) -> Body:
    """A stop behind the trades of its market, so near that the next few may meet it."""
    return PlaceOrder, {
        "account": TRADERS[step.who],
        "market": market.name,
        "client_order_id": name_of(world, number, step),
        "side": "buy" if step.buys else "sell",
        "order_type": "trailing_stop",
        "size": text_of(1 + step.amount // 60, market.spec.lot_size),
        "trigger_source": "last",
        "trail_amount": text_of(1 + step.terms % 3, market.spec.tick_size),
    }


def batch(world: World, number: int, step: Step, market: Market, makers: Sequence[Maker]) -> Body:
    """Two to six of what the makers make, each of numbers of its own."""
    name, instructions = TRADERS[step.who], []
    mine = [one.name for one in world.open_orders() if (one.account, one.market) == (name, market.name)]
    for place in range(2 + step.links % 5):
        contract, body = makers[(step.terms + place) % len(makers)](world, number, _part(step, place), market)
        terms = {name: value for name, value in body.items() if name not in ("account", "market")}
        if terms["client_order_id"] == f"o{number}":
            terms["client_order_id"] += f"b{place}"
        elif contract is not PlaceOrder and mine and (body["account"], body["market"]) != (name, market.name):
            terms["client_order_id"] = mine[step.amount % len(mine)]
        instructions.append(INSTRUCTIONS[contract](**terms))
    return SubmitOrders, {"account": name, "market": market.name, "instructions": tuple(instructions)}


def _part(step: Step, place: int) -> Step:
    """Other numbers for each instruction."""
    return step._replace(
        buys=step.buys == (place % 3 < 2),
        amount=(step.amount * (1 + 7 * place)) % 600 + 1,
        offset=(step.offset + 30 + 13 * place) % 61 - 30,
        flags=(step.flags + 11 * place) % 64,
        terms=(step.terms + 5 * place) % 64,
        links=(step.links + 3 * place) % 32,
    )


MAKERS: Final = (trail, maker_steps.sweep, rearm, maker_steps.plain, maker_steps.sweep, rearm)
"""What batches are made of beside what others make."""
