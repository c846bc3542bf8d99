"""A person's API keys. A secret is shown once, in the answer that made it."""

from typing import Annotated

from cleartide.answers.identity import KeyList, NewKey, RotatedKey
from cleartide.answers.parts import Named
from fastapi import APIRouter, Path
from starlette.requests import Request
from starlette.responses import Response

from services.gateway.edge.authorisation import principal_of
from services.gateway.edge.context import Edge
from services.gateway.edge.errors import ApiError
from services.gateway.edge.routes.asking import answered, caller_of, user_of
from services.gateway.edge.routes.bodies import KeyBody
from services.gateway.identity.keys import KeyWish

KeyPath = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


def keys_router(edge: Edge) -> APIRouter:
    """Routes under /api/v1/me/keys."""
    router = APIRouter(prefix="/api/v1/me/keys", tags=["API keys"])
    keys = edge.identity.keys

    @router.get("", summary="My keys, without their secrets", response_model=KeyList)
    async def listed(request: Request) -> Response:
        return answered({"keys": await keys.listed(user_of(request))})

    @router.post("", summary="A new key; its secrets are shown this once", response_model=NewKey, status_code=201)
    async def create(request: Request, body: KeyBody) -> Response:
        asks, wish = principal_of(request), KeyWish(**body.model_dump())
        return answered(await keys.create(asks.user, asks.scopes, asks.tier, wish, caller_of(request)), 201)

    @router.post(
        "/{key}/rotate",
        summary="A new key like this one, which works for another day",
        response_model=RotatedKey,
        status_code=201,
    )
    async def rotate(request: Request, key: KeyPath) -> Response:
        return answered(await keys.rotate(user_of(request), key, caller_of(request)), 201)

    @router.delete("/{key}", summary="Revoke a key, from now on", response_model=Named)
    async def revoke(request: Request, key: KeyPath) -> Response:
        if not await keys.revoke(user_of(request), key, "revoked_by_owner", caller_of(request)):
            raise ApiError(404, "not_found", "There is no such key that still works.")
        return answered({"id": key})

    return router
