"""One WebSocket client: a reader, a writer, and a watch that cuts the client off when it does not keep up."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import structlog
from cleartide.store.trouble import STORE_TROUBLE
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from services.gateway.domain.access import Principal
from services.gateway.edge import tenancy
from services.gateway.edge.errors import ApiError
from services.gateway.edge.frames import line_of
from services.gateway.edge.metrics import EdgeMetrics
from services.gateway.identity.standings import ENDED_CODE, ENDED_REASON, Ended, Place, Standings, until_ended
from services.gateway.live.alerts import AlertHub, AlertSubscription, BeyondFeed
from services.gateway.live.books import BookHub, BookSeat
from services.gateway.live.candles import CandleHub, CandleSeat
from services.gateway.live.mailbox import Mailbox
from services.gateway.live.portfolios import PortfolioHub, PortfolioSeat
from services.gateway.live.prices import PriceHub, PriceSubscription
from services.gateway.live.protocol import (
    AlertFrames,
    Authenticate,
    BadMessage,
    Ping,
    Request,
    Room,
    Subscribe,
    SubscribeAccount,
    SubscribeAlerts,
    SubscribeCandles,
    SubscribeMarket,
    SubscribePortfolio,
    SubscribePrices,
    SubscribeTrades,
    error_frame,
    frame,
    parse,
)
from services.gateway.live.pump import SLOW_CLOSE_CODE, SLOW_REASON, SlowClient, drain, watch
from services.gateway.live.rooms import Seat
from services.gateway.live.tape import TapeHub

log = structlog.get_logger()

MAX_SUBSCRIPTIONS: Final = 64
MAX_ATTEMPTS: Final = 20
"""To say who one is on one connection: a token lives for ten minutes, and connections are limited by address."""
CLOSE_SECONDS: Final = 5.0
PROTOCOL: Final = "cleartide.v1"
Key = tuple[str, str]
MayRead = Callable[[Principal, str], Awaitable[None]]
"""Raises ApiError when a principal may not read an account; an empty account means all of them."""
WhoIs = Callable[[str, WebSocket], Awaitable[Principal]]
"""Who has this token. Raises ApiError when nobody has."""
AnySeat = BookSeat | CandleSeat | PortfolioSeat | Seat


@dataclass
class LiveHubs:
    """Where live data comes from, and the bounds of a client."""

    alerts: AlertHub
    prices: PriceHub
    books: BookHub
    tape: TapeHub
    candles: CandleHub
    portfolios: PortfolioHub
    metrics: EdgeMetrics
    queue_frames: int
    send_seconds: float
    max_clients: int
    authorise: MayRead
    standings: Standings
    who_is: WhoIs
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
        self._line = line_of(socket)
        self._mailbox = Mailbox(hubs.queue_frames, self._line)
        self._alerts: dict[Key, tuple[AlertSubscription, asyncio.Task[None]]] = {}
        self._prices: dict[Key, PriceSubscription] = {}
        self._rooms: dict[Key, tuple[AnySeat, asyncio.Task[None]]] = {}
        self._attempts = 0
        self._place: Place | None = None

    async def run(self) -> None:
        """The session's life; never raises for what a client does."""
        offered = self._socket.scope.get("subprotocols", [])
        await self._socket.accept(PROTOCOL if PROTOCOL in offered else None)
        try:
            with self._hubs.standings.place(self._principal) as self._place:
                await self._serve(self._place)
        finally:
            self._leave_all()

    async def _serve(self, place: Place) -> None:
        try:
            async with self._hubs.client("websocket"), asyncio.TaskGroup() as tasks:
                tasks.create_task(until_ended(place))
                tasks.create_task(watch(self._mailbox))
                tasks.create_task(drain(self._mailbox, self._line, self._hubs.send_seconds))
                tasks.create_task(self._receive(tasks))
        except* SlowClient:
            self._hubs.metrics.slow_clients.labels("websocket").inc()
            await self._close(SLOW_CLOSE_CODE, SLOW_REASON)
        except* Ended:
            await self._close(ENDED_CODE, ENDED_REASON)
        except* (WebSocketDisconnect, OSError):
            pass

    async def _close(self, code: int, reason: str) -> None:
        """Say why, if the client reads at all; otherwise the connection ends without a word."""
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                if self._socket.client_state is WebSocketState.CONNECTED:
                    await self._socket.close(code, reason)
        except (TimeoutError, RuntimeError, OSError, WebSocketDisconnect) as error:
            log.debug("close_failed", error=str(error))

    async def _receive(self, tasks: asyncio.TaskGroup) -> None:
        while True:
            await self._mailbox.room()  # who asks faster than he reads is heard at his own pace
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
            case Authenticate() if self._attempts >= MAX_ATTEMPTS:
                self._mailbox.offer(error_frame("too_many_attempts", "Connect again.", {"op": "auth"}))
            case Authenticate():
                self._attempts += 1
                tasks.create_task(self._authenticate(request))
            case _ if request.op == "subscribe":
                self._subscribe(request, tasks)
            case _:
                channel, name = key = _key(request)
                self._leave(key)
                self._mailbox.offer(frame("unsubscribed", channel=channel, of=name or None))

    async def _authenticate(self, request: Authenticate) -> None:
        """From here on the client is somebody. What it has subscribed to before stays."""
        try:
            self._principal = await self._hubs.who_is(request.token, self._socket)
        except ApiError as error:
            self._mailbox.offer(error_frame(error.code, error.message, {"op": "auth"}))
        except STORE_TROUBLE as error:
            log.warning("store_unavailable", error=str(error)[:200])
            self._mailbox.offer(error_frame("store_unavailable", "Say it again.", {"op": "auth"}))
        else:
            assert self._place is not None, "a session that runs has its place"
            self._hubs.standings.held(self._place, self._principal)
            self._mailbox.offer(frame("authenticated", user=self._principal.user))

    def _subscribe(self, request: Subscribe, tasks: asyncio.TaskGroup) -> None:
        key = _key(request)
        self._leave(key)
        if len(self._alerts) + len(self._prices) + len(self._rooms) >= MAX_SUBSCRIPTIONS:
            limit = {"limit": MAX_SUBSCRIPTIONS}
            self._mailbox.offer(error_frame("too_many_subscriptions", "Unsubscribe from something first.", limit))
        elif isinstance(request, SubscribePrices):
            prices = self._prices[key] = PriceSubscription(self._mailbox, request.market)
            self._hubs.prices.join(prices)
        elif not isinstance(request, SubscribeAlerts):
            seat = self._seat(request)
            self._rooms[key] = (seat, tasks.create_task(self._enter(key, seat, request)))
        else:
            account, cursor = request.account, request.after_seq
            alerts = AlertSubscription(self._mailbox, AlertFrames(account), account=account, cursor=cursor)
            self._alerts[key] = (alerts, tasks.create_task(self._join(key, alerts)))

    def _seat(self, request: Room) -> AnySeat:
        match request:
            case SubscribeCandles():
                return CandleSeat(self._mailbox, request.market, request.interval)
            case SubscribePortfolio():
                return PortfolioSeat(self._mailbox, request.account, request.days)
            case SubscribeAccount():
                topics = frozenset(request.topics)
                return Seat(self._mailbox, "account", request.account, request.after_seq, topics)
            case SubscribeTrades():
                return Seat(self._mailbox, request.channel, request.market, request.after_seq)
            case SubscribeMarket(channel="funding"):
                return Seat(self._mailbox, "funding", request.market)
            case _:
                return BookSeat(self._mailbox, request.market)

    async def _enter(self, key: Key, seat: AnySeat, request: Room) -> None:
        """Into a room, if it may; otherwise the client is told why not."""
        about = request.model_dump(mode="json", include={"channel", "market", "account", "interval"})
        try:
            tenancy.enter(self._principal)
            if isinstance(request, SubscribeAccount | SubscribePortfolio):
                await self._hubs.authorise(self._principal, request.account)
            if isinstance(seat, BookSeat):
                await self._hubs.books.join(seat)
            elif isinstance(seat, CandleSeat):
                await self._hubs.candles.join(seat)
            elif isinstance(seat, PortfolioSeat):
                await self._hubs.portfolios.join(seat)
            else:
                await self._hubs.tape.join(seat)
        except ApiError as error:
            self._leave(key)
            self._mailbox.offer(error_frame(error.code, error.message, {**about, "more": error.detail}))
        except (KeyError, TypeError) as error:
            log.error("unexpected_shape", channel=request.channel, exc_info=error)
            self._leave(key)
            self._mailbox.offer(error_frame("bad_upstream_reply", "A service answered unreadably.", about))

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
        except STORE_TROUBLE as error:
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

        if (entered := self._rooms.pop(key, None)) is not None:
            seat, entering = entered
            if entering is not asyncio.current_task():
                entering.cancel()
            if isinstance(seat, BookSeat):
                self._hubs.books.leave(seat)
            elif isinstance(seat, CandleSeat):
                self._hubs.candles.leave(seat)
            elif isinstance(seat, PortfolioSeat):
                self._hubs.portfolios.leave(seat)
            else:
                self._hubs.tape.leave(seat)

    def _leave_all(self) -> None:
        for key in [*self._alerts, *self._prices, *self._rooms]:
            self._leave(key)


def _key(request: Request) -> Key:
    """What a subscription is known by within its session: a second one of the same key replaces the first."""
    assert not isinstance(request, Ping | Authenticate)
    name = getattr(request, "market", None) or getattr(request, "account", None) or ""
    width = getattr(request, "interval", None)
    return request.channel, f"{name}:{width}" if width else name
