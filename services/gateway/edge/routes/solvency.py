"""Insurance funds and who would be deleveraged, from matching; funding payments, from funding."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from services.gateway.edge.context import LONG_MS, SHORT_MS, Edge
from services.gateway.edge.paging import whole
from services.gateway.edge.parameters import AccountPath, Before, Limit, MarketFilter


def solvency_router(edge: Edge) -> APIRouter:
    """Routes under /api/v1 about what stands behind positions."""
    router = APIRouter(prefix="/api/v1", tags=["solvency"])
    ask = edge.upstream.ask

    @router.get("/accounts/{account}/deleveraging", summary="How soon each position would be deleveraged: 1 to 5 lamps")
    async def deleveraging(account: AccountPath) -> Response:
        return await edge.answer(
            ("deleveraging", account), SHORT_MS, lambda: ask("matching", "deleveraging", account=account)
        )

    @router.get("/accounts/{account}/funding", summary="What an account paid and was paid as funding, newest first")
    async def funding(
        account: AccountPath, market: MarketFilter = None, before: Before = None, limit: Limit = 50
    ) -> Response:
        narrowed = {key: value for key, value in (("market", market), ("before", before)) if value is not None}
        return await edge.answer(
            ("payments", account, market, before, limit),
            SHORT_MS,
            lambda: _payments(edge, account, limit, narrowed),
        )

    @router.get("/insurance", summary="Every market's insurance fund: balance, position, and what it is worth")
    async def insurance() -> Response:
        return await edge.answer(("insurance",), LONG_MS, lambda: ask("matching", "insurance"))

    return router


async def _payments(edge: Edge, account: str, limit: int, narrowed: dict[str, Any]) -> dict[str, Any]:
    found = await edge.upstream.ask("funding", "payments", account=account, limit=limit, **narrowed)
    return whole(found, "payments", "interval_start", limit)
