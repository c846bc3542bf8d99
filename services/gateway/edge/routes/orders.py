"""Orders over HTTP: placed, changed, canceled, alone or by the hundred. The gateway says who asks; matching decides."""

import uuid
from typing import Annotated, Any, Final

from cleartide.answers.shapes import ErrorForm, OrderOutcome, OrderView
from cleartide.contracts import AmendOrder, CancelAllOrders, CancelOrder, PlaceOrder, SetLeverage, SubmitOrders
from cleartide.contracts.base import Message
from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from services.gateway.edge.context import SHORT_MS, Edge
from services.gateway.edge.decimals import told_to
from services.gateway.edge.errors import ApiError
from services.gateway.edge.parameters import AccountPath, MarketFilter, MarketPath
from services.gateway.edge.routes.asking import answered, ident_of, require_pace, user_of
from services.gateway.edge.routes.order_bodies import AmendBody, BatchBody, LeverageBody, OrderBody, given

OrderPath = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$", description="the client's own id")]
Market = Annotated[str, Query(pattern=r"^[A-Z0-9][A-Z0-9-]{1,23}$")]
_ENDS: Final = ("OrderClosed", "OrderRejected")


def orders_router(edge: Edge) -> APIRouter:
    """Routes under /api/v1/accounts/{account}/orders."""
    router = APIRouter(
        prefix="/api/v1/accounts/{account}",
        tags=["orders"],
        responses={422: {"model": ErrorForm}, 429: {"model": ErrorForm}},
    )
    _writing(router, edge)

    @router.get("/orders/{client_order_id}", summary="One order, by the client's own id", response_model=OrderView)
    async def one_order(account: AccountPath, client_order_id: OrderPath, market: MarketFilter = None) -> Response:
        return await edge.answer(
            ("order", account, client_order_id, market), SHORT_MS, lambda: _one(edge, account, client_order_id, market)
        )

    return router


PENDING: Final[dict[int | str, dict[str, Any]]] = {202: {"model": OrderOutcome, "description": "Not decided yet"}}


def _writing(router: APIRouter, edge: Edge) -> None:
    @router.post("/orders", summary="Place an order", response_model=OrderOutcome, responses=PENDING, status_code=201)
    async def place(request: Request, account: AccountPath, body: OrderBody) -> Response:
        name = body.client_order_id or (ident_of(request) or uuid.uuid4().hex)
        wish = given(body, client_order_id=name)
        return await _ordered(edge, request, PlaceOrder, account, wish, name, done=201)

    @router.post(
        "/orders/batch", summary="Up to 100 instructions, in order", response_model=OrderOutcome, responses=PENDING
    )
    async def batch(request: Request, account: AccountPath, body: BatchBody) -> Response:
        return await _ordered(edge, request, SubmitOrders, account, given(body), cost=len(body.instructions))

    @router.patch(
        "/orders/{client_order_id}", summary="Change an open order", response_model=OrderOutcome, responses=PENDING
    )
    async def amend(request: Request, account: AccountPath, client_order_id: OrderPath, body: AmendBody) -> Response:
        wish = given(body, client_order_id=client_order_id)
        return await _ordered(edge, request, AmendOrder, account, wish, client_order_id)

    @router.delete(
        "/orders/{client_order_id}", summary="Cancel an open order", response_model=OrderOutcome, responses=PENDING
    )
    async def cancel(request: Request, account: AccountPath, client_order_id: OrderPath, market: Market) -> Response:
        wish = {"client_order_id": client_order_id, "market": market}
        return await _ordered(edge, request, CancelOrder, account, wish, client_order_id, cost=0)

    @router.delete(
        "/orders",
        summary="Cancel every open order, or those of one market",
        response_model=OrderOutcome,
        responses=PENDING,
    )
    async def cancel_all(request: Request, account: AccountPath, market: MarketFilter = None) -> Response:
        return await _ordered(edge, request, CancelAllOrders, account, {"market": market}, cost=0)

    @router.put(
        "/leverage/{market}", summary="Choose a position's leverage", response_model=OrderOutcome, responses=PENDING
    )
    async def leverage(request: Request, account: AccountPath, market: MarketPath, body: LeverageBody) -> Response:
        return await _ordered(edge, request, SetLeverage, account, {"market": market, **body.model_dump()}, cost=0)


async def _ordered(
    edge: Edge,
    request: Request,
    contract: type[Message],
    account: str,
    wish: dict[str, Any],
    name: str | None = None,
    *,
    done: int = 200,
    cost: int = 1,
) -> Response:
    """Send one command and say what became of it. Cancels are free of the pace of orders."""
    if cost:
        await require_pace(edge, request, cost)
    wish = {"account": account, "actor": user_of(request), **wish}
    outcome = await edge.commands.send(contract, ident=ident_of(request), **wish)
    if (events := outcome["events"]) is None:
        return answered({**outcome, "client_order_id": name, "order_id": None, "state": "pending"}, 202)
    if (market := wish.get("market")) is not None:
        await edge.directory.require(market)
    mine = told_to(account, events, edge.directory.known)
    about = [event for event in mine if name and event.get("client_order_id") == name]
    return answered(
        {
            **outcome,
            "events": mine,
            "client_order_id": name,
            "order_id": next((event["order_id"] for event in about if "order_id" in event), None),
            "state": _state(about),
        },
        done,
    )


def _state(about: list[dict[str, Any]]) -> str:
    """Where the order stands after the command, as far as its own events say."""
    last = next((event for event in reversed(about) if event["type"] in _ENDS), None)
    if last is None:
        return "accepted"
    return str(last.get("state") or ("rejected" if last["type"] == "OrderRejected" else "closed"))


async def _one(edge: Edge, account: str, name: str, market: str | None) -> dict[str, Any]:
    found = await edge.upstream.ask("matching", "orders", account=account, client_order_id=name, market=market, limit=1)
    if not found["orders"]:
        raise ApiError(404, "not_found", "There is no such order of the account.")
    order: dict[str, Any] = found["orders"][0]
    return order
