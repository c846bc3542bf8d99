"""Days of markets, of the venue and of accounts, leaders and portfolios: from analytics; also as CSV and Parquet."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal

from cleartide.contracts.types import JSON_SAFE
from cleartide.store.parquet import csv_text, parquet_bytes
from fastapi import APIRouter, Query
from starlette.responses import Response

from services.gateway.edge.context import LONG_MS, Edge
from services.gateway.edge.parameters import AccountPath, MarketPath

Days = Annotated[int, Query(ge=1, le=366)]
Form = Annotated[Literal["json", "csv", "parquet"], Query(alias="format", description="csv and parquet: rows alone")]
Instant = Annotated[int | None, Query(ge=0, le=JSON_SAFE, description="microseconds since the Unix epoch, UTC")]
Ranking = Literal["volume", "pnl", "fees", "trades", "realized", "funding"]
Leaders = Annotated[int, Query(ge=1, le=500)]
RiskFree = Annotated[str, Query(pattern=r"^-?0?\.[0-9]{1,6}$|^0$", description="yearly fraction: 0.02 is 2 %")]
_PARQUET = "application/vnd.apache.parquet"


def analytics_router(edge: Edge) -> APIRouter:
    """Routes under /api/v1 about what happened by day, and how well accounts did."""
    router = APIRouter(prefix="/api/v1", tags=["analytics"])
    ask = edge.upstream.ask

    @router.get("/markets/{market}/days", summary="A market's UTC days, newest first")
    async def market_days(
        market: MarketPath, limit: Days = 31, from_day: Instant = None, to_day: Instant = None, form: Form = "json"
    ) -> Response:
        asked = {"market": market, "limit": limit, "from_day": from_day, "to_day": to_day}
        return await _told(edge, form, f"{market}-days", asked, lambda: ask("analytics", "market_days", **asked))

    @router.get("/venue/days", summary="The venue's UTC days, newest first: volume, traders, fees, revenue")
    async def venue_days(limit: Days = 31, form: Form = "json") -> Response:
        return await _told(
            edge, form, "venue-days", {"limit": limit}, lambda: ask("analytics", "venue_days", limit=limit)
        )

    @router.get("/accounts/{account}/days", summary="An account's UTC days, newest first: by source")
    async def account_days(
        account: AccountPath, limit: Days = 31, from_day: Instant = None, to_day: Instant = None, form: Form = "json"
    ) -> Response:
        asked = {"account": account, "limit": limit, "from_day": from_day, "to_day": to_day}
        return await _told(edge, form, f"{account}-days", asked, lambda: ask("analytics", "account_days", **asked))

    @router.get("/accounts/{account}/portfolio", summary="What an account holds, gained by source, and its ratios")
    async def portfolio(account: AccountPath, days: Days = 90, risk_free: RiskFree = "0.02") -> Response:
        return await edge.answer(
            ("portfolio", account, days, risk_free),
            LONG_MS,
            lambda: ask("analytics", "portfolio", account=account, days=days, risk_free=risk_free),
        )

    @router.get("/leaderboard", summary="The accounts that lead by one figure over the last days")
    async def leaderboard(by: Ranking = "volume", days: Days = 30, limit: Leaders = 50) -> Response:
        return await edge.answer(
            ("leaderboard", by, days, limit),
            LONG_MS,
            lambda: ask("analytics", "leaderboard", by=by, days=days, limit=limit),
        )

    return router


async def _told(
    edge: Edge, form: str, name: str, asked: dict[str, Any], make: Callable[[], Awaitable[dict[str, Any]]]
) -> Response:
    """The answer as JSON, or its days as a file."""
    if form == "json":
        return await edge.answer((name, *asked.values()), LONG_MS, make)
    rows = (await make())["days"]
    body = csv_text(rows).encode() if form == "csv" else await asyncio.to_thread(parquet_bytes, rows)
    headers = {"Cache-Control": "no-store", "Content-Disposition": f'attachment; filename="{name}.{form}"'}
    return Response(body, headers=headers, media_type="text/csv" if form == "csv" else _PARQUET)
