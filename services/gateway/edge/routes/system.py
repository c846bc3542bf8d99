"""The gateway's own state: health, metrics, and every service's progress."""

import msgspec
from cleartide.answers.operations import ServiceList
from cleartide.answers.shapes import HealthReport
from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import Response

from services.gateway.edge.context import LONG_MS, Edge


def system_router(edge: Edge) -> APIRouter:
    """Routes for operators."""
    router = APIRouter(prefix="/api", tags=["system"])

    @router.get(
        "/health",
        summary="Health of every dependency",
        response_model=HealthReport,
        responses={207: {"model": HealthReport}, 503: {"model": HealthReport}},
    )
    async def health() -> Response:
        status, report = await edge.health.report()
        body = msgspec.json.encode(report)
        return Response(body, status, {"Cache-Control": "no-store"}, media_type="application/json")

    @router.get("/metrics", summary="Prometheus metrics of the gateway process")
    async def metrics() -> Response:
        return Response(generate_latest(edge.metrics.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    @router.get("/v1/services", summary="Position, lag and last commit of every service", response_model=ServiceList)
    async def services() -> Response:
        return await edge.answer(("services",), LONG_MS, lambda: _services(edge))

    return router


async def _services(edge: Edge) -> dict[str, object]:
    return {"services": await edge.health.progress()}
