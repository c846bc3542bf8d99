"""Days of markets, of the venue and of accounts, leaders and portfolios: from analytics; also as CSV and Parquet."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from cleartide.answers.analytics import AccountDays, Leaderboard, MarketDays, Portfolio, VenueDays
from cleartide.contracts.types import JSON_SAFE
from fastapi import APIRouter, Query
from starlette.responses import Response

from services.gateway.edge.context import LONG_MS, Edge
from services.gateway.edge.convert import in_decimals
from services.gateway.edge.files import Form, file_of
from services.gateway.edge.paging import paged
from services.gateway.edge.parameters import AccountPath, MarketPath

Days = Annotated[int, Query(ge=1, le=366)]
Instant = Annotated[int | None, Query(ge=0, le=JSON_SAFE, description="microseconds since the Unix epoch, UTC")]
BeforeDay = Annotated[int | None, Query(ge=1, le=JSON_SAFE, description="a `day` that an answer gave")]
Ranking = Literal["volume", "pnl", "fees", "trades", "realized", "funding", "yield"]
Leaders = Annotated[int, Query(ge=1, le=500)]
RiskFree = Annotated[str, Query(pattern=r"^-?0?\.[0-9]{1,6}$|^0$", description="yearly fraction: 0.02 is 2 %")]

Table = Annotated[
    Literal["positions", "vaults", "windows", "ratios"], Query(description="of a file: what its lines are")
]


def analytics_router(edge: Edge) -> APIRouter:
    """Routes under /api/v1 about what happened by day, and how well accounts did."""
    router = APIRouter(prefix="/api/v1", tags=["analytics"])

    @router.get("/markets/{market}/days", summary="A market's UTC days, newest first", response_model=MarketDays)
    async def market_days(
        market: MarketPath,
        limit: Days = 31,
        from_day: Instant = None,
        to_day: Instant = None,
        before: BeforeDay = None,
        form: Form = "json",
    ) -> Response:
        asked = {"market": market, "limit": limit, "from_day": from_day, "to_day": to_day}
        return await _told(edge, form, f"{market}-days", "market_days", asked, before)

    @router.get(
        "/venue/days",
        summary="The venue's UTC days, newest first: volume, traders, fees, revenue",
        response_model=VenueDays,
    )
    async def venue_days(limit: Days = 31, before: BeforeDay = None, form: Form = "json") -> Response:
        return await _told(edge, form, "venue-days", "venue_days", {"limit": limit}, before)

    @router.get(
        "/accounts/{account}/days", summary="An account's UTC days, newest first: by source", response_model=AccountDays
    )
    async def account_days(
        account: AccountPath,
        limit: Days = 31,
        from_day: Instant = None,
        to_day: Instant = None,
        before: BeforeDay = None,
        form: Form = "json",
    ) -> Response:
        asked = {"account": account, "limit": limit, "from_day": from_day, "to_day": to_day}
        return await _told(edge, form, f"{account}-days", "account_days", asked, before)

    _standing_routes(router, edge)
    return router


def _standing_routes(router: APIRouter, edge: Edge) -> None:
    ask = edge.upstream.ask

    @router.get(
        "/accounts/{account}/portfolio",
        summary="What an account holds, gained by source, and its ratios; each part as a file",
        response_model=Portfolio,
    )
    async def portfolio(
        account: AccountPath,
        days: Days = 90,
        risk_free: RiskFree = "0.02",
        form: Form = "json",
        table: Table = "positions",
    ) -> Response:
        asked = {"account": account, "days": days, "risk_free": risk_free}
        if form != "json":
            told = await ask("analytics", "portfolio", **asked)
            return await file_of(f"{account}-{table}", form, _rows_of(told, table))
        return await edge.answer(
            ("portfolio", *asked.values()), LONG_MS, lambda: ask("analytics", "portfolio", **asked)
        )

    @router.get(
        "/leaderboard", summary="The accounts that lead by one figure over the last days", response_model=Leaderboard
    )
    async def leaderboard(
        by: Ranking = "volume", days: Days = 30, limit: Leaders = 50, form: Form = "json"
    ) -> Response:
        asked = {"by": by, "days": days, "limit": limit}
        if form != "json":
            told = await ask("analytics", "leaderboard", **asked)
            return await file_of(f"leaders-{by}", form, told["accounts"])
        return await edge.answer(
            ("leaderboard", *asked.values()), LONG_MS, lambda: ask("analytics", "leaderboard", **asked)
        )


def _rows_of(portfolio: Mapping[str, Any], table: str) -> Sequence[Mapping[str, Any]]:
    """A part of a portfolio as lines of a file: a span each, or the ratios and how the money is laid out as one."""
    if table == "windows":
        return [{"window": name, **figures} for name, figures in portfolio["windows"].items()]
    if table == "ratios":
        laid_out = {name: value for name, value in portfolio["allocation"].items() if name != "shares"}
        return [{**portfolio["ratios"], "risk_free": portfolio["risk_free"], **laid_out}]
    found: Sequence[Mapping[str, Any]] = portfolio[table]
    return found


async def _told(edge: Edge, form: str, name: str, query: str, asked: dict[str, Any], before: int | None) -> Response:
    """The answer as JSON, or its days as a file. `before` narrows `to_day`; both bound what is told."""
    first, last = asked.get("from_day") or 0, asked.get("to_day")
    if before is not None:
        last = before - 1 if last is None else min(last, before - 1)
    if last is not None and last < first:
        last, asked = first, {**asked, "limit": 0}  # whoever has read the first day of a span asks for what is before

    async def days() -> dict[str, Any]:
        if not asked["limit"]:
            return {**({"account": asked["account"]} if "account" in asked else {}), "days": [], "next": None}
        found = await edge.upstream.ask("analytics", query, **{**asked, "to_day": last})
        return paged(in_decimals(found), "days", "day", asked["limit"])

    if form == "json":
        return await edge.answer((name, before, *asked.values()), LONG_MS, days)
    return await file_of(name, form, (await days())["days"])
