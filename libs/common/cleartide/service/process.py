"""One process of a service, from start to drain."""

import asyncio
import os
import signal
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING, Any, Final

import asyncpg
import structlog
import uvloop
from faststream.nats import NatsBroker
from prometheus_client import CollectorRegistry

from cleartide.bus.faults import crash_point_from
from cleartide.bus.nats import NatsBus
from cleartide.bus.ports import Fenced
from cleartide.bus.together import end
from cleartide.bus.worker import Worker
from cleartide.connect import connected, nats_broker, redis_client
from cleartide.service.archived import keep_archive
from cleartide.service.definition import Background, Service, ServiceContext, Surroundings
from cleartide.service.epochs import FIRST_RETRY_SECONDS, RECOVERABLE, keep_beating, run_epochs, standby_beside
from cleartide.service.fingerprint import fingerprint
from cleartide.service.memory import expect_batches, keep_state
from cleartide.service.progress import progress_report
from cleartide.service.queries import serve_queries
from cleartide.settings import ServiceSettings
from cleartide.store.lease import PostgresLease
from cleartide.store.partitions import keep_ahead
from cleartide.store.postgres import PostgresStore
from cleartide.telemetry.health import health_app, serve
from cleartide.telemetry.logs import configure_logs
from cleartide.telemetry.metrics import WorkerMetrics
from cleartide.telemetry.tracing import BatchTracer, configure_tracing

if TYPE_CHECKING:
    from redis.asyncio import Redis

log = structlog.get_logger()

READ_CONNECTIONS: Final = 4
FENCED_EXIT_CODE: Final = 75
BEATS_PER_LEASE: Final = 3
RELEASE_SECONDS: Final = 2.0


def main(service: Service) -> None:
    """Run the service until SIGTERM or SIGINT; exits with 0 after a drain, with 75 when another process took over."""
    settings = ServiceSettings()
    configure_logs(service.name, settings.log_level, settings.log_format)
    configure_tracing(service.name)
    expect_batches()
    raise SystemExit(uvloop.run(run(service, settings)))


async def run(service: Service, settings: ServiceSettings) -> int:
    """The process's life; returns its exit code."""
    stopping = stopped_by_signals()
    async with AsyncExitStack() as stack:
        code = fingerprint(service.migrations.parent, os.environ)
        context = await _connect(service, settings, code, stopping, stack)
        tasks = _start(service, context, code)
        failed = await until_one_ends(tasks, stopping)
        context.worker.stop()
        await drain(tasks)
        if failed is None:
            await _release(context.worker)
        return exit_code(failed)


def stopped_by_signals() -> asyncio.Event:
    """An event that SIGTERM and SIGINT set."""
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    return stopping


async def until_one_ends(tasks: "Sequence[asyncio.Task[None]]", stopping: asyncio.Event) -> "asyncio.Task[None] | None":
    """Wait for the stop, or for a task that ends before it, which is a failure; `stopping` is set from then on."""
    stopper = asyncio.create_task(stopping.wait(), name="stop")
    done, _ = await asyncio.wait((*tasks, stopper), return_when=asyncio.FIRST_COMPLETED)
    failed = next((task for task in tasks if task in done and _failed(task, stopping)), None)
    stopping.set()
    stopper.cancel()
    return failed


async def _release(worker: Worker) -> None:
    """Let a standby in at once; without this word it waits for the end of our session, or for our silence."""
    if worker.health.epoch:
        with suppress(*RECOVERABLE):
            async with asyncio.timeout(RELEASE_SECONDS):
                await worker.lease.release(worker.health.epoch)


def exit_code(failed: "asyncio.Task[None] | None") -> int:
    """Of a process of which a task failed, or none."""
    error = failed.exception() if failed is not None else None
    if isinstance(error, Fenced):
        log.error("fenced", error=str(error))
        return FENCED_EXIT_CODE
    if failed is not None:
        log.error("service_failed", task=failed.get_name(), exc_info=error)
        return 1
    log.info("stopped")
    return 0


def _failed(task: "asyncio.Task[None]", stopping: asyncio.Event) -> bool:
    return task.exception() is not None or not stopping.is_set()


async def drain(tasks: "Sequence[asyncio.Task[None]]") -> None:
    """Let tasks end by themselves, for a while."""
    _, late = await asyncio.wait(tasks, timeout=10)
    for task in late:
        log.warning("task_cancelled", task=task.get_name())
    await end(tasks)


async def _connect(
    service: Service, settings: ServiceSettings, code: str, stopping: asyncio.Event, stack: AsyncExitStack
) -> ServiceContext:
    registry = CollectorRegistry()
    for say in service.starting:
        say(registry)
    broker, around = await surroundings(service.name, settings, registry, stopping, stack)
    store = PostgresStore(settings.postgres_dsn, service.name)
    stack.push_async_callback(store.close)
    lease = PostgresLease(settings.postgres_dsn, service.name, code, settings.lease_seconds)
    stack.push_async_callback(lease.close)
    worker = Worker(
        fold=service.fold,
        bus=NatsBus(around.nats),
        store=store,
        metrics=WorkerMetrics(service.name, registry),
        tracer=BatchTracer(),
        monotonic=time.monotonic,
        lease=lease,
        loaded=keep_state,
        crash=crash_point_from(os.environ),
    )
    app = health_app(lambda: progress_report(service, worker, around.listening), registry)
    server = await serve(app, settings.http_host, settings.http_port)
    stack.push_async_callback(server.cleanup)
    await serve_queries(service, broker, around.pool)
    return ServiceContext(**vars(around), worker=worker)


async def surroundings(
    name: str, settings: ServiceSettings, registry: CollectorRegistry, stopping: asyncio.Event, stack: AsyncExitStack
) -> tuple[NatsBroker, Surroundings]:
    """Connections to bus, schema and cache, closed with the stack."""
    broker = nats_broker(settings.nats_url, settings.nats_user, settings.nats_password, f"cleartide-{name}")
    client = await connected(broker)
    stack.push_async_callback(broker.stop)
    pool = await _pool(settings.postgres_dsn, name)
    stack.push_async_callback(pool.close)
    return broker, Surroundings(
        name=name,
        settings=settings,
        nats=client,
        jetstream=client.jetstream(),
        pool=pool,
        redis=_redis(settings.redis_url, stack) if settings.redis_url else None,
        registry=registry,
        stopping=stopping,
        listening=asyncio.Event(),
    )


def _redis(url: str, stack: AsyncExitStack) -> "Redis":
    redis = redis_client(url)
    stack.push_async_callback(redis.aclose)
    return redis


async def _pool(dsn: str, name: str) -> "asyncpg.Pool[Any]":
    while True:
        try:
            return await asyncpg.create_pool(
                dsn,
                min_size=0,
                max_size=READ_CONNECTIONS,
                command_timeout=10,
                server_settings={
                    "application_name": f"cleartide-{name}-reads",
                    "default_transaction_read_only": "on",
                },
            )
        except RECOVERABLE as error:
            log.info("postgres_not_reachable_yet", error=str(error)[:120])
            await asyncio.sleep(FIRST_RETRY_SECONDS * 4)


def _start(service: Service, context: ServiceContext, code: str) -> "list[asyncio.Task[None]]":
    worker, beat_seconds = context.worker, context.settings.lease_seconds / BEATS_PER_LEASE
    tasks = [
        asyncio.create_task(run_epochs(worker, standby_beside(worker, code)), name="worker"),
        asyncio.create_task(keep_beating(worker, beat_seconds, context.stopping), name="beats"),
    ]
    if service.partitions:
        keeper = keep_ahead(context.settings.postgres_dsn, service.partitions, context.stopping)
        tasks.append(asyncio.create_task(keeper, name="partitions"))
    if service.archived:
        tasks.append(asyncio.create_task(_once_leading(_archive(service), context), name="archive"))
    for background in service.background:
        name = getattr(background, "__name__", "background")
        tasks.append(asyncio.create_task(_once_leading(background, context), name=name))
    return tasks


def _archive(service: Service) -> Background:
    return lambda context: keep_archive(context.pool, context.settings, service.archived, context.stopping)


async def _once_leading(background: Background, context: ServiceContext) -> None:
    """A background task is the active process's: it begins when the place is taken."""
    stopped = asyncio.ensure_future(context.stopping.wait())
    leading = asyncio.ensure_future(context.worker.leading.wait())
    try:
        await asyncio.wait((stopped, leading), return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopped.cancel()
        leading.cancel()
    if not context.stopping.is_set():
        await background(context)
