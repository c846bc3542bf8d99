"""What the API was used for: a person's own requests, and for operators everybody's."""

from typing import Annotated

from cleartide.answers.operations import RequestPage, UsageView, VenueUsage
from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from services.gateway.edge.context import Edge
from services.gateway.edge.paging import paged
from services.gateway.edge.parameters import Limit
from services.gateway.edge.routes.asking import answered, user_of
from services.gateway.edge.routes.operations import Before, admitted
from services.gateway.identity.people import now_micros
from services.gateway.metering import summary

Days = Annotated[int, Query(ge=1, le=90)]
Whose = Annotated[str | None, Query(pattern=r"^u[0-9a-f]{20}$", description="a person's id")]


def usage_router(edge: Edge) -> APIRouter:
    """Routes under /api/v1/me and /api/v1/admin about usage."""
    router = APIRouter(prefix="/api/v1", tags=["usage"])
    truth = edge.identity.truth

    @router.get(
        "/me/usage", summary="My requests by day with the peak hour, by route, and by key", response_model=UsageView
    )
    async def mine(request: Request, days: Days = 7) -> Response:
        user = user_of(request)
        async with truth.reading_as(user) as reading:
            return answered(await summary.summary(reading, user, days, now_micros()))

    @router.get("/me/requests", summary="My requests one by one, newest first", response_model=RequestPage)
    async def requests(request: Request, failed: bool = False, before: Before = None, limit: Limit = 50) -> Response:
        user = user_of(request)
        async with truth.reading_as(user) as reading:
            rows = await summary.newest(reading, user, failed=failed, before=before, limit=limit)
        return answered(paged({"requests": rows}, "requests", "id", limit))

    @router.get(
        "/admin/usage",
        summary="Everybody's requests, or a person's, and what came from the cache",
        response_model=VenueUsage,
    )
    async def everybodys(request: Request, whose: Whose = None, days: Days = 7) -> Response:
        await admitted(edge, request, "usage.read")
        async with truth.acting() as acting:
            found = await summary.summary(acting, whose, days, now_micros())
        return answered({**found, "dropped": edge.meter.dropped, "cache": edge.metrics.cache_told()})

    @router.get(
        "/admin/requests",
        summary="Everybody's requests one by one, or a person's, newest first",
        response_model=RequestPage,
    )
    async def all_requests(
        request: Request, whose: Whose = None, failed: bool = False, before: Before = None, limit: Limit = 50
    ) -> Response:
        await admitted(edge, request, "usage.read")
        async with truth.acting() as acting:
            rows = await summary.newest(acting, whose, failed=failed, before=before, limit=limit)
        return answered(paged({"requests": rows}, "requests", "id", limit))

    return router
