"""Standing by: who is seen to live, what a standby knows, and when it stops trusting it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import asyncpg
import pytest
from cleartide.bus.folder import Fold
from cleartide.bus.health import Health
from cleartide.bus.ports import Epoch, Fenced, Holder, OutboxRow, Progress, Sign
from cleartide.bus.standby import Standby, Watch
from cleartide.bus.worker import Worker
from cleartide.contracts import Deposit, TransferApplied
from cleartide.contracts.codec import encode
from cleartide.fold import Effects
from cleartide.service.epochs import keep_beating, run_epochs, standby_beside
from cleartide.service.progress import BLIND_SECONDS, is_ready
from cleartide.store.lease import LOADING_SECONDS, PostgresLease
from cleartide.telemetry.health import STALLED_SECONDS

from tests.support.bank import BANK, BANK_MIGRATION, BankState, deposit, on_transfer
from tests.support.running import new_worker, until
from tests.support.servers import Broker, Database

PATIENCE = 600.0
"""Nobody is silent for so long, however busy the machine."""
SHORT_PATIENCE = 0.3
BEAT_SECONDS = 0.1


@pytest.fixture
async def bank(database: Database) -> Database:
    """A bank's schema."""
    await database.migrator("matching", m0001_bank=BANK_MIGRATION).migrate()
    return database


def holder(beats: int, *, connected: bool | None = True, patience: float = 1.0, epoch: int = 3) -> Holder:
    return Holder(Epoch(epoch, Progress(), {}, {}), Sign("code", 7, patience), beats, connected)


class TestWatch:
    """When the place counts as free."""

    def test_whoever_beats_is_alive(self) -> None:
        now = 0.0
        watch = Watch(lambda: now)
        for beats in range(5):
            now += 10.0
            assert not watch.is_free(holder(beats))

    def test_silence_longer_than_agreed_frees_the_place(self) -> None:
        now = 0.0
        watch = Watch(lambda: now)
        assert not watch.is_free(holder(1))
        now = 1.0
        assert not watch.is_free(holder(1))
        now = 1.001
        assert watch.is_free(holder(1))

    def test_a_new_holder_begins_with_all_of_its_patience(self) -> None:
        now = 0.0
        watch = Watch(lambda: now)
        assert not watch.is_free(holder(1))
        now = 5.0
        assert not watch.is_free(holder(1, epoch=4))

    def test_what_was_before_the_first_look_does_not_count(self) -> None:
        assert not Watch(lambda: 1_000_000.0).is_free(holder(1))

    def test_an_ended_session_frees_the_place_at_once(self) -> None:
        assert Watch(lambda: 0.0).is_free(holder(1, connected=False))

    def test_a_session_that_cannot_be_seen_does_not(self) -> None:
        assert not Watch(lambda: 0.0).is_free(holder(1, connected=None))

    def test_nobody_is_waited_for_who_asks_for_no_patience(self) -> None:
        assert Watch(lambda: 0.0).is_free(holder(1, patience=0.0))


class TestReadiness:
    """What a standby tells whoever decides by it."""

    def test_ready_while_it_sees_the_active_process_and_keeps_up(self) -> None:
        """RUN-STANDBY-010."""
        health = Health()
        assert not is_ready(health, 0.0)
        health.followed(100, 0, 1.0, warm=True)
        assert is_ready(health, 1.0 + BLIND_SECONDS / 2)

    def test_not_ready_when_it_sees_nothing(self) -> None:
        """RUN-STANDBY-010."""
        health = Health()
        health.followed(100, 0, 1.0, warm=True)
        assert not is_ready(health, 1.0 + BLIND_SECONDS)

    def test_not_ready_when_it_stands_still_behind_the_other(self) -> None:
        """RUN-STANDBY-010."""
        health = Health()
        for second in range(int(STALLED_SECONDS) + 2):
            health.followed(100, 7, float(second), warm=True)
        assert not is_ready(health, STALLED_SECONDS + 1.5)
        health.followed(103, 4, STALLED_SECONDS + 2.0, warm=True)
        assert is_ready(health, STALLED_SECONDS + 2.0)


@asynccontextmanager
async def leases(bank: Database, *codes: str, patience: float = PATIENCE) -> AsyncIterator[list[PostgresLease]]:
    made = [PostgresLease(bank.dsn("matching"), "matching", code, patience) for code in codes]
    try:
        yield made
    finally:
        for lease in made:
            await lease.close()


class TestLease:
    """The sign of life on a real PostgreSQL."""

    async def test_a_fresh_schema_is_nobodys(self, bank: Database) -> None:
        async with leases(bank, "a") as (lease,):
            assert Watch(lambda: 0.0).is_free(await lease.look())

    async def test_a_holder_is_seen_with_its_code_its_session_and_its_beats(self, bank: Database) -> None:
        store = bank.store("matching")
        async with leases(bank, "mine", "other") as (mine, other):
            epoch = await store.begin(0, await mine.sign())
            seen = await other.look()
            assert (seen.epoch.number, seen.sign.code, seen.connected) == (epoch.number, "mine", True)
            assert seen.sign.patience == LOADING_SECONDS
            assert await mine.beat(epoch.number, loading=False)
            later = await other.look()
            assert (later.beats, later.sign.patience) == (seen.beats + 1, PATIENCE)
        await store.close()

    async def test_a_session_that_ends_is_seen_at_once(self, bank: Database) -> None:
        store = bank.store("matching")
        async with leases(bank, "mine", "other") as (mine, other):
            await store.begin(0, await mine.sign())
            mine.abandon()

            async def gone() -> bool:
                return (await other.look()).connected is False

            await until(gone)
        await store.close()

    async def test_a_session_made_anew_is_seen_again(self, bank: Database) -> None:
        store = bank.store("matching")
        async with leases(bank, "mine", "other") as (mine, other):
            epoch = await store.begin(0, await mine.sign())
            mine.abandon()
            assert await mine.beat(epoch.number, loading=False)
            assert (await other.look()).connected is True
        await store.close()

    async def test_a_session_behind_a_pooling_proxy_is_not_trusted(
        self, bank: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Such a proxy answers the greeting with a number that is none of the server's."""
        monkeypatch.setattr(asyncpg.Connection, "get_server_pid", lambda _: 4_711)
        store = bank.store("matching")
        async with leases(bank, "mine", "other") as (mine, other):
            await store.begin(0, await mine.sign())
            assert (await other.look()).connected is None
        await store.close()

    async def test_an_overtaken_holder_learns_it_from_its_beat(self, bank: Database) -> None:
        store = bank.store("matching")
        async with leases(bank, "old", "new") as (old, new):
            first = await store.begin(0, await old.sign())
            second = await store.begin(first.number, await new.sign())
            assert not await old.beat(first.number, loading=False)
            assert await new.beat(second.number, loading=False)
            await old.release(first.number)
            assert not Watch(lambda: 0.0).is_free(await old.look())
            await new.release(second.number)
            assert Watch(lambda: 0.0).is_free(await old.look())
        await store.close()

    async def test_of_two_that_see_the_place_free_one_gets_it(self, bank: Database) -> None:
        one, two = bank.store("matching"), bank.store("matching")
        held = (await one.begin()).number
        outcomes = await asyncio.gather(one.begin(held), two.begin(held), return_exceptions=True)
        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Epoch", "Fenced"]
        await one.close()
        await two.close()


@asynccontextmanager
async def pair(
    broker: Broker,
    bank: Database,
    active: Fold = BANK,
    standby: Fold = BANK,
    codes: tuple[str, str] = ("x", "x"),
    patience: float = PATIENCE,
) -> AsyncIterator[tuple["Process", "Process"]]:
    """An active worker and one that stands by, each on its own connections."""
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(process(broker, bank, active, codes[0], patience))
        await until(lambda: first.worker.health.phase == "running")
        yield first, await stack.enter_async_context(process(broker, bank, standby, codes[1], patience))


class Process:
    """One worker with its standby and its beats."""

    def __init__(self, worker: Worker, standby: Standby) -> None:
        self.worker, self.standby = worker, standby
        self._stopping = asyncio.Event()
        self.epochs = asyncio.create_task(run_epochs(worker, standby))
        self.beats = asyncio.create_task(keep_beating(worker, BEAT_SECONDS, self._stopping))

    async def end(self) -> None:
        """In order."""
        self.worker.stop()
        self._stopping.set()
        await asyncio.gather(self.epochs, self.beats, return_exceptions=True)


@asynccontextmanager
async def process(
    broker: Broker, bank: Database, fold: Fold, code: str, patience: float = PATIENCE
) -> AsyncIterator[Process]:
    async with broker.bus(fold.service) as bus, leases(bank, code, patience=patience) as (lease,):
        store = bank.store(fold.service)
        worker = new_worker(fold, bus, store)
        worker.lease = lease
        made = Process(worker, standby_beside(worker, code))
        try:
            yield made
        finally:
            await made.end()
            await store.close()


async def publish_commands(broker: Broker, commands: Sequence[Deposit]) -> None:
    """As one batch."""
    async with broker.bus() as bus:
        await bus.publish("tests", [OutboxRow("COMMANDS", 1, 1, one.subject, encode(one), "") for one in commands])


async def balance(bank: Database) -> int:
    rows = await bank.fetch("matching", "SELECT cash_quanta FROM balances WHERE account = 'alice'")
    return int(rows[0][0]) if rows else 0


async def committed(worker: Worker, position: int) -> None:
    await until(lambda: worker.health.position >= position, what=f"position {position}")


def halve(state: BankState, command: Deposit, effects: Effects) -> bool:
    """Deposits of 1 in two steps; which of them is next is told by the balance."""
    after = state.balances.get(command.account, 0) + 500_000
    state.balances[command.account], state.dirty[command.account] = after, None
    effects.emit(TransferApplied, account=command.account, amount_quanta=500_000, cash_quanta=after)
    return bool(after % 1_000_000)


IN_HALVES = Fold("matching", BANK.stream, {Deposit: halve}, BANK.repository, journal=True)


class TestStandby:
    """A worker beside another one, on real servers."""

    async def test_it_follows_and_goes_on_where_the_active_one_stopped(self, broker: Broker, bank: Database) -> None:
        """RUN-STANDBY-006: warm, in step, and exact after the orderly end of the other."""
        async with pair(broker, bank) as (first, second):
            await publish_commands(broker, [deposit(number) for number in range(1, 301)])
            await committed(first.worker, 300)
            await committed(second.worker, 300)
            assert (second.worker.health.role, second.worker.health.warm) == ("standby", True)
            assert second.worker.metrics.active._value.get() == 0.0
            assert first.worker.metrics.active._value.get() == 1.0
            await first.end()
            await first.worker.lease.release(first.worker.health.epoch)
            await until(lambda: second.worker.health.phase == "running")
            assert second.worker.health.warm
            await publish_commands(broker, [deposit(number) for number in range(301, 401)])
            await committed(second.worker, 400)
        assert await balance(bank) == 400_000_000

    async def test_an_idle_holder_that_was_overtaken_ends(self, broker: Broker, bank: Database) -> None:
        """RUN-STANDBY-007: silent for longer than its lease, it finds itself fenced with its next beat."""
        async with pair(broker, bank, patience=SHORT_PATIENCE) as (first, second):

            async def has_said_how_long() -> bool:
                return (await first.worker.lease.look()).sign.patience == SHORT_PATIENCE

            # Until its first beat a holder has the patience of one that loads.
            await until(has_said_how_long)
            first.beats.cancel()
            await until(lambda: second.worker.health.phase == "running", what="the standby takes the place")
            await until(first.epochs.done, what="the first one ends")
            assert isinstance(first.epochs.exception(), Fenced)

    async def test_a_beat_that_nobody_wants_ends_the_process(self, broker: Broker, bank: Database) -> None:
        """RUN-STANDBY-007: also where the bus has not noticed anything yet."""
        store = bank.store("matching")
        async with broker.bus("matching") as bus, leases(bank, "x") as (lease,):
            worker = new_worker(BANK, bus, store)
            worker.lease = lease
            worker.health.epoch, worker.health.phase = (await store.begin(0, await lease.sign())).number, "running"
            await store.begin()
            with pytest.raises(Fenced):
                await asyncio.wait_for(keep_beating(worker, 0.01, asyncio.Event()), 60)
        await store.close()

    async def test_a_fold_that_goes_its_own_way_is_not_trusted(self, broker: Broker, bank: Database) -> None:
        """RUN-STANDBY-008: a state that says more or less than the schema is dropped, and the rows are loaded."""

        def other(state: BankState, command: Deposit, effects: Effects) -> None:
            if command.id != "d3":
                on_transfer(state, command, effects)

        fickle = Fold("matching", BANK.stream, {Deposit: other}, BANK.repository, journal=True)
        async with pair(broker, bank, standby=fickle) as (first, second):
            await until(lambda: second.worker.health.warm)
            await publish_commands(broker, [deposit(number) for number in range(1, 6)])
            await committed(first.worker, 5)
            await until(lambda: not second.worker.health.warm, what="the difference is seen")
            await first.end()
            await first.worker.lease.release(first.worker.health.epoch)
            await until(lambda: second.worker.health.phase == "running")
            await publish_commands(broker, [deposit(6)])
            await committed(second.worker, 6)
        assert await balance(bank) == 6_000_000

    async def test_it_goes_on_in_the_midst_of_a_message(self, broker: Broker, bank: Database) -> None:
        """RUN-STANDBY-011: killed between two steps of a message: those that are committed are not taken again."""

        def crash_in_the_second_step(point: str) -> None:
            if point == "before_commit" and first.worker.health.commits == 1:
                raise SystemError(point)

        async with pair(broker, bank, IN_HALVES, IN_HALVES) as (first, second):
            await until(lambda: second.worker.health.warm)
            first.worker.crash = crash_in_the_second_step
            await publish_commands(broker, [deposit(1)])
            await until(first.epochs.done, what="the first one ends")
            await first.end()
            assert await balance(bank) == 500_000
            assert second.worker.health.position == 0
            await first.worker.lease.release(first.worker.health.epoch)
            await committed(second.worker, 1)
            assert second.worker.health.warm
        assert await balance(bank) == 1_000_000
        assert len(await bank.fetch("matching", "SELECT FROM journal")) == 1

    async def test_a_standby_of_another_release_keeps_nothing_in_memory(self, broker: Broker, bank: Database) -> None:
        """RUN-STANDBY-004: it waits all the same, and is ready."""
        async with pair(broker, bank, codes=("old", "new")) as (first, second):
            await publish_commands(broker, [deposit(1)])
            await committed(first.worker, 1)
            await committed(second.worker, 1)
            assert (second.worker.health.phase, second.worker.health.warm) == ("following", False)

    async def test_three_processes_hold_one_place(self, broker: Broker, bank: Database) -> None:
        """RUN-STANDBY-009: of two standbys one takes over and the other goes on standing by."""
        async with pair(broker, bank) as (first, second), process(broker, bank, BANK, "x") as third:
            await until(lambda: second.worker.health.warm and third.worker.health.warm)
            await first.end()
            await first.worker.lease.release(first.worker.health.epoch)
            both = (second.worker.health, third.worker.health)
            await until(lambda: any(health.phase == "running" for health in both))
            await publish_commands(broker, [deposit(1)])
            await until(lambda: all(health.position == 1 for health in both))
            assert sorted(health.role for health in both) == ["active", "standby"]
            assert not second.epochs.done()
            assert not third.epochs.done()
