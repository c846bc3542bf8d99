"""Whatever the order, however often, whatever is taken back: every day is what the events that hold add up to."""

from typing import Any

import pytest
from cleartide.rules.calendar import month_of
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.vaults.domain import state as state_module
from services.vaults.tests.chain import DAY, Harness, closing, delivery, disturbed, figures, random_events
from services.vaults.tests.eager import eager_days

seeds = st.integers(0, 10**9)


def fold(events: list[Any], *, restarts: int = 0) -> Harness:
    harness = Harness()
    for place, each in enumerate(events, start=1):
        harness.take(each)
        if restarts and place % restarts == 0:
            harness.restart()
    return harness


@given(seeds, st.integers(1, 60), st.integers(1, 9))
@settings(max_examples=80, deadline=None)
def test_every_day_is_what_its_events_add_up_to(seed: int, count: int, days: int) -> None:
    """VLT-DAY-001, VLT-DAY-002, VLT-LATE-001: late, repeated and retracted events end in the days of the rest."""
    events = random_events(seed, count, days, owners=5)
    told = [*disturbed(events, seed), *closing(events, 10_000)]
    harness = fold(told)
    closed_before = max(each.block_time for each in told) // DAY * DAY
    current = {key: figures(row) for key, row in harness.current().items()}
    assert current == eager_days(told, closed_before)
    for row in harness.rows("vault_days"):
        start, end, deposits, withdrawals, fees, earned = figures(row)
        assert end - start == deposits - withdrawals + earned - fees


@given(seeds, st.integers(1, 50), st.integers(1, 7))
@settings(max_examples=40, deadline=None)
def test_the_same_input_twice_changes_nothing(seed: int, count: int, days: int) -> None:
    """VLT-ONCE-001: a whole replay by the indexer leaves every table and says nothing."""
    events = disturbed(random_events(seed, count, days, owners=5), seed)
    harness = fold(events)
    tables = {name: dict(rows) for name, rows in harness.tables.items() if name != "chain_cursors"}
    said = len(harness.published)
    closed = harness.state.swept
    harness.take(*events)
    assert len(harness.published) == said
    assert {name: rows for name, rows in harness.tables.items() if name != "chain_cursors"} == tables
    assert harness.state.swept == closed


@given(seeds, st.integers(1, 50), st.integers(1, 7), st.integers(1, 9))
@settings(max_examples=40, deadline=None)
def test_restarts_change_nothing(seed: int, count: int, days: int, restarts: int) -> None:
    """VLT-REBUILD-001: tables and stream are the same however often the service started."""
    events = disturbed(random_events(seed, count, days, owners=5), seed)
    whole, again = fold(events), fold(events, restarts=restarts)
    assert again.tables == whole.tables
    assert again.published == whole.published


@example(394, 33, 3, 1)
@given(seeds, st.integers(2, 50), st.integers(2, 7), st.sampled_from((1, 3)))
@settings(max_examples=30, deadline=None)
def test_closing_in_small_steps_ends_in_the_same_days(seed: int, count: int, days: int, closes: int) -> None:
    """VLT-DAY-003: a bounded number of lines closes with one event, and what holds in the end is the same."""
    events = random_events(seed, count, days, owners=5)
    told = [*disturbed(events, seed), *closing(events, 10_000)]
    whole = fold(told)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(state_module, "CLOSES_PER_EVENT", closes)
        slow = fold(told, restarts=7)
    assert {k: figures(r) for k, r in slow.current().items()} == {k: figures(r) for k, r in whole.current().items()}
    assert slow.rows("vault_months") == whole.rows("vault_months")


@given(seeds, st.integers(1, 50), st.integers(1, 80))
@settings(max_examples=40, deadline=None)
def test_a_month_is_the_sum_of_its_days(seed: int, count: int, days: int) -> None:
    """VLT-MONTH-001: kept by adding and taking away, equal to adding up what holds."""
    events = random_events(seed, count, days, owners=3)
    harness = fold([*disturbed(events, seed), *closing(events, 10_000)])
    sums: dict[Any, list[int]] = {}
    for (owner, protocol, asset, _), row in harness.current().items():
        month = month_of(row["day"])
        total = sums.setdefault((owner, protocol, asset, month), [0] * 7)
        for place, amount in enumerate((*figures(row)[2:], 1)):
            total[place] += amount
        total[5] += row["return_1e12"] is not None
        total[6] += row["return_1e12"] or 0
    names = ("deposits", "withdrawals", "fees", "earned", "active_days", "return_days", "return_sum")
    kept = {
        (row["owner"], row["protocol"], row["asset"], row["month"]): [row[name] for name in names]
        for row in harness.rows("vault_months")
        if row["active_days"]
    }
    assert kept == sums


def test_one_batch_or_many_is_the_same() -> None:
    """VLT-REBUILD-002: how deliveries are cut into batches shows nowhere."""
    events = disturbed(random_events(3, 120, 6, owners=6), 3)
    singly, together = fold(events), Harness()
    batch, clock = [], 0
    for place, each in enumerate(events, start=1):
        clock = max(clock, each.block_time)
        batch.append(delivery(each, clock)._replace(stream_seq=place))
    together.deliver_all(batch)
    assert together.tables == singly.tables
    assert together.published == singly.published
