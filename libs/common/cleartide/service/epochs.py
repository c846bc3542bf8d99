"""A process's life in the fold: stand by until the place is free, then epoch after epoch, saying that it lives."""

import asyncio
from typing import Final

import asyncpg
import structlog
from nats.errors import Error as NatsError

from cleartide.bus.nats import ApiError
from cleartide.bus.ports import CursorLost, Fenced, StreamLost
from cleartide.bus.standby import Standby
from cleartide.bus.together import pause
from cleartide.bus.worker import Worker
from cleartide.store.postgres import PostgresStore

log = structlog.get_logger()

FIRST_RETRY_SECONDS: Final = 0.05
LAST_RETRY_SECONDS: Final = 2.0
RECOVERABLE: Final = (
    OSError,
    TimeoutError,
    NatsError,
    ApiError,
    CursorLost,
    StreamLost,
    asyncpg.PostgresConnectionError,
    # Undone by the server for the sake of another transaction, as in a deadlock: the same again may well succeed.
    asyncpg.TransactionRollbackError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.InterfaceError,
    # What asyncpg says of a connection whose server died in the middle of a statement.
    asyncpg.InternalClientError,
)


async def run_epochs(worker: Worker, standby: Standby | None = None) -> None:
    """Epoch after epoch until stopped; lost connections are waited out, anything else ends the process.

    standby: waits for the place first. Who has held the place and lost it ends; who was not the first to see that it
    was free goes on standing by.
    """
    delay = FIRST_RETRY_SECONDS
    while not worker.stopping:
        commits = worker.health.commits
        try:
            if standby is not None:
                await standby.follow()
            if worker.stopping:
                return
            worker.metrics.epochs.inc()
            await worker.run_epoch(standby)
        except Fenced:
            if worker.health.epoch:
                raise
            log.info("place_was_taken")
        except RECOVERABLE as error:
            _note(worker, error)
        if worker.health.epoch:
            standby = None
        if worker.stopping:
            return
        delay = FIRST_RETRY_SECONDS if worker.health.commits > commits else min(delay * 2, LAST_RETRY_SECONDS)
        await asyncio.sleep(delay)


def standby_beside(worker: Worker, code: str) -> Standby:
    """Waits for the worker's place, on its connections. `code`: fingerprint of the fold."""
    return Standby(
        fold=worker.fold,
        bus=worker.bus,
        store=worker.store,
        lease=worker.lease,
        health=worker.health,
        metrics=worker.metrics,
        stopping=worker.asked_to_stop,
        monotonic=worker.monotonic,
        loaded=worker.loaded,
        code=code,
    )


def _note(worker: Worker, error: Exception) -> None:
    worker.health.last_error = f"{type(error).__name__}: {error}"[:300]
    worker.health.restarts += 1
    log.warning("epoch_ended", error=worker.health.last_error)
    if not worker.health.epoch:
        # Only of a standby: with the session of an active process its place would go.
        worker.lease.abandon()
    if isinstance(worker.store, PostgresStore):
        worker.store.abandon()


async def keep_beating(worker: Worker, seconds: float, stopping: asyncio.Event) -> None:
    """Say every so many seconds that the holder lives. Raises Fenced when another has begun: an idle process that was
    frozen would otherwise not notice.

    What keeps a beat from the database keeps everybody else's looks from it too, so a failure is only waited out.
    """
    while not stopping.is_set():
        await pause(seconds, unless=stopping)
        epoch, phase = worker.health.epoch, worker.health.phase
        if not epoch:
            continue
        try:
            newest = await worker.lease.beat(epoch, loading=phase == "loading")
        except RECOVERABLE as error:
            log.warning("beat_failed", error=str(error)[:200])
            worker.lease.abandon()
            continue
        if not newest and phase == worker.health.phase == "running" and worker.health.epoch == epoch:
            raise Fenced(f"{worker.fold.service}: epoch {epoch} was overtaken")
