"""The operator's settings of the venue: mode, switches, limits, tiers, and what single accounts may do."""

from cleartide.contracts import (
    SetAccountTerms,
    SetOrderTier,
    SetVenueLimits,
    SetVenueMode,
    SetVenueSwitch,
    VenueChanged,
)
from cleartide.contracts.venue import AdminCommand
from cleartide.money import quanta_from_text, quanta_to_text
from cleartide.rules.accounts import SYSTEM_ACCOUNTS

from services.matching.domain.errors import Refused
from services.matching.domain.mark_price import is_stale
from services.matching.domain.output import Output
from services.matching.domain.state import MatchingState
from services.matching.domain.venue.history import record
from services.matching.domain.venue.record import DEFAULT_TIER, ModeLimits, Terms, Tier, Who


def set_mode(state: MatchingState, command: SetVenueMode, out: Output) -> None:
    """Switch between demo and live.

    Refused: the same mode; open positions, because they were taken under the other mode's limits (`open_positions`);
    a switch that is on, or a trading market that has lost its index (`unhealthy`).
    """
    venue = state.venue
    if command.mode == venue.mode:
        raise Refused("nothing_changed", command.mode)
    if any(market.open_interest for market in state.markets.values()):
        raise Refused("open_positions", f"the venue stays in {venue.mode}")
    trading = [market for market in state.markets.values() if market.status.state == "trading"]
    stale = [market.id for market in trading if market.prices.mark and is_stale(market.prices, out.at)]
    if stale or any(venue.switches.values()):
        raise Refused("unhealthy", f"switches {venue.switches}, stale {stale}")
    old, venue.mode = venue.mode, command.mode
    venue.touched_settings.add("mode")
    announce(state, out, command, "venue", "mode", old, command.mode)


def set_switch(state: MatchingState, command: SetVenueSwitch, out: Output) -> None:
    """Turn a switch. Refused: it is so already."""
    venue = state.venue
    if venue.switches[command.switch] == command.on:
        raise Refused("nothing_changed", command.switch)
    old = venue.setting(command.switch)
    venue.switches[command.switch] = command.on
    venue.touched_settings.add(command.switch)
    announce(state, out, command, "venue", command.switch, old, venue.setting(command.switch))


def set_limits(state: MatchingState, command: SetVenueLimits, out: Output) -> None:
    """Give a mode its limits; orders are held to them from now on. Refused: the same ones, amounts off the quantum."""
    venue, mode = state.venue, command.mode
    old = venue.limits[mode]
    new = ModeLimits(_quanta(command.max_position), command.max_leverage, _quanta(command.max_daily_loss))
    if new == old:
        raise Refused("nothing_changed", mode)
    venue.limit(mode, new)
    venue.touched_limits.add(mode)
    before, after = _limit_texts(old), _limit_texts(new)
    for name in ("max_position", "max_leverage", "max_daily_loss"):
        announce(state, out, command, f"mode:{mode}", name, before[name], after[name])


def set_tier(state: MatchingState, command: SetOrderTier, out: Output) -> None:
    """Give a tier its caps; those of its accounts that are over them wait. Refused: the same caps."""
    venue, tier = state.venue, command.tier
    old = venue.tiers.get(tier)
    new = Tier(command.per_minute, command.per_hour, command.per_day)
    if new == old:
        raise Refused("nothing_changed", tier)
    venue.tiers[tier] = new
    venue.touched_tiers.add(tier)
    if old is None:
        announce(state, out, command, f"tier:{tier}", "tier", "", tier)
    before = old._asdict() if old is not None else dict.fromkeys(new._fields)
    for name, value in new._asdict().items():
        announce(state, out, command, f"tier:{tier}", name, _text(before[name]), _text(value))


def set_terms(state: MatchingState, command: SetAccountTerms, out: Output) -> None:
    """Put an account into a tier or restrict it; it need not be open yet.

    Refused: the venue's own accounts, a tier without caps that nobody has set (`unknown_tier`), and what is so already.
    """
    venue, name = state.venue, command.account
    if name in SYSTEM_ACCOUNTS:
        raise Refused("reserved_account", name)
    if command.tier not in (None, DEFAULT_TIER, *venue.tiers):
        raise Refused("unknown_tier", command.tier or "")
    old = venue.terms.get(name, Terms())
    new = Terms(command.tier or old.tier, command.standing or old.standing)
    if new == old:
        raise Refused("nothing_changed", name)
    venue.terms[name] = new
    venue.touched_terms.add(name)
    announce(state, out, command, f"account:{name}", "tier", old.tier, new.tier)
    announce(state, out, command, f"account:{name}", "standing", old.standing, new.standing)


def announce(
    state: MatchingState, out: Output, command: AdminCommand, scope: str, name: str, old: str, new: str
) -> None:
    """Record and say what is different; what is not leaves no trace."""
    if old == new:
        return
    change = record(state, out, Who.of(command), scope, name, old, new)
    out.emit(
        VenueChanged,
        change_id=change.change_id,
        scope=scope,
        name=name,
        old=old,
        new=new,
        by=command.by,
        note=command.note,
    )


def _quanta(amount: str | None) -> int | None:
    return None if amount is None else quanta_from_text(amount)


def _limit_texts(limits: ModeLimits) -> dict[str, str]:
    return {
        "max_position": "" if limits.max_position is None else quanta_to_text(limits.max_position),
        "max_leverage": _text(limits.max_leverage),
        "max_daily_loss": "" if limits.max_daily_loss is None else quanta_to_text(limits.max_daily_loss),
    }


def _text(value: int | None) -> str:
    return "" if value is None else str(value)
