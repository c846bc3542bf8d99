"""The alert feed: by page, as server-sent events, and over the WebSocket."""

from typing import Annotated

from cleartide.answers.shapes import AlertPage, ErrorForm
from cleartide.contracts.risk import AlertLevel
from fastapi import APIRouter, Header, Query, WebSocket
from starlette.requests import Request
from starlette.responses import Response

from services.gateway.edge.authorisation import principal_of
from services.gateway.edge.context import SHORT_MS, Edge
from services.gateway.edge.errors import ApiError
from services.gateway.edge.parameters import RULE, AccountFilter, AfterSeq, BeforeSeq, Limit, MarketFilter
from services.gateway.live.pump import SLOW_CLOSE_CODE
from services.gateway.live.session import LiveSession
from services.gateway.live.sse import AlertEventStream
from services.gateway.queries import Sought

LevelFilter = Annotated[AlertLevel | None, Query()]
RuleFilter = Annotated[str | None, Query(pattern=RULE, description="those by an operator's rule")]


def alerts_router(edge: Edge) -> APIRouter:
    """Routes of the alert feed and the live connection."""
    router = APIRouter(prefix="/api/v1", tags=["alerts"])

    @router.get(
        "/alerts",
        summary="Alerts after a sequence number, or the newest, or the newest before one",
        response_model=AlertPage,
        responses={409: {"model": ErrorForm}},
    )
    async def alerts(
        after_seq: AfterSeq = None,
        before: BeforeSeq = None,
        account: AccountFilter = None,
        level: LevelFilter = None,
        market: MarketFilter = None,
        rule: RuleFilter = None,
        limit: Limit = 100,
    ) -> Response:
        if after_seq is not None and before is not None:
            raise ApiError(422, "invalid_parameter", "Ask for what follows or for what was before, not for both.")
        sought = Sought(account, level, market, rule)
        place = ("alerts", after_seq, before, *sought, limit)
        return await edge.answer(place, SHORT_MS, lambda: _page(edge, after_seq, before, sought, limit))

    @router.get("/alerts/stream", summary="Alerts as server-sent events; resumes by Last-Event-ID", response_model=None)
    async def stream(
        request: Request,
        account: AccountFilter = None,
        after_seq: AfterSeq = None,
        last_event_id: Annotated[int | None, Header(ge=0)] = None,
    ) -> AlertEventStream:
        await _refuse_when_full(edge)
        place = after_seq if last_event_id is None else last_event_id
        await _refuse_beyond_feed(edge, place)
        return AlertEventStream(edge.live, principal_of(request), account=account, after_seq=place)

    @router.websocket("/ws")
    async def live(socket: WebSocket) -> None:
        if edge.live.clients >= edge.live.max_clients:
            await socket.close(SLOW_CLOSE_CODE, "too many clients")
            return
        await LiveSession(socket, edge.live, principal_of(socket)).run()

    return router


async def _page(edge: Edge, after_seq: int | None, before: int | None, sought: Sought, limit: int) -> AlertPage:
    older = None
    if after_seq is None:
        rows = await edge.history.preceding(before, sought, limit)
        older = rows[0].seq if len(rows) == limit else None
    else:
        rows = await edge.history.following(after_seq, sought, limit)
        if not rows:
            await _refuse_beyond_feed(edge, after_seq)
    reached = rows[-1].seq if rows else after_seq or 0
    return AlertPage(alerts=await edge.present.views(rows), next_after_seq=reached, next=older)


async def _refuse_beyond_feed(edge: Edge, place: int | None) -> None:
    if place and place > (head := await edge.history.head()):
        raise ApiError(409, "after_seq_beyond_feed", "The feed was made anew: begin without a place.", {"head": head})


async def _refuse_when_full(edge: Edge) -> None:
    if edge.live.clients >= edge.live.max_clients:
        raise ApiError(503, "too_many_clients", "The gateway serves as many live clients as it may.")
