"""Steps of an operator who limits what accounts do, and of accounts that choose their leverage."""

from typing import Any, Final

from cleartide.contracts import SetAccountTerms, SetLeverage, SetOrderTier, SetVenueLimits, SetVenueMode

from services.matching.tests.model.accounts import highest_leverage
from services.matching.tests.model.scenes import TRADERS, text_of
from services.matching.tests.model.step import Body, Step
from services.matching.tests.model.terms import STANDARD
from services.matching.tests.model.world import RESERVED, Market, World

STANDINGS: Final = ("active", "active", "active", "reduce_only", "suspended")
TIERS: Final = (STANDARD, "small", "small", "none")


def leverage(world: World, number: int, step: Step, market: Market) -> Body:
    """Any, the highest, one more than that, or none; now and then of nobody or nowhere."""
    most = highest_leverage(market)
    wanted = (1 + step.amount % most, 1 + step.amount % 5, most, most + 1, None)[step.flags % 5]
    named = {"account": TRADERS[step.who], "market": market.name, "leverage": min(wanted, 1_000) if wanted else None}
    wrong = ({"account": "nobody"}, {"account": RESERVED[0]}, {"market": "NONE-PERP"})
    return SetLeverage, named | (wrong[step.amount % len(wrong)] if step.flags == 63 else {})


def limits(world: World, number: int, step: Step, market: Market) -> Body:
    """Of the present mode or the other: one of the three, or none any more."""
    body: dict[str, Any] = {"mode": world.mode if step.flags % 4 else "live", "by": "ops", "note": f"step {number}"}
    position, loss = (text_of(step.amount * quanta, "0.000001") for quanta in (100_000, 1_000))
    one = ({"max_leverage": 1 + step.amount % 30}, {"max_position": position}, {"max_daily_loss": loss})
    both = {**one[0], **one[2]}
    return SetVenueLimits, body | (one[0], one[1], one[2], both, {})[step.terms % 5]


def tier(world: World, number: int, step: Step, market: Market) -> Body:
    """A few orders a minute, an hour or a day; of the tier in which everybody is, rarely, and not for long."""
    name = STANDARD if step.flags % 4 == 0 else "small"
    caps = {"per_minute": step.amount % 3, "per_hour": step.amount % 5, "per_day": step.amount % 7}
    if name == STANDARD:
        caps = {"per_minute": 20 + step.terms} if step.flags % 8 else {}
    kept = {cap: value for place, (cap, value) in enumerate(caps.items()) if step.terms >> place & 1 or len(caps) == 1}
    return SetOrderTier, {"tier": name, **kept, "by": "ops"}


def account(world: World, number: int, step: Step, market: Market) -> Body:
    """Into a tier, or restricted, or free again; mostly free."""
    body: dict[str, Any] = {"account": TRADERS[step.who], "by": "ops", "note": f"step {number}"}
    if step.flags % 3 != 2:
        body["tier"] = TIERS[step.amount % len(TIERS)]
    if step.flags % 3 != 1 or step.amount % 2:
        body["standing"] = STANDINGS[step.amount % len(STANDINGS)]
    return SetAccountTerms, body | ({"account": RESERVED[1]} if step.flags == 63 else {})


def mode(world: World, number: int, step: Step, market: Market) -> Body:
    """The other one, or the one that it is."""
    other = "live" if world.mode == "demo" else "demo"
    return SetVenueMode, {"mode": other if step.flags % 4 else world.mode, "by": "ops"}
