"""What an account's owner says to the watch over it: limits of his own, and answers to its alerts."""

from typing import Annotated, Any

from cleartide.answers.parts import TransferOutcome
from cleartide.answers.risk import AnsweredAlerts
from cleartide.answers.shapes import ErrorForm
from cleartide.contracts import AnswerAlert, SetRiskLimits
from cleartide.contracts.types import JSON_SAFE, PositiveDecimal
from cleartide.contracts.watching import AlertAnswer, AlertNote
from fastapi import APIRouter, Path, Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from services.gateway.edge.context import SHORT_MS, Edge
from services.gateway.edge.paging import paged
from services.gateway.edge.parameters import AccountPath, BeforeSeq, Limit
from services.gateway.edge.routes.asking import given, ident_of, user_of
from services.gateway.edge.routes.bodies import Body

AlertPath = Annotated[int, Path(ge=1, lt=2**40, description="the alert's `account_seq`")]
AfterAlert = Annotated[int | None, Query(ge=0, le=JSON_SAFE, description="a `seq` that an answer gave")]


class LimitsBody(Body):
    """Every limit that the account is to have, amounts in quote; one that is left out is taken back."""

    max_position: PositiveDecimal | None = None
    max_leverage: Annotated[int, Field(ge=1, le=1_000)] | None = None
    max_daily_loss: PositiveDecimal | None = None
    max_drawdown: PositiveDecimal | None = None
    max_value_at_risk: PositiveDecimal | None = None


class AnswerBody(Body):
    """Seen, or dealt with."""

    answer: AlertAnswer
    note: AlertNote = ""


def watching_router(edge: Edge) -> APIRouter:
    """Routes under /api/v1/accounts/{account} about its limits and alerts."""
    router = APIRouter(prefix="/api/v1/accounts/{account}", tags=["risk"], responses={422: {"model": ErrorForm}})
    send = edge.commands.send

    @router.get(
        "/alerts",
        summary="The account's alerts with what was answered: after one, or the newest",
        response_model=AnsweredAlerts,
    )
    async def alerts(
        account: AccountPath, after: AfterAlert = None, before: BeforeSeq = None, limit: Limit = 50
    ) -> Response:
        asked: dict[str, Any] = {"account": account, "after": after, "before": before, "limit": limit}
        return await edge.answer(("account-alerts", *asked.values()), SHORT_MS, lambda: answered_alerts(edge, **asked))

    @router.put(
        "/limits",
        summary="Set all limits at which the account is alerted",
        response_model=TransferOutcome,
        status_code=202,
    )
    async def limits(request: Request, account: AccountPath, body: LimitsBody) -> Response:
        wish = {"account": account, "actor": user_of(request), **body.model_dump()}
        return given(edge, await send(SetRiskLimits, ident=ident_of(request), **wish))

    @router.post(
        "/alerts/{alert}/answers",
        summary="Acknowledge or resolve an alert of the account",
        response_model=TransferOutcome,
        status_code=202,
    )
    async def answer(request: Request, account: AccountPath, alert: AlertPath, body: AnswerBody) -> Response:
        wish = {"account": account, "actor": user_of(request), "alert": alert, **body.model_dump()}
        return given(edge, await send(AnswerAlert, ident=ident_of(request), **wish))

    return router


async def answered_alerts(edge: Edge, *, after: int | None, limit: int, **asked: Any) -> dict[str, Any]:
    """Alerts in decimals, with `next` where they come newest first."""
    found = await edge.upstream.ask("risk", "alerts", after=after, limit=limit, **asked)
    told = {**found, "alerts": await edge.present.answered(found["alerts"])}
    return paged(told, "alerts", "seq", limit) if after is None else {**told, "next": None}
