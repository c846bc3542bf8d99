"""What routes need to know of the one who asks, and how they answer him."""

from typing import Any

import msgspec
from cleartide.contracts.base import Message
from starlette.requests import Request
from starlette.responses import Response

from services.gateway.domain.access import TIERS
from services.gateway.edge.authorisation import principal_of
from services.gateway.edge.context import Edge
from services.gateway.edge.decimals import told, told_to
from services.gateway.edge.door import require_room
from services.gateway.edge.quotas import Window
from services.gateway.identity.sessions import Caller


def user_of(request: Request) -> str:
    """The person who asks; a route that only people reach has one."""
    user = principal_of(request).user
    assert user, "the route is opened to people alone"
    return user


def caller_of(request: Request) -> Caller:
    """Where the request came from, as the door has found."""
    caller = request.scope["state"]["caller"]
    assert isinstance(caller, Caller)
    return caller


def ident_of(request: Request) -> str | None:
    """A name for what the request does, the same each time it comes with the same Idempotency-Key."""
    ident: str | None = request.scope["state"].get("request_ident")
    return ident


def answered(body: Any, status: int = 200) -> Response:
    """JSON that nobody keeps."""
    return Response(msgspec.json.encode(body), status, {"Cache-Control": "no-store"}, media_type="application/json")


def given(edge: Edge, outcome: dict[str, Any]) -> Response:
    """A command that has been given (202), with what it caused, in decimals."""
    known = edge.directory.known
    events = outcome["events"] and [told(event, known(event.get("market") or "")) for event in outcome["events"]]
    return answered({**outcome, "events": events}, 202)


async def require_pace(edge: Edge, request: Request, cost: int = 1) -> None:
    """Count so many orders against what the person's tier allows in a second. ApiError 429."""
    asks = principal_of(request)
    window = Window(f"orders:{asks.user}", TIERS[asks.tier].orders_per_second, 1)
    require_room(await edge.quotas.take("orders", [window], min(cost, window.limit)))


async def decided(
    edge: Edge, request: Request, contract: type[Message], account: str, wish: dict[str, Any], done: int = 200
) -> Response:
    """Send one command and say what became of it for the account; 202 while that is not known."""
    outcome = await edge.commands.send(contract, ident=ident_of(request), **wish)
    if outcome["events"] is None:
        return answered(outcome, 202)
    if (market := wish.get("market")) is not None:
        await edge.directory.require(market)
    return answered({**outcome, "events": told_to(account, outcome["events"], edge.directory.known)}, done)
