"""A person's accounts in matching: sub-accounts and delegates. The gateway says who asks; matching decides."""

from typing import Annotated

from cleartide.answers.identity import Family
from cleartide.answers.parts import TransferOutcome
from cleartide.answers.shapes import ErrorForm
from cleartide.contracts import GrantDelegate, OpenSubaccount, RevokeDelegate
from fastapi import APIRouter, Path
from starlette.requests import Request
from starlette.responses import Response

from services.gateway.edge.context import Edge
from services.gateway.edge.parameters import AccountPath
from services.gateway.edge.routes.asking import answered, given, ident_of, user_of
from services.gateway.edge.routes.bodies import RightsBody, SubaccountBody

DelegatePath = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9_-]{0,47}$")]


def families_router(edge: Edge) -> APIRouter:
    """Routes under /api/v1 about the accounts of a family."""
    router = APIRouter(prefix="/api/v1", tags=["accounts"], responses={422: {"model": ErrorForm}})
    send = edge.commands.send

    @router.get("/me/accounts", summary="My account, its sub-accounts, and who may act for each", response_model=Family)
    async def family(request: Request) -> Response:
        return answered(await edge.upstream.ask("matching", "family", account=user_of(request)))

    @router.post(
        "/me/accounts",
        summary="Open a sub-account `<account>--<name>`",
        response_model=TransferOutcome,
        status_code=202,
    )
    async def open_one(request: Request, body: SubaccountBody) -> Response:
        user, ident = user_of(request), ident_of(request)
        wish = body.model_dump()
        return given(edge, await send(OpenSubaccount, ident=ident, account=user, actor=user, **wish))

    @router.put(
        "/accounts/{account}/delegates/{delegate}",
        summary="Let another act for an account of mine",
        response_model=TransferOutcome,
        status_code=202,
    )
    async def grant(request: Request, account: AccountPath, delegate: DelegatePath, body: RightsBody) -> Response:
        user, ident = user_of(request), ident_of(request)
        who = {"account": account, "delegate": delegate, "actor": user}
        return given(edge, await send(GrantDelegate, ident=ident, **who, **body.model_dump()))

    @router.delete(
        "/accounts/{account}/delegates/{delegate}",
        summary="Take every right back from a delegate",
        response_model=TransferOutcome,
        status_code=202,
    )
    async def revoke(request: Request, account: AccountPath, delegate: DelegatePath) -> Response:
        user, ident = user_of(request), ident_of(request)
        return given(edge, await send(RevokeDelegate, ident=ident, account=account, delegate=delegate, actor=user))

    return router
