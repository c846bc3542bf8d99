"""The gateway's background task: makes the parts, serves them in the service's own event loop, and stops with it."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

import aiohttp
import structlog
import uvicorn
from cleartide.service import ServiceContext
from starlette.types import ASGIApp

from services.gateway.edge.alerts import AlertHistory, AlertPresenter
from services.gateway.edge.application import application
from services.gateway.edge.cache import ResponseCache
from services.gateway.edge.context import Edge
from services.gateway.edge.health import HealthChecks
from services.gateway.edge.limits import RateLimiter
from services.gateway.edge.markets import MarketDirectory
from services.gateway.edge.metrics import EdgeMetrics
from services.gateway.edge.redis_guard import RedisGuard
from services.gateway.edge.upstream import Upstream
from services.gateway.live.alerts import AlertHub
from services.gateway.live.prices import PriceHub
from services.gateway.live.session import LiveHubs
from services.gateway.settings import GatewaySettings

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
            limit_concurrency=settings.max_connections,
            timeout_graceful_shutdown=STOP_SECONDS,
            ws_max_size=MAX_MESSAGE_BYTES,
            ws_ping_interval=PING_SECONDS,
            ws_ping_timeout=PING_SECONDS,
            ws_per_message_deflate=False,
        )
    )


@asynccontextmanager
async def assembled(context: ServiceContext, settings: GatewaySettings) -> AsyncIterator[Edge]:
    """The parts of the edge, from what the service offers."""
    metrics = EdgeMetrics(context.registry)
    guard = RedisGuard(context.redis)
    upstream = Upstream(context.nats, metrics, settings.upstream_timeout_seconds)
    directory = MarketDirectory(upstream)
    history, present = AlertHistory(context.pool), AlertPresenter(directory)
    live = LiveHubs(
        alerts=AlertHub(history, present, metrics),
        prices=PriceHub(directory, guard, metrics),
        metrics=metrics,
        queue_frames=settings.live_queue_frames,
        send_seconds=settings.live_send_seconds,
        max_clients=settings.max_live_clients,
    )
    async with aiohttp.ClientSession() as http:
        yield Edge(
            upstream=upstream,
            directory=directory,
            cache=ResponseCache(guard, metrics),
            limiter=RateLimiter(guard, metrics, per_second=settings.rate_per_second, burst=settings.rate_burst),
            health=HealthChecks(
                pool=context.pool,
                nats=context.nats,
                redis=context.redis,
                http=http,
                service_urls=settings.service_urls,
                timeout_seconds=settings.health_timeout_seconds,
            ),
            history=history,
            present=present,
            live=live,
            metrics=metrics,
        )


async def serve_edge(context: ServiceContext) -> None:
    """Serve until the service stops; ends early only by failing."""
    settings = GatewaySettings()
    async with assembled(context, settings) as edge:
        listener = listening_socket(settings.http_host, settings.gateway_port)
        server = embedded(application(edge), settings)
        loops = (edge.directory.run(), edge.live.alerts.run(context.nats), edge.live.prices.run(context.nats))
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(loop) for loop in loops]
            tasks.create_task(server.serve([listener]))
            log.info("edge_listening", host=settings.http_host, port=listener.getsockname()[1])
            await context.stopping.wait()
            edge.live.closing.set()
            server.should_exit = True
            for task in running:
                task.cancel()
    log.info("edge_stopped")
