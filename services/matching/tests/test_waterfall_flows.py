"""Whatever happens in a market with rules of liquidation: no fund below zero, nothing lost, nobody healthy touched.

`Exchange` checks after every command that money sums to zero, that lots do, and that no fund is overdrawn.
"""

from fractions import Fraction
from itertools import pairwise
from typing import Any

from cleartide.contracts import (
    InsuranceChanged,
    InsuranceFunded,
    LiquidationExecuted,
    Message,
    PositionChanged,
    PositionDeleveraged,
    TransferApplied,
)
from cleartide.fold import Reject
from cleartide.rules.margin import is_liquidatable
from hypothesis import given, settings
from hypothesis import strategies as st

from services.matching.domain.waterfall.score import lamps, places, score
from services.matching.tests.flows import TRADERS, Step, flows, perform
from services.matching.tests.ruled import figures, insurance, rules
from services.matching.tests.support import Exchange, of

KINDS: tuple[dict[str, Any], ...] = (
    {"min_notional_quanta": 20_000_000, "large_notional_quanta": 100_000_000, "cooldown_micros": 2_000_000},
    {"stress_ppb": 0, "disposal_ppb": 1_000_000_000},
    {"stress_ppb": 500_000_000, "grace_micros": 3_000_000, "keeper_share_ppb": 1_000_000_000},
    {"position_cap_quanta": 0},
)


def opened(kind: int) -> Exchange:
    """Everybody has little, so that all means of the waterfall are needed."""
    ex = Exchange(liquidation=rules(**KINDS[kind]))
    for trader in TRADERS:
        ex.deposit(trader, "40")
    return ex


def run(ex: Exchange, steps: list[Step], restart_every: int = 0) -> list[Message]:
    """All steps; after each, whoever is due is liquidated, as risk would ask for."""
    for number, step in enumerate(steps):
        perform(ex, number, step)
        for trader in TRADERS:
            _liquidate(ex, trader)
        if restart_every and number % restart_every == 0:
            ex.restart()
    ex.commit()
    return ex.effects.emitted


def _liquidate(ex: Exchange, trader: str) -> None:
    """What a liquidation may do, and what it must leave behind."""
    before = figures(ex, trader)
    due = is_liquidatable(before.equity_quanta, before.maintenance_margin_quanta)
    held = {name: holding.lots for name, holding in ex.state.accounts[trader].holdings.items() if holding.lots}
    try:
        said = ex.liquidate(trader)
    except Reject:
        return
    steps = of(said, LiquidationExecuted)
    assert due or not steps, f"{trader} is healthy: {before}"
    if not steps:
        return
    assert all(abs(ex.lots(trader, name)) <= abs(lots) for name, lots in held.items())
    after = figures(ex, trader)
    healthy = not is_liquidatable(after.equity_quanta, after.maintenance_margin_quanta)
    waits = {step.waits for step in steps}
    assert healthy or waits != {None}, f"{trader} is neither safe nor empty, and nobody says why: {after}"
    for step in steps:
        closed = step.closed_lots + step.taken_over_lots + step.deleveraged_lots
        assert step.equity_before_quanta < step.maintenance_margin_before_quanta
        assert closed * held[step.market] >= 0


@settings(max_examples=25, deadline=None)
@given(st.integers(0, len(KINDS) - 1), flows)
def test_match_wtf_021_nobody_healthy_is_closed_and_nobody_is_left_below_maintenance_without_a_reason(
    kind: int, steps: list[Step]
) -> None:
    """MATCH-WTF-021: it is at or above maintenance, or empty, or it is said what the rest waits for."""
    run(opened(kind), steps)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, len(KINDS) - 1), flows)
def test_match_wtf_022_the_fund_is_never_below_zero_and_events_tell_all_of_it(kind: int, steps: list[Step]) -> None:
    """MATCH-WTF-022: what came in and went out, by events alone; cash and lots of everybody likewise."""
    ex = opened(kind)
    fund, cash, lots = 0, dict.fromkeys(TRADERS, 0), dict.fromkeys(TRADERS, 0)
    for event in run(ex, steps):
        if isinstance(event, InsuranceFunded | InsuranceChanged):
            fund += event.amount_quanta if isinstance(event, InsuranceFunded) else event.change_quanta
            assert fund == event.balance_quanta >= 0
        elif isinstance(event, TransferApplied) and event.account in cash:
            cash[event.account] = event.cash_quanta
        elif isinstance(event, PositionChanged) and event.account in cash:
            cash[event.account], lots[event.account] = event.cash_quanta, event.lots
        elif isinstance(event, PositionDeleveraged):
            assert event.rank <= event.candidates
    assert fund == insurance(ex)
    assert cash == {trader: ex.cash(trader) for trader in TRADERS}
    assert lots == {trader: ex.lots(trader) for trader in TRADERS}


@settings(max_examples=10, deadline=None)
@given(st.integers(0, len(KINDS) - 1), flows, st.integers(1, 5))
def test_match_wtf_023_restarts_change_nothing(kind: int, steps: list[Step], restart_every: int) -> None:
    """MATCH-WTF-023: cooldowns, graces and the fund's position come back as they were."""
    steady, restarted = opened(kind), opened(kind)
    assert run(steady, steps) == run(restarted, steps, restart_every)
    assert steady.tables == restarted.tables


@given(st.lists(st.tuples(st.integers(-3, 3), st.integers(1, 3), st.integers(-2, 2), st.text("ab", max_size=3))))
def test_match_wtf_029_scores_are_ranked_exactly_where_floors_cannot_tell_them_apart(
    near: list[tuple[int, int, int, str]],
) -> None:
    """MATCH-WTF-029: a unit in 10^24 decides who is deleveraged first, and the name where nothing else does."""
    scored = [(gain * 10**24 + unit, cost * 10**24, name) for gain, cost, unit, name in near]
    ranked = [scored[place] for place in places(scored)]
    assert ranked == sorted(scored, key=lambda each: (-Fraction(each[0], each[1]), each[2]))


@given(st.lists(st.tuples(st.integers(-100, 100), st.integers(1, 100), st.integers(1, 100)), min_size=1, max_size=30))
def test_match_wtf_024_lamps_rise_with_the_score_and_equal_scores_have_equal_lamps(
    positions: list[tuple[int, int, int]],
) -> None:
    """MATCH-WTF-024: five lamps; the first to be closed always shows five."""
    scores = [score(-cost, cost + profit, equity) for profit, cost, equity in positions]
    shown = lamps(scores)
    assert set(shown) <= {1, 2, 3, 4, 5}
    assert shown[scores.index(max(scores))] == 5
    pairs = sorted(zip(scores, shown, strict=True))
    assert all(a[1] <= b[1] for a, b in pairwise(pairs))
    assert len(set(pairs)) == len(set(scores))
