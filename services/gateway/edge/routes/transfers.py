"""Money over HTTP: withdrawals asked for and taken back, transfers within a family, swaps, referrals, the ledger.

Deposits are not asked for: they arrive at custody, which reports them, and are seen under `transfers/open`.
"""

from typing import Annotated, Any, Final

from cleartide.answers.shapes import ErrorForm, LedgerPage, TransferOutcome
from cleartide.contracts import (
    CancelWithdrawal,
    ClaimReferralRewards,
    RequestWithdrawal,
    SetReferrer,
    SwapCollateral,
    TransferFunds,
)
from cleartide.contracts.base import Message
from cleartide.contracts.types import JSON_SAFE
from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from services.gateway.edge.context import SHORT_MS, Edge
from services.gateway.edge.paging import whole
from services.gateway.edge.parameters import AccountPath, Limit
from services.gateway.edge.routes.asking import decided, require_pace, user_of
from services.gateway.edge.routes.order_bodies import ReferrerBody, SwapBody, TransferBody, WithdrawalBody
from services.gateway.identity import people

WithdrawalPath = Annotated[int, Path(ge=1, le=JSON_SAFE, description="a `withdrawal_id` that an answer gave")]
BeforeEntry = Annotated[int | None, Query(ge=0, le=JSON_SAFE, description="`next` of the page before")]

PENDING: Final[dict[int | str, dict[str, Any]]] = {202: {"model": TransferOutcome, "description": "Not decided yet"}}


def transfers_router(edge: Edge) -> APIRouter:
    """Routes under /api/v1/accounts/{account} that move money, and what moved."""
    router = APIRouter(prefix="/api/v1/accounts/{account}", tags=["money"], responses={422: {"model": ErrorForm}})
    _exchanges(router, edge)

    @router.post(
        "/withdrawals", summary="Ask for an amount to be paid out", response_model=TransferOutcome, responses=PENDING
    )
    async def withdraw(request: Request, account: AccountPath, body: WithdrawalBody) -> Response:
        return await _moved(edge, request, RequestWithdrawal, account, body.model_dump())

    @router.delete(
        "/withdrawals/{withdrawal}",
        summary="Take back a withdrawal not yet begun",
        response_model=TransferOutcome,
        responses=PENDING,
    )
    async def take_back(request: Request, account: AccountPath, withdrawal: WithdrawalPath) -> Response:
        return await _moved(edge, request, CancelWithdrawal, account, {"withdrawal_id": withdrawal})

    @router.post(
        "/transfers", summary="Move an amount within the family", response_model=TransferOutcome, responses=PENDING
    )
    async def transfer(request: Request, account: AccountPath, body: TransferBody) -> Response:
        return await _moved(edge, request, TransferFunds, account, body.model_dump())

    @router.get("/ledger", summary="Every entry of the account's books, newest first", response_model=LedgerPage)
    async def ledger(account: AccountPath, before: BeforeEntry = None, limit: Limit = 50) -> Response:
        async def entries(most: int) -> Any:
            return await edge.upstream.ask("matching", "ledger", account=account, before=before, limit=most)

        return await edge.answer(
            ("ledger", account, before, limit), SHORT_MS, lambda: whole(entries, "entries", "transaction_id", limit)
        )

    return router


def _exchanges(router: APIRouter, edge: Edge) -> None:
    @router.post(
        "/swaps",
        summary="Exchange one asset for another with the venue, at index prices less a fee",
        response_model=TransferOutcome,
        responses=PENDING,
    )
    async def swap(request: Request, account: AccountPath, body: SwapBody) -> Response:
        await require_pace(edge, request)
        return await _moved(edge, request, SwapCollateral, account, body.model_dump())

    @router.put(
        "/referrer",
        summary="Say by whose referral code this family came to the venue, once",
        response_model=TransferOutcome,
        responses=PENDING,
    )
    async def refer(request: Request, account: AccountPath, body: ReferrerBody) -> Response:
        async with edge.identity.truth.acting() as truth:
            referrer = await people.of_code(truth, body.code)
        return await _moved(edge, request, SetReferrer, account, {"referrer": referrer})

    @router.post(
        "/referrals/claims",
        summary="Have what others' fees have brought as referrer",
        response_model=TransferOutcome,
        responses=PENDING,
    )
    async def claim(request: Request, account: AccountPath) -> Response:
        return await _moved(edge, request, ClaimReferralRewards, account, {})


async def _moved(edge: Edge, request: Request, contract: type[Message], account: str, wish: dict[str, Any]) -> Response:
    return await decided(edge, request, contract, account, {"account": account, "actor": user_of(request), **wish})
