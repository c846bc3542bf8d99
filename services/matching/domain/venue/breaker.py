"""The circuit breaker: a sudden move of the index pauses the market (domain rules R31, 8.6 and 14.2)."""

from typing import Final

from services.matching.domain.mark_price import MICRO_TICKS, SECOND
from services.matching.domain.market import Market
from services.matching.domain.output import Output
from services.matching.domain.state import MatchingState
from services.matching.domain.venue.lifecycle import put
from services.matching.domain.venue.record import SYSTEM

WINDOW: Final = 300 * SECOND


def average(previous: int, index: int, elapsed: int) -> int:
    """The five-minute average in micro-ticks after `index` (ticks) was in force for `elapsed` microseconds more.

    Rolling form of 8.6: an observation holds until the next, older ones fade; floored, so replays agree to the bit.
    """
    weight = min(elapsed, WINDOW)
    return (index * MICRO_TICKS * weight + previous * (WINDOW - weight)) // WINDOW


def observe(market: Market, index: int, at: int) -> None:
    """Before a fresh index replaces the last one: let the average take in how long that one was in force."""
    prices = market.prices
    if prices.index:
        prices.average = average(prices.average, prices.index, at - prices.updated_at)
    else:
        prices.average = index * MICRO_TICKS


def watch(state: MatchingState, market: Market, out: Output) -> None:
    """Pause trading when the fresh index is too far from the average; a further jump makes the pause longer.

    The average begins anew at the index that tripped it, so that a move is counted once.
    """
    prices, status, guards = market.prices, market.status, market.guards
    pausing = status.state == "post_only" and status.ends_at is not None
    if not (pausing or status.state == "trading") or not guards.trips(prices.index, prices.average):
        return
    prices.average = prices.index * MICRO_TICKS
    market.refresh_fill_band()
    put(state, out, market, "post_only", "circuit_breaker", SYSTEM, out.at + guards.pause_micros)
