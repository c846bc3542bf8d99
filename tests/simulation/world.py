"""One run: every service as processes that crash, freeze and come back, until all is folded and said."""

import asyncio
import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from random import Random
from typing import Any, Final

from cleartide.bus.folder import Fold
from cleartide.bus.standby import Standby, Unwatched
from cleartide.bus.streams import READS
from cleartide.bus.together import run_together
from cleartide.bus.worker import Worker
from cleartide.service import run_epochs
from cleartide.service.epochs import keep_beating, standby_beside
from cleartide.telemetry.metrics import WorkerMetrics
from cleartide.telemetry.tracing import BatchTracer
from prometheus_client import CollectorRegistry

from tests.simulation.broker import Broker, SimulatedBus
from tests.simulation.chance import Chance, Crash, Temper
from tests.simulation.clients import client_batches
from tests.simulation.indexer import chain_events
from tests.simulation.script import Script, Sending, price_path, sending
from tests.simulation.store import Schema, SimulatedLease, SimulatedStore
from tests.support.investors import investors

SENDING_SECONDS: Final = 100.0
LEAPS: Final = 0.08
LONGEST_LEAP_MICROS: Final = 3 * 3600 * 1_000_000
QUIET_SECONDS: Final = 30.0
UNQUIET: Final = 8
SETTLE_SECONDS: Final = 3_000.0
LOOK_SECONDS: Final = 2.0
LEASE_SECONDS: Final = 9.0
BEAT_SECONDS: Final = 3.0
STANDBY_LOOK_SECONDS: Final = 1.0
COMMANDS: Final = 60
MARKET_MESSAGES: Final = 35
CHAIN_EVENTS: Final = 25
CLIENT_BATCHES: Final = 20
WISHES: Final = 60
INVESTORS_COME_EVERY: Final = 16

_metrics: dict[str, WorkerMetrics] = {}


class StillTracer(BatchTracer):
    """Traces would carry random ids."""

    @contextmanager
    def batch(self, service: str, deliveries: Any) -> Iterator[str]:
        """No span."""
        yield ""


@dataclass
class Ice:
    """While `melting` is there, the process is frozen until it is done."""

    melting: "asyncio.Future[None] | None" = None


@dataclass
class Process:
    """One running process of a service: a worker on its own connections, which can be frozen as a whole."""

    worker: Worker
    task: "asyncio.Task[None]"
    chance: Chance
    ice: Ice

    @property
    def frozen(self) -> bool:
        """Whether it stands still."""
        return self.ice.melting is not None


MakeWorker = Callable[..., Worker]
MakeStore = Callable[..., SimulatedStore]
MakeBus = Callable[..., SimulatedBus]
MakeStandby = Callable[[Worker, str], Standby]


@dataclass
class World:
    """Everything of one run. What is made here is replaced by the negative controls.

    stops: half of the orders wait for a price.
    """

    seed: int
    folds: Mapping[str, Fold]
    standbys: bool = False
    stops: bool = False
    commands: int = COMMANDS
    market_messages: int = MARKET_MESSAGES
    make_worker: MakeWorker = Worker
    make_store: MakeStore = SimulatedStore
    make_bus: MakeBus = SimulatedBus
    make_standby: MakeStandby = standby_beside
    temper: Temper | None = None
    broker: Broker = field(default_factory=Broker)
    schemas: dict[str, Schema] = field(default_factory=dict)
    workers: dict[str, list[Worker]] = field(default_factory=dict)
    events: dict[str, int] = field(default_factory=dict)
    _sessions: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _overtaken: list[Process] = field(default_factory=list)
    _chances: list[Chance] = field(default_factory=list)
    _calm: bool = False
    _stopping: bool = False

    async def run(self) -> None:
        """Send the script into the storm, let the sky clear, and wait until nothing is left to do."""
        self.temper = self.temper or Temper.of(Random(f"{self.seed}:temper"))
        self.schemas = {service: Schema() for service in self.folds}
        self.workers = {service: [] for service in self.folds}
        places = ("", "second-") if self.standbys else ("",)
        supervisors = [asyncio.create_task(self._supervise(name, place)) for name in self.folds for place in places]
        await asyncio.gather(*(self._send(actor, count, made) for actor, count, made in self._scripts()))
        self._calm = True
        for chance in self._chances:
            chance.calm()
        await self._settle(supervisors)
        self._stopping = True
        for worker in itertools.chain(*self.workers.values()):
            worker.stop()
        await asyncio.wait_for(asyncio.gather(*supervisors), SETTLE_SECONDS)

    def _epochs(self) -> dict[str, int]:
        return {service: schema.epoch for service, schema in self.schemas.items()}

    def happened(self, what: str) -> None:
        """Count something for the run's summary."""
        self.events[what] = self.events.get(what, 0) + 1

    def _chance(self, actor: str) -> Chance:
        assert self.temper is not None
        chance = Chance(self.seed, actor, Temper() if self._calm else self.temper)
        self._chances.append(chance)
        return chance

    def _scripts(self) -> Iterator[tuple[str, int, Iterator[Sending]]]:
        path = price_path(Random(f"{self.seed}:path"), self.commands)
        trader = Script(Random(f"{self.seed}:trader"), path, self.stops)
        yield "trader", self.commands, trader.commands(self.commands, self.broker.now)
        if self.seed % INVESTORS_COME_EVERY == 0:
            wishes = islice(investors(Random(f"{self.seed}:investors"), "investor"), WISHES)
            yield "investors", WISHES, map(sending, wishes)
        if "ingestor" in self.folds:
            feed = Script(Random(f"{self.seed}:feed"), path)
            yield "feed", self.market_messages, feed.market_data(self.market_messages, self.broker.now)
        if "vaults" in self.folds:
            yield "indexer", CHAIN_EVENTS, chain_events(Random(f"{self.seed}:indexer"), CHAIN_EVENTS)
        if "product" in self.folds:
            told = client_batches(Random(f"{self.seed}:clients"), CLIENT_BATCHES, self.broker.now)
            yield "clients", CLIENT_BATCHES, told

    async def _send(self, actor: str, count: int, messages: Iterator[Sending]) -> None:
        """An outsider who repeats what was not acknowledged."""
        chance = self._chance(actor)
        while True:
            await asyncio.sleep(chance.random.expovariate(count / SENDING_SECONDS))
            if chance.random.random() < LEAPS:
                self.broker.leap(chance.random.randrange(LONGEST_LEAP_MICROS))
            message = next(messages, None)
            if message is None:
                return
            while True:
                if chance.happens("window_over") and message.identity:
                    self.broker.forget(message.stream, message.identity)
                await chance.wait()
                lost = chance.happens("publish_fails")
                if not lost:
                    self.broker.store(message.stream, message.subject, message.payload, message.identity)
                if not lost and not chance.happens("ack_lost"):
                    break
                self.happened("outsider repeats")

    async def _supervise(self, service: str, place: str) -> None:
        """Keep one process running; sometimes freeze it, start another one, and let the first wake up."""
        number = 0
        while not self._stopping:
            number += 1
            process = self._start(service, f"{place}{number}")
            while not process.task.done() and not self._stopping:
                await asyncio.wait((process.task,), timeout=LOOK_SECONDS)
                if not process.task.done() and process.chance.happens("frozen"):
                    self._freeze(process)
                    break
            if self._stopping or not process.frozen:
                await asyncio.wait((process.task,))
                self._ended(process)
            if not self._stopping:
                await asyncio.sleep(process.chance.random.uniform(0.1, 3.0))

    def _start(self, service: str, number: str) -> Process:
        chance = self._chance(f"{service}:{number}")
        ice = Ice()
        bus = self.make_bus(self.broker, chance, lambda: ice.melting)
        store = self.make_store(service, self.schemas[service], chance, bus.step)
        if service not in _metrics:
            _metrics[service] = WorkerMetrics(service, CollectorRegistry())
        session = next(self._sessions)
        lease = SimulatedLease(self.schemas[service], session, LEASE_SECONDS, chance, bus.step)
        worker = self.make_worker(
            fold=self.folds[service],
            bus=bus,
            store=store,
            metrics=_metrics[service],
            tracer=StillTracer(),
            monotonic=asyncio.get_running_loop().time,
            lease=lease if self.standbys else Unwatched(),
            crash=chance.reach,
        )
        self.workers[service].append(worker)
        life = self._stand_by(worker) if self.standbys else run_epochs(worker)
        task = asyncio.create_task(life, name=f"{service}:{number}")
        task.add_done_callback(lambda _: self.schemas[service].sessions.discard(session))
        return Process(worker, task, chance, ice)

    async def _stand_by(self, worker: Worker) -> None:
        """What a service's process does: wait for the place, hold it, and say so."""
        ended = asyncio.Event()
        standby = self.make_standby(worker, "")
        standby.look_seconds = STANDBY_LOOK_SECONDS

        async def epochs() -> None:
            try:
                await run_epochs(worker, standby)
            finally:
                ended.set()

        await run_together(epochs(), keep_beating(worker, BEAT_SECONDS, ended))
        await worker.lease.release(worker.health.epoch)

    def _freeze(self, process: Process) -> None:
        """The process stops between two instructions and goes on much later, when another has taken its place."""
        self.happened("frozen")
        loop = asyncio.get_running_loop()
        frozen: asyncio.Future[None] = loop.create_future()
        process.ice.melting = frozen

        def thaw() -> None:
            process.ice.melting = None
            frozen.set_result(None)

        loop.call_later(process.chance.random.uniform(1.0, 90.0), thaw)
        self._overtaken.append(process)

    def _ended(self, process: Process) -> None:
        error = process.task.exception()
        if process.worker.health.epoch and process.worker.health.warm:
            self.happened("warm takeover")
        if error is None or isinstance(error, Crash):
            self.happened(f"crash {error}" if error else "stop")
            return
        if type(error).__name__ == "Fenced":
            self.happened("fenced")
            return
        raise error

    async def _settle(self, supervisors: "list[asyncio.Task[None]]") -> None:
        """Wait until every service has folded and said everything; a run that never gets there has lost something."""
        deadline = asyncio.get_running_loop().time() + SETTLE_SECONDS
        while left := self._left():
            for supervisor in supervisors:
                if supervisor.done():
                    supervisor.result()
                    raise AssertionError("a supervisor ended")
            if asyncio.get_running_loop().time() > deadline:
                raise AssertionError(f"seed {self.seed}: not settled: {left}")
            await asyncio.sleep(LOOK_SECONDS)
        await self._stay_quiet()

    async def _stay_quiet(self) -> None:
        """With nothing left to do the epochs come to rest: two processes that fight over one would do so for ever.

        A process that was overtaken in the middle of opening its cursor may still be there, as it would be on the real
        bus: it is fenced, waits on the consumer of its successor's name, and ends with the next message.
        """
        history = [self._epochs()]
        while len(history) < 2 or history[-1] != history[-2]:
            assert len(history) < UNQUIET, f"seed {self.seed}: nothing to do and no rest: {history}"
            await asyncio.sleep(QUIET_SECONDS)
            history.append(self._epochs())
        for process in self._overtaken:
            process.worker.stop()
            await asyncio.wait((process.task,), timeout=SETTLE_SECONDS)
            assert process.task.done(), f"{process.task.get_name()} does not end when it is told to"
            self._ended(process)

    def _left(self) -> dict[str, Any]:
        """What is not done yet, by service."""
        left: dict[str, Any] = {process.task.get_name(): "frozen" for process in self._overtaken if process.frozen}
        for service, schema in self.schemas.items():
            end = len(self.broker.logs[READS[service].name].messages)
            unsaid = {
                channel: seq
                for channel, seq in schema.last_seq.items()
                if all(worker.published(channel) < seq for worker in self.workers[service])
            }
            progress = schema.progress
            folded = progress.stream_seq if READS[service].single_writer else progress.position
            if folded < end or unsaid:
                left[service] = (progress, end, unsaid, self.workers[service][-1].health.last_error)
        return left
