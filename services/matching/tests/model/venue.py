"""What the operator stops: the venue by its switches, and a market, wholly or but for orders that reduce."""

from typing import Final

from cleartide.contracts import HaltMarket, MarketStateChanged, ResumeMarket, SetVenueSwitch, VenueChanged

from services.matching.tests.model.triggers import see
from services.matching.tests.model.world import Market, Order, Refusal, World, is_stale

SWITCHES: Final = ("kill_switch", "maintenance")
SOURCES: Final = ("mark", "index", "last")


def turn(world: World, command: SetVenueSwitch) -> None:
    """A switch goes on or off. Raises Refusal when it is so already."""
    was = command.switch in world.switches
    if was == command.on:
        raise Refusal("nothing_changed")
    world.switches ^= {command.switch}
    world.changes += 1
    world.say(
        VenueChanged,
        change_id=world.changes,
        scope="venue",
        name=command.switch,
        old="on" if was else "off",
        new="on" if command.on else "off",
        by=command.by,
        note=command.note,
    )


def halt(world: World, command: HaltMarket) -> None:
    """From here on positions of the market only shrink, or nothing trades. Raises Refusal when it is so already."""
    _enter(world, command, command.state)


def resume(world: World, command: ResumeMarket) -> None:
    """The market trades as before. Raises Refusal when it does so already."""
    assert not command.auction_micros
    _enter(world, command, "trading")


def _enter(world: World, command: HaltMarket | ResumeMarket, state: str) -> None:
    """What waits for prices in a market that matches again looks at those of now."""
    if command.market not in world.markets:
        raise Refusal("unknown_market")
    market = world.markets[command.market]
    before, matched = market.state, market.matches
    if before == state:
        raise Refusal("bad_transition")
    market.state, market.since = state, world.at
    if not matched and market.matches:
        for source in SOURCES:
            price = live_price(world, market, source)
            if price is not None:
                see(world, market.name, source, price)
    world.changes += 1
    world.say(
        MarketStateChanged,
        market=market.name,
        state=state,
        previous_state=before,
        reason="operator",
        ends_at=None,
        by=command.by,
        note=command.note,
    )


def live_price(world: World, market: Market, source: str) -> int | None:
    """The price of a source as it is now: none where nothing matches, none of mark and index on a stale index."""
    if not market.matches:
        return None
    if source == "last":
        return market.last or None
    if is_stale(world, market):
        return None
    return (market.mark if source == "mark" else market.index) or None


def closed_by(world: World, market: Market, order: Order) -> str | None:
    """Why an order may not come in now; one that only reduces may wherever orders meet."""
    on = [switch for switch in SWITCHES if switch in world.switches and not order.reduce_only]
    if on:
        return on[0]
    open_to_it = market.state == "trading" or (market.matches and order.reduce_only)
    return None if open_to_it else f"market_{market.state}"


def require_open(world: World, market: Market, order: Order) -> None:
    """Raises Refusal."""
    if (reason := closed_by(world, market, order)) is not None:
        raise Refusal(reason)
