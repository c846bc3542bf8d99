"""Liquidity of the venues: depth, slippage, spread, parts of the whole, and statistics, from the ingestor."""

from typing import Annotated, Any

from cleartide.answers.liquidity import (
    FeedList,
    GapPage,
    LiquidityHistory,
    LiquidityStatistics,
    LiquidityView,
    VenueFundingList,
    VenueFundingPage,
    VenueInstrument,
)
from fastapi import APIRouter, Query
from starlette.responses import Response

from services.gateway.edge.context import LONG_MS, Edge
from services.gateway.edge.paging import paged, whole
from services.gateway.edge.parameters import Before, Limit

STATISTICS_MS = 10_000
MOST_FEEDS = 500
_SYMBOL = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$"
_VENUE = r"^[a-z0-9][a-z0-9-]{0,31}$"

Base = Annotated[str | None, Query(pattern=r"^[A-Za-z0-9]{1,20}$", description="the coin, as in BTC")]
Symbol = Annotated[str, Query(pattern=_SYMBOL)]
SymbolFilter = Annotated[str | None, Query(pattern=_SYMBOL)]
Venue = Annotated[str, Query(pattern=_VENUE)]
VenueFilter = Annotated[str | None, Query(pattern=_VENUE)]
Fees = Annotated[bool, Query(description="whether slippage holds the venue's taker fee")]
Hours = Annotated[int, Query(ge=1, le=24 * 31)]


def liquidity_router(edge: Edge) -> APIRouter:
    """Routes under /api/v1/liquidity."""
    router = APIRouter(prefix="/api/v1/liquidity", tags=["liquidity"])
    ask = edge.upstream.ask

    @router.get(
        "",
        summary="Depth, slippage and spread now, of a coin, a symbol or a venue, and the venues' parts",
        response_model=LiquidityView,
    )
    async def liquidity(
        base: Base = None, symbol: SymbolFilter = None, venue: VenueFilter = None, fees: Fees = False
    ) -> Response:
        asked = {"base": base, "symbol": symbol, "venue": venue, "fees": fees}
        return await edge.answer(("liquidity", *asked.values()), LONG_MS, lambda: ask("ingestor", "liquidity", **asked))

    @router.get(
        "/history",
        summary="One instrument's depth, slippage and spread as stored, newest first",
        response_model=LiquidityHistory,
    )
    async def history(
        venue: Venue, symbol: Symbol, before: Before = None, limit: Limit = 100, fees: Fees = False
    ) -> Response:
        asked = {"venue": venue, "symbol": symbol, "before": before, "limit": limit, "fees": fees}

        async def found() -> dict[str, Any]:
            return paged(await ask("ingestor", "liquidity_history", **asked), "rows", "ts", limit)

        return await edge.answer(("liquidity-history", *asked.values()), LONG_MS, found)

    _feeds(router, edge)
    _funding(router, edge)

    @router.get(
        "/statistics",
        summary="Funding, open interest over volume, and how far mark and last leave the index",
        response_model=LiquidityStatistics,
    )
    async def statistics(venue: Venue, symbol: Symbol, hours: Hours = 24) -> Response:
        asked = {"venue": venue, "symbol": symbol, "hours": hours}
        return await edge.answer(
            ("liquidity-statistics", *asked.values()), STATISTICS_MS, lambda: ask("ingestor", "statistics", **asked)
        )

    @router.get(
        "/instruments",
        summary="What is followed at the venues: grids, kinds and fees",
        response_model=list[VenueInstrument],
    )
    async def instruments(base: Base = None, symbol: SymbolFilter = None, venue: VenueFilter = None) -> Response:
        asked = {"base": base, "symbol": symbol, "venue": venue}
        return await edge.answer(
            ("liquidity-instruments", *asked.values()), LONG_MS, lambda: ask("ingestor", "instruments", **asked)
        )

    return router


def _feeds(router: APIRouter, edge: Edge) -> None:
    ask = edge.upstream.ask

    @router.get("/feeds", summary="Every venue's feeds: state, last heard of, gaps so far", response_model=FeedList)
    async def feeds() -> Response:
        async def found() -> dict[str, Any]:
            return {"feeds": [_feed(row) for row in await ask("ingestor", "statuses", limit=MOST_FEEDS)]}

        return await edge.answer(("liquidity-feeds",), LONG_MS, found)

    @router.get("/gaps", summary="What feeds have missed, newest first, and why", response_model=GapPage)
    async def gaps(
        symbol: SymbolFilter = None, venue: VenueFilter = None, before: Before = None, limit: Limit = 50
    ) -> Response:
        asked = {"symbol": symbol, "venue": venue, "before": before}

        async def found(most: int) -> dict[str, Any]:
            rows = await ask("ingestor", "gaps", **asked, limit=most)
            return {"gaps": [{"at": row.pop("ts"), **row} for row in rows]}

        return await edge.answer(
            ("liquidity-gaps", *asked.values(), limit), LONG_MS, lambda: whole(found, "gaps", "at", limit)
        )


def _funding(router: APIRouter, edge: Edge) -> None:
    ask = edge.upstream.ask

    @router.get(
        "/funding",
        summary="What venues say of their funding now: mark, index, rate, when it is due, and the predicted next one",
        response_model=VenueFundingList,
    )
    async def newest(base: Base = None, symbol: SymbolFilter = None, venue: VenueFilter = None) -> Response:
        asked = {"base": base, "symbol": symbol, "venue": venue}

        async def found() -> dict[str, Any]:
            return {"funding": await ask("ingestor", "funding", **asked)}

        return await edge.answer(("liquidity-funding", *asked.values()), LONG_MS, found)

    @router.get(
        "/funding/history",
        summary="What a venue said of one instrument's funding, newest first",
        response_model=VenueFundingPage,
    )
    async def said(venue: Venue, symbol: Symbol, before: Before = None, limit: Limit = 100) -> Response:
        asked = {"venue": venue, "symbol": symbol, "before": before}

        async def found(most: int) -> dict[str, Any]:
            return {"funding": await ask("ingestor", "funding_history", **asked, limit=most)}

        return await edge.answer(
            ("liquidity-funding-history", *asked.values(), limit),
            LONG_MS,
            lambda: whole(found, "funding", "ts", limit),
        )


def _feed(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, **{name: row[name] or None for name in ("since", "heard_at", "last_gap_at")}}
