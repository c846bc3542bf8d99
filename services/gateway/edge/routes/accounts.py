"""Accounts, their positions, liquidations and earnings: from risk, analytics and earnings."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from cleartide.answers.accounts import AccountView, LiquidationPage, PositionList
from cleartide.answers.earnings import EarningsSummary
from cleartide.answers.shapes import OrderPage
from fastapi import APIRouter, Query
from starlette.responses import Response

from services.gateway.edge.context import LONG_MS, SHORT_MS, Edge
from services.gateway.edge.convert import account_view, position_view
from services.gateway.edge.errors import ApiError
from services.gateway.edge.files import Form, file_of
from services.gateway.edge.paging import listed, paged
from services.gateway.edge.parameters import (
    AccountFilter,
    AccountPath,
    BeforeOrder,
    BeforeSeq,
    ClientOrderFilter,
    Limit,
    MarketFilter,
    OrderState,
)

Days = Annotated[int, Query(ge=1, le=366)]
_ACCOUNT_FIELDS = ("account", "level", "health_factor", "equity", "liquidating")


def accounts_router(edge: Edge) -> APIRouter:
    """Routes under /api/v1 that name accounts."""
    router = APIRouter(prefix="/api/v1", tags=["accounts"])
    ask = edge.upstream.ask

    @router.get(
        "/positions", summary="Open positions, those of the least healthy account first", response_model=PositionList
    )
    async def positions(
        account: AccountFilter = None, limit: Limit = 50, order: Literal["health"] = "health"
    ) -> Response:
        return await edge.answer(
            ("positions", account, limit, order), SHORT_MS, lambda: _positions(edge, account, limit)
        )

    @router.get(
        "/accounts/{account}",
        summary="One account: equity, margin, health factor, positions and orders",
        response_model=AccountView,
    )
    async def one_account(account: AccountPath) -> Response:
        return await edge.answer(("account", account), SHORT_MS, lambda: _account(edge, account))

    @router.get(
        "/accounts/{account}/orders",
        summary="An account's orders, open and closed, newest first",
        response_model=OrderPage,
    )
    async def orders(
        account: AccountPath,
        state: OrderState = "all",
        market: MarketFilter = None,
        client_order_id: ClientOrderFilter = None,
        before: BeforeOrder = None,
        limit: Limit = 50,
    ) -> Response:
        narrowed = {"state": state, "market": market, "client_order_id": client_order_id, "before": before}
        return await edge.answer(
            ("orders", account, *narrowed.values(), limit),
            SHORT_MS,
            lambda: _orders(edge, account, limit, narrowed),
        )

    @router.get("/liquidations", summary="The newest liquidation steps, newest first", response_model=LiquidationPage)
    async def liquidations(
        market: MarketFilter = None, before: BeforeSeq = None, limit: Limit = 50, form: Form = "json"
    ) -> Response:
        asked = {"market": market, "before": before, "limit": limit}
        make = listed("liquidations", "seq", limit, ask, "analytics", "liquidations", asked)
        if form != "json":
            return await file_of("liquidations", form, (await make())["liquidations"])
        return await edge.answer(("liquidations", *asked.values()), SHORT_MS, make)

    @router.get(
        "/earnings/{account}",
        summary="One account's earnings: now, since its first day, and by day; now and since then as a file",
        response_model=EarningsSummary,
    )
    async def earnings(account: AccountPath, limit: Days = 31, form: Form = "json") -> Response:
        if form != "json":
            told = await ask("earnings", "summary", account=account)
            return await file_of(f"earnings-{account}", form, [_in_line(told)])
        return await edge.answer(("earnings", account, limit), LONG_MS, lambda: _earnings(edge, account, limit))

    return router


async def _orders(edge: Edge, account: str, limit: int, narrowed: dict[str, Any]) -> dict[str, Any]:
    found = await edge.upstream.ask("matching", "orders", account=account, limit=limit, **narrowed)
    return paged(found, "orders", "order_id", limit)


async def _positions(edge: Edge, account: str | None, limit: int) -> dict[str, Any]:
    if account is not None:
        one = await edge.upstream.ask("risk", "account", account=account)
        return {"as_of_seq": one["as_of_seq"], "total": 1, "considered": 1, "positions": _flat([one], limit)}
    many = await edge.upstream.ask("risk", "accounts", limit=limit)
    figures = {name: many[name] for name in ("as_of_seq", "total", "considered")}
    return {**figures, "positions": _flat(many["accounts"], limit)}


def _flat(accounts: list[dict[str, Any]], limit: int) -> list[dict[str, Any]]:
    """One row per position, each with its account's health; the account's order is kept."""
    rows = [
        {
            **{name: account[name] for name in _ACCOUNT_FIELDS},
            "account_maintenance_margin": account["maintenance_margin"],
            **position_view(position),
        }
        for account in accounts
        for position in account["positions"]
    ]
    return rows[:limit]


async def _account(edge: Edge, account: str) -> dict[str, Any]:
    margin = await edge.upstream.ask("risk", "account", account=account)
    try:
        held = await edge.upstream.ask("matching", "account", account=account)
    except ApiError:
        held = None
    return account_view(margin, held)


def _in_line(summary: Mapping[str, Any]) -> dict[str, Any]:
    """The line of a file: the open day and the sums since the first day beside the other figures."""
    lifetime = summary["lifetime"]
    open_day = summary["open_day"] or dict.fromkeys(("day", "equity_start", "equity_end", *lifetime))
    flat = {name: value for name, value in summary.items() if name not in ("open_day", "lifetime")}
    parts = {"open_day": open_day, "lifetime": lifetime}
    return flat | {f"{part}_{name}": value for part, figures in parts.items() for name, value in figures.items()}


async def _earnings(edge: Edge, account: str, limit: int) -> dict[str, Any]:
    summary = await edge.upstream.ask("earnings", "summary", account=account)
    days = await edge.upstream.ask("earnings", "days", account=account, limit=limit)
    return {**summary, "days": days["days"]}
