"""What an operator does next: turns a switch, stops a market or lets it trade again; now and then for nothing."""

from cleartide.contracts import HaltMarket, ResumeMarket, SetVenueSwitch

from services.matching.tests.model.step import Body, Step
from services.matching.tests.model.venue import SWITCHES
from services.matching.tests.model.world import Market, World


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
