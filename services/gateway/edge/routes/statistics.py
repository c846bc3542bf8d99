"""Public figures over all markets: prices as they are, the last day's statistics, funding, depth and impact."""

from typing import Annotated, Any

from cleartide.answers.markets import DepthView, FundingList, ImpactView, MarketStatistics, StatisticsList
from cleartide.answers.shapes import PriceList
from fastapi import APIRouter, Query
from starlette.responses import Response

from services.gateway.edge.context import LONG_MS, SHORT_MS, Edge
from services.gateway.edge.convert import in_decimals
from services.gateway.edge.errors import ApiError
from services.gateway.edge.files import Form, file_of
from services.gateway.edge.parameters import MarketFilter, MarketPath
from services.gateway.edge.routes.asking import answered

Notional = Annotated[
    str, Query(pattern=r"^(?:0|[1-9][0-9]{0,8})(?:\.[0-9]{1,6})?$", description="an amount of the quote asset")
]


def statistics_router(edge: Edge) -> APIRouter:
    """Routes under /api/v1 about what all may know."""
    router = APIRouter(prefix="/api/v1", tags=["markets"])
    ask = edge.upstream.ask

    @router.get(
        "/prices", summary="Every market's latest prices, as the live channel tells them", response_model=PriceList
    )
    async def prices(market: MarketFilter = None) -> Response:
        latest = edge.live.prices.latest
        return answered({"prices": [price for name, price in sorted(latest.items()) if market in (None, name)]})

    @router.get(
        "/statistics",
        summary="Every market's last 24 hours: volume, trades, range, liquidations",
        response_model=StatisticsList,
    )
    async def statistics(form: Form = "json") -> Response:
        if form != "json":
            return await file_of("statistics", form, (await ask("analytics", "market_stats"))["markets"])
        return await edge.answer(("statistics",), LONG_MS, lambda: ask("analytics", "market_stats"))

    @router.get("/markets/{market}/statistics", summary="A market's last 24 hours", response_model=MarketStatistics)
    async def one_market(market: MarketPath, form: Form = "json") -> Response:
        if form != "json":
            return await file_of(f"{market}-statistics", form, [await _of_market(edge, market)])
        return await edge.answer(("market_statistics", market), LONG_MS, lambda: _of_market(edge, market))

    @router.get(
        "/funding",
        summary="Every market's funding rate: in force, predicted, and when it settles",
        response_model=FundingList,
    )
    async def funding(form: Form = "json") -> Response:
        if form != "json":
            return await file_of("funding", form, (await _funding(edge))["markets"])
        return await edge.answer(("fundings",), LONG_MS, lambda: _funding(edge))

    @router.get(
        "/markets/{market}/depth",
        summary="How much rests within 5 to 200 basis points of the middle",
        response_model=DepthView,
    )
    async def depth(market: MarketPath) -> Response:
        return await edge.answer(("depth", market), SHORT_MS, lambda: ask("matching", "depth", market=market))

    @router.get(
        "/markets/{market}/impact",
        summary="The price of taking an amount out of the book, both ways",
        response_model=ImpactView,
    )
    async def impact(market: MarketPath, notional: Notional = "10000") -> Response:
        return await edge.answer(
            ("impact", market, notional), SHORT_MS, lambda: ask("matching", "impact", market=market, notional=notional)
        )

    return router


async def _of_market(edge: Edge, market: str) -> dict[str, Any]:
    found = (await edge.upstream.ask("analytics", "market_stats", market=market))["markets"]
    if not found:
        raise ApiError(404, "unknown_market", f"Market {market} is not listed.", {"market": market})
    one: dict[str, Any] = found[0]
    return one


async def _funding(edge: Edge) -> dict[str, Any]:
    told = await edge.upstream.ask("funding", "predicted")
    return {**told, "markets": in_decimals(told["markets"])}
