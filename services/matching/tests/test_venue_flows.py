"""Random days at a venue that halts, pauses, holds auctions and changes its rules: everything adds up throughout."""

from contextlib import suppress
from typing import Any, Final

from cleartide.contracts import AuctionUncrossed, MarketLimits, MarketStateChanged, TradeExecuted
from cleartide.fold import Reject
from hypothesis import given, settings
from hypothesis import strategies as st

from services.matching.tests.flows import EVERYTHING, TRADERS, Step, perform
from services.matching.tests.support import SECOND, Exchange, of
from services.matching.tests.venue import change, halt, limits, resume, state_of, switch, terms, tier

LIMITS: Final = MarketLimits(
    min_order_size="0.002", max_leverage=9, open_interest_cap="1.5", position_cap="0.9", pause_micros=10_000_000
)
VENUE: Final = ["halt", "resume", "auction", "jump", "jump", "pause", "switch", "tier", "standing", "rules", "loss"]
STATES: Final = ("halted", "reduce_only", "post_only")
DAYS: Final = st.lists(
    st.builds(
        Step,
        action=st.sampled_from([*EVERYTHING * 2, *VENUE]),
        who=st.integers(0, len(TRADERS) - 1),
        side=st.sampled_from(["buy", "sell"]),
        amount=st.integers(1, 600),
        offset=st.integers(-30, 30),
        flags=st.integers(0, 15),
    ),
    min_size=40,
    max_size=100,
)


def act(ex: Exchange, number: int, step: Step) -> None:
    """One step; what is refused leaves no trace."""
    if step.action not in VENUE:
        perform(ex, number, step)
        return
    with suppress(Reject):
        _operate(ex, step)


def _operate(ex: Exchange, step: Step) -> Any:
    match step.action:
        case "halt":
            return halt(ex, STATES[step.flags % 3])
        case "resume":
            return resume(ex)
        case "auction":
            return resume(ex, auction_seconds=1 + step.flags)
        case "jump":
            return ex.price(str(1000 + 5 * step.offset))
        case "pause":
            ex.wait(11 * SECOND)
            return ex.price("1000")
        case "switch":
            return switch(ex, ("kill_switch", "maintenance")[step.flags % 2], on=step.side == "buy")
        case "tier":
            return tier(ex, per_minute=step.flags, per_hour=30)
        case "standing":
            return terms(ex, TRADERS[step.who], standing=("active", "reduce_only", "suspended")[step.flags % 3])
        case "loss":
            return limits(ex, max_daily_loss=str(step.amount), max_position=str(step.amount * 4))
    version = next(iter(ex.state.markets.values())).status.version
    cap = f"{step.amount / 300 + 0.1:.1f}"
    return change(ex, version, limits=LIMITS.model_copy(update={"open_interest_cap": cap}))


def venue() -> Exchange:
    ex = Exchange(limits=LIMITS)
    for trader in TRADERS:
        ex.deposit(trader, "300")
    ex.insure("100")
    return ex


@settings(max_examples=60, deadline=None)
@given(DAYS)
def test_venue_flw_001_money_positions_and_books_agree_after_every_command(day: list[Step]) -> None:
    """VENUE-FLW-001: and trades happen only where the market matches, or at the end of an auction, never one under a
    switch."""
    ex = venue()
    for number, step in enumerate(day):
        before, said = state_of(ex), len(ex.effects.emitted)
        act(ex, number, step)
        events = ex.effects.emitted[said:]
        booked = [trade for trade in of(events, TradeExecuted) if trade.origin in ("book", "liquidation")]
        if booked and before in ("post_only", "auction", "halted"):
            assert of(events, MarketStateChanged)
            assert of(events, AuctionUncrossed)
        if ex.state.venue.stopped_by is not None:
            assert not of(events, AuctionUncrossed)


@settings(max_examples=30, deadline=None)
@given(DAYS, st.integers(2, 9))
def test_venue_flw_002_restarts_change_nothing(day: list[Step], often: int) -> None:
    """VENUE-FLW-002: the same commands give the same events and rows, whenever the process was started anew."""
    steady, restarted = venue(), venue()
    for number, step in enumerate(day):
        if number % often == 0:
            restarted.restart()
        for ex in (steady, restarted):
            act(ex, number, step)
    for ex in (steady, restarted):
        ex.commit()
    assert [event.model_dump() for event in steady.effects.emitted] == [
        event.model_dump() for event in restarted.effects.emitted
    ]
    assert steady.tables == restarted.tables
