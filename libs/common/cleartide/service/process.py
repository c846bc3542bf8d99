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
from prometheus_client import CollectorRegistry

from cleartide.bus.faults import crash_point_from
from cleartide.bus.nats import NatsBus
from cleartide.bus.ports import Fenced
from cleartide.bus.together import end
from cleartide.bus.worker import Worker
from cleartide.connect import connected, nats_broker, redis_client
from cleartide.service.archived import keep_archive
from cleartide.service.definition import Background, Service, ServiceContext
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
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    async with AsyncExitStack() as stack:
        code = fingerprint(service.migrations.parent, os.environ)
        context = await _connect(service, settings, code, stopping, stack)
        tasks = _start(service, context, code)
        stopper = asyncio.create_task(stopping.wait(), name="stop")
        done, _ = await asyncio.wait((*tasks, stopper), return_when=asyncio.FIRST_COMPLETED)
        failed = next((task for task in tasks if task in done and _failed(task, stopping)), None)
        stopping.set()
        context.worker.stop()
        await _drain(tasks)
        stopper.cancel()
        if failed is None:
            await _release(context.worker)
        return _exit_code(failed)


async def _release(worker: Worker) -> None:
    """Let a standby in at once; without this word it waits for the end of our session, or for our silence."""
    if worker.health.epoch:
        with suppress(*RECOVERABLE):
            async with asyncio.timeout(RELEASE_SECONDS):
                await worker.lease.release(worker.health.epoch)


def _exit_code(failed: "asyncio.Task[None] | None") -> int:
    """A task that ends before the stop is a failure, with or without an exception."""
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


async def _drain(tasks: "Sequence[asyncio.Task[None]]") -> None:
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
    broker = nats_broker(settings.nats_url, settings.nats_user, settings.nats_password, f"cleartide-{service.name}")
    client = await connected(broker)
    stack.push_async_callback(broker.stop)
    store = PostgresStore(settings.postgres_dsn, service.name)
    stack.push_async_callback(store.close)
    lease = PostgresLease(settings.postgres_dsn, service.name, code, settings.lease_seconds)
    stack.push_async_callback(lease.close)
    worker = Worker(
        fold=service.fold,
        bus=NatsBus(client),
        store=store,
        metrics=WorkerMetrics(service.name, registry),
        tracer=BatchTracer(),
        monotonic=time.monotonic,
        lease=lease,
        loaded=keep_state,
        crash=crash_point_from(os.environ),
    )
    pool = await _pool(settings.postgres_dsn, service.name)
    stack.push_async_callback(pool.close)
    listening = asyncio.Event()
    app = health_app(lambda: progress_report(service, worker, listening), registry)
    server = await serve(app, settings.http_host, settings.http_port)
    stack.push_async_callback(server.cleanup)
    await serve_queries(service, broker, pool)
    return ServiceContext(
        name=service.name,
        settings=settings,
        nats=client,
        jetstream=client.jetstream(),
        pool=pool,
        redis=_redis(settings.redis_url, stack) if settings.redis_url else None,
        registry=registry,
        stopping=stopping,
        listening=listening,
        worker=worker,
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
