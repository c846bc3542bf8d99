"""Orders that nobody can go before: sealed ones over HTTP, and quotes in just-in-time auctions."""

from typing import Annotated, Any

from cleartide.answers.markets import AuctionList
from cleartide.answers.shapes import CommitmentList, ErrorForm, TransferOutcome
from cleartide.contracts import CommitOrder, QuoteAuction, RevealOrder
from cleartide.contracts.base import Message
from cleartide.contracts.sealed import Hex256
from cleartide.contracts.types import JSON_SAFE, ClientOrderId, MarketId, PositiveDecimal
from fastapi import APIRouter, Path
from pydantic import ConfigDict
from starlette.requests import Request
from starlette.responses import Response

from services.gateway.edge.context import SHORT_MS, Edge
from services.gateway.edge.decimals import told
from services.gateway.edge.parameters import AccountPath, MarketPath
from services.gateway.edge.routes.asking import decided, require_pace, user_of
from services.gateway.edge.routes.bodies import Body
from services.gateway.edge.routes.order_bodies import TermsBody, given
from services.gateway.edge.routes.transfers import PENDING

AUCTIONS_MS = 100
"""A slot of an auction has 400."""
CommitmentPath = Annotated[int, Path(ge=1, le=JSON_SAFE, description="a `commitment_id` that an answer gave")]
AuctionPath = Annotated[int, Path(ge=1, le=JSON_SAFE, description="an `auction_id` that an answer gave")]


class CommitmentBody(Body):
    """`digest`: SHA-256 of the order with its salt, in hex, as docs/api.md says."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"market": "BTC-PERP", "digest": "5f" * 32}]})

    market: MarketId
    digest: Hex256


class SealedBody(TermsBody):
    """The terms that the digest was made of, each text as it was there."""

    client_order_id: ClientOrderId


class RevealBody(Body):
    """The salt and the very terms that were committed to."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "market": "BTC-PERP",
                    "salt": "0c" * 32,
                    "order": {"client_order_id": "mine-1", "side": "buy", "size": "0.010", "price": "61800.0"},
                }
            ]
        }
    )

    market: MarketId
    salt: Hex256
    order: SealedBody


class QuoteBody(Body):
    """A firm price and size, until the auction is over."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"market": "BTC-PERP", "price": "61810.0", "size": "0.010"}]}
    )

    market: MarketId
    price: PositiveDecimal
    size: PositiveDecimal


def competing_router(edge: Edge) -> APIRouter:
    """Routes under /api/v1 about commitments and auctions."""
    router = APIRouter(
        prefix="/api/v1", tags=["orders"], responses={422: {"model": ErrorForm}, 429: {"model": ErrorForm}}
    )
    _sealed(router, edge)
    _auctions(router, edge)
    return router


def _sealed(router: APIRouter, edge: Edge) -> None:
    of = "/accounts/{account}/commitments"

    @router.get(
        of, summary="Sealed orders in rounds that are not over, with their times", response_model=CommitmentList
    )
    async def commitments(account: AccountPath) -> Response:
        return await edge.answer(("commitments", account), SHORT_MS, lambda: _commitments(edge, account))

    @router.post(
        of,
        summary="Commit to an order that nobody can read yet, and lock its bond",
        response_model=TransferOutcome,
        responses=PENDING,
        status_code=201,
    )
    async def commit(request: Request, account: AccountPath, body: CommitmentBody) -> Response:
        return await _ordered(edge, request, CommitOrder, account, body.model_dump(), 201)

    @router.post(
        f"{of}/{{commitment}}/reveal",
        summary="Open a sealed order, once its round has closed",
        response_model=TransferOutcome,
        responses=PENDING,
    )
    async def reveal(request: Request, account: AccountPath, commitment: CommitmentPath, body: RevealBody) -> Response:
        return await _ordered(edge, request, RevealOrder, account, given(body, commitment_id=commitment), 200)


def _auctions(router: APIRouter, edge: Edge) -> None:
    @router.get(
        "/markets/{market}/auctions",
        summary="Orders that are auctioned now, and what is offered for them",
        response_model=AuctionList,
    )
    async def auctions(market: MarketPath) -> Response:
        await edge.directory.require(market)
        return await edge.answer(
            ("auctions", market), AUCTIONS_MS, lambda: edge.upstream.ask("matching", "auctions", market=market)
        )

    @router.post(
        "/accounts/{account}/auctions/{auction}/quotes",
        summary="Offer a price in a running auction; only a better one replaces it",
        response_model=TransferOutcome,
        responses=PENDING,
        status_code=201,
    )
    async def quote(request: Request, account: AccountPath, auction: AuctionPath, body: QuoteBody) -> Response:
        return await _ordered(edge, request, QuoteAuction, account, given(body, auction_id=auction), 201)


async def _ordered(
    edge: Edge, request: Request, contract: type[Message], account: str, wish: dict[str, Any], done: int
) -> Response:
    await require_pace(edge, request)
    asked = {"account": account, "actor": user_of(request), **wish}
    return await decided(edge, request, contract, account, asked, done)


async def _commitments(edge: Edge, account: str) -> dict[str, Any]:
    found = await edge.upstream.ask("matching", "commitments", account=account)
    return {"account": account, "commitments": [told(one, None) for one in found["commitments"]]}
