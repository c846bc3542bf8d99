"""Keepers over HTTP: who has an account may ask for another's to be liquidated, and is paid for it if it was due."""

from cleartide.answers.shapes import ErrorForm, TransferOutcome
from cleartide.contracts import RequestLiquidation
from cleartide.contracts.types import AccountId, MarketId
from fastapi import APIRouter
from pydantic import ConfigDict
from starlette.requests import Request
from starlette.responses import Response

from services.gateway.edge.context import Edge
from services.gateway.edge.parameters import AccountPath
from services.gateway.edge.routes.asking import decided, require_pace
from services.gateway.edge.routes.bodies import Body
from services.gateway.edge.routes.transfers import PENDING


class LiquidationBody(Body):
    """Whose account is below its maintenance margin, and a market in which it has a position."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"target": "u0123456789abcdef0123", "market": "BTC-PERP"}]}
    )

    target: AccountId
    market: MarketId


def keepers_router(edge: Edge) -> APIRouter:
    """The route under /api/v1/accounts/{account}, which is the keeper's."""
    router = APIRouter(
        prefix="/api/v1/accounts/{account}",
        tags=["risk"],
        responses={422: {"model": ErrorForm}, 429: {"model": ErrorForm}},
    )

    @router.post(
        "/liquidations",
        summary="Ask for somebody's account to be liquidated; a keeper is told of it what he earned",
        response_model=TransferOutcome,
        responses=PENDING,
    )
    async def request_one(request: Request, account: AccountPath, body: LiquidationBody) -> Response:
        await require_pace(edge, request)
        await edge.directory.require(body.market)
        wish = {"keeper": account, "account": body.target, "market": body.market}
        return await decided(edge, request, RequestLiquidation, account, wish)

    return router
