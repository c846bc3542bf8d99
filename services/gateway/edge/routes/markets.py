"""Markets and what is traded there: from matching, analytics and funding."""

from typing import Annotated, Any

from cleartide.answers.markets import BookView, CandlePage, MarketFunding, MarketList, TradePage
from fastapi import APIRouter, Query
from starlette.responses import Response

from services.gateway.edge.context import LONG_MS, SHORT_MS, Edge
from services.gateway.edge.convert import funding_view, market_view
from services.gateway.edge.errors import ApiError
from services.gateway.edge.files import Form, file_of
from services.gateway.edge.paging import listed, paged
from services.gateway.edge.parameters import Before, BeforeSeq, CandleLimit, Limit, MarketPath

Interval = Annotated[int, Query(ge=60, le=86_400, description="seconds; whole minutes that divide a day")]
Depth = Annotated[int, Query(ge=1, le=200)]


def markets_router(edge: Edge) -> APIRouter:
    """Routes under /api/v1/markets."""
    router = APIRouter(prefix="/api/v1/markets", tags=["markets"])
    ask = edge.upstream.ask

    @router.get("", summary="Every market: its rules, latest prices and last 24 hours", response_model=MarketList)
    async def markets() -> Response:
        return await edge.answer(("markets",), LONG_MS, lambda: _markets(edge))

    @router.get("/{market}/candles", summary="The newest candles, oldest first", response_model=CandlePage)
    async def candles(
        market: MarketPath,
        interval: Interval = 60,
        limit: CandleLimit = 300,
        series: Annotated[str, Query(pattern="^(trade|mark)$")] = "trade",
        before: Before = None,
        form: Form = "json",
    ) -> Response:
        asked = {"market": market, "interval_seconds": interval, "limit": limit, "series": series, "before": before}

        if form != "json":
            found = await ask("analytics", "candles", **asked)
            return await file_of(f"{market}-candles-{interval}", form, found["candles"])
        return await edge.answer(("candles", *asked.values()), LONG_MS, lambda: ask("analytics", "candles", **asked))

    @router.get("/{market}/book", summary="The order book, best prices first", response_model=BookView)
    async def book(market: MarketPath, depth: Depth = 20) -> Response:
        return await edge.answer(
            ("book", market, depth), SHORT_MS, lambda: ask("matching", "book", market=market, depth=depth)
        )

    @router.get("/{market}/trades", summary="The newest trades, newest first", response_model=TradePage)
    async def trades(market: MarketPath, before: BeforeSeq = None, limit: Limit = 50, form: Form = "json") -> Response:
        asked = {"market": market, "before": before, "limit": limit}
        told = listed("trades", "seq", limit, ask, "analytics", "recent_trades", asked)
        if form != "json":
            return await file_of(f"{market}-trades", form, (await told())["trades"])
        return await edge.answer(("trades", *asked.values()), SHORT_MS, told)

    @router.get(
        "/{market}/funding",
        summary="The rate in force, the predicted one, and past intervals; these as a file",
        response_model=MarketFunding,
    )
    async def funding(market: MarketPath, before: Before = None, limit: Limit = 24, form: Form = "json") -> Response:
        if form != "json":
            rates = (await _funding(edge, market, before, limit))["rates"]
            return await file_of(f"{market}-funding", form, list(map(_flat, rates)))
        return await edge.answer(
            ("funding", market, before, limit), LONG_MS, lambda: _funding(edge, market, before, limit)
        )

    return router


async def _markets(edge: Edge) -> dict[str, Any]:
    """Matching says which markets there are; the figures of the last 24 hours are null while analytics is away."""
    listed = await edge.upstream.ask("matching", "markets")
    try:
        stats = (await edge.upstream.ask("analytics", "market_stats"))["markets"]
    except ApiError:
        stats = []
    by_market = {line["market"]: line for line in stats}
    return {"markets": [market_view(market, by_market.get(market["market"])) for market in listed["markets"]]}


async def _funding(edge: Edge, market: str, before: int | None, limit: int) -> dict[str, Any]:
    grid = await edge.directory.require(market)
    found = await edge.upstream.ask("funding", "funding", market=market, before=before, limit=limit)
    return paged(funding_view(found, grid), "rates", "interval_start", limit)


def _flat(rate: dict[str, Any]) -> dict[str, Any]:
    """A rate and its settlement in one row; of a rate that is not settled those columns are empty."""
    settled = rate["settlement"] or {}
    told = {name: settled.get(name) for name in ("mark", "paid_per_lot", "funding_index", "settled_at")}
    return {name: value for name, value in rate.items() if name != "settlement"} | told
