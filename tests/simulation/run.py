"""One simulated history: a script of commands, five services, faults; then calm, and the check."""

import asyncio
import contextlib
import hashlib
from dataclasses import dataclass, field
from typing import Final

from cleartide.bus.folder import Folder
from cleartide.bus.ports import CursorLost, Epoch, Fenced, Progress, StreamLost
from cleartide.bus.streams import BY_NAME, STREAMS
from cleartide.bus.worker import Fold, Worker
from cleartide.fold import Row
from cleartide.ops.registry import definition
from cleartide.store.digest import events_of
from cleartide.telemetry.metrics import WorkerMetrics
from cleartide.telemetry.tracing import BatchTracer
from prometheus_client import CollectorRegistry

from tests.simulation.ports import MemoryBus, MemoryStore
from tests.simulation.script import Script
from tests.simulation.world import Crashed, Unreachable, World

SERVICES: Final = ("matching", "risk", "funding", "earnings", "analytics")
COMMANDS: Final = 60
QUIET_TURNS: Final = 40
FAULT_RATE: Final = 0.03
MOST_TURNS: Final = 8_000
WorkerType = type[Worker]


@dataclass
class History:
    """What a seed led to."""

    seed: int
    digest: str
    faults: dict[str, int]
    commands: int
    events: int


@dataclass
class Simulation:
    """The services of one world. A test may give a runner or a store that is broken on purpose."""

    seed: int
    worker_type: WorkerType = Worker
    store_type: type[MemoryStore] = MemoryStore
    commands: int = COMMANDS
    stores: dict[str, MemoryStore] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.world = World(self.seed, FAULT_RATE)
        for stream in STREAMS:
            self.world.stream(stream)
        self.folds: dict[str, Fold] = {name: definition(name).fold for name in SERVICES}
        self.stores = {name: self.store_type(self.world) for name in SERVICES}
        self.bus = MemoryBus(self.world)

    async def play(self) -> History:
        """Run to the end and check. Raises AssertionError when anything is lost, doubled or different."""
        lives = [asyncio.create_task(self._life(name)) for name in SERVICES]
        try:
            for subject, payload in Script(self.world).commands(self.commands):
                self.world.streams["COMMANDS"].append(self.world.tick(), subject, payload)
                await self.world.pause()
                _raise_what_failed(lives)
            self.world.calm = True
            await self._settle(lives)
        finally:
            await _end_everything()
        return self._check()

    async def _life(self, name: str) -> None:
        """Process after process of one service; sometimes a new one starts while the old one is still there."""
        while True:
            with contextlib.suppress(Crashed, Fenced):
                if self.world.happens("two at once"):
                    await self._two(name)
                else:
                    await self._process(name)
            await self.world.pause()

    async def _two(self, name: str) -> None:
        old, new = asyncio.create_task(self._process(name)), asyncio.create_task(self._process(name))
        try:
            await asyncio.wait((old, new), return_when=asyncio.FIRST_COMPLETED)
            for task in (old, new):
                with contextlib.suppress(Crashed, Fenced):
                    await task
        finally:
            for task in (old, new):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, Crashed, Fenced):
                    await task

    async def _process(self, name: str) -> None:
        worker = self.worker_type(
            fold=self.folds[name],
            bus=self.bus,
            store=self.stores[name],
            metrics=WorkerMetrics(name, CollectorRegistry()),
            tracer=BatchTracer(),
            monotonic=lambda: 0.0,
            crash=self.world.crash,
        )
        while True:
            with contextlib.suppress(Unreachable, CursorLost, StreamLost):
                await worker.run_epoch()
            await self.world.pause()

    async def _settle(self, lives: "list[asyncio.Task[None]]") -> None:
        quiet = 0
        for _ in range(MOST_TURNS):
            await asyncio.sleep(0)
            _raise_what_failed(lives)
            quiet = quiet + 1 if self._all_read() else 0
            if quiet > QUIET_TURNS:
                return
        raise AssertionError(f"seed {self.seed}: never settles: {self._positions()}")

    def _all_read(self) -> bool:
        return all(
            self.stores[name].progress.stream_seq == len(self.world.stream(fold.stream).messages)
            for name, fold in self.folds.items()
        ) and all(
            self._published(channel, name) == rows[-1].last_seq
            for name, store in self.stores.items()
            for channel, rows in store.outbox.items()
            if BY_NAME[channel].single_writer
        )

    def _published(self, channel: str, name: str) -> int:
        messages = self.world.streams[channel].messages
        rows = self.stores[name].outbox[channel]
        last = rows[-1].payload
        return rows[-1].last_seq if any(message.payload == last for message in messages[-60:]) else 0

    def _positions(self) -> dict[str, tuple[int, int]]:
        return {
            name: (self.stores[name].progress.stream_seq, len(self.world.stream(fold.stream).messages))
            for name, fold in self.folds.items()
        }

    def _check(self) -> History:
        sha = hashlib.sha256()
        events = 0
        for name, store in self.stores.items():
            undisturbed = self._undisturbed(name)
            for table in self.folds[name].repository.tables:
                assert store.rows(table.name) == undisturbed.rows(table.name), f"seed {self.seed}: {name}.{table.name}"
                sha.update(repr(store.rows(table.name)).encode())
            for channel in sorted({*store.outbox, *undisturbed.outbox}):
                said, expected = _events(store, channel), _events(undisturbed, channel)
                assert said == expected, f"seed {self.seed}: {name} said something else on {channel}"
                events += len(said)
                sha.update(b"".join(said))
        self._check_ledger()
        return History(self.seed, sha.hexdigest(), dict(self.world.faults), self.commands, events)

    def _check_ledger(self) -> None:
        entries = self.stores["matching"].rows("ledger_entries")
        table = next(t for t in self.folds["matching"].repository.tables if t.name == "ledger_entries")
        amount = list(table.columns).index("amount_quanta")
        assert sum(row[amount] for row in entries) == 0, f"seed {self.seed}: the ledger does not sum to zero"

    def _undisturbed(self, name: str) -> MemoryStore:
        """The same input folded once from the beginning, in one piece."""
        fold, store = self.folds[name], MemoryStore(World(0, 0.0))
        tables: dict[str, list[Row]] = {table.name: [] for table in fold.repository.tables if table.load}
        folder = Folder(
            service=name,
            stream=fold.stream,
            handlers=fold.handlers,
            repository=fold.repository,
            state=fold.repository.restore(tables),
            epoch=Epoch(0, Progress(), {}, {}),
            journal=fold.journal,
        )
        if messages := self.world.stream(fold.stream).messages:
            commit, _ = folder.fold(folder.decode(messages), "", "simulated")
            store._apply(commit)
        return store


def _raise_what_failed(lives: "list[asyncio.Task[None]]") -> None:
    for life in lives:
        if life.done():
            life.result()


async def _end_everything() -> None:
    """Cancel whatever still runs on this loop until nothing does."""
    while others := asyncio.all_tasks() - {asyncio.current_task()}:
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


def _events(store: MemoryStore, channel: str) -> list[bytes]:
    return [event for row in store.outbox.get(channel, []) for event in events_of(row.payload)]


def simulate(seed: int, worker_type: WorkerType = Worker, store_type: type[MemoryStore] = MemoryStore) -> History:
    """Play one seed on a loop of its own."""
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(Simulation(seed, worker_type, store_type).play())
    finally:
        loop.close()
