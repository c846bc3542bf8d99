"""The simulation is only as good as its store and workload: both are held against the real thing."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from random import Random
from typing import Any

import asyncpg
import msgspec
import pytest
from cleartide.bus.faults import CRASH_POINTS
from cleartide.bus.ports import Commit, Delivery, Fenced, OutboxRow, Progress, Store
from cleartide.fold import Changes, Table
from cleartide.store.digest import events_of

from tests.simulation.chance import Chance, Crash, Temper
from tests.simulation.loop import NothingHappens, VirtualTimeLoop, run_virtually
from tests.simulation.runs import checked_seed
from tests.simulation.store import ConstraintBroken, Schema, SimulatedStore
from tests.simulation.world import World
from tests.support.servers import Database

STATE = Table("state", key=("k",), columns={"k": "text", "v": "bigint"})
PAIRS = Table("pairs", key=("a", "b"), columns={"a": "integer", "b": "integer"})
HISTORY = Table("history", key=("n",), columns={"n": "bigint", "what": "text"}, write="append")
FIRSTS = Table("firsts", key=("n",), columns={"n": "bigint", "what": "text"}, write="ignore")
TABLES = (STATE, PAIRS, HISTORY, FIRSTS)
MIGRATION = """-- migrate:up
CREATE TABLE state (k text PRIMARY KEY, v bigint);
CREATE TABLE pairs (a integer, b integer, PRIMARY KEY (a, b));
CREATE TABLE history (n bigint PRIMARY KEY, what text);
CREATE TABLE firsts (n bigint PRIMARY KEY, what text);
CREATE TABLE journal (stream_seq bigint PRIMARY KEY, at bigint NOT NULL, subject text NOT NULL, payload bytea NOT NULL);
"""
REFUSALS = (Fenced, ConstraintBroken, asyncpg.UniqueViolationError)


async def _no_wait() -> None:
    """The simulated store without its network."""


def changes_of(random: Random) -> Changes:
    """A batch as folds make them, now and then with a key of the history used again."""
    changes = Changes()
    keys = random.sample("abcdef", random.randint(0, 4))
    for key in keys[:2]:
        changes.put(STATE, (key, random.choice((None, random.randint(-(2**63), 2**63 - 1)))))
    for key in keys[2:]:
        changes.delete(STATE, (key,))
    for number in random.sample(range(60), random.randint(0, 2)):
        changes.put(HISTORY, (number, "€ 'quoted' \\"))
    for _ in range(random.randint(0, 3)):
        changes.put(FIRSTS, (random.randint(0, 9), random.choice("xyz")))
    pairs = {(random.randint(0, 3), random.randint(0, 3)) for _ in range(3)}
    changes.put_all(PAIRS, sorted(pairs))
    for pair in ((a, b) for a in range(4) for b in range(4)):
        if pair not in pairs and random.random() < 0.1:
            changes.delete(PAIRS, pair)
    return changes


class Caller:
    """Drives one store through the same calls as the other, noting every answer."""

    def __init__(self, store: Store, seed: int) -> None:
        self.store, self.random = store, Random(seed)
        self.answers: list[Any] = []

    async def run(self, steps: int) -> list[Any]:
        """Batches, takeovers, stale batches and questions."""
        epoch = await self.store.begin()
        progress, heads = epoch.progress, dict(epoch.last_seq)
        for number in range(1, steps + 1):
            draw = self.random.random()
            if draw < 0.15:
                epoch = await self.store.begin(self.random.choice((0, epoch.number)))
                self.answers.append(epoch)
                progress, heads = epoch.progress, dict(epoch.last_seq)
                continue
            stale = draw > 0.9
            after = Progress(progress.position + self.random.randint(1, 3), number, "created", number)
            rows = [
                OutboxRow(channel, heads.get(channel, 0) + 1, heads.get(channel, 0) + 2, "s", b"[1,2]", "")
                for channel in ("EVENTS", "RISK")
                if self.random.random() < 0.5
            ]
            commit = Commit(
                epoch=epoch.number - stale,
                before=progress,
                after=after,
                changes=changes_of(self.random),
                outbox=rows,
                published_seq={channel: self.random.randint(0, seq) for channel, seq in sorted(heads.items())},
                journal=[Delivery(progress.position + 1, 5, "orders.X", b"\x00", "", 0)],
            )
            if await self._accepted(commit):
                progress = after
                heads |= {row.channel: row.last_seq for row in rows}
        await self.store.mark_published(epoch.number, heads)
        self.answers += [await self.store.begin(), dict(await self.store.load(TABLES))]
        self.answers += [list(await self.store.unpublished(channel, 2, 3)) for channel in ("EVENTS", "RISK", "NONE")]
        return self.answers

    async def _accepted(self, commit: Commit) -> bool:
        try:
            await self.store.commit(commit)
        except REFUSALS as refused:
            self.answers.append("fenced" if isinstance(refused, Fenced) else "refused")
            return False
        self.answers.append("written")
        return True


@pytest.mark.parametrize("seed", range(1, 6))
async def test_the_simulated_store_answers_as_postgres_does(database: Database, seed: int) -> None:
    """The same random calls on both: rows, outbox, positions, fences and refusals are the same."""
    await database.migrator("matching", m0001_tables=MIGRATION).migrate()
    real = database.store("matching")
    simulated = TransactionalStore("matching", Schema(), Chance(1, "fidelity", Temper()), _no_wait)
    try:
        expected = await Caller(real, seed).run(120)
    finally:
        await real.close()
    answers = await Caller(simulated, seed).run(120)
    assert answers == expected
    assert {"written", "fenced", "refused"} <= {answer for answer in answers if isinstance(answer, str)}


class TransactionalStore(SimulatedStore):
    """A run of the simulation ends at a broken constraint; here it goes on, so the batch is undone first."""

    def apply(self, commit: Commit) -> None:
        """All or nothing."""
        before = {name: dict(rows) for name, rows in self.schema.tables.items()}
        try:
            super().apply(commit)
        except ConstraintBroken:
            self.schema.tables = before
            raise


FEW = 30


def missing(
    wanted: Iterable[str], found: Callable[[World], Iterable[str]], seeds: int = FEW, **changes: Any
) -> set[str]:
    """What does not come about within a few seeds; those after which nothing is missing are left to test_seeds."""
    left = set(wanted)
    for seed in range(1, seeds + 1):
        left -= set(found(checked_seed(seed, **changes)))
        if not left:
            break
    return left


def happened(world: World) -> Iterable[str]:
    """Faults, and what they led to."""
    return world.events


def said(world: World) -> Iterator[str]:
    """The types of all that the services say."""
    for row in (row for schema in world.schemas.values() for row in schema.outbox):
        yield from (msgspec.json.decode(event)["type"] for event in events_of(row.payload))


def test_a_run_is_not_a_calm_one() -> None:
    """Crashes at every point, freezes, takeovers and repeats all happen within a few seeds."""
    crashes = (f"crash {point}" for point in CRASH_POINTS)
    assert missing({"fenced", "frozen", "outsider repeats", "stop", *crashes}, happened) == set()


def test_a_run_is_a_whole_venue() -> None:
    """Every service says something in a few seeds: trades, refusals, liquidations, funding, days, candles."""
    wanted = {
        "TradeExecuted",
        "OrderAccepted",
        "OrderClosed",
        "OrderRejected",
        "TransferRejected",
        "LiquidationExecuted",
        "LiquidationRejected",
        "PremiumSampled",
        "FundingSettled",
        "RiskAlertRaised",
        "EarningsDayRecorded",
        "CandleClosed",
        "DeadLettered",
        "UpdateIndexPrice",
    }
    assert missing(wanted, said) == set()


def test_standbys_take_over_warm() -> None:
    """Within a few seeds, from crashed processes, frozen ones and such as were stopped."""
    assert missing({"warm takeover", "fenced", "frozen"}, happened, seeds=5, standbys=True) == set()


def test_virtual_time_jumps_and_never_waits() -> None:
    """A day of waiting passes at once, in order; a stop that no timer ends is an error, not a hang."""
    order: list[str] = []

    async def sleeper(name: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        order.append(name)

    async def both() -> float:
        await asyncio.gather(sleeper("late", 86_400), sleeper("early", 1), sleeper("same", 1))
        return asyncio.get_running_loop().time()

    assert run_virtually(both()) == pytest.approx(86_400)
    assert order == ["early", "same", "late"]

    async def stuck() -> None:
        await asyncio.get_running_loop().create_future()

    loop = VirtualTimeLoop()
    task = loop.create_task(stuck())
    with pytest.raises(NothingHappens):
        loop.run_until_complete(task)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        loop.run_until_complete(task)
    loop.close()


def test_a_crash_is_no_exception_that_code_can_swallow() -> None:
    """Handlers of errors do not live through the end of their process."""
    chance = Chance(1, "x", Temper(crash=1.0))
    with pytest.raises(Crash):
        try:
            chance.reach("after_fold")
        except Exception:
            pytest.fail("a crash was handled")
