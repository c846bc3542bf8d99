"""What the operator stops: the venue's switches, and a market in which positions only shrink (14.5, R31)."""

from cleartide.contracts import HaltMarket, MarketStateChanged, ResumeMarket, SetVenueSwitch, VenueChanged

from services.matching.tests.model.world import Market, Order, Refusal, World

SWITCHES = ("kill_switch", "maintenance")


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


def shrink(world: World, command: HaltMarket) -> None:
    """From here on positions of the market only shrink. Raises Refusal when it is so already."""
    assert command.state == "reduce_only"
    _enter(world, command, shrinks=True)


def resume(world: World, command: ResumeMarket) -> None:
    """The market trades as before. Raises Refusal when it does so already."""
    assert not command.auction_micros
    _enter(world, command, shrinks=False)


def _enter(world: World, command: HaltMarket | ResumeMarket, *, shrinks: bool) -> None:
    if command.market not in world.markets:
        raise Refusal("unknown_market")
    market = world.markets[command.market]
    if market.shrinks == shrinks:
        raise Refusal("bad_transition")
    market.shrinks, market.since = shrinks, world.at
    world.changes += 1
    world.say(
        MarketStateChanged,
        market=market.name,
        state="reduce_only" if shrinks else "trading",
        previous_state="trading" if shrinks else "reduce_only",
        reason="operator",
        ends_at=None,
        by=command.by,
        note=command.note,
    )


def closed_by(world: World, market: Market, order: Order) -> str | None:
    """Why an order may not come in now; one that only reduces always may."""
    if order.reduce_only:
        return None
    on = [switch for switch in SWITCHES if switch in world.switches]
    return on[0] if on else "market_reduce_only" if market.shrinks else None


def require_open(world: World, market: Market, order: Order) -> None:
    """Raises Refusal."""
    if (reason := closed_by(world, market, order)) is not None:
        raise Refusal(reason)
