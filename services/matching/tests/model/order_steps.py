"""What a step's numbers ask for in an order: any price near the mark, any terms, groups and brackets."""

from typing import Any, Final

from cleartide.contracts import BracketLeg
from cleartide.contracts.types import TriggerSource

from services.matching.tests.model.scenes import TRADERS, text_of
from services.matching.tests.model.step import Step
from services.matching.tests.model.world import Market, World

SOURCES: Final[tuple[TriggerSource, ...]] = ("mark", "index", "last")
MODES: Final = ("expire_maker", "expire_taker", "expire_both", "decrement")
FIRST_PRICE: Final = 10_000
"""Ticks, where a market has none yet."""


def order_body(world: World, number: int, step: Step, market: Market) -> dict[str, Any]:
    reference = market.mark or FIRST_PRICE
    price = max(1, reference + (step.offset if step.flags & 32 else step.offset // 8))
    kind, buys = step.flags % 16, step.buys
    if kind in (1, 3, 5, 6) and step.flags & 16:
        held = world.accounts.get(TRADERS[step.who])
        position = held.positions.get(market.name) if held is not None else None
        buys = position.lots < 0 if position is not None and position.lots else buys
    return {
        "account": TRADERS[step.who],
        "market": market.name,
        "client_order_id": name_of(world, number, step),
        "side": "buy" if buys else "sell",
        "order_type": "market" if kind in (0, 1) else "limit",
        "size": text_of(lots_of(step, market), market.spec.lot_size),
        "price": None if kind in (0, 1) else text_of(price, market.spec.tick_size),
        "time_in_force": "ioc" if kind in (2, 5) else "gtc",
        "post_only": kind == 4,
        "reduce_only": kind in (1, 3, 5, 6),
        **_terms(world, step, market, immediate=kind in (0, 1, 2, 5)),
        **_links(step, market, 1 if buys else -1, price),
    }


def _links(step: Step, market: Market, side: int, price: int) -> dict[str, Any]:
    """The group, or a bracket."""
    if step.links < 6:
        return {"oco_group": "g"}
    if step.links > 12:
        return {}
    return bracket_of(step, market, side, price)


def bracket_of(step: Step, market: Market, side: int, price: int) -> dict[str, Any]:
    """Around the price: both exits or one, now and then on the wrong sides."""
    away, tick, source = 1 + step.amount % 12, market.spec.tick_size, SOURCES[step.links % 3]
    profit, loss = price + side * away, price - side * away
    if step.amount % 16 == 1:
        profit, loss = loss, profit
    limit = text_of(max(1, profit - side * (step.amount % 3)), tick) if step.links % 2 else None
    exits = {
        "take_profit": _leg(profit, tick, source, limit),
        "stop_loss": _leg(loss, tick, source, None),
    }
    left_out = {7: "take_profit", 8: "stop_loss"}.get(step.links)
    return {name: leg for name, leg in exits.items() if name != left_out}


def _leg(price: int, tick: str, source: TriggerSource, limit: str | None) -> BracketLeg:
    return BracketLeg(trigger_price=text_of(max(1, price), tick), trigger_source=source, limit_price=limit)


def name_of(world: World, number: int, step: Step) -> str:
    """A new one, or now and then the account's last."""
    account = world.accounts.get(TRADERS[step.who])
    used = list(account.names) if account is not None and step.flags in (17, 34) else []
    return used[-1] if used else f"o{number}"


def _terms(world: World, step: Step, market: Market, *, immediate: bool) -> dict[str, Any]:
    """Self-trade mode, all or nothing, an end (now and then at once), a part to show (now and then too small)."""
    mode, kind = MODES[step.terms % 4], step.terms // 4 % 8
    terms: dict[str, Any] = {"self_trade_prevention": mode}
    if immediate:
        return terms | ({"time_in_force": "fok"} if kind < 3 else {})
    if kind < 2:
        terms |= {"time_in_force": "gtt", "expires_at": world.at + step.amount // 60 * 500_000}
    if kind in (1, 2, 3):
        lots = max(1, lots_of(step, market) // (101 if step.terms > 60 else 1 + step.terms // 8))
        terms["display_size"] = text_of(lots, market.spec.lot_size)
    return terms


def lots_of(step: Step, market: Market) -> int:
    """Mostly small; the cheap market takes ten times as much."""
    lots = step.amount if step.amount % 4 == 0 else 1 + step.amount // 6
    return lots * (10 if market.unit == 1 else 1)
