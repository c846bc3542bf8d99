"""GET /api/health: 200 all up, 207 something optional is missing, 503 something required is."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from aiohttp import web
from cleartide.bus.streams import SERVICES
from cleartide.telemetry.health import health_app, serve
from prometheus_client import CollectorRegistry

from deploy.local.ports import free_port
from deploy.local.valkey import ValkeyServer
from services.gateway.tests.support import running_edge
from tests.support.installation import Installation
from tests.support.running import until

DEADLINE_SECONDS = 1.0


@asynccontextmanager
async def health_ports(*names: str, not_ready: str = "") -> AsyncIterator[dict[str, str]]:
    """The health endpoints that every service serves, one port each."""
    async with AsyncExitStack() as stack:
        urls = {}
        for name in names:
            report = {"service": name, "ready": name != not_ready, "phase": "running", "last_error": "", "position": 7}
            port = free_port()
            runner = await serve(health_app(lambda report=report: report, CollectorRegistry()), "127.0.0.1", port)  # type: ignore[misc]
            stack.push_async_callback(runner.cleanup)
            urls[name] = f"http://127.0.0.1:{port}"
        yield urls


def states(body: Any) -> dict[str, str]:
    """Status by dependency, of those that are not up."""
    return {line["name"]: line["status"] for line in body["dependencies"] if line["status"] != "up"}


async def test_all_up_is_200(installed: Installation, valkey: ValkeyServer) -> None:
    """GW-HEALTH-001: all up is 200, with every dependency and its latency."""
    async with (
        health_ports(*SERVICES) as urls,
        running_edge(installed, redis_url=valkey.url, service_urls=urls) as edge,
    ):
        status, body, _ = await edge.get("/api/health")
    assert (status, body["status"], states(body)) == (200, "up", {})
    assert {line["name"] for line in body["dependencies"]} == {"postgres", "nats", "redis", *SERVICES}
    assert all(line["latency_ms"] >= 0 and line["detail"] == "" for line in body["dependencies"])


async def test_something_optional_missing_is_207(installed: Installation) -> None:
    """GW-HEALTH-002: Redis or an optional service down, or a required one behind, is 207, each with its reason."""
    others = [name for name in SERVICES if name != "analytics"]
    async with (
        health_ports(*others, not_ready="risk") as urls,
        running_edge(installed, redis_url=f"redis://127.0.0.1:{free_port()}", service_urls=urls) as edge,
    ):
        status, body, _ = await edge.get("/api/health")
    assert (status, body["status"]) == (207, "degraded")
    assert states(body) == {"redis": "down", "analytics": "down", "risk": "degraded"}
    assert all(line["detail"] for line in body["dependencies"] if line["status"] != "up")


async def test_a_required_service_missing_is_503(installed: Installation, valkey: ValkeyServer) -> None:
    """GW-HEALTH-003: matching or risk down is 503."""
    for missing in ("matching", "risk"):
        others = [name for name in SERVICES if name != missing]
        async with (
            health_ports(*others) as urls,
            running_edge(installed, redis_url=valkey.url, service_urls=urls) as edge,
        ):
            status, body, _ = await edge.get("/api/health")
        assert (status, states(body)) == (503, {missing: "down"})


async def test_postgres_or_nats_away_is_503(installed: Installation, valkey: ValkeyServer) -> None:
    """GW-HEALTH-004: Postgres or NATS down is 503, and the gateway says which of them."""
    nowhere = f"postgresql://nobody@127.0.0.1:{free_port()}/none"
    async with health_ports(*SERVICES) as urls:
        async with running_edge(installed, redis_url=valkey.url, service_urls=urls, dsn=nowhere) as edge:
            status, body, _ = await edge.get("/api/health")
            assert (status, states(body)) == (503, {"postgres": "down"})
        async with running_edge(installed, redis_url=valkey.url, service_urls=urls) as edge:
            await installed.nats.stop()

            async def noticed() -> bool:
                status, body, _ = await edge.get("/api/health")
                return (status, states(body)) == (503, {"nats": "down"})

            await until(noticed)
            await installed.nats.start()


async def test_a_check_that_hangs_is_cut_off(installed: Installation, valkey: ValkeyServer) -> None:
    """GW-HEALTH-005: a check that hangs is cut off at its deadline and holds nothing else up."""

    released = asyncio.Event()

    async def hang(_request: web.Request) -> web.Response:
        await released.wait()
        return web.Response()

    slow = web.Application()
    slow.router.add_get("/health/progress", hang)
    port = free_port()
    runner = await serve(slow, "127.0.0.1", port)
    others = [name for name in SERVICES if name != "funding"]
    async with health_ports(*others) as urls:
        urls["funding"] = f"http://127.0.0.1:{port}"
        async with running_edge(installed, redis_url=valkey.url, service_urls=urls, health_timeout_seconds=1.5) as edge:
            status, body, _ = await edge.get("/api/health")
    assert (status, states(body)) == (207, {"funding": "down"})
    released.set()
    await runner.cleanup()


async def test_a_loop_that_stands_still_is_nobodys_silence(installed: Installation, valkey: ValkeyServer) -> None:
    """GW-HEALTH-008: what keeps the gateway from listening is not taken for the silence of those it has asked."""

    async def stand_still(_request: web.Request) -> web.Response:
        time.sleep(2 * DEADLINE_SECONDS)  # noqa: ASYNC251 - the very fault
        return web.json_response({"service": "funding", "ready": True})

    stopping = web.Application()
    stopping.router.add_get("/health/progress", stand_still)
    port = free_port()
    runner = await serve(stopping, "127.0.0.1", port)
    async with health_ports(*(name for name in SERVICES if name != "funding")) as urls:
        urls["funding"] = f"http://127.0.0.1:{port}"
        async with running_edge(
            installed, redis_url=valkey.url, service_urls=urls, health_timeout_seconds=DEADLINE_SECONDS
        ) as edge:
            status, body, _ = await edge.get("/api/health")
    assert (status, states(body)) == (200, {})
    await runner.cleanup()


async def test_progress_of_every_service_is_told(installed: Installation, valkey: ValkeyServer) -> None:
    """GW-HEALTH-006: the progress of every service is told, and who does not answer."""
    async with (
        health_ports("risk") as urls,
        running_edge(installed, redis_url=valkey.url, service_urls=urls) as edge,
    ):
        _, body, _ = await edge.get("/api/v1/services")
    rows = {row["service"]: row for row in body["services"]}
    assert list(rows) == list(SERVICES)
    assert (rows["risk"]["reachable"], rows["risk"]["position"]) == (True, 7)
    assert rows["matching"]["reachable"] is False


async def test_metrics_are_prometheus_text(installed: Installation, valkey: ValkeyServer) -> None:
    """GW-HEALTH-007: metrics count requests by route pattern, never by raw path."""
    async with running_edge(installed, redis_url=valkey.url) as edge:
        await edge.get("/api/v1/accounts/UPPER")
        async with edge.http.get(f"{edge.url}/api/metrics") as response:
            text = await response.text()
            assert response.headers["Content-Type"].startswith("text/plain")
    assert 'route="/api/v1/accounts/{account}",status="422"' in text
    assert "UPPER" not in text
