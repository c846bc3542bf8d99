"""The gateway's background task: makes the parts, serves them in the service's own event loop, and stops with it."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, cast

import aiohttp
import asyncpg
import structlog
import uvicorn
from cleartide.bus.nats import NatsBus
from cleartide.bus.together import end
from cleartide.service import Surroundings
from cleartide.store.truth import TruthStore
from nats.aio.client import Client
from prometheus_client import CollectorRegistry
from redis.asyncio import Redis
from starlette.types import ASGIApp

from services.gateway.edge.accepting import Accepting
from services.gateway.edge.alerts import AlertHistory, AlertPresenter
from services.gateway.edge.application import application
from services.gateway.edge.authentication import presented
from services.gateway.edge.authorisation import Authorisation
from services.gateway.edge.cache import ResponseCache
from services.gateway.edge.commands import Commands
from services.gateway.edge.context import Edge
from services.gateway.edge.frames import FramesProtocol
from services.gateway.edge.freshness import Freshness
from services.gateway.edge.health import HealthChecks
from services.gateway.edge.identity import identity
from services.gateway.edge.limits import RateLimiter
from services.gateway.edge.markets import MarketDirectory
from services.gateway.edge.metrics import EdgeMetrics
from services.gateway.edge.patience import PatientProtocol
from services.gateway.edge.pools import PooledUpstream
from services.gateway.edge.quotas import Quotas
from services.gateway.edge.redis_guard import RedisGuard
from services.gateway.edge.turns import Turns
from services.gateway.live.alerts import AlertHub
from services.gateway.live.books import BookHub
from services.gateway.live.candles import CandleHub
from services.gateway.live.portfolios import PortfolioHub
from services.gateway.live.prices import PriceHub
from services.gateway.live.session import LiveHubs
from services.gateway.live.tail import Tail
from services.gateway.live.tape import TapeHub
from services.gateway.metering.meter import Meter
from services.gateway.notify.addresses import Networks
from services.gateway.notify.desk import NotificationDesk, WebhookDesk
from services.gateway.notify.settings import offered
from services.gateway.operations.audit import Audit
from services.gateway.operations.dead import DeadLetterDesk
from services.gateway.settings import GatewaySettings
from services.gateway.usage.desk import UseDesk

log = structlog.get_logger()

MAX_MESSAGE_BYTES: Final = 16_384
STOP_SECONDS: Final = 2
PING_SECONDS: Final = 20.0


class EmbeddedServer(uvicorn.Server):
    """A server that leaves signals to the service that runs it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the service's."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen on sockets that are bound, taking connections by `Accepting`."""
        protocol = partial(
            cast(Any, self.config.http_protocol_class), config=self.config, server_state=self.server_state, app_state={}
        )
        self.servers = [Accepting(listener, protocol) for listener in sockets or ()]  # type: ignore[misc]
        self.started = True


def listening_socket(host: str, port: int) -> socket.socket:
    """A socket bound here and now, so that a port in use is an error with a name."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=1_024)


def embedded(app: ASGIApp, settings: GatewaySettings) -> EmbeddedServer:
    """A server for the application, bounded in connections, message size and stop time."""
    return EmbeddedServer(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            proxy_headers=bool(settings.trusted_proxies),
            forwarded_allow_ips=list(settings.trusted_proxies),
            http=type("Patient", (PatientProtocol,), {"head_seconds": settings.head_seconds, "turns": Turns()}),
            limit_concurrency=settings.max_connections,
            timeout_keep_alive=settings.idle_seconds,
            timeout_graceful_shutdown=STOP_SECONDS,
            ws=FramesProtocol,
            ws_max_size=MAX_MESSAGE_BYTES,
            ws_ping_interval=PING_SECONDS,
            ws_ping_timeout=PING_SECONDS,
            ws_per_message_deflate=False,
        )
    )


@dataclass(frozen=True)
class Resources:
    """What the edge stands on."""

    nats: Client
    pool: "asyncpg.Pool[Any]"
    redis: "Redis | None"
    registry: CollectorRegistry
    truth: TruthStore


@asynccontextmanager
async def assembled(resources: Resources, settings: GatewaySettings) -> AsyncIterator[Edge]:
    """The parts of the edge."""
    metrics = EdgeMetrics(resources.registry)
    guard = RedisGuard(resources.redis, seconds=settings.redis_call_seconds)
    upstream = PooledUpstream(resources.nats, metrics, settings.upstream_timeout_seconds, settings.risk_pools)
    directory = MarketDirectory(upstream)
    history, present = AlertHistory(resources.pool), AlertPresenter(directory)
    who = identity(resources.truth, guard, settings)
    authorise = Authorisation(upstream)
    audit = Audit(resources.truth, settings.admin_users)
    candles, freshness = CandleHub(upstream), Freshness()
    live = LiveHubs(
        alerts=AlertHub(history, present, metrics),
        prices=PriceHub(directory, guard, metrics),
        books=BookHub(directory, upstream),
        tape=TapeHub(directory, upstream, candles.traded, freshness),
        candles=candles,
        portfolios=PortfolioHub(upstream.ask),
        metrics=metrics,
        queue_frames=settings.live_queue_frames,
        send_seconds=settings.live_send_seconds,
        max_clients=settings.max_live_clients,
        authorise=authorise.require_reading,
        standings=who.standings,
        who_is=partial(presented, who.authentication),
    )
    async with aiohttp.ClientSession() as http:
        yield Edge(
            upstream=upstream,
            directory=directory,
            cache=ResponseCache(guard, metrics),
            freshness=freshness,
            limiter=RateLimiter(guard, metrics, per_second=settings.rate_per_second, burst=settings.rate_burst),
            health=HealthChecks(
                pool=resources.pool,
                nats=resources.nats,
                redis=resources.redis,
                http=http,
                service_urls=settings.watched_urls,
                timeout_seconds=settings.health_timeout_seconds,
            ),
            history=history,
            present=present,
            live=live,
            metrics=metrics,
            identity=who,
            authorise=authorise,
            quotas=Quotas(guard, metrics),
            commands=Commands(resources.nats),
            body_seconds=settings.body_seconds,
            webhooks=WebhookDesk(resources.truth, Networks(settings.webhook_networks), installation=who.installation),
            notices=NotificationDesk(resources.truth, offered(settings)),
            audit=audit,
            dead_letters=DeadLetterDesk(resources.nats, audit),
            bus=NatsBus(resources.nats),
            meter=Meter(resources.truth, resources.registry),
            use=UseDesk(resources.truth, resources.nats),
        )


async def run_edge(
    resources: Resources, settings: GatewaySettings, listener: socket.socket, stopping: asyncio.Event
) -> None:
    """Serve on the listener until told to stop; ends early only by failing."""
    async with assembled(resources, settings) as edge:
        server = embedded(application(edge), settings)
        tail = Tail(edge.live.tape.hear, edge.live.prices.hear, edge.commands.hear)
        loops = (
            edge.directory.run(),
            edge.live.alerts.run(resources.nats),
            edge.live.prices.run(),
            edge.live.books.run(resources.nats),
            tail.run(resources.nats),
            edge.live.candles.run(),
            edge.live.portfolios.run(),
            edge.commands.run(resources.nats),
            edge.identity.run(),
            edge.identity.standings.run(resources.nats),
            edge.meter.run(),
        )
        await edge.live.prices.recall()
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(loop) for loop in loops]
            tasks.create_task(server.serve([listener]))
            await stopping.wait()
            edge.live.closing.set()
            server.should_exit = True
            await end(running)
        await edge.meter.close()


async def serve_edge(context: Surroundings) -> None:
    """The task that serves the edge: in the process that folds, or in one of its own beside it."""
    settings = GatewaySettings()
    listener = listening_socket(settings.http_host, settings.gateway_port)
    context.listening.set()
    log.info("edge_listening", host=settings.http_host, port=listener.getsockname()[1])
    async with TruthStore.open(settings.postgres_dsn, context.name, connections=settings.truth_connections) as truth:
        resources = Resources(context.nats, context.pool, context.redis, context.registry, truth)
        await run_edge(resources, settings, listener, context.stopping)
    log.info("edge_stopped")
