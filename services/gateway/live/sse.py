"""Alerts as server-sent events: `id` is the feed's `seq`, so a browser resumes by itself with Last-Event-ID."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Final

from cleartide.store.trouble import STORE_TROUBLE
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from services.gateway.domain.access import Principal
from services.gateway.identity.standings import Ended, Place, until_ended
from services.gateway.live.alerts import Alert, AlertSubscription, BeyondFeed
from services.gateway.live.mailbox import Mailbox
from services.gateway.live.pump import SlowClient, pump, watch
from services.gateway.live.session import LiveHubs

IDLE_SECONDS: Final = 15.0
END_SECONDS: Final = 1.0
IDLE_EVENT: Final = b": still here\n\n"
ENDED_EVENT: Final = b"event: ended\ndata: {}\n\n"
HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class AlertEvents:
    """Alerts as events, and `caught-up` when history ends and live begins."""

    def page(self, alerts: Sequence[Alert], seq: int, *, complete: bool) -> bytes:
        """One page of history."""
        body = b"".join(map(self.live, alerts))
        return body + b'event: caught-up\nid: %d\ndata: {"seq":%d}\n\n' % (seq, seq) if complete else body

    def live(self, alert: Alert) -> bytes:
        """One alert."""
        return b"event: alert\nid: %d\ndata: %b\n\n" % (alert.seq, alert.json)


class _Over(Exception):  # noqa: N818 - a verdict
    pass


class AlertEventStream(Response):
    """One client's stream. A client that does not keep up is disconnected and resumes."""

    def __init__(self, hubs: LiveHubs, principal: Principal, *, account: str | None, after_seq: int | None) -> None:
        super().__init__(headers=HEADERS, media_type="text/event-stream")
        del self.headers["content-length"]
        self._hubs, self._principal = hubs, principal
        self._mailbox = Mailbox(hubs.queue_frames)
        self._subscription = AlertSubscription(self._mailbox, AlertEvents(), account=account, cursor=after_seq)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        async def send_event(body: bytes) -> None:
            await send({"type": "http.response.body", "body": body, "more_body": True})

        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        await send_event(b"retry: 1000\n\n")
        last = b""
        try:
            with self._hubs.standings.place(self._principal) as place:
                await self._serve(place, receive, send_event)
        except* Ended:
            last = ENDED_EVENT
        except* (_Over, BeyondFeed, *STORE_TROUBLE):
            pass  # the stream ends; the client reconnects by itself and resumes
        finally:
            self._hubs.alerts.leave(self._subscription)
            with suppress(TimeoutError, OSError):
                async with asyncio.timeout(END_SECONDS):
                    await send({"type": "http.response.body", "body": last, "more_body": False})

    async def _serve(self, place: Place, receive: Receive, send_event: Callable[[bytes], Awaitable[None]]) -> None:
        try:
            async with self._hubs.client("sse"), asyncio.TaskGroup() as tasks:
                tasks.create_task(until_ended(place))
                tasks.create_task(_until_gone(receive))
                tasks.create_task(_until_closing(self._hubs))
                tasks.create_task(watch(self._mailbox))
                idle = (IDLE_SECONDS, IDLE_EVENT)
                tasks.create_task(pump(self._mailbox, send_event, self._hubs.send_seconds, idle))
                tasks.create_task(self._hubs.alerts.join(self._subscription))
        except* SlowClient:
            self._hubs.metrics.slow_clients.labels("sse").inc()


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    raise _Over


async def _until_closing(hubs: LiveHubs) -> None:
    await hubs.closing.wait()
    raise _Over
