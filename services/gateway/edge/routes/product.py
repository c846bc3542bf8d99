"""How people use the product: batches from their clients, own dashboard and switch, the platform's dashboard."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from cleartide.answers.product import OwnUse, PlatformUse, Privacy, Taken
from cleartide.answers.shapes import ErrorForm
from fastapi import APIRouter, Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from services.gateway.edge.context import LONG_MS, Edge
from services.gateway.edge.files import Form, file_of
from services.gateway.edge.routes.asking import answered, user_of
from services.gateway.edge.routes.bodies import Body

MOST_ITEMS = 200
Span = Annotated[Literal["7", "30", "90"], Query(description="the last so many UTC days, today among them")]
Table = Annotated[
    Literal["days", "totals", "pages", "features", "actions", "devices", "journeys", "errors", "metrics"],
    Query(description="of a file: what its lines are"),
]
OwnTable = Annotated[Literal["days", "totals", "used", "visits"], Query(description="of a file: what its lines are")]


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
        "/product/platform",
        summary="How the product is used: the last 7, 30 or 90 days; each part as a file",
        response_model=PlatformUse,
    )
    async def platform(days: Span = "30", form: Form = "json", table: Table = "days") -> Response:
        if form != "json":
            return await file_of(
                f"use-{table}", form, _rows_of(await ask("product", "platform", days=int(days)), table)
            )
        return await edge.answer(("product", days), 5 * LONG_MS, lambda: ask("product", "platform", days=int(days)))

    @router.get(
        "/me/product",
        summary="What was recorded of my use: the last 7, 30 or 90 days; each part as a file",
        response_model=OwnUse,
    )
    async def mine(request: Request, days: Span = "30", form: Form = "json", table: OwnTable = "days") -> Response:
        standing = await desk.standing(user_of(request))
        told = await ask("product", "person", person=standing["person"], days=int(days))
        if form != "json":
            return await file_of(f"my-use-{table}", form, _rows_of(told, table))
        return answered({**told, "privacy": standing})

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


def _rows_of(use: Mapping[str, Any], table: str) -> Sequence[Mapping[str, Any]]:
    """A part of a dashboard as lines of a file: of journeys a step each, of what a person used a name each."""
    if table == "totals":
        return [use["totals"]]
    if table == "journeys":
        named = [({name: way[name] for name in ("journey", "completed")}, way["steps"]) for way in use["journeys"]]
        return [{**way, **step} for way, steps in named for step in steps]
    if table == "used":
        return [{"kind": kind, **row} for kind, rows in use["used"].items() for row in rows]
    found: Sequence[Mapping[str, Any]] = use[table]
    return found
