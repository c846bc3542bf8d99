"""Looking only at accounts whose fence a price has passed finds exactly what looking at everybody finds."""

import os
import subprocess
import sys

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.risk.engine import ENGINE
from services.risk.engine.fences import MOST_TICKS
from services.risk.engine.tests.drive import Drive
from services.risk.engine.tests.plain import ENTER, LEAVE, required
from services.risk.engine.wheel import MOST_VALUE, Wheel

ONE = [(-1, 100_000_000, 500_000_000)]


def venue(*cash: int) -> tuple[Wheel, list[int]]:
    """Accounts that are long 1,000 quanta per tick of a market at 100,000 with 5 % maintenance margin."""
    wheel = Wheel(ENTER, LEAVE)
    wheel.set_margin(wheel.market(), ONE)
    wheel.move(0, 100_000)
    rows = [wheel.account(number) for number in range(len(cash))]
    for row, amount in zip(rows, cash, strict=True):
        wheel.update(row, 0, 1_000, amount - 100_000_000)
    return wheel, rows


@settings(max_examples=150, deadline=None)
@example(seed=185, scale=1)
@given(seed=st.integers(0, 2**32 - 1), scale=st.sampled_from((1, 30, 1_000)))
def test_the_same_as_judging_everybody(seed: int, scale: int) -> None:
    """RISK-BOX-003: at every price of any walk, with any brackets, at any size of numbers."""
    drive = Drive(seed, markets=3, accounts=12, scale=scale)
    for _ in range(60):
        drive.step()


@pytest.mark.parametrize("seed", ["1", "2"])
def test_both_forms_say_the_same(seed: str) -> None:
    """RISK-BOX-008: compiled and interpreted, the same events and the same looks."""
    if failure := ENGINE.build():
        pytest.skip(f"the engine cannot be compiled here: {failure}")
    said = []
    for form in ("compiled", "interpreted"):
        command = [sys.executable, "-m", "services.risk.engine.tests.drive", seed, "1500"]
        environment = os.environ | {"CLEARTIDE_ENGINE": form}
        root = ENGINE.folder.parents[2]
        done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=True)
        found, *rest = done.stdout.split()
        assert found == form
        said.append(rest)
    assert said[0] == said[1]


def test_one_fence_on_the_side_that_hurts() -> None:
    """RISK-BOX-004: a healthy long has one fence, below it, as near to its threshold as the numbers allow."""
    wheel, _ = venue(20_000_000)
    assert list(wheel.fences) == [1, 0]
    wheel.move(0, 86_488)
    assert (wheel.looks, wheel.out) == (1, [])
    wheel.move(0, 86_486)
    assert [wheel.level(row) for row in wheel.out] == [1]
    assert list(wheel.fences) == [1, 1]


def test_a_tick_takes_only_those_it_passed() -> None:
    """RISK-BOX-005: a price on the bound is inside; beyond it the account is looked at once."""
    wheel, _ = venue(20_000_000, 30_000_000)
    looks = wheel.looks
    wheel.move(0, 99_000)
    wheel.move(0, 120_000)
    assert wheel.looks == looks
    wheel.move(0, 85_000)
    assert (wheel.looks, len(wheel.out)) == (looks + 1, 1)
    wheel.move(0, 70_000)
    assert len(wheel.out) == 2


def test_rows_are_used_again() -> None:
    """RISK-BOX-006: opening and closing positions without end does not grow the rows."""
    wheel, rows = venue(20_000_000, 30_000_000)
    for number in range(3_000):
        wheel.update(rows[0], 0, (number % 3 - 1) * 500, 40_000_000)
    assert wheel.used < 12 * 8


def test_fences_far_away_stay() -> None:
    """RISK-BOX-009: a price that falls by any factor, or rises a millionfold, finds each account once."""
    wheel, _ = venue(*range(20_000_000, 90_000_000, 1_000_000))
    wheel.move(0, 100_000_000)
    assert wheel.out == []
    wheel.move(0, 50_000)
    assert len(wheel.out) == 34
    wheel.move(0, 1)
    assert len(wheel.out) == 37  # of the 34, one was not yet at the worst level


def test_a_gap_judges_each_of_many_once() -> None:
    """RISK-BOX-013: more accounts in one price than are read ahead at once; what is read ahead changes nothing."""
    wheel, rows = venue(*range(20_000_000, 90_000_000, 250_000))
    wheel.expect(rows)
    looks = wheel.looks
    wheel.move(0, 1)
    assert wheel.looks == looks + len(rows) == looks + 280
    assert sorted(wheel.out) == sorted(rows)


@given(notional=st.integers(0, MOST_VALUE - 1), rates=st.lists(st.integers(0, 3 * 10**9), min_size=4, max_size=4))
def test_the_requirement_is_exact(notional: int, rates: list[int]) -> None:
    """RISK-BOX-010: 64-bit arithmetic gives the requirement of unlimited integers, up to the largest position."""
    brackets = [(MOST_VALUE // 1_000, rates[0], rates[1]), (-1, rates[2], rates[3])]
    wheel = Wheel(ENTER, LEAVE)
    wheel.set_margin(wheel.market(), brackets)
    assert wheel.requirement(0, notional) == required(notional, brackets)


def test_what_does_not_fit_is_handed_out() -> None:
    """RISK-BOX-011: a position beyond 64 bits' reach is listed at every price, and judged elsewhere."""
    wheel, rows = venue(20_000_000)
    wheel.update(rows[0], 0, 1 << 36, 0)
    wheel.move(0, 120_000)
    wheel.move(0, MOST_TICKS - 1)
    assert wheel.out == rows
    wheel.watch(rows[0])
    for ticks in (MOST_TICKS - 2, MOST_TICKS - 1):
        wheel.move(0, ticks)
        assert wheel.out == rows
        wheel.watch(rows[0])
