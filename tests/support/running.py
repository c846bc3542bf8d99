"""One worker of a test's fold on real servers, in this process, retried as a service retries it."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from cleartide.bus.faults import CrashPoint, no_crash
from cleartide.bus.folder import Fold
from cleartide.bus.nats import NatsBus
from cleartide.bus.standby import Unwatched
from cleartide.bus.worker import Worker
from cleartide.service import run_epochs
from cleartide.store.postgres import PostgresStore
from cleartide.telemetry.metrics import WorkerMetrics
from cleartide.telemetry.tracing import BatchTracer
from prometheus_client import CollectorRegistry

from tests.support.servers import Broker, Database


@asynccontextmanager
async def running(
    fold: Fold, broker: Broker, database: Database, crash: CrashPoint = no_crash
) -> AsyncIterator[tuple[Worker, "asyncio.Task[None]"]]:
    """The worker and its task; drained at the end of the block unless it has ended by itself."""
    async with broker.bus(fold.service) as bus:
        store = database.store(fold.service)
        worker = new_worker(fold, bus, store, crash)
        task = asyncio.create_task(run_epochs(worker))
        try:
            yield worker, task
            worker.stop()
            if not task.done():
                await asyncio.wait_for(task, 20)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await store.close()


def new_worker(fold: Fold, bus: NatsBus, store: PostgresStore, crash: CrashPoint = no_crash) -> Worker:
    """A worker with metrics of its own."""
    metrics = WorkerMetrics(fold.service, CollectorRegistry())
    return Worker(
        fold=fold,
        bus=bus,
        store=store,
        metrics=metrics,
        tracer=BatchTracer(),
        monotonic=time.monotonic,
        lease=Unwatched(),
        crash=crash,
    )


async def until(condition: Callable[[], Awaitable[bool] | bool], seconds: float = 60, what: str = "") -> None:
    """Wait for a condition; it may be a coroutine."""
    deadline = time.monotonic() + seconds
    while True:
        outcome = condition()
        if outcome if isinstance(outcome, bool) else await outcome:
            return
        if time.monotonic() > deadline:
            raise AssertionError(f"did not happen in {seconds} s: {what or condition}")
        await asyncio.sleep(0.01)
