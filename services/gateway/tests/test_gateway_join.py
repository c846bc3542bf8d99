"""Joining the alert feed while it grows: nothing is lost, nothing comes twice, whatever the timing."""

import asyncio
from collections.abc import Sequence

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from services.gateway.edge.metrics import EdgeMetrics
from services.gateway.live.alerts import Alert, AlertHub, AlertSubscription, BeyondFeed
from services.gateway.live.mailbox import Mailbox
from services.gateway.live.pump import pump
from services.gateway.queries import AlertRow


class Feed:
    """The table as it grows, with reads that take a number of turns of the loop."""

    def __init__(self, turns: Sequence[int]) -> None:
        self.rows: list[AlertRow] = []
        self._turns, self._reads = turns, 0

    async def _pause(self) -> None:
        self._reads += 1
        for _ in range(self._turns[self._reads % len(self._turns)]):
            await asyncio.sleep(0)

    async def after(self, seq: int, account: str | None, limit: int) -> list[AlertRow]:
        await self._pause()
        found = [row for row in self.rows if row.seq > seq and account in (None, row.account)][:limit]
        await self._pause()
        return found

    async def latest(self, account: str | None, limit: int) -> list[AlertRow]:
        await self._pause()
        found = [row for row in self.rows if account in (None, row.account)][-limit:]
        await self._pause()
        return found

    async def head(self) -> int:
        await self._pause()
        return self.rows[-1].seq if self.rows else 0


class Numbers:
    """A format that says only which alerts were told, and whether live."""

    def page(self, alerts: Sequence[Alert], seq: int, *, complete: bool) -> bytes:
        return msgspec.json.encode([alert.seq for alert in alerts])

    def live(self, alert: Alert) -> bytes:
        return msgspec.json.encode([alert.seq])


async def _present(rows: Sequence[AlertRow]) -> list[Alert]:
    await asyncio.sleep(0)
    return [Alert(row.seq, row.account, b"{}") for row in rows]


async def _scenario(
    before: int, bursts: list[int], account: str | None, cursor: int | None, turns: list[int], join_at: int
) -> tuple[list[int], list[int]]:
    """(told, expected) of a client that joins while bursts of alerts are committed and broadcast."""
    feed = Feed(turns)
    hub = AlertHub(feed, _present, EdgeMetrics(CollectorRegistry()), page=3)
    names = ["a1", "a2"]

    def commit(count: int) -> None:
        for _ in range(count):
            seq = len(feed.rows) + 1
            feed.rows.append(AlertRow(seq, names[seq % 2], "{}"))

    async def broadcast() -> None:
        while await hub._read():
            pass

    commit(before)
    await broadcast()
    mailbox = Mailbox(10_000)
    subscription = AlertSubscription(mailbox, Numbers(), account=account, cursor=cursor, newest=2)
    joining: asyncio.Task[None] | None = None
    for number, burst in enumerate(bursts):
        if number == join_at:
            joining = asyncio.create_task(hub.join(subscription))
            await asyncio.sleep(0)
        commit(burst)
        await broadcast()
    await (joining or asyncio.create_task(hub.join(subscription)))
    await broadcast()
    told = [seq for _ in range(len(mailbox)) for seq in msgspec.json.decode(await mailbox.take())]
    mine = [row.seq for row in feed.rows if account in (None, row.account)]
    return told, [seq for seq in mine if seq > (cursor or 0)]


@settings(max_examples=150)
@given(
    before=st.integers(0, 12),
    bursts=st.lists(st.integers(0, 7), min_size=1, max_size=8),
    account=st.sampled_from([None, "a1"]),
    place=st.integers(0, 12),
    turns=st.lists(st.integers(0, 4), min_size=1, max_size=5),
    join_at=st.integers(0, 8),
)
def test_resuming_tells_every_alert_once_in_order(
    before: int, bursts: list[int], account: str | None, place: int, turns: list[int], join_at: int
) -> None:
    """GW-LIVE-005: from any place, at any moment, at any speed of the table, a client gets exactly what follows."""
    told, expected = asyncio.run(_scenario(before, bursts, account, min(place, before), turns, join_at))
    assert told == expected


@given(before=st.integers(0, 9), bursts=st.lists(st.integers(0, 5), min_size=1, max_size=5), join_at=st.integers(0, 5))
def test_beginning_with_the_newest_tells_an_unbroken_tail(before: int, bursts: list[int], join_at: int) -> None:
    """GW-LIVE-006: without a place a client gets the newest alerts and then every further one."""
    told, expected = asyncio.run(_scenario(before, bursts, None, None, [1, 2], join_at))
    assert told == expected[len(expected) - len(told) :]
    assert len(told) >= min(2, before)


async def test_a_place_beyond_the_feed_is_refused() -> None:
    """GW-LIVE-007: after the feed was made anew old numbers mean other alerts; the client is told where it ends."""
    feed = Feed([0])
    feed.rows = [AlertRow(1, "a1", "{}")]
    hub = AlertHub(feed, _present, EdgeMetrics(CollectorRegistry()))
    subscription = AlertSubscription(Mailbox(10), Numbers(), account=None, cursor=2)
    try:
        await hub.join(subscription)
    except BeyondFeed as verdict:
        assert verdict.head == 1
    else:
        raise AssertionError("the place was accepted")


async def test_a_burst_cuts_off_nobody_who_reads() -> None:
    """GW-LIVE-008: a page of alerts at once passes through a mailbox that is smaller than it."""
    feed, told = Feed([0]), list[int]()
    hub = AlertHub(feed, _present, EdgeMetrics(CollectorRegistry()))
    mailbox = Mailbox(16)

    async def send(frame: bytes) -> None:
        told.extend(msgspec.json.decode(frame))

    pumping = asyncio.create_task(pump(mailbox, send, send_seconds=1))
    await hub.join(AlertSubscription(mailbox, Numbers(), account=None, cursor=0))
    feed.rows = [AlertRow(seq, "a1", "{}") for seq in range(1, 401)]
    await hub._read()
    await asyncio.sleep(0.01)
    pumping.cancel()
    assert told == list(range(1, 401))
    assert not mailbox.overflowed.is_set()
