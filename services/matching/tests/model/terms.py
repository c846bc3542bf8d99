"""What the operator lets accounts do: limits of the venue's mode, orders that a tier may send, who may trade at all."""

from fractions import Fraction
from typing import Final, NamedTuple

from cleartide.contracts import SetAccountTerms, SetOrderTier, SetVenueLimits, SetVenueMode, VenueChanged
from cleartide.contracts.venue import AdminCommand

from services.matching.tests.model.margin import adding, only_closes, reaches, with_orders
from services.matching.tests.model.numbers import DAY, HOUR, MILLION, MINUTE, up
from services.matching.tests.model.rights import head
from services.matching.tests.model.texts import signed_steps_of
from services.matching.tests.model.world import (
    MOST_ORDERS,
    MOST_QUANTA,
    RESERVED,
    Account,
    Limits,
    Market,
    Order,
    Refusal,
    World,
    is_stale,
)

WINDOWS: Final = ((MINUTE, "rate_minute"), (HOUR, "rate_hour"), (DAY, "rate_day"))
STANDARD: Final = "standard"


class Terms(NamedTuple):
    """An account's tier and standing."""

    tier: str = STANDARD
    standing: str = "active"


def set_mode(world: World, command: SetVenueMode) -> None:
    """Another mode, while nobody holds anything and all is well. Raises Refusal."""
    if command.mode == world.mode:
        raise Refusal("nothing_changed")
    if any(world.open_interest(name) for name in world.markets):
        raise Refusal("open_positions")
    quiet = [one for one in world.markets.values() if one.state == "trading" and one.mark and is_stale(world, one)]
    if quiet or world.switches:
        raise Refusal("unhealthy")
    old, world.mode = world.mode, command.mode
    tell(world, command, "venue", "mode", old, world.mode)


def set_limits(world: World, command: SetVenueLimits) -> None:
    """A mode's limits, for every order from here on. Raises Refusal."""
    old = world.limits.get(command.mode, Limits())
    new = Limits(_quanta(command.max_position), command.max_leverage, _quanta(command.max_daily_loss))
    if new == old:
        raise Refusal("nothing_changed")
    world.limits[command.mode] = new
    for name in Limits._fields:
        tell(world, command, f"mode:{command.mode}", name, _text(name, old), _text(name, new))


def set_tier(world: World, command: SetOrderTier) -> None:
    """How many orders the accounts of a tier may send. Raises Refusal."""
    old, new = world.caps.get(command.tier), (command.per_minute, command.per_hour, command.per_day)
    if new == old:
        raise Refusal("nothing_changed")
    world.caps[command.tier] = new
    if old is None:
        tell(world, command, f"tier:{command.tier}", "tier", "", command.tier)
    for name, was, now in zip(("per_minute", "per_hour", "per_day"), old or (None, None, None), new, strict=True):
        tell(world, command, f"tier:{command.tier}", name, *("" if cap is None else str(cap) for cap in (was, now)))


def set_terms(world: World, command: SetAccountTerms) -> None:
    """An account's tier or standing. Raises Refusal."""
    name, old = command.account, terms_of(world, command.account)
    if name in RESERVED:
        raise Refusal("reserved_account")
    if command.tier is not None and command.tier != STANDARD and command.tier not in world.caps:
        raise Refusal("unknown_tier")
    new = Terms(command.tier or old.tier, command.standing or old.standing)
    if new == old:
        raise Refusal("nothing_changed")
    world.terms[name] = new
    tell(world, command, f"account:{name}", "tier", old.tier, new.tier)
    tell(world, command, f"account:{name}", "standing", old.standing, new.standing)


def terms_of(world: World, name: str) -> Terms:
    """Of an account that nobody has spoken of: those of everybody."""
    return Terms(*world.terms.get(name, ()))


def tell(world: World, command: AdminCommand, scope: str, name: str, old: str, new: str) -> None:
    """What is different now is written down."""
    if old == new:
        return
    world.changes += 1
    world.say(
        VenueChanged,
        change_id=world.changes,
        scope=scope,
        name=name,
        old=old,
        new=new,
        by=command.by,
        note=command.note,
    )


def _quanta(amount: str | None) -> int | None:
    return None if amount is None else signed_steps_of(amount, Fraction(1, MILLION), MOST_QUANTA)


def _text(name: str, limits: Limits) -> str:
    value = getattr(limits, name)
    if value is None:
        return ""
    return str(value) if name == "max_leverage" else f"{value // MILLION}.{value % MILLION:06}"


def require_sender(world: World, order: Order, *, amends: bool = False) -> None:
    """Whether its account may send it now, and one more. Raises Refusal."""
    require_standing(world, order)
    if not amends and order.in_force not in ("ioc", "fok") and len(world.orders_of(order.account)) >= MOST_ORDERS:
        raise Refusal("too_many_orders")
    _take_place(world, head(world, order.account))


def require_standing(world: World, order: Order) -> None:
    """What an account may do at all. Raises Refusal."""
    if (reason := barred(world, order)) is not None:
        raise Refusal(reason)


def barred(world: World, order: Order) -> str | None:
    """Why its account may not have it; what is said of a parent goes for its sub-accounts."""
    for name in (order.account, head(world, order.account)):
        standing = terms_of(world, name).standing
        if standing == "suspended":
            return "account_suspended"
        if standing == "reduce_only" and not order.reduce_only:
            return "account_reduce_only"
    return None


def _take_place(world: World, name: str) -> None:
    """A family's orders in the minute, the hour and the day that end now stay within its tier's caps.

    One that is refused for it takes no place.
    """
    caps = world.caps.get(terms_of(world, name).tier, (None, None, None))
    windows = [(cap, *window) for cap, window in zip(caps, WINDOWS, strict=True) if cap is not None]
    if not windows:
        return
    longest = max(span for _, span, _ in windows)
    times = world.order_times[name] = [one for one in world.order_times.get(name, ()) if one[1] > world.at - longest]
    for cap, span, reason in windows:
        if sum(at > world.at - span for _, at in times) >= cap:
            raise Refusal(reason)
    times.append((times[-1][0] + 1 if times else 1, world.at))


def require_leverage(world: World, account: Account, order: Order) -> None:
    """E less what orders may lose >= the sum of N / L with the order, unless it can only close. Raises Refusal.

    Where initial margin asks for as much in every market that the account is in, margin alone is asked for.
    """
    orders = [*adding(world, account), order]
    lots = {market.name: max(reaches(account, market.name, orders)) for market in world.markets.values()}
    concerned = [world.markets[name] for name in lots if any(reaches(account, name, orders))]
    if all(_is_ensured(world, market) for market in concerned) or only_closes(world, account, order):
        return
    free, _ = with_orders(world, account, order)
    if free - order.left * order.loss < sum(_least(world, market, lots[market.name]) for market in concerned):
        raise Refusal("leverage_cap")


def _leverage(world: World, market: Market) -> int | None:
    own = market.spec.limits.max_leverage if market.spec.limits is not None else None
    mode = world.limits.get(world.mode, Limits()).max_leverage
    return min((one for one in (own, mode) if one is not None), default=None)


def _is_ensured(world: World, market: Market) -> bool:
    most = _leverage(world, market)
    least = min(bracket.initial_margin_ppb for bracket in market.spec.brackets)
    return most is None or Fraction(least, 10**9) >= Fraction(1, most)


def _least(world: World, market: Market, lots: int) -> int:
    most = _leverage(world, market)
    return up(Fraction(lots * market.mark * market.unit, most)) if most is not None else 0


def require_luck(world: World, account: Account) -> None:
    """Whoever has lost the day's limit opens nothing more that day. Raises Refusal."""
    most = world.limits.get(world.mode, Limits()).max_daily_loss
    day, result = world.results.get(account.name, (0, 0))
    lost = max(0, -result) if day == world.at // DAY else 0
    if most is not None and lost >= most:
        raise Refusal("daily_loss")


def note_result(world: World, name: str, amount: int) -> None:
    """What a fill has brought, while any mode limits the loss of a day."""
    if any(limits.max_daily_loss is not None for limits in world.limits.values()):
        today = world.at // DAY
        day, result = world.results.get(name, (0, 0))
        world.results[name] = today, amount + (result if day == today else 0)


def require_position(world: World, value: int) -> None:
    """The mode's limit of one position with its open orders. Raises Refusal."""
    most = world.limits.get(world.mode, Limits()).max_position
    if most is not None and value > most:
        raise Refusal("position_limit")
