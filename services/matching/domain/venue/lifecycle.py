"""Changing how a market trades: by the operator, by the breaker, and when a state's time is over."""

from cleartide.contracts import (
    DelistMarket,
    HaltMarket,
    MarketState,
    MarketStateChanged,
    ResumeMarket,
)
from cleartide.contracts.venue import MarketCommand

from services.matching.domain.errors import Refused
from services.matching.domain.mark_price import is_stale
from services.matching.domain.market import Market
from services.matching.domain.output import Output
from services.matching.domain.state import MatchingState
from services.matching.domain.venue.auction import uncross
from services.matching.domain.venue.delisting import settle_positions
from services.matching.domain.venue.history import record
from services.matching.domain.venue.record import SYSTEM, Who
from services.matching.domain.venue.status import MATCHING


def halt(state: MatchingState, command: HaltMarket, out: Output) -> None:
    """Stop trading. Refused: unknown market, a state that may not follow the present one."""
    enter(state, out, _market(state, command), command.state, "operator", Who.of(command))


def resume(state: MatchingState, command: ResumeMarket, out: Output) -> None:
    """Trade again, through an auction if one is asked for. Refused: unknown market, trading already, delisted."""
    market, who = _market(state, command), Who.of(command)
    if command.auction_micros:
        enter(state, out, market, "auction", "operator", who, out.at + command.auction_micros)
    else:
        enter(state, out, market, "trading", "operator", who)


def delist(state: MatchingState, command: DelistMarket, out: Output) -> None:
    """Reduce only until the notice is over, then settle. Refused: unknown market, being delisted already."""
    market = _market(state, command)
    enter(state, out, market, "delisting", "operator", Who.of(command), out.at + command.notice_micros)


def enter(
    state: MatchingState,
    out: Output,
    market: Market,
    target: MarketState,
    reason: str,
    who: Who,
    ends_at: int | None = None,
) -> None:
    """Let the market trade in another way. A crossed book is uncrossed before it matches again (R31, 14.3).

    Raises Refused, before anything changed, when the state may not follow the present one, or when the book would be
    uncrossed while a switch is on: that opens positions on both sides, which is what a switch stops.
    """
    market.status.require_next(target)
    if target in MATCHING and market.is_crossed:
        if (stopped := state.venue.stopped_by) is not None:
            raise Refused(stopped)
        if market.status.state != "auction":
            put(state, out, market, "auction", "crossed", who)
        uncross(state, market, out)
    put(state, out, market, target, reason, who, ends_at)


def put(
    state: MatchingState,
    out: Output,
    market: Market,
    target: MarketState,
    reason: str,
    who: Who,
    ends_at: int | None = None,
) -> None:
    """Write down and announce a state, whatever the book looks like."""
    status, previous = market.status, market.status.state
    status.state, status.since, status.ends_at = target, out.at, ends_at
    state.dirty.statuses[market.id] = market
    if status.matches and previous not in MATCHING:
        state.conditional.resumed(market, out.at)
    if ends_at is None:
        state.venue.ends.pop(market.id, None)
    else:
        state.venue.ends[market.id] = ends_at
    record(state, out, who, f"market:{market.id}", "state", previous, target)
    out.emit(
        MarketStateChanged,
        market=market.id,
        state=target,
        previous_state=previous,
        reason=reason,
        ends_at=ends_at,
        by=who.by,
        note=who.note,
    )


def wake(state: MatchingState, out: Output) -> None:
    """End every state whose time is over, the earliest first. Trading does not begin again on a stale index (R13), nor
    that of a crossed book while a switch is on: it waits for the first price after that.
    """
    ends = state.venue.ends
    if not ends:
        return
    for _, name in sorted((at, name) for name, at in ends.items() if at <= out.at):
        market = state.markets[name]
        if market.status.state == "delisting":
            settle_positions(state, market, out)
            put(state, out, market, "delisted", "settled", SYSTEM)
        elif not is_stale(market.prices, out.at) and not (market.is_crossed and state.venue.stopped_by):
            enter(state, out, market, "trading", f"{market.status.state}_over", SYSTEM)


def _market(state: MatchingState, command: MarketCommand) -> Market:
    market = state.markets.get(command.market)
    if market is None:
        raise Refused("unknown_market", command.market)
    return market
