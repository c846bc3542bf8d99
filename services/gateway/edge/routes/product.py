"""How people use the product: batches from their clients, own dashboard and switch, the platform's dashboard."""

from typing import Annotated, Any, Literal

from cleartide.answers.product import OwnUse, PlatformUse, Privacy, Taken
from cleartide.answers.shapes import ErrorForm
from fastapi import APIRouter, Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from services.gateway.edge.context import LONG_MS, Edge
from services.gateway.edge.routes.asking import answered, user_of
from services.gateway.edge.routes.bodies import Body

MOST_ITEMS = 200
Span = Annotated[Literal["7", "30", "90"], Query(description="the last so many UTC days, today among them")]


class BatchBody(Body):
    """Events in any order; each is judged by itself."""

    events: Annotated[list[Any], Field(min_length=1, max_length=MOST_ITEMS)]


class RecordingBody(Body):
    """Whether my use may be recorded."""

    recording: bool


def product_router(edge: Edge) -> APIRouter:
    """Routes under /api/v1 about the use of the product."""
    router = APIRouter(prefix="/api/v1", tags=["product"], responses={422: {"model": ErrorForm}})
    desk, ask = edge.use, edge.upstream.ask

    @router.post(
        "/product/events",
        summary="Events of my client; every good one is taken, every bad one answered",
        response_model=Taken,
        status_code=202,
    )
    async def take(request: Request, body: BatchBody) -> Response:
        return answered(await desk.take(user_of(request), body.events), 202)

    @router.get(
        "/product/platform", summary="How the product is used: the last 7, 30 or 90 days", response_model=PlatformUse
    )
    async def platform(days: Span = "30") -> Response:
        return await edge.answer(("product", days), 5 * LONG_MS, lambda: ask("product", "platform", days=int(days)))

    @router.get("/me/product", summary="What was recorded of my use: the last 7, 30 or 90 days", response_model=OwnUse)
    async def mine(request: Request, days: Span = "30") -> Response:
        standing = await desk.standing(user_of(request))
        return answered(
            {**await ask("product", "person", person=standing["person"], days=int(days)), "privacy": standing}
        )

    @router.get("/me/privacy", summary="Whether my use is recorded", response_model=Privacy)
    async def privacy(request: Request) -> Response:
        return answered(await desk.standing(user_of(request)))

    @router.put("/me/privacy", summary="Switch the recording of my use on or off", response_model=Privacy)
    async def allow(request: Request, body: RecordingBody) -> Response:
        return answered(await desk.allow(user_of(request), body.recording))

    @router.delete(
        "/me/privacy/recorded",
        summary="Delete all that was recorded of my use",
        response_model=Privacy,
        status_code=202,
    )
    async def erase(request: Request) -> Response:
        return answered(await desk.erase(user_of(request)), 202)

    return router
