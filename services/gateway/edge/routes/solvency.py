"""Insurance funds and who would be deleveraged, from matching; funding payments, from funding."""

from typing import Any

from cleartide.answers.accounts import Deleveraging, FundingPayments, InsuranceFunds
from cleartide.money import Grid
from fastapi import APIRouter
from starlette.responses import Response

from services.gateway.edge.context import LONG_MS, SHORT_MS, Edge
from services.gateway.edge.convert import in_decimals
from services.gateway.edge.paging import whole
from services.gateway.edge.parameters import AccountPath, Before, Limit, MarketFilter


def solvency_router(edge: Edge) -> APIRouter:
    """Routes under /api/v1 about what stands behind positions."""
    router = APIRouter(prefix="/api/v1", tags=["solvency"])
    ask = edge.upstream.ask

    @router.get(
        "/accounts/{account}/deleveraging",
        summary="How soon each position would be deleveraged: 1 to 5 lamps",
        response_model=Deleveraging,
    )
    async def deleveraging(account: AccountPath) -> Response:
        return await edge.answer(
            ("deleveraging", account), SHORT_MS, lambda: ask("matching", "deleveraging", account=account)
        )

    @router.get(
        "/accounts/{account}/funding",
        summary="What an account paid and was paid as funding, newest first",
        response_model=FundingPayments,
    )
    async def funding(
        account: AccountPath, market: MarketFilter = None, before: Before = None, limit: Limit = 50
    ) -> Response:
        narrowed = {key: value for key, value in (("market", market), ("before", before)) if value is not None}
        return await edge.answer(
            ("payments", account, market, before, limit),
            SHORT_MS,
            lambda: _payments(edge, account, limit, narrowed),
        )

    @router.get(
        "/insurance",
        summary="Every market's insurance fund: balance, position, and what it is worth",
        response_model=InsuranceFunds,
    )
    async def insurance() -> Response:
        async def found() -> Any:
            return in_decimals(await ask("matching", "insurance"))

        return await edge.answer(("insurance",), LONG_MS, found)

    return router


async def _payments(edge: Edge, account: str, limit: int, narrowed: dict[str, Any]) -> dict[str, Any]:
    async def payments(most: int) -> dict[str, Any]:
        found = await edge.upstream.ask("funding", "payments", account=account, limit=most, **narrowed)
        return {**found, "payments": [_payment(row, edge.directory.known(row["market"])) for row in found["payments"]]}

    return await whole(payments, "payments", "interval_start", limit)


def _payment(row: dict[str, Any], grid: Grid | None) -> dict[str, Any]:
    same = ("market", "interval_start", "interval_micros", "funding_type", "settled_at", "rate", "amount")
    return {
        **{name: row[name] for name in same},
        "size": grid.size_text(row["lots"]) if grid else None,
        "mark": grid.price_text(row["mark_ticks"]) if grid else None,
    }
