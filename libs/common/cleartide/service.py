"""A service process: the worker, its health endpoints, its queries and its background tasks, from start to drain."""

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import asyncpg
import msgspec
import structlog
import uvloop
from faststream.nats import NatsBroker
from faststream.nats.annotations import NatsMessage
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from prometheus_client import CollectorRegistry
from redis.asyncio import Redis

from cleartide.bus.faults import crash_point_from
from cleartide.bus.nats import ApiError, NatsBus
from cleartide.bus.ports import CursorLost, Fenced, StreamLost
from cleartide.bus.streams import Stream
from cleartide.bus.worker import Fold, Worker
from cleartide.connect import connected, nats_broker
from cleartide.fold import Handlers, Repository
from cleartide.settings import ServiceSettings
from cleartide.store.partitions import Partitioned, keep_ahead
from cleartide.store.postgres import PostgresStore
from cleartide.telemetry.health import STALLED_SECONDS, health_app, serve
from cleartide.telemetry.logs import configure_logs
from cleartide.telemetry.metrics import WorkerMetrics
from cleartide.telemetry.tracing import BatchTracer, configure_tracing

log = structlog.get_logger()

READ_CONNECTIONS: Final = 4
FIRST_RETRY_SECONDS: Final = 0.05
LAST_RETRY_SECONDS: Final = 2.0
FENCED_EXIT_CODE: Final = 75
RECOVERABLE: Final = (
    OSError,
    TimeoutError,
    NatsError,
    ApiError,
    CursorLost,
    StreamLost,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.InterfaceError,
    # What asyncpg says of a connection whose server died in the middle of a statement.
    asyncpg.InternalClientError,
)

Query = Callable[[Any, dict[str, Any]], Awaitable[Any]]


class QueryError(Exception):
    """A query that cannot be answered as asked; `code` reaches the caller."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass
class ServiceContext:
    """What a background task may use. `pool` reads the service's own schema; writing is the fold's alone."""

    name: str
    settings: ServiceSettings
    nats: Client
    jetstream: JetStreamContext
    pool: "asyncpg.Pool[Any]"
    redis: "Redis | None"
    registry: CollectorRegistry
    stopping: asyncio.Event
    worker: Worker


Background = Callable[[ServiceContext], Awaitable[None]]


@dataclass(frozen=True)
class Service:
    """A service's definition: what it reads, how it folds, what it owns."""

    name: str
    reads: Stream
    handlers: Handlers
    repository: Repository[Any]
    migrations: Path
    queries: Mapping[str, Query] = field(default_factory=dict)
    partitions: Sequence[Partitioned] = ()
    background: Sequence[Background] = ()
    journal: bool = False

    @property
    def fold(self) -> Fold:
        """The part that the runner needs."""
        return Fold(self.name, self.reads, self.handlers, self.repository, self.journal)


def main(service: Service) -> None:
    """Run the service until SIGTERM or SIGINT; exits with 0 after a drain, with 75 when another process took over."""
    settings = ServiceSettings()
    configure_logs(service.name, settings.log_level, settings.log_format)
    configure_tracing(service.name)
    raise SystemExit(uvloop.run(run(service, settings)))


async def run(service: Service, settings: ServiceSettings) -> int:
    """The process's life; returns its exit code."""
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    async with AsyncExitStack() as stack:
        context = await _connect(service, settings, stopping, stack)
        tasks = _start(service, context)
        stopper = asyncio.create_task(stopping.wait(), name="stop")
        done, _ = await asyncio.wait((*tasks, stopper), return_when=asyncio.FIRST_COMPLETED)
        failed = next((task for task in tasks if task in done and _failed(task, stopping)), None)
        stopping.set()
        context.worker.stop()
        await _drain(tasks)
        stopper.cancel()
        return _exit_code(failed)


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
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _connect(
    service: Service, settings: ServiceSettings, stopping: asyncio.Event, stack: AsyncExitStack
) -> ServiceContext:
    registry = CollectorRegistry()
    broker = nats_broker(settings.nats_url, settings.nats_user, settings.nats_password, f"cleartide-{service.name}")
    client = await connected(broker)
    stack.push_async_callback(broker.stop)
    store = PostgresStore(settings.postgres_dsn, service.name)
    stack.push_async_callback(store.close)
    worker = Worker(
        fold=service.fold,
        bus=NatsBus(client),
        store=store,
        metrics=WorkerMetrics(service.name, registry),
        tracer=BatchTracer(),
        monotonic=time.monotonic,
        crash=crash_point_from(os.environ),
    )
    pool = await _pool(settings.postgres_dsn, service.name)
    stack.push_async_callback(pool.close)
    redis = Redis.from_url(settings.redis_url) if settings.redis_url else None
    if redis is not None:
        stack.push_async_callback(redis.aclose)
    app = health_app(lambda: progress_report(service, worker), registry)
    server = await serve(app, settings.http_host, settings.http_port)
    stack.push_async_callback(server.cleanup)
    await _serve_queries(service, broker, pool)
    return ServiceContext(service.name, settings, client, client.jetstream(), pool, redis, registry, stopping, worker)


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


async def _serve_queries(service: Service, broker: NatsBroker, pool: "asyncpg.Pool[Any]") -> None:
    for name, query in service.queries.items():
        broker.subscriber(f"query.{service.name}.{name}")(_answering(query, pool))
    await broker.start()


def _answering(query: Query, pool: "asyncpg.Pool[Any]") -> Callable[[NatsMessage], Awaitable[bytes]]:
    async def answer(message: NatsMessage) -> bytes:
        try:
            params = msgspec.json.decode(message.body or b"{}", type=dict[str, Any])
            return msgspec.json.encode({"ok": True, "data": await query(pool, params)})
        except QueryError as error:
            return _refusal(error.code, str(error))
        except (msgspec.DecodeError, KeyError, TypeError, ValueError) as error:
            return _refusal("bad_parameters", f"{type(error).__name__}: {error}")
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
            log.warning("query_failed", error=str(error)[:200])
            return _refusal("unavailable", "the read model cannot be reached at the moment")

    return answer


def _refusal(code: str, message: str) -> bytes:
    return msgspec.json.encode({"ok": False, "error": {"code": code, "message": message}})


def _start(service: Service, context: ServiceContext) -> "list[asyncio.Task[None]]":
    tasks = [asyncio.create_task(run_epochs(context.worker), name="worker")]
    if service.partitions:
        keeper = keep_ahead(context.settings.postgres_dsn, service.partitions, context.stopping)
        tasks.append(asyncio.create_task(keeper, name="partitions"))
    for background in service.background:
        coroutine = background(context)
        tasks.append(asyncio.create_task(_awaited(coroutine), name=getattr(background, "__name__", "background")))
    return tasks


async def _awaited(coroutine: Awaitable[None]) -> None:
    await coroutine


async def run_epochs(worker: Worker) -> None:
    """Epoch after epoch until stopped; lost connections are waited out, anything else ends the process."""
    delay = FIRST_RETRY_SECONDS
    while not worker.stopping:
        commits = worker.health.commits
        try:
            worker.metrics.epochs.inc()
            await worker.run_epoch()
        except RECOVERABLE as error:
            worker.health.last_error = f"{type(error).__name__}: {error}"[:300]
            worker.health.restarts += 1
            log.warning("epoch_ended", error=worker.health.last_error)
            if isinstance(worker.store, PostgresStore):
                worker.store.abandon()
        if worker.stopping:
            return
        delay = FIRST_RETRY_SECONDS if worker.health.commits > commits else min(delay * 2, LAST_RETRY_SECONDS)
        await asyncio.sleep(delay)


def progress_report(service: Service, worker: Worker) -> dict[str, Any]:
    """The figures behind `/health`: ready means that the fold runs and, if messages wait, that it advances."""
    health = worker.health
    now = time.monotonic()
    idle = now - health.last_commit_monotonic if health.last_commit_monotonic else None
    stalled = health.pending > 0 and now - health.waiting_since > STALLED_SECONDS
    return {
        "service": service.name,
        "ready": health.phase == "running" and not stalled,
        "phase": health.phase,
        "stream": service.reads.name,
        "position": health.position,
        "pending": health.pending,
        "seconds_since_commit": None if idle is None else round(idle, 3),
        "commits": health.commits,
        "epoch": health.epoch,
        "gaps": health.gaps,
        "restarts": health.restarts,
        "last_error": health.last_error,
    }
