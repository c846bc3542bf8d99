"""Sends notifications by e-mail, push and chat, through Apprise, at the places that the operator has configured.

Apprise blocks while it sends, so each channel has threads of its own: mail that hangs holds up neither push nor chat.
A notification is marked after it was taken; a process that ends in between sends it again.
"""

import asyncio
import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final
from urllib.parse import quote

import structlog
from cleartide.bus.together import run_together
from cleartide.store.trouble import STORE_TROUBLE
from cleartide.store.truth import Row, TruthStore

from services.gateway.domain.notices import OUTSIDE
from services.gateway.domain.webhooks import backoff
from services.gateway.notify.postman import RETRY_SECONDS, Clock, now_micros

log = structlog.get_logger()

ADDRESS: Final = re.compile(r"[A-Za-z0-9@._+#:\-]{1,200}")
TARGET: Final = "{target}"
THREADS: Final = 4
MOST_AT_ONCE: Final = 50
SEND_ATTEMPTS: Final = 6
IDLE_SECONDS: Final = 0.5
CONNECT_SECONDS: Final = 5
_APPRISE_TYPES: Final[Mapping[str, str]] = {"urgent": "failure", "high": "warning", "normal": "info", "low": "info"}


def address_of(channel: str, text: str) -> str:
    """An address as it may be kept; ValueError where it is none. It cannot leave its place in the operator's URL."""
    if not ADDRESS.fullmatch(text) or (channel == "email" and not re.fullmatch(r"[^@:#]+@[^@:#]+\.[^@:#]+", text)):
        raise ValueError(f"this is no address for {channel}")
    return text


class Sender:
    """Sends what is due. `places`: an Apprise URL per channel that is offered, with `{target}` for the address."""

    def __init__(self, store: TruthStore, places: Mapping[str, str], *, clock: Clock = now_micros) -> None:
        self._store, self._clock = store, clock
        self._places: dict[str, str] = {
            channel: place for channel, place in places.items() if place and channel in OUTSIDE
        }
        self._pools = {channel: ThreadPoolExecutor(THREADS, f"notify-{channel}") for channel in self._places}
        self.rung = asyncio.Event()

    @property
    def offered(self) -> tuple[str, ...]:
        """The channels that have a place to send to."""
        return tuple(self._places)

    async def run(self) -> None:
        """Send until cancelled, each channel beside the others."""
        try:
            await run_together(*(self._channel(channel) for channel in self._places))
        finally:
            for pool in self._pools.values():
                pool.shutdown(wait=False, cancel_futures=True)

    async def _channel(self, channel: str) -> None:
        while True:
            try:
                if not await self.send_due(channel):
                    await asyncio.sleep(IDLE_SECONDS)
            except STORE_TROUBLE as error:
                log.warning("notifications_wait", channel=channel, error=f"{type(error).__name__} {error}"[:200])
                await asyncio.sleep(RETRY_SECONDS)

    async def send_due(self, channel: str) -> int:
        """Send what is due on a channel, a few at once; returns how many were tried."""
        async with self._store.acting() as truth:
            rows = await truth.fetch(
                "SELECT s.id, s.notification_id, s.address, s.attempts, n.title, n.body, n.priority, n.in_app "
                "FROM notification_sends s JOIN notifications n ON n.id = s.notification_id "
                "WHERE s.channel = $1 AND s.state = 'pending' AND s.next_at <= $2 ORDER BY s.next_at, s.id LIMIT $3",
                channel,
                self._clock(),
                MOST_AT_ONCE,
            )
        await asyncio.gather(*(self._send(channel, row) for row in rows))
        return len(rows)

    async def _send(self, channel: str, row: Row) -> None:
        place = self._places[channel].replace(TARGET, quote(row["address"], safe=""))
        loop = asyncio.get_running_loop()
        error = await loop.run_in_executor(
            self._pools[channel], _apprise, place, row["title"], row["body"], row["priority"]
        )
        at, attempts = self._clock(), row["attempts"] + 1
        state = "sent" if not error else "pending" if attempts < SEND_ATTEMPTS else "failed"
        async with self._store.acting() as truth:
            await truth.change(
                "notification_sends",
                {"id": row["id"]},
                state=state,
                attempts=attempts,
                last_error=error,
                sent_at=at if state == "sent" else None,
                next_at=at + backoff(attempts),
            )
            if not row["in_app"] and state != "pending":
                await truth.change("notifications", {"id": row["notification_id"], "state": "pending"}, state=state)


def _apprise(place: str, title: str, body: str, priority: str) -> str:
    """Send one; the error, or nothing when it was taken. Imported here: it is of no use where nothing is sent."""
    import apprise

    limits = f"cto={CONNECT_SECONDS}&rto={CONNECT_SECONDS}"
    messenger = apprise.Apprise()
    if not messenger.add(f"{place}{'&' if '?' in place else '?'}{limits}"):
        return "the operator's URL of this channel is not one that can be sent to"
    try:
        taken = messenger.notify(title=title, body=body, notify_type=apprise.NotifyType(_APPRISE_TYPES[priority]))
    except Exception as error:
        return f"{type(error).__name__}: {error}"[:200]
    return "" if taken else "the service did not take it"
