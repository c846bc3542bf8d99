"""Days of markets, of the venue and of accounts, leaders and portfolios: from analytics; also as CSV and Parquet."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal

from cleartide.contracts.types import JSON_SAFE
from fastapi import APIRouter, Query
from starlette.responses import Response

from services.gateway.edge.context import LONG_MS, Edge
from services.gateway.edge.files import Form, file_of
from services.gateway.edge.parameters import AccountPath, MarketPath

Days = Annotated[int, Query(ge=1, le=366)]
Instant = Annotated[int | None, Query(ge=0, le=JSON_SAFE, description="microseconds since the Unix epoch, UTC")]
Ranking = Literal["volume", "pnl", "fees", "trades", "realized", "funding", "yield"]
Leaders = Annotated[int, Query(ge=1, le=500)]
RiskFree = Annotated[str, Query(pattern=r"^-?0?\.[0-9]{1,6}$|^0$", description="yearly fraction: 0.02 is 2 %")]


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
    async def leaderboard(
        by: Ranking = "volume", days: Days = 30, limit: Leaders = 50, form: Form = "json"
    ) -> Response:
        if form != "json":
            told = await ask("analytics", "leaderboard", by=by, days=days, limit=limit)
            return await file_of(f"leaders-{by}", form, told["accounts"])
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
    return await file_of(name, form, (await make())["days"])
