"""A batch of late states of a vault that many hold: bounded in rows and in work, and the same days in the end."""

from typing import Any

import pytest

from services.vaults.domain import ledger
from services.vaults.tests.chain import DAY, START, Harness, delivery, deposit, stake, state
from tests.support.fold_bench import FoldBench

HOLDERS = 1_000
LATE = 6
MOST = 5_000


def history(holders: int = HOLDERS) -> Harness:
    """A vault with many holders, three days of which are closed."""
    harness = Harness()
    events = [state(1, START, 10**12, 10**12)]
    events += [deposit(10 + n, START + n, f"owner-{n:05}", 10**6, 10**6) for n in range(holders)]
    for day in range(1, 4):
        events.append(state(10_000 + day, START + day * DAY, 10**12 + day * 10**9, 10**12))
        events += [stake(20_000 + day * 100 + n, START + day * DAY + 1 + n, "nobody", 1) for n in range(5)]
    for place in range(0, len(events), 200):
        _deliver(harness, events[place : place + 200])
    return harness


def _deliver(harness: FoldBench, events: list[Any], most_rows: int | None = None) -> list[int]:
    """The events as one batch; returns how many day rows each commit has."""
    clock = START + 3 * DAY + 600
    first = harness.progress.stream_seq + 1
    messages = [delivery(each, clock)._replace(stream_seq=first + n) for n, each in enumerate(events)]
    decoded, days = harness.folder.decode(messages), []
    while decoded:
        commit, counts = harness.folder.fold(decoded, "", "stream", most_rows=most_rows)
        decoded = decoded[counts.messages :]
        harness.schema.write(commit.changes)
        harness.schema.say(commit.outbox)
        harness.schema.progress = commit.after
        days.append(sum(len(rows) for table, rows in commit.changes.rows.items() if table.name == "vault_days"))
    return days


def late_states() -> list[Any]:
    """Each is the last of a day that is closed, so that it decides the day anew."""
    return [state(50_000 + n, START + DAY + 10**9 + n, 10**12 + n * 10**6, 10**12) for n in range(LATE)]


def test_late_states_of_a_vault_that_many_hold_are_cut_into_bounded_commits(monkeypatch: pytest.MonkeyPatch) -> None:
    """VLT-LATE-003: a thousand holders and a batch of late states; rows and valuations are counted, not seconds."""
    harness = history()
    valued = 0
    worth = ledger._worth

    def counting(*arguments: Any) -> int:
        nonlocal valued
        valued += 1
        return worth(*arguments)

    monkeypatch.setattr(ledger, "_worth", counting)
    rows = _deliver(harness, late_states(), MOST)
    # Every state changes its day and the start of the next one, for each holder.
    assert rows == [3 * HOLDERS * 2] * (LATE // 3)
    assert max(rows) < MOST + 2 * HOLDERS
    # Before and after, two days and the end of the day before them; and of each month its two ends, once a commit.
    assert valued <= HOLDERS * (LATE * 6 + len(rows) * 2)


def test_the_cut_shows_nowhere() -> None:
    """VLT-LATE-003: the same tables and the same telling as in one commit."""
    whole, cut = history(200), history(200)
    few = late_states()[:4]
    assert len(_deliver(whole, few)) == 1
    assert len(_deliver(cut, few, 800)) == 2
    assert cut.tables == whole.tables
