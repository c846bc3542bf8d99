"""The exits that an order asks for: read with it, armed by its fills (12.5)."""

from cleartide.contracts import BracketLeg, PlaceOrder

from services.matching.tests.model.texts import steps_of
from services.matching.tests.model.triggers import Armed
from services.matching.tests.model.world import MOST_TICKS, Market, Order, Refusal, World


def read_exits(world: World, entry: Order, command: PlaceOrder) -> list[Armed]:
    """Of the other side, reduce-only, and of no size yet. Raises Refusal."""
    legs = {"tp": command.take_profit, "sl": command.stop_loss}
    wanted = [(suffix, leg) for suffix, leg in legs.items() if leg is not None]
    if wanted and entry.reduce_only:
        raise Refusal("bracket_not_allowed")
    market = world.markets[entry.market]
    read = [_exit(market, entry, suffix, leg) for suffix, leg in wanted]
    for armed in read:
        if armed.order.name in world.accounts[entry.account].names:
            raise Refusal("duplicate_client_order_id")
    if len(read) == 2:
        (profit, loss), (above, below) = read, [armed.level or 0 for armed in read]
        if profit.source == loss.source and entry.side * (above - below) <= 0:
            raise Refusal("bracket_crossed")
    return read


def _exit(market: Market, entry: Order, suffix: str, leg: BracketLeg) -> Armed:
    price = steps_of(leg.limit_price, market.tick, MOST_TICKS) if leg.limit_price is not None else 0
    kind = ("take_profit" if suffix == "tp" else "stop") + ("_limit" if price else "_market")
    order = Order(
        number=0,
        account=entry.account,
        market=entry.market,
        name=f"{entry.name}:{suffix}",
        side=-entry.side,
        price=price,
        size=0,
        left=0,
        reduce_only=True,
        loss=0,
        prevention=entry.prevention,
        kind=kind,
    )
    way = -order.side if suffix == "tp" else order.side
    return Armed(order, leg.trigger_source, way, steps_of(leg.trigger_price, market.tick, MOST_TICKS))
