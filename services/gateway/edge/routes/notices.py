"""A person's webhooks, notifications and price alerts. The rows are true; sending is the notifications' own task."""

from typing import Annotated, Any, Literal

from cleartide.answers.notices import (
    DeliveryPage,
    Inbox,
    NewWebhook,
    NotificationProfile,
    PingView,
    PriceAlert,
    PriceAlertList,
    ReadCount,
    Replayed,
    RotatedSecret,
    WebhookList,
    WebhookView,
)
from cleartide.answers.parts import Named
from cleartide.answers.shapes import ErrorForm
from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from services.gateway.edge.authorisation import principal_of
from services.gateway.edge.context import Edge
from services.gateway.edge.errors import ApiError
from services.gateway.edge.paging import paged, whole
from services.gateway.edge.routes.asking import answered, user_of
from services.gateway.edge.routes.notice_bodies import (
    EndpointBody,
    EndpointChangeBody,
    PriceAlertBody,
    ProfileBody,
    ReadBody,
    ReplayBody,
)

EndpointPath = Annotated[str, Path(pattern=r"^we_[0-9a-f]{20}$")]
AlertPath = Annotated[str, Path(pattern=r"^pa_[0-9a-f]{20}$")]
Place = Annotated[int | None, Query(ge=0, lt=2**62, description="only what is older than this")]
Most = Annotated[int, Query(ge=1, le=500)]
DeliveryState = Annotated[Literal["pending", "delivered", "failed"] | None, Query()]


def notices_router(edge: Edge) -> APIRouter:
    """Routes under /api/v1/me about what I am told."""
    router = APIRouter(prefix="/api/v1/me", tags=["notifications"], responses={422: {"model": ErrorForm}})
    _webhooks(router, edge)
    _deliveries(router, edge)
    _people(router, edge)
    _price_alerts(router, edge)
    return router


def _owner(request: Request) -> str:
    """The person, if the request is about all that is his: a key for some accounts is not shown the others' news."""
    if principal_of(request).accounts:
        raise ApiError(403, "not_permitted", "This key is for some of your accounts; notifications are of all of them.")
    return user_of(request)


def _webhooks(router: APIRouter, edge: Edge) -> None:
    desk = edge.webhooks

    @router.get("/webhooks", summary="My webhook endpoints, without their secrets", response_model=WebhookList)
    async def endpoints(request: Request) -> Response:
        return answered({"webhooks": await desk.endpoints(_owner(request))})

    @router.post(
        "/webhooks",
        summary="A new endpoint; its signing secret is shown this once",
        response_model=NewWebhook,
        status_code=201,
    )
    async def add(request: Request, body: EndpointBody) -> Response:
        return answered(await desk.add_endpoint(_owner(request), body.url, body.kinds, body.description), 201)

    @router.get(
        "/webhooks/{endpoint}",
        summary="One endpoint: its state, and how it has done lately",
        response_model=WebhookView,
    )
    async def endpoint(request: Request, endpoint: EndpointPath) -> Response:
        return answered(await desk.get(_owner(request), endpoint))

    @router.patch(
        "/webhooks/{endpoint}", summary="Change an endpoint, or switch it on or off", response_model=WebhookView
    )
    async def change(request: Request, endpoint: EndpointPath, body: EndpointChangeBody) -> Response:
        return answered(await desk.change(_owner(request), endpoint, **body.model_dump()))

    @router.delete("/webhooks/{endpoint}", summary="Remove an endpoint with its history", response_model=Named)
    async def remove(request: Request, endpoint: EndpointPath) -> Response:
        await desk.remove(_owner(request), endpoint)
        return answered({"id": endpoint})

    @router.post(
        "/webhooks/{endpoint}/rotate", summary="A new signing secret; for a day both sign", response_model=RotatedSecret
    )
    async def rotate(request: Request, endpoint: EndpointPath) -> Response:
        return answered(await desk.rotate(_owner(request), endpoint))


def _deliveries(router: APIRouter, edge: Edge) -> None:
    desk = edge.webhooks

    @router.post("/webhooks/{endpoint}/ping", summary="Send a test event", response_model=PingView, status_code=202)
    async def ping(request: Request, endpoint: EndpointPath) -> Response:
        return answered({"event_id": await desk.ping(_owner(request), endpoint)}, 202)

    @router.get(
        "/webhooks/{endpoint}/deliveries",
        summary="What was sent and what came of it, newest first",
        response_model=DeliveryPage,
    )
    async def deliveries(
        request: Request, endpoint: EndpointPath, state: DeliveryState = None, before: Place = None, limit: Most = 50
    ) -> Response:
        rows = await desk.deliveries(_owner(request), endpoint, state=state, before=before, limit=limit)
        return answered(paged({"deliveries": rows}, "deliveries", "id", limit))

    @router.post(
        "/webhooks/{endpoint}/replay",
        summary="Send again, under the same event ids",
        response_model=Replayed,
        status_code=202,
    )
    async def replay(request: Request, endpoint: EndpointPath, body: ReplayBody) -> Response:
        count = await desk.replay(_owner(request), endpoint, delivery=body.delivery, state=body.state)
        return answered({"replayed": count}, 202)


def _people(router: APIRouter, edge: Edge) -> None:
    desk = edge.notices

    @router.get("/notifications", summary="My inbox, newest first", response_model=Inbox)
    async def inbox(request: Request, unread: bool = False, before: Place = None, limit: Most = 50) -> Response:
        async def found(most: int) -> dict[str, Any]:
            return await desk.inbox(_owner(request), unread=unread, before=before, limit=most)

        return answered(await whole(found, "notifications", "created_at", limit))

    @router.post("/notifications/read", summary="Mark some, or all, as read", response_model=ReadCount)
    async def read(request: Request, body: ReadBody) -> Response:
        return answered({"read": await desk.read(_owner(request), body.ids)})

    @router.get(
        "/notifications/profile",
        summary="What I want to be told, how, and when not",
        response_model=NotificationProfile,
    )
    async def profile(request: Request) -> Response:
        return answered(await desk.profile(_owner(request)))

    @router.put("/notifications/profile", summary="Replace it as a whole", response_model=NotificationProfile)
    async def set_profile(request: Request, body: ProfileBody) -> Response:
        quiet = body.quiet_hours
        kept = await desk.set_profile(
            _owner(request),
            addresses={str(channel): where for channel, where in body.addresses.items()},
            choices={name: (choice.channels, choice.least) for name, choice in body.choices.items()},
            quiet=(quiet.begin, quiet.end, quiet.time_zone) if quiet else None,
        )
        return answered(kept)


def _price_alerts(router: APIRouter, edge: Edge) -> None:
    desk = edge.notices

    @router.get("/price-alerts", summary="My price alerts, open and fired, newest first", response_model=PriceAlertList)
    async def listed(request: Request) -> Response:
        return answered({"price_alerts": await desk.price_alerts(_owner(request))})

    @router.post(
        "/price-alerts",
        summary="Tell me once when the mark price is at or beyond a price",
        response_model=PriceAlert,
        status_code=201,
    )
    async def add(request: Request, body: PriceAlertBody) -> Response:
        owner = _owner(request)
        made = await desk.add_price_alert(owner, body.account or owner, body.market, body.direction, body.price)
        return answered(made, 201)

    @router.delete("/price-alerts/{alert}", summary="Take a price alert back", response_model=Named)
    async def remove(request: Request, alert: AlertPath) -> Response:
        await desk.remove_price_alert(_owner(request), alert)
        return answered({"id": alert})
