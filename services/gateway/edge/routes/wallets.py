"""A person's wallets over the chains, and the log of their connections."""

from typing import Annotated

from cleartide.answers.identity import Nonce, UnlinkedWallet, WalletConnections, WalletList, WalletView
from cleartide.contracts.types import JSON_SAFE
from fastapi import APIRouter, Path
from starlette.requests import Request
from starlette.responses import Response

from services.gateway.domain.statement import CHAINS
from services.gateway.edge.context import Edge
from services.gateway.edge.errors import ApiError
from services.gateway.edge.paging import paged
from services.gateway.edge.parameters import BeforeLine, Limit
from services.gateway.edge.routes.asking import answered, caller_of, user_of
from services.gateway.edge.routes.bodies import Chain, NonceBody, WalletBody
from services.gateway.identity import people
from services.gateway.identity.signatures import BadAddress, canonical_address
from services.gateway.identity.signin import Proof

AddressPath = Annotated[str, Path(pattern=r"^[A-Za-z0-9]{1,128}$")]


def wallets_router(edge: Edge) -> APIRouter:
    """Routes under /api/v1/me/wallets."""
    router = APIRouter(prefix="/api/v1/me/wallets", tags=["me"])
    truth, sign_in = edge.identity.truth, edge.identity.sign_in

    @router.get("", summary="My wallets", response_model=WalletList)
    async def listed(request: Request) -> Response:
        async with truth.reading_as(user_of(request)) as reading:
            rows = await reading.fetch(
                "SELECT chain, address, label, is_main, linked_at FROM wallets ORDER BY linked_at, chain LIMIT 500"
            )
        return answered({"wallets": [dict(row) for row in rows]})

    @router.post(
        "/nonce",
        summary="A nonce for linking a wallet, and the statement to sign",
        response_model=Nonce,
        status_code=201,
    )
    async def nonce(request: Request, body: NonceBody) -> Response:
        return answered(await sign_in.nonce("link", body.chain, body.address, user_of(request)), 201)

    @router.post("", summary="Link a wallet whose key has signed", response_model=WalletView, status_code=201)
    async def link(request: Request, body: WalletBody) -> Response:
        row = await sign_in.link(user_of(request), Proof(body.message, body.signature), body.label)
        return answered(dict(row), 201)

    @router.delete(
        "/{chain}/{address}",
        summary="Unlink a wallet; the last one by which I can sign in stays",
        response_model=UnlinkedWallet,
    )
    async def unlink(request: Request, chain: Chain, address: AddressPath) -> Response:
        await _unlink(edge, request, chain, address)
        return answered({"chain": chain, "address": address})

    @router.get(
        "/connections",
        summary="When and where my wallets were connected, newest first",
        response_model=WalletConnections,
    )
    async def connections(request: Request, before: BeforeLine = JSON_SAFE, limit: Limit = 50) -> Response:
        async with truth.reading_as(user_of(request)) as reading:
            rows = await reading.fetch(
                "SELECT id, session_id, chain, address, provider, ip, user_agent, connected_at, disconnected_at "
                "FROM wallet_connections WHERE id < $1 ORDER BY id DESC LIMIT $2",
                before,
                limit,
            )
        return answered(paged({"connections": [dict(row) for row in rows]}, "connections", "id", limit))

    return router


async def _unlink(edge: Edge, request: Request, chain: Chain, address: str) -> None:
    user, family = user_of(request), CHAINS[chain]
    try:
        address = canonical_address(family, address)
    except BadAddress as error:
        raise ApiError(422, "invalid_parameter", "The address is not one of this chain.", str(error)) from None
    async with edge.identity.truth.acting() as acting:
        # The person's row stands still meanwhile: two requests at once must not take the last two ways in.
        await acting.change("users", {"id": user}, updated_at=people.now_micros())
        if not await acting.remove("wallets", {"user_id": user, "chain": chain, "address": address}):
            raise ApiError(404, "not_found", "There is no such wallet of yours.")
        still = await acting.first(
            "SELECT (SELECT count(*) FROM wallets WHERE user_id = $1) AS wallets, "
            "(SELECT count(*) FROM wallets WHERE user_id = $1 AND family = $2 AND address = $3) AS same, "
            "(SELECT count(*) FROM external_identities WHERE user_id = $1) AS identities LIMIT 1",
            user,
            family,
            address,
        )
        assert still is not None, "one row, always"
        if still["wallets"] + still["identities"] == 0:
            raise ApiError(409, "last_way_in", "Without this wallet you could not sign in again.")
        if still["same"] == 0:
            await acting.remove("wallet_keys", {"family": family, "address": address, "user_id": user})
        detail = {"chain": chain, "address": address}
        ip = caller_of(request).ip
        await people.note(acting, user, "wallet.unlinked", actor=user, ip=ip, detail=detail)
