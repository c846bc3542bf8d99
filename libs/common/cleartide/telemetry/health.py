"""Health as progress: `/health/live` the loop turns, `/health/ready` the fold advances, `/health/progress` figures."""

from collections.abc import Callable
from typing import Any, Final

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest

STALLED_SECONDS: Final = 15.0
ProgressReport = Callable[[], dict[str, Any]]


def health_app(progress: ProgressReport, registry: CollectorRegistry) -> web.Application:
    """The small HTTP surface that every service has. `progress()["ready"]` decides readiness."""

    async def live(_request: web.Request) -> web.Response:
        return web.json_response({"status": "live"})

    async def ready(_request: web.Request) -> web.Response:
        report = progress()
        return web.json_response(report, status=200 if report["ready"] else 503)

    async def detail(_request: web.Request) -> web.Response:
        return web.json_response(progress())

    async def metrics(_request: web.Request) -> web.Response:
        return web.Response(body=generate_latest(registry), content_type="text/plain", charset="utf-8")

    app = web.Application()
    app.router.add_get("/health/live", live)
    app.router.add_get("/health/ready", ready)
    app.router.add_get("/health/progress", detail)
    app.router.add_get("/metrics", metrics)
    return app


async def serve(app: web.Application, host: str, port: int) -> web.AppRunner:
    """Start serving; the caller cleans the runner up."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    return runner
