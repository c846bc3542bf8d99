"""Signing in and out. Attempts are counted by address; one that succeeds is given back."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from cleartide.answers.identity import EndedSession, Nonce, SessionTokens
from cleartide.answers.shapes import ErrorForm
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from services.gateway.edge.authorisation import principal_of
from services.gateway.edge.context import Edge
from services.gateway.edge.door import require_room
from services.gateway.edge.limits import client_key
from services.gateway.edge.quotas import MINUTE, Window
from services.gateway.edge.routes.asking import answered, caller_of, user_of
from services.gateway.edge.routes.bodies import ExternalBody, NonceBody, RefreshBody, SignInBody
from services.gateway.identity.signin import Proof

ATTEMPTS: Final = 5
ATTEMPT_SECONDS: Final = 900
NONCES_PER_MINUTE: Final = 60


def auth_router(edge: Edge) -> APIRouter:
    """Routes under /api/v1/auth."""
    router = APIRouter(
        prefix="/api/v1/auth",
        tags=["sign-in"],
        responses={401: {"model": ErrorForm}, 429: {"model": ErrorForm}},
    )
    sign_in, sessions = edge.identity.sign_in, edge.identity.sessions

    @router.post(
        "/nonce", summary="A nonce for one signature, and the statement to sign", response_model=Nonce, status_code=201
    )
    async def nonce(request: Request, body: NonceBody) -> Response:
        window = Window(f"nonce:{client_key(caller_of(request).ip)}", NONCES_PER_MINUTE, MINUTE)
        require_room(await edge.quotas.take("nonce", [window]))
        return answered(await sign_in.nonce("sign_in", body.chain, body.address), 201)

    @router.post(
        "/sign-in",
        summary="A session for a signed statement (EIP-4361, or its like on Solana and Bitcoin)",
        response_model=SessionTokens,
        status_code=201,
    )
    async def by_wallet(request: Request, body: SignInBody) -> Response:
        proof = Proof(body.message, body.signature, body.provider)
        return await _attempt(edge, request, lambda: sign_in.by_wallet(proof, caller_of(request), body.referral_code))

    @router.post(
        "/external",
        summary="A session for the token of an identity provider that is believed here",
        response_model=SessionTokens,
        status_code=201,
    )
    async def by_token(request: Request, body: ExternalBody) -> Response:
        return await _attempt(
            edge, request, lambda: sign_in.by_token(body.token, caller_of(request), body.referral_code)
        )

    @router.post(
        "/refresh",
        summary="The next pair of tokens; a refresh token is good once",
        response_model=SessionTokens,
        status_code=201,
    )
    async def refresh(request: Request, body: RefreshBody) -> Response:
        return await _attempt(edge, request, lambda: sessions.refresh(body.refresh_token, caller_of(request)))

    @router.post("/sign-out", summary="End this session", response_model=EndedSession)
    async def sign_out(request: Request) -> Response:
        session = principal_of(request).session
        await sessions.revoke(user_of(request), session, "signed_out", caller_of(request))
        return answered({"session": session})

    return router


async def _attempt(edge: Edge, request: Request, prove: Callable[[], Awaitable[dict[str, Any]]]) -> Response:
    """Counted before it is looked at, so that a thousand at once are as few as a thousand one after the other."""
    windows = [Window(f"attempt:{client_key(caller_of(request).ip)}", ATTEMPTS, ATTEMPT_SECONDS)]
    require_room(await edge.quotas.take("sign_in", windows))
    opened = await prove()
    await edge.quotas.give_back(windows)
    return answered(opened, 201)
