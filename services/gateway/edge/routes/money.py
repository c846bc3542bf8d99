"""What an account may take out, what moved, and what trading costs: from matching."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from cleartide.answers.accounts import (
    AccountFees,
    FeeSchedules,
    MarginView,
    OpenTransfers,
    RevenuePage,
    TransferPage,
)
from cleartide.contracts.types import JSON_SAFE
from fastapi import APIRouter, Query
from starlette.responses import Response

from services.gateway.edge.context import LONG_MS, SHORT_MS, Edge
from services.gateway.edge.convert import in_decimals
from services.gateway.edge.files import Form, file_of
from services.gateway.edge.paging import paged, whole
from services.gateway.edge.parameters import AccountPath, Limit, MarketFilter

AssetFilter = Annotated[str | None, Query(pattern=r"^[A-Z0-9][A-Z0-9-]{0,23}$")]
BeforeTransfer = Annotated[int | None, Query(ge=0, le=JSON_SAFE, description="a transfer id that an answer gave")]
BeforeDay = Annotated[str | None, Query(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", description="a day, UTC")]


def money_router(edge: Edge) -> APIRouter:
    """Routes under /api/v1 about margin, transfers and fees."""
    router = APIRouter(prefix="/api/v1", tags=["accounts"])
    ask = edge.upstream.ask

    @router.get(
        "/accounts/{account}/margin",
        summary="Margin, collateral by asset, and liquidation prices",
        response_model=MarginView,
    )
    async def margin(account: AccountPath) -> Response:
        return await edge.answer(("margin", account), SHORT_MS, lambda: ask("matching", "margin", account=account))

    @router.get(
        "/accounts/{account}/transfers",
        summary="What came, went and moved without a trade, newest first",
        response_model=TransferPage,
    )
    async def transfers(
        account: AccountPath, asset: AssetFilter = None, before: BeforeTransfer = None, limit: Limit = 50
    ) -> Response:
        narrowed = {name: value for name, value in (("asset", asset), ("before", before)) if value is not None}
        return await edge.answer(
            ("transfers", account, asset, before, limit),
            SHORT_MS,
            lambda: _transfers(edge, account, limit, narrowed),
        )

    @router.get(
        "/accounts/{account}/transfers/open",
        summary="Deposits to be confirmed, withdrawals yet to leave",
        response_model=OpenTransfers,
    )
    async def open_transfers(account: AccountPath) -> Response:
        return await edge.answer(
            ("open_transfers", account), SHORT_MS, lambda: ask("matching", "open_transfers", account=account)
        )

    @router.get(
        "/accounts/{account}/fees",
        summary="An account's rates, the volume that decides them, its referrals",
        response_model=AccountFees,
    )
    async def fees(account: AccountPath) -> Response:
        return await edge.answer(("fees", account), SHORT_MS, _decimals(edge, "fees", account=account))

    @router.get("/fees", summary="Fee tiers by market, and the terms of referrals", response_model=FeeSchedules)
    async def fee_schedules() -> Response:
        return await edge.answer(("fee_schedules",), LONG_MS, _decimals(edge, "fee_schedules"))

    @router.get(
        "/fees/revenue",
        summary="What the venue took and passed on, by day and market, newest first",
        response_model=RevenuePage,
    )
    async def revenue(
        market: MarketFilter = None, before: BeforeDay = None, limit: Limit = 50, form: Form = "json"
    ) -> Response:
        async def days(most: int) -> Any:
            return await ask("matching", "revenue", market=market, before=before, limit=most)

        if form != "json":
            return await file_of("revenue", form, (await whole(days, "revenue", "day", limit))["revenue"])
        return await edge.answer(
            ("revenue", market, before, limit), LONG_MS, lambda: whole(days, "revenue", "day", limit)
        )

    return router


async def _transfers(edge: Edge, account: str, limit: int, narrowed: dict[str, Any]) -> dict[str, Any]:
    found = await edge.upstream.ask("matching", "transfers", account=account, limit=limit, **narrowed)
    return paged(found, "transfers", "transfer_id", limit)


def _decimals(edge: Edge, query: str, **asked: Any) -> Callable[[], Awaitable[Any]]:
    """Asks matching, and tells its rates as decimals."""

    async def found() -> Any:
        return in_decimals(await edge.upstream.ask("matching", query, **asked))

    return found
