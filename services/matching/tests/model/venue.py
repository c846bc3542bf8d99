"""How a market trades: by the operator, by the breaker, and when a state's time is over; and the venue's switches."""

from typing import Final

from cleartide.contracts import (
    DelistMarket,
    HaltMarket,
    MarketStateChanged,
    ResumeMarket,
    SetVenueSwitch,
    VenueChanged,
)

from services.matching.tests.model.delisting import settle
from services.matching.tests.model.guards import trips
from services.matching.tests.model.numbers import MILLION
from services.matching.tests.model.opening import is_crossed, uncross
from services.matching.tests.model.triggers import see
from services.matching.tests.model.world import Market, Order, Refusal, World, is_stale

SWITCHES: Final = ("kill_switch", "maintenance")
SOURCES: Final = ("mark", "index", "last")
OPEN: Final = ("trading", "post_only", "auction", "reduce_only", "halted")
"""States between which a market goes at will; from a delisting it is halted, and from its end it never comes back."""


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
    """From here on positions of the market only shrink, or orders only wait, or nothing trades. Raises Refusal."""
    _enter(world, _known(world, command.market), command.state, "operator", by=command.by, note=command.note)


def resume(world: World, command: ResumeMarket) -> None:
    """The market trades as before, or collects orders for a while. Raises Refusal."""
    state, until = ("auction", world.at + command.auction_micros) if command.auction_micros else ("trading", None)
    _enter(world, _known(world, command.market), state, "operator", until, by=command.by, note=command.note)


def delist(world: World, command: DelistMarket) -> None:
    """Positions only shrink until the notice is over, and then turn into cash. Raises Refusal."""
    market, until = _known(world, command.market), world.at + command.notice_micros
    _enter(world, market, "delisting", "operator", until, by=command.by, note=command.note)


def watch(world: World, market: Market) -> None:
    """The breaker: an index that has run away makes orders wait, and what it has run counts once."""
    if (market.state == "trading" or (market.state, market.ends_at is None) == ("post_only", False)) and trips(market):
        market.average = market.index * MILLION
        assert market.spec.limits is not None
        put(world, market, "post_only", "circuit_breaker", world.at + market.spec.limits.pause_micros)


def wake(world: World) -> None:
    """States whose time is over end, the earliest first."""
    over = [(market.ends_at, name) for name, market in world.markets.items() if market.ends_at is not None]
    for ends_at, name in sorted(over):
        market = world.markets[name]
        if ends_at > world.at:
            continue
        if market.state == "delisting":
            settle(world, market)
            put(world, market, "delisted", "settled")
        elif not is_stale(world, market) and not (world.switches and is_crossed(world, market)):
            _enter(world, market, "trading", f"{market.state}_over")


def _known(world: World, name: str) -> Market:
    if name not in world.markets:
        raise Refusal("unknown_market")
    return world.markets[name]


def _enter(
    world: World, market: Market, state: str, reason: str, ends_at: int | None = None, *, by: str = "", note: str = ""
) -> None:
    """Another state than now. What is crossed is uncrossed before it meets again, but for a switch. Raises Refusal."""
    reaches = {"delisting": ("halted",), "delisted": ()}.get(market.state, (*OPEN, "delisting"))
    if state == market.state or state not in reaches:
        raise Refusal("bad_transition")
    if state in ("trading", "reduce_only", "delisting") and is_crossed(world, market):
        for switch in SWITCHES:
            if switch in world.switches:
                raise Refusal(switch)
        if market.state != "auction":
            put(world, market, "auction", "crossed", by=by, note=note)
        uncross(world, market)
    put(world, market, state, reason, ends_at, by=by, note=note)


def put(
    world: World, market: Market, state: str, reason: str, ends_at: int | None = None, *, by: str = "", note: str = ""
) -> None:
    """The state is this; what waits for prices in a market that matches again looks at those of now."""
    before, matched = market.state, market.matches
    market.state, market.since, market.ends_at = state, world.at, ends_at
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
        reason=reason,
        ends_at=ends_at,
        by=by,
        note=note,
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
    """Why an order may not come in now, even to wait for a price; one that only reduces may, unless all is shut."""
    on = [switch for switch in SWITCHES if switch in world.switches and not order.reduce_only]
    if on:
        return on[0]
    shut = market.state in ("halted", "delisted")
    reducing = market.state in ("reduce_only", "delisting")
    return f"market_{market.state}" if shut or (reducing and not order.reduce_only) else None


def keeps_out(market: Market, order: Order) -> str | None:
    """Why it may not work: where orders are collected they have to wait, and in a pause to add or to reduce."""
    immediate = order.in_force in ("ioc", "fok")
    if market.state == "auction" and immediate:
        return "market_auction"
    if market.state == "post_only" and (immediate or not (order.post_only or order.reduce_only)):
        return "market_post_only"
    return None


def require_open(world: World, market: Market, order: Order) -> None:
    """Raises Refusal."""
    if (reason := closed_by(world, market, order)) is not None:
        raise Refusal(reason)


def require_state(market: Market, order: Order) -> None:
    """Raises Refusal."""
    if (reason := keeps_out(market, order)) is not None:
        raise Refusal(reason)
