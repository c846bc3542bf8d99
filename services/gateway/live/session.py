"""One WebSocket client: a reader, a writer, and a watch that cuts the client off when it does not keep up."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import asyncpg
import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from services.gateway.domain.access import Principal
from services.gateway.edge.errors import ApiError
from services.gateway.edge.metrics import EdgeMetrics
from services.gateway.live.alerts import AlertHub, AlertSubscription, BeyondFeed
from services.gateway.live.mailbox import Mailbox
from services.gateway.live.prices import PriceHub, PriceSubscription
from services.gateway.live.protocol import (
    AlertFrames,
    BadMessage,
    Ping,
    Request,
    SubscribeAlerts,
    SubscribePrices,
    UnsubscribeAlerts,
    error_frame,
    frame,
    parse,
)
from services.gateway.live.pump import SLOW_CLOSE_CODE, SLOW_REASON, SlowClient, pump, watch

log = structlog.get_logger()

MAX_SUBSCRIPTIONS: Final = 64
CLOSE_SECONDS: Final = 5.0
PROTOCOL: Final = "cleartide.v1"
Key = tuple[str, str]
MayRead = Callable[[Principal, str], Awaitable[None]]
"""Raises ApiError when a principal may not read an account; an empty account means all of them."""


@dataclass
class LiveHubs:
    """Where live data comes from, and the bounds of a client."""

    alerts: AlertHub
    prices: PriceHub
    metrics: EdgeMetrics
    queue_frames: int
    send_seconds: float
    max_clients: int
    authorise: MayRead
    clients: int = field(default=0)
    closing: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def client(self, transport: str) -> AsyncIterator[None]:
        """Counts one client while it is connected."""
        self.clients += 1
        with self.metrics.live_clients.labels(transport).track_inprogress():
            try:
                yield
            finally:
                self.clients -= 1


class LiveSession:
    """Runs until the client leaves or is cut off."""

    def __init__(self, socket: WebSocket, hubs: LiveHubs, principal: Principal) -> None:
        self._socket, self._hubs, self._principal = socket, hubs, principal
        self._mailbox = Mailbox(hubs.queue_frames)
        self._alerts: dict[Key, tuple[AlertSubscription, asyncio.Task[None]]] = {}
        self._prices: dict[Key, PriceSubscription] = {}

    async def run(self) -> None:
        """The session's life; never raises for what a client does."""
        offered = self._socket.scope.get("subprotocols", [])
        await self._socket.accept(PROTOCOL if PROTOCOL in offered else None)
        try:
            async with self._hubs.client("websocket"), asyncio.TaskGroup() as tasks:
                tasks.create_task(watch(self._mailbox))
                tasks.create_task(pump(self._mailbox, self._send, self._hubs.send_seconds))
                tasks.create_task(self._receive(tasks))
        except* SlowClient:
            self._hubs.metrics.slow_clients.labels("websocket").inc()
            await self._close_slow()
        except* (WebSocketDisconnect, OSError):
            pass
        finally:
            self._leave_all()

    async def _send(self, body: bytes) -> None:
        await self._socket.send_text(body.decode())

    async def _close_slow(self) -> None:
        """Say why, if the client reads at all; otherwise the connection ends without a word."""
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                if self._socket.client_state is WebSocketState.CONNECTED:
                    await self._socket.close(SLOW_CLOSE_CODE, SLOW_REASON)
        except (TimeoutError, RuntimeError, OSError, WebSocketDisconnect) as error:
            log.debug("close_failed", error=str(error))

    async def _receive(self, tasks: asyncio.TaskGroup) -> None:
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                raise WebSocketDisconnect(message.get("code", 1005))
            try:
                request = parse(message.get("text") or message.get("bytes") or "")
            except BadMessage as error:
                self._mailbox.offer(error_frame("bad_message", str(error)))
                continue
            self._answer(request, tasks)

    def _answer(self, request: Request, tasks: asyncio.TaskGroup) -> None:
        match request:
            case Ping():
                self._mailbox.offer(frame("pong", id=request.id, at=time.time_ns() // 1_000))
            case SubscribeAlerts() | SubscribePrices():
                self._subscribe(request, tasks)
            case _:
                channel, name = key = _key(request)
                self._leave(key)
                self._mailbox.offer(frame("unsubscribed", channel=channel, of=name or None))

    def _subscribe(self, request: SubscribeAlerts | SubscribePrices, tasks: asyncio.TaskGroup) -> None:
        key = _key(request)
        self._leave(key)
        if len(self._alerts) + len(self._prices) >= MAX_SUBSCRIPTIONS:
            limit = {"limit": MAX_SUBSCRIPTIONS}
            self._mailbox.offer(error_frame("too_many_subscriptions", "Unsubscribe from something first.", limit))
        elif isinstance(request, SubscribePrices):
            prices = self._prices[key] = PriceSubscription(self._mailbox, request.market)
            self._hubs.prices.join(prices)
        else:
            account, cursor = request.account, request.after_seq
            alerts = AlertSubscription(self._mailbox, AlertFrames(account), account=account, cursor=cursor)
            self._alerts[key] = (alerts, tasks.create_task(self._join(key, alerts)))

    async def _join(self, key: Key, subscription: AlertSubscription) -> None:
        try:
            await self._hubs.authorise(self._principal, subscription.account or "")
            await self._hubs.alerts.join(subscription)
        except ApiError as error:
            self._alerts.pop(key, None)
            about = {"channel": "alerts", "account": subscription.account}
            self._mailbox.offer(error_frame(error.code, error.message, about))
        except BeyondFeed as error:
            self._alerts.pop(key, None)
            detail = {"channel": "alerts", "account": subscription.account, "head": error.head}
            self._mailbox.offer(error_frame("after_seq_beyond_feed", "Subscribe again without after_seq.", detail))
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
            log.warning("alert_history_unreachable", error=str(error)[:200])
            self._alerts.pop(key, None)
            detail = {"channel": "alerts", "account": subscription.account, "after_seq": subscription.cursor}
            self._mailbox.offer(error_frame("history_unavailable", "Subscribe again to resume.", detail))

    def _leave(self, key: Key) -> None:
        if (prices := self._prices.pop(key, None)) is not None:
            self._hubs.prices.leave(prices)
        if (held := self._alerts.pop(key, None)) is not None:
            subscription, joining = held
            joining.cancel()
            self._hubs.alerts.leave(subscription)

    def _leave_all(self) -> None:
        for key in [*self._alerts, *self._prices]:
            self._leave(key)


def _key(request: Request) -> Key:
    """What a subscription is known by within its session: a second one of the same key replaces the first."""
    assert not isinstance(request, Ping)
    if isinstance(request, SubscribeAlerts | UnsubscribeAlerts):
        return request.channel, request.account or ""
    return request.channel, request.market
