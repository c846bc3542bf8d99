"""One Idempotency-Key, one effect: at once, again, over processes, after a death at work, and by another person."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from cleartide.store.truth import TruthStore

from services.gateway.app import SERVICE
from services.gateway.edge.errors import ApiError
from services.gateway.identity import idempotency
from services.gateway.identity.idempotency import Answer, Idempotency, Place, fingerprint
from services.gateway.identity.secret import Secrets
from tests.support.schema import migrated
from tests.support.servers import Database

AT_ONCE = 200
PROCESSES = 3


class Work:
    """Something that must happen once, and counts how often it did."""

    def __init__(self, status: int = 201) -> None:
        self.times, self.status = 0, status
        self.begun, self.go = asyncio.Event(), asyncio.Event()
        self.go.set()

    async def __call__(self) -> Answer:
        self.times += 1
        self.begun.set()
        await self.go.wait()
        return Answer(self.status, "application/json", b'{"order": %d}' % self.times)


@pytest.fixture
async def store(database: Database) -> AsyncIterator[TruthStore]:
    """The gateway's schema."""
    await migrated(database, SERVICE.fold, SERVICE.migrations)
    async with TruthStore.open(database.dsn("gateway"), "gateway", connections=6) as opened:
        yield opened


def place(body: bytes = b"{}", user: str = "u1", route: str = "POST /orders", key: str = "k") -> Place:
    return Place(user, route, key, fingerprint("POST", "/orders", body, {"content-type": "application/json"}))


def process(store: TruthStore) -> Idempotency:
    """As a process of its own would have it."""
    return Idempotency(store, Secrets(store, "a secret"))


async def test_of_many_at_once_one_runs_and_all_get_its_answer(store: TruthStore) -> None:
    """GW-IDEM-001: of hundreds of requests at once, in several processes, one runs; all are told what it was told."""
    work, processes = Work(), [process(store) for _ in range(PROCESSES)]
    answers = await asyncio.gather(*(processes[n % PROCESSES].once(place(), work) for n in range(AT_ONCE)))
    assert work.times == 1
    assert {(answer.status, answer.body) for answer in answers} == {(201, b'{"order": 1}')}
    assert sum(not answer.replayed for answer in answers) == 1
    assert (await process(store).once(place(), work)).replayed
    async with store.acting() as truth:
        [row] = await truth.fetch("SELECT body, expires_at - answered_at AS lasts FROM idempotency_keys")
    assert b"order" not in row["body"], "it is kept sealed"
    assert 86_390_000_000 < row["lasts"] <= 86_400_000_000


async def test_another_body_another_route_another_person(store: TruthStore) -> None:
    """GW-IDEM-002: a key with another body is refused; on another route, or by another person, it is another key."""
    work, one = Work(), process(store)
    await one.once(place(), work)
    with pytest.raises(ApiError, match="idempotency_key_reused"):
        await one.once(place(b'{"size": 2}'), work)
    assert (await one.once(place(user="u2"), work)).body == b'{"order": 2}'
    assert (await one.once(place(route="POST /transfers"), work)).body == b'{"order": 3}'
    assert (await one.once(place(key="other"), work)).body == b'{"order": 4}'
    assert (await one.once(place(), work)).body == b'{"order": 1}'


@pytest.mark.parametrize(("status", "kept"), [(201, True), (422, True), (404, True), (503, False), (429, False)])
async def test_what_failed_on_our_side_is_tried_again(store: TruthStore, status: int, kept: bool) -> None:
    """GW-IDEM-003: a verdict is kept; a failure of ours is not, and neither is an answer about the moment."""
    work = Work(status)
    for _ in range(2):
        assert (await process(store).once(place(), work)).status == status
    assert work.times == (1 if kept else 2)


async def test_who_died_at_work_gives_way(store: TruthStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """GW-IDEM-004: while the first is at work others are told 409; when it has died one other runs."""
    monkeypatch.setattr(idempotency, "WAIT_SECONDS", 0.3)
    dead, work = Work(), Work()
    dead.go.clear()
    first = asyncio.create_task(process(store).once(place(), dead))
    await dead.begun.wait()
    with pytest.raises(ApiError, match="409 request_in_progress"):
        await process(store).once(place(), work)
    async with store.acting() as truth:
        await truth.change("idempotency_keys", {"key": "k"}, lease_until=1)
    monkeypatch.setattr(idempotency, "WAIT_SECONDS", 30.0)
    answers = await asyncio.gather(*(process(store).once(place(), work) for _ in range(3)))
    assert (work.times, {answer.body for answer in answers}) == (1, {b'{"order": 1}'})
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)


async def test_a_day_later_the_key_is_new(store: TruthStore) -> None:
    """GW-IDEM-005: an answer is kept for a day; after it the key is a new one."""
    work = Work()
    await process(store).once(place(), work)
    async with store.acting() as truth:
        await truth.change("idempotency_keys", {"key": "k"}, expires_at=1)
    assert (await process(store).once(place(), work)).body == b'{"order": 2}'
