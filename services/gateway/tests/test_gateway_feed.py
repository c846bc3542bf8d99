"""What becomes of an alert: one feed row, and the account's newest level."""

from typing import Any, Never

from cleartide.contracts import Message, RiskAlertRaised
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.handlers import on_alert
from services.gateway.repository import ALERT_ACCOUNT_STATE, ALERT_FEED, ALERT_SOURCES, AlertRepository
from services.gateway.tests.support import alert


class Silence:
    """Effects of a service that says nothing."""

    at, seq = 0, 0

    def emit(self, contract: type[Message], **body: Any) -> Never:
        raise AssertionError(f"the gateway said {contract.__name__}")


def test_an_alert_is_kept_whole_under_its_seq() -> None:
    """GW-FEED-001: what the table holds is the event, to the last field."""
    repository = AlertRepository()
    feed, event = repository.restore({}), alert(7)
    on_alert(feed, event, Silence())
    rows = repository.collect(feed).rows
    [row] = rows[ALERT_FEED]
    assert row[:5] == (7, "a1", "watch", 7, event.occurred_at)
    assert RiskAlertRaised.model_validate_json(row[5]) == event


@given(st.lists(st.sampled_from(["a1", "a2", "a3"]), max_size=30), st.integers(1, 5))
def test_every_account_ends_at_its_last_level(accounts: list[str], batch: int) -> None:
    """GW-FEED-002: however alerts fall into batches, no alert is lost and each account's state is its newest alert."""
    repository = AlertRepository()
    feed = repository.restore({})
    kept: list[int] = []
    newest: dict[str, int] = {}
    for seq, account in enumerate(accounts, start=1):
        on_alert(feed, alert(seq, account), Silence())
        if seq % batch == 0 or seq == len(accounts):
            rows = repository.collect(feed).rows
            kept += [row[0] for row in rows[ALERT_FEED]]
            newest |= {row[0]: row[1] for row in rows[ALERT_ACCOUNT_STATE]}
    assert kept == list(range(1, len(accounts) + 1))
    assert newest == {account: seq for seq, account in enumerate(accounts, start=1)}


def test_nothing_is_collected_twice() -> None:
    """GW-FEED-003: an alert is written once: a second collect has nothing."""
    repository = AlertRepository()
    feed = repository.restore({})
    on_alert(feed, alert(1), Silence())
    repository.collect(feed)
    assert not repository.collect(feed).rows


@given(st.lists(st.tuples(st.integers(0, 2), st.booleans()), max_size=30), st.integers(1, 5))
def test_pools_share_the_feed(told: list[tuple[int, bool]], batch: int) -> None:
    """GW-FEED-004: alerts of several pools have one gapless number; one that is told again is known, after a restart
    and from another stream as well.
    """
    repository = AlertRepository()
    feed, kept, last = repository.restore({}), list[tuple[int, str]](), [0, 0, 0]
    sources: dict[str, int] = {}
    for number, (pool, again) in enumerate(told):
        last[pool] += not again
        event = alert(max(1, last[pool]), f"a{pool}").model_copy(update={"source": f"risk_{pool}", "id": f"{number}"})
        last[pool] = event.seq
        on_alert(feed, event, Silence())
        if number % batch == 0 or number == len(told) - 1:
            rows = repository.collect(feed).rows
            kept += [(row[0], row[1]) for row in rows.get(ALERT_FEED, ())]
            sources |= {row[0]: row[1] for row in rows.get(ALERT_SOURCES, ())}
            feed = repository.restore({ALERT_SOURCES.name: list(sources.items())})
    assert [seq for seq, _ in kept] == list(range(1, len(kept) + 1))
    assert [sum(account == f"a{pool}" for _, account in kept) for pool in range(3)] == last
