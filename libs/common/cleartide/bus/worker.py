"""The one recipe: inbox, fold, commit, publish, acknowledge. Neighbouring batches overlap; the order never changes.

An epoch begins by fencing the previous holder, loading the state and repairing what was committed but perhaps not
published. It ends on any lost connection or cursor, and the next one begins from what is committed.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import structlog

from cleartide.bus.faults import CrashPoint, no_crash
from cleartide.bus.folder import Fold, FoldCounts, Folder, channels_of
from cleartide.bus.health import Health
from cleartide.bus.ports import (
    Bus,
    Commit,
    CursorLost,
    Delivery,
    Epoch,
    Lease,
    OutboxRow,
    Progress,
    Source,
    Store,
    StreamLost,
    StreamState,
)
from cleartide.bus.standby import Standby
from cleartide.bus.together import run_together
from cleartide.telemetry.metrics import WorkerMetrics
from cleartide.telemetry.tracing import BatchTracer

log = structlog.get_logger()

COMMITS_IN_FLIGHT: Final = 1
PUBLISHES_IN_FLIGHT: Final = 2
REPAIR_ROWS_AT_ONCE: Final = 500
MOST_REST_SECONDS: Final = 0.004
BACKLOG_MESSAGES: Final = 250
TURNS_TO_LEAVE: Final = 2
"""Of the event loop: in one the commit is written, and with the end of it sent."""
MOST_ROWS: Final = 10_000
"""Outbox rows from which on a commit ends: a message may make a thousand, and a statement has its time."""


@dataclass
class _InFlight:
    commit: Commit
    deliveries: list[Delivery]
    counts: FoldCounts
    taken: float
    heard: asyncio.Event = field(default_factory=asyncio.Event)


def _nothing() -> None:
    """Nothing is to be done."""


@dataclass
class Worker:
    """Runs one fold on a bus and a store until it is stopped. `loaded` is called when a state has been loaded."""

    fold: Fold
    bus: Bus
    store: Store
    metrics: WorkerMetrics
    tracer: BatchTracer
    monotonic: Callable[[], float]
    lease: Lease
    crash: CrashPoint = no_crash
    loaded: Callable[[], None] = _nothing
    health: Health = field(default_factory=Health)
    leading: asyncio.Event = field(default_factory=asyncio.Event)
    asked_to_stop: asyncio.Event = field(default_factory=asyncio.Event)
    _published: dict[str, int] = field(default_factory=dict)
    _batch_seconds: float = 0.0

    def stop(self) -> None:
        """Fetch no more; what is in flight is committed, published and acknowledged before `run_epoch` returns."""
        self.asked_to_stop.set()

    def published(self, channel: str) -> int:
        """The last event of an output stream that is known to be stored there."""
        return self._published.get(channel, 0)

    @property
    def stopping(self) -> bool:
        """Whether a stop was asked for."""
        return self.asked_to_stop.is_set()

    async def run_epoch(self, standby: Standby | None = None) -> None:
        """One epoch: ends when stopped, or raises what ended it. Nothing in memory outlives it.

        standby: has waited for the place, and may hold the state already.
        """
        self.health.phase = "loading"
        held = self.health.epoch if standby is None else standby.seen
        epoch = await self.store.begin(held, await self.lease.sign())
        self.health.epoch = epoch.number
        folder = await self._folder(epoch, standby)
        self._published = dict(epoch.published_seq)
        await self._repair(epoch)
        bounds = await self.bus.state(self.fold.stream)
        source = await self.bus.open(self.fold.stream, self.fold.service, self._start(folder, epoch.progress, bounds))
        self.health.began(folder.progress.position)
        await self.lease.beat(epoch.number, loading=False)
        self.metrics.active.set(1)
        self.leading.set()
        log.info("epoch_started", epoch=epoch.number, position=folder.progress.position)
        try:
            await self._pipeline(folder, source, bounds.created)
            await self.store.mark_published(epoch.number, self._published)
        finally:
            self.health.phase = "stopped"
            await source.close()

    async def _folder(self, epoch: Epoch, standby: Standby | None) -> Folder:
        """The state of the epoch's rows: a standby's, brought to where the last holder stopped, or loaded."""
        warm = await standby.caught_up(epoch) if standby is not None else None
        self.health.warm = warm is not None
        if warm is not None:
            warm.lead(epoch, self.crash)
            return warm
        folder = self.fold.folder(await self.store.load(self.fold.tables), epoch, self.crash)
        self.loaded()
        return folder

    async def _repair(self, epoch: Epoch) -> None:
        """Publish again what may have been committed and not published; readers skip what they have seen."""
        for channel in channels_of(self.fold.service):
            after = epoch.published_seq.get(channel, 0)
            while rows := await self.store.unpublished(channel, after, REPAIR_ROWS_AT_ONCE):
                await self.bus.publish(self.fold.service, rows)
                log.info("outbox_repaired", channel=channel, first=rows[0].first_seq, last=rows[-1].last_seq)
                after = rows[-1].last_seq
                self._published[channel] = after

    def _start(self, folder: Folder, progress: Progress, bounds: StreamState) -> int:
        """The stream sequence to read from. A stream made anew is read from its start, or goes on where it was."""
        same = progress.stream_created in ("", bounds.created)
        if self.fold.stream.single_writer and not same:
            folder.read_from(bounds.first_seq)
            return bounds.first_seq
        if self.fold.stream.single_writer:
            self._require_held(bounds, progress.stream_seq)
            return progress.stream_seq + 1
        if self.fold.stream.retold and not same:
            folder.skip_to(bounds.first_seq - 1)
            return bounds.first_seq
        self._require_held(bounds, progress.position)
        trimmed = self.fold.stream.max_age_seconds > 0 and bounds.first_seq > progress.position + 1
        if trimmed:
            log.warning("retention_gap", expected=progress.position + 1, first=bounds.first_seq)
            self.metrics.gaps.inc()
            folder.skip_to(bounds.first_seq - 1)
        return folder.progress.position + 1

    def _require_held(self, bounds: StreamState, applied: int) -> None:
        """What came after the stream's end would get numbers that count as applied, and be passed over in silence."""
        if bounds.last_seq < applied:
            raise StreamLost(
                f"{self.fold.stream.name} ends at {bounds.last_seq}, but {applied} was applied: restore it"
            )

    async def _pipeline(self, folder: Folder, source: Source, created: str) -> None:
        commits: asyncio.Queue[_InFlight | None] = asyncio.Queue(COMMITS_IN_FLIGHT)
        publishes: asyncio.Queue[_InFlight | None] = asyncio.Queue(PUBLISHES_IN_FLIGHT)
        await run_together(
            self._fold_loop(folder, source, created, commits),
            self._commit_loop(commits, publishes),
            self._publish_loop(source, publishes),
        )

    async def _fold_loop(
        self, folder: Folder, source: Source, created: str, commits: "asyncio.Queue[_InFlight | None]"
    ) -> None:
        stop = asyncio.ensure_future(self.asked_to_stop.wait())
        fetch: asyncio.Future[list[Delivery]] | None = None
        try:
            while True:
                fetch = asyncio.ensure_future(source.fetch())
                await asyncio.wait((fetch, stop), return_when=asyncio.FIRST_COMPLETED)
                if self.asked_to_stop.is_set():
                    break
                deliveries = fetch.result()
                fetch, taken = None, self.monotonic()
                self.health.took(len(deliveries), deliveries[-1].pending, taken)
                await self._fold_batch(folder, deliveries, created, taken, commits)
                await self._rest(deliveries[-1].pending)
        finally:
            stop.cancel()
            if fetch is not None:
                fetch.cancel()
        await commits.put(None)

    async def _fold_batch(
        self,
        folder: Folder,
        deliveries: list[Delivery],
        created: str,
        taken: float,
        commits: "asyncio.Queue[_InFlight | None]",
    ) -> None:
        """A batch is one commit, or several where it says very much or a message of it has steps.

        What the first step of a message says is on its way to the readers before the fold is busy with the others.
        """
        with self.tracer.batch(self.fold.service, deliveries) as traceparent:
            decoded = folder.decode(deliveries)
            while decoded:
                midway = folder.midway
                try:
                    commit, counts = folder.fold(decoded, traceparent, created, most_rows=MOST_ROWS, in_steps=True)
                except CursorLost:
                    self.health.gaps += 1
                    self.metrics.gaps.inc()
                    raise
                self.metrics.fold_seconds.observe(self.monotonic() - taken)
                part, deliveries = deliveries[: counts.messages], deliveries[counts.messages :]
                decoded = decoded[counts.messages :]
                batch = _InFlight(commit, part, counts, taken)
                await commits.put(batch)
                if folder.midway and (part or not midway):
                    await batch.heard.wait()
                elif decoded:
                    await _let_leave()
                taken = self.monotonic()

    async def _rest(self, pending: int) -> None:
        """Unless a backlog waits, rest for as long as the last batch took: at a steady rate batches then grow to what
        the machine bears, and half of it stays free for the others. A message after a silence finds nobody resting.
        """
        if pending < BACKLOG_MESSAGES:
            await asyncio.sleep(min(self._batch_seconds, MOST_REST_SECONDS))

    async def _commit_loop(
        self, commits: "asyncio.Queue[_InFlight | None]", publishes: "asyncio.Queue[_InFlight | None]"
    ) -> None:
        while (batch := await commits.get()) is not None:
            started = self.monotonic()
            self.crash("before_commit")
            await self.store.commit(_with_published(batch.commit, self._published))
            self.crash("after_commit")
            now = self.monotonic()
            self._batch_seconds = now - batch.taken
            self._observe(batch, now - started, now)
            await publishes.put(batch)
        await publishes.put(None)

    async def _publish_loop(self, source: Source, publishes: "asyncio.Queue[_InFlight | None]") -> None:
        while (batch := await publishes.get()) is not None:
            self.crash("before_publish")
            if batch.commit.outbox:
                started = self.monotonic()
                await self.bus.publish(self.fold.service, batch.commit.outbox)
                self.metrics.publish_seconds.observe(self.monotonic() - started)
                self._mark(batch.commit.outbox)
            batch.heard.set()
            self.crash("after_publish")
            self.crash("before_ack")
            if batch.deliveries:
                await source.ack(batch.deliveries[-1])
            self.crash("after_ack")

    def _mark(self, rows: Sequence[OutboxRow]) -> None:
        for row in rows:
            self._published[row.channel] = row.last_seq

    def _observe(self, batch: _InFlight, seconds: float, now: float) -> None:
        after = batch.commit.after
        self.health.committed(len(batch.deliveries), after.position, now)
        self.metrics.committed(
            events=batch.counts.events,
            dead=batch.counts.dead,
            skipped=batch.counts.skipped,
            seconds=seconds,
            position=after.position,
            pending=self.health.pending,
        )
        log.debug(
            "batch_committed",
            events=batch.counts.events,
            dead=batch.counts.dead,
            position=after.position,
            outbox=len(batch.commit.outbox),
            ms=round(seconds * 1000, 2),
        )


async def _let_leave() -> None:
    """Let what was just handed over go out to the server, so that it works while the fold goes on."""
    for _ in range(TURNS_TO_LEAVE):
        await asyncio.sleep(0)


def _with_published(commit: Commit, published: dict[str, int]) -> Commit:
    return Commit(
        epoch=commit.epoch,
        before=commit.before,
        after=commit.after,
        changes=commit.changes,
        outbox=commit.outbox,
        published_seq=dict(published),
        journal=commit.journal,
    )
