"""What an operator does next: turns a switch, lets a market only shrink or trade again; now and then for nothing."""

from cleartide.contracts import HaltMarket, ResumeMarket, SetVenueSwitch

from services.matching.tests.model.step import Body, Step
from services.matching.tests.model.venue import SWITCHES
from services.matching.tests.model.world import Market, World


def switch(world: World, number: int, step: Step, market: Market) -> Body:
    """Off what is on, on what is off; one in eight the other way round, which is refused."""
    name = SWITCHES[step.amount % 2]
    on = name not in world.switches
    return SetVenueSwitch, {"switch": name, "on": on == bool(step.flags % 8), "by": "ops", "note": f"step {number}"}


def shrink(world: World, number: int, step: Step, market: Market) -> Body:
    """The same of a market; now and then of one that is not there."""
    name = market.name if step.flags % 16 else "NONE-PERP"
    body = {"market": name, "by": "ops", "note": f"step {number}"}
    if market.shrinks == bool(step.flags % 8):
        return ResumeMarket, body
    return HaltMarket, {**body, "state": "reduce_only"}
