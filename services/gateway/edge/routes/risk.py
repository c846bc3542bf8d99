"""The venue's risk: levels and health, stress, exposure, liquidations by price, insurance, and an account's what-if."""

from typing import Annotated, Any, Literal

from cleartide.answers.risk import (
    AccountWatch,
    ExposureView,
    InsuranceHistory,
    LiquidationMap,
    OrderWhatIf,
    PricesWhatIf,
    RiskSummary,
    StressView,
    TailView,
)
from fastapi import APIRouter, Query
from starlette.responses import Response

from services.gateway.edge.context import LONG_MS, SHORT_MS, Edge
from services.gateway.edge.paging import paged
from services.gateway.edge.parameters import AccountPath, BeforeSeq, MarketFilter

ANALYSIS_MS = 5_000
Market = Annotated[str, Query(pattern=r"^[A-Z0-9][A-Z0-9-]{1,23}$")]
Size = Annotated[str, Query(pattern=r"^(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,12})?$")]
Price = Annotated[str | None, Query(pattern=r"^(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,12})?$")]
Percent = Annotated[str, Query(pattern=r"^-?[0-9]{1,4}(?:\.[0-9]{1,4})?$", description="-99 to 1000")]
Points = Annotated[int, Query(ge=1, le=2_000)]


def risk_router(edge: Edge) -> APIRouter:
    """Routes under /api/v1/risk, and the what-if of an account."""
    router = APIRouter(prefix="/api/v1", tags=["risk"])
    _of_venue(router, edge)
    _of_account(router, edge)
    return router


def _of_venue(router: APIRouter, edge: Edge) -> None:
    ask = edge.upstream.ask

    @router.get("/risk", summary="Accounts per level, and how health factors are spread", response_model=RiskSummary)
    async def summary() -> Response:
        return await edge.answer(("risk",), LONG_MS, lambda: ask("risk", "summary"))

    @router.get(
        "/risk/stress",
        summary="What falls and rises would do, and whether the insurance funds suffice",
        response_model=StressView,
    )
    async def stress() -> Response:
        return await edge.answer(("stress",), ANALYSIS_MS, lambda: ask("risk", "stress"))

    @router.get(
        "/risk/exposure",
        summary="Long, short and concentration by market; the largest accounts' tails",
        response_model=ExposureView,
    )
    async def exposure() -> Response:
        return await edge.answer(("exposure",), ANALYSIS_MS, lambda: ask("risk", "exposure"))

    @router.get(
        "/risk/liquidation-map",
        summary="What becomes liquidatable at each percent from the mark price",
        response_model=LiquidationMap,
    )
    async def liquidation_map(market: Market) -> Response:
        return await edge.answer(
            ("liquidation-map", market), ANALYSIS_MS, lambda: ask("risk", "liquidation_map", market=market)
        )

    @router.get(
        "/risk/insurance", summary="What was in the insurance funds, oldest first", response_model=InsuranceHistory
    )
    async def insurance(market: MarketFilter = None, before: BeforeSeq = None, limit: Points = 1_000) -> Response:
        asked = {"market": market, "before": before, "limit": limit}

        async def found() -> dict[str, Any]:
            return paged(await ask("risk", "insurance", **asked), "points", "seq", limit, oldest=0)

        return await edge.answer(("insurance-points", *asked.values()), LONG_MS, found)


def _of_account(router: APIRouter, edge: Edge) -> None:
    ask = edge.upstream.ask

    @router.get(
        "/accounts/{account}/limits",
        summary="The account's own limits, and the alerts about it that hold",
        response_model=AccountWatch,
    )
    async def limits(account: AccountPath) -> Response:
        return await edge.answer(("limits", account), SHORT_MS, lambda: ask("risk", "watching", account=account))

    @router.get(
        "/accounts/{account}/tail",
        summary="Value at risk and expected shortfall, from past hours and days",
        response_model=TailView,
    )
    async def tail(account: AccountPath) -> Response:
        return await edge.answer(("tail", account), LONG_MS, lambda: ask("risk", "tail", account=account))

    @router.get(
        "/accounts/{account}/what-if/order",
        summary="The account's margin once an order has filled",
        response_model=OrderWhatIf,
    )
    async def what_if_order(
        account: AccountPath, market: Market, side: Literal["buy", "sell"], size: Size, price: Price = None
    ) -> Response:
        asked = {"account": account, "market": market, "side": side, "size": size, "price": price}
        return await edge.answer(
            ("what-if-order", *asked.values()), SHORT_MS, lambda: ask("risk", "what_if_order", **asked)
        )

    @router.get(
        "/accounts/{account}/what-if/prices",
        summary="The account's margin when one market or all move",
        response_model=PricesWhatIf,
    )
    async def what_if_prices(account: AccountPath, percent: Percent, market: MarketFilter = None) -> Response:
        asked = {"account": account, "percent": percent, "market": market}
        return await edge.answer(
            ("what-if-prices", *asked.values()), SHORT_MS, lambda: ask("risk", "what_if_prices", **asked)
        )
