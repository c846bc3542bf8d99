"""A second process of a service: it keeps the state warm, sees when the place is free, and takes it over.

It follows what is committed: it reads the input of the active process by number, no further than the position that the
schema shows, and folds it without a word. So its state is, at every look, that of a position which the active process
has passed for good; and once the fence has stopped the active process, the few messages up to the last commit make the
two states equal. A fold is a function of its input, so nothing else needs to travel between the two.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog

from cleartide.bus.folder import Fold, Folder
from cleartide.bus.health import Health
from cleartide.bus.ports import NOBODY, Bus, CursorLost, Epoch, Holder, Lease, Progress, Sign, Store
from cleartide.bus.together import pause
from cleartide.telemetry.metrics import WorkerMetrics

log = structlog.get_logger()

LOOK_SECONDS: Final = 0.02
READ_MESSAGES: Final = 500
DISTRUST_SECONDS: Final = 30.0


class Watch:
    """Judges from one look after another whether the place is free."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._last: tuple[int, int] | None = None
        self._since = 0.0

    def is_free(self, holder: Holder) -> bool:
        """Nobody is waited for, or the holder's session has ended, or it was silent for longer than it said it may be.

        Silence is counted between looks of this watch alone, so that a database which was away makes nobody dead.
        """
        if not holder.sign.patience or holder.connected is False:
            return True
        now, sign_of_life = self._monotonic(), (holder.epoch.number, holder.beats)
        if sign_of_life != self._last:
            self._last, self._since = sign_of_life, now
        return now - self._since > holder.sign.patience


@dataclass
class Standby:
    """Follows the active process of one service.

    seen: the epoch of the holder that was found gone; only that one may be followed.
    code: fingerprint of this process's fold. A holder with another one is waited for without a state in memory.
    """

    fold: Fold
    bus: Bus
    store: Store
    lease: Lease
    health: Health
    metrics: WorkerMetrics
    stopping: asyncio.Event
    monotonic: Callable[[], float]
    loaded: Callable[[], None]
    code: str = ""
    look_seconds: float = LOOK_SECONDS
    seen: int = 0
    _folder: Folder | None = None
    _cold_until: float = 0.0

    async def follow(self) -> None:
        """Keep up until the place is free and the bus can be reached, or until the process is told to stop."""
        watch = Watch(self.monotonic)
        while not self.stopping.is_set():
            holder = await self.lease.look()
            self.seen = holder.epoch.number
            if watch.is_free(holder):
                await self.bus.state(self.fold.stream)
                log.info("place_is_free", epoch=self.seen, connected=holder.connected, warm=self._folder is not None)
                return
            if not await self._keep_up(holder):
                await pause(self.look_seconds, unless=self.stopping)

    async def caught_up(self, epoch: Epoch) -> Folder | None:
        """The warm state, brought to where the last holder stopped; None when there is none that is surely equal."""
        while self._folder is not None and self._whole(self._folder.progress) < self._whole(epoch.progress):
            await self._advance(self._folder, epoch.progress)
        if self._folder is not None and self.fold.in_midst(epoch.progress):
            await self._step_in(self._folder, epoch)
        if self._folder is not None:
            self._require_equal(self._folder, epoch)
        folder, self._folder = self._folder, None
        return folder

    async def _keep_up(self, holder: Holder) -> bool:
        """Fold some of what the active process has committed since; whether there is more."""
        target = holder.epoch.progress
        if self.code != holder.sign.code or self.monotonic() < self._cold_until:
            self._folder = None
        elif self._folder is None:
            self._folder = await self._load()
        elif self._whole(self._folder.progress) < self._whole(target):
            await self._advance(self._folder, target)
        elif not self.fold.in_midst(target):
            self._require_equal(self._folder, holder.epoch)
        return self._report(target)

    def _report(self, target: Progress) -> bool:
        """Tell the health endpoints; whether there is more to fold."""
        done = target if self._folder is None else self._folder.progress
        behind = self._whole(target) - self._whole(done)
        self.health.followed(done.position, behind, self.monotonic(), warm=self._folder is not None)
        self.metrics.followed(done.position, behind)
        return behind > 0

    async def _load(self) -> Folder:
        epoch, rows = await self.store.snapshot(self.fold.tables)
        folder = self.fold.folder(rows, epoch, heard=False)
        self.loaded()
        log.info("standby_loaded", position=epoch.progress.position)
        return folder

    async def _advance(self, folder: Folder, target: Progress) -> None:
        """Read and fold the next messages, up to the target. What cannot be followed is loaded again."""
        done = folder.progress
        read = self._whole(done)
        missing = self._whole(target) - read
        try:
            if done.stream_created not in ("", target.stream_created):
                raise CursorLost(f"{self.fold.stream.name} was made anew")
            deliveries = await self.bus.read(self.fold.stream, read + 1, min(missing, READ_MESSAGES))
            if not deliveries:
                raise CursorLost(f"{self.fold.stream.name}: message {read + 1} is not there any more")
            folder.fold(folder.decode(deliveries), "", target.stream_created)
        except CursorLost as error:
            log.warning("standby_lost_track", error=str(error))
            self._folder = None

    async def _step_in(self, folder: Folder, epoch: Epoch) -> None:
        """The last holder stopped in the midst of a message: take those of its steps that are committed."""
        message = epoch.progress.stream_seq
        decoded = folder.decode(await self.bus.read(self.fold.stream, message, 1))
        while decoded and not folder.stands_at(epoch):
            _, counts = folder.fold(decoded, "", epoch.progress.stream_created, in_steps=True)
            decoded = decoded[counts.messages :]

    def _whole(self, progress: Progress) -> int:
        """The last message that was folded to its end."""
        return progress.stream_seq - self.fold.in_midst(progress)

    def _require_equal(self, folder: Folder, epoch: Epoch) -> None:
        """At the committed position, time and numbers of output are the schema's, or the state is not trusted."""
        if not folder.stands_at(epoch):
            log.error("standby_differs", mine=str(folder.progress), committed=str(epoch.progress))
            self._folder, self._cold_until = None, self.monotonic() + DISTRUST_SECONDS


class Unwatched:
    """The lease of a process that nobody stands by."""

    async def sign(self) -> Sign:
        """Nobody waits for it."""
        return NOBODY

    async def beat(self, epoch: int, *, loading: bool) -> bool:  # noqa: ARG002 - the port's form
        """Not listened for."""
        return True

    async def look(self) -> Holder:
        """The place is always free."""
        return Holder(Epoch(0, Progress(), {}, {}), NOBODY, 0, None)

    async def release(self, epoch: int) -> None:
        """Nothing was taken."""

    def abandon(self) -> None:
        """Nothing is connected."""
