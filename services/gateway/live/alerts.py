"""Alerts as they are committed, from any `seq` on, without loss or duplicate.

The feed table is the only source. The bus is a bell: a message on `risk.alerts.>` says that a row is about to appear,
and the hub reads the table until it does. Rows appear in order of `seq`, so what the hub has read up to `head` is all
there is up to `head`; a repeated message rings for nothing, a lost one is made good by the next ring or by the clock.

A client that joins reads the table itself. It goes live only in a moment when its last read already covers `head`,
and from then on it is given every row beyond that. There is no await between the check and the registration, so no
row can fall between the two.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Final, Protocol

import msgspec
import structlog
from cleartide.store.trouble import STORE_TROUBLE
from nats.aio.client import Client
from nats.aio.msg import Msg

from services.gateway.edge.metrics import EdgeMetrics
from services.gateway.live.mailbox import Mailbox
from services.gateway.queries import AlertRow

log = structlog.get_logger()

SUBJECT: Final = "risk.alerts.>"
PAGE: Final = 500
AT_ONCE: Final = 8
IDLE_SECONDS: Final = 1.0
FIRST_WAIT_SECONDS: Final = 0.002
LAST_WAIT_SECONDS: Final = 0.1
RETRY_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert in its public form, encoded once for all clients."""

    seq: int
    account: str
    json: bytes


class BeyondFeed(Exception):  # noqa: N818 - a verdict
    """The client's place lies beyond the feed: the feed was made anew, and numbers mean other alerts now."""

    def __init__(self, head: int) -> None:
        super().__init__(f"the feed ends at {head}")
        self.head = head


class History(Protocol):
    """The feed table."""

    async def after(self, seq: int, account: str | None, limit: int) -> list[AlertRow]: ...

    async def latest(self, account: str | None, limit: int) -> list[AlertRow]: ...

    async def head(self) -> int: ...


class AlertFormat(Protocol):
    """How a transport says it."""

    def page(self, alerts: Sequence[Alert], seq: int, *, complete: bool) -> bytes: ...

    def live(self, alert: Alert) -> bytes: ...


Present = Callable[[Sequence[AlertRow]], Awaitable[list[Alert]]]


class AlertSubscription:
    """One client's place in the feed. `cursor`: everything up to it was delivered; None = begin with the newest."""

    def __init__(
        self, mailbox: Mailbox, form: AlertFormat, *, account: str | None, cursor: int | None, newest: int = 50
    ) -> None:
        self.mailbox, self.form, self.account = mailbox, form, account
        self.cursor, self.newest = cursor, newest

    def deliver(self, alert: Alert) -> None:
        """Pass a live alert on if it is new to this client and meant for it."""
        if self.cursor is not None and alert.seq <= self.cursor:
            return
        self.cursor = alert.seq
        if self.account in (None, alert.account):
            self.mailbox.offer(self.form.live(alert))


class _Bell(msgspec.Struct):
    """Whose alert it is, and which: each of risk's pools numbers its own."""

    source: str = ""
    seq: int = 0


_bell = msgspec.json.Decoder(_Bell)


class AlertHub:
    """Reads the feed as it grows and gives every row to every live subscription."""

    def __init__(self, history: History, present: Present, metrics: EdgeMetrics, page: int = PAGE) -> None:
        self._history, self._present, self._metrics, self._page = history, present, metrics, page
        self._live: set[AlertSubscription] = set()
        self._rung = asyncio.Event()
        self._rung_for: dict[str, int] = {}
        self._read_for: dict[str, int] = {}
        self._rung_at = 0.0
        self.head = 0

    async def run(self, client: Client) -> None:
        """Broadcast until cancelled; a database that is away is waited out."""
        subscription = await client.subscribe(SUBJECT, cb=self._ring)
        try:
            started = False
            while True:
                try:
                    if not started:
                        self.head = await self._history.head()
                        started = True
                    await self._advance()
                except STORE_TROUBLE as error:
                    log.warning("alert_feed_unreachable", error=str(error)[:200])
                    await asyncio.sleep(RETRY_SECONDS)
        finally:
            if not client.is_closed:
                await subscription.unsubscribe()

    async def _ring(self, message: Msg) -> None:
        try:
            bell = _bell.decode(message.data)
        except msgspec.DecodeError:
            return
        if bell.seq > max(self._rung_for.get(bell.source, 0), self._read_for.get(bell.source, 0)):
            self._rung_for[bell.source], self._rung_at = bell.seq, monotonic()
            self._rung.set()

    def _answered(self) -> bool:
        """Whether every alert that was rung for has been read."""
        return all(seq <= self._read_for.get(source, 0) for source, seq in self._rung_for.items())

    async def _advance(self) -> None:
        """Wait for the bell or the clock, then read and broadcast until the rung row has appeared."""
        try:
            async with asyncio.timeout(IDLE_SECONDS):
                await self._rung.wait()
        except TimeoutError:
            pass
        self._rung.clear()
        wait, deadline = FIRST_WAIT_SECONDS, monotonic() + IDLE_SECONDS
        while True:
            more = await self._read()
            if not more and (self._answered() or monotonic() > deadline):
                return
            if not more:
                await asyncio.sleep(wait)
                wait = min(wait * 2, LAST_WAIT_SECONDS)

    async def _read(self) -> bool:
        """Broadcast one page; whether there was anything."""
        rows = await self._history.after(self.head, None, self._page)
        if not rows:
            return False
        alerts = await self._present(rows)
        for row in rows:
            told = _bell.decode(row.payload)
            self._read_for[told.source] = told.seq
        for number, alert in enumerate(alerts, start=1):
            self.head = alert.seq
            for subscription in self._live:
                subscription.deliver(alert)
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)  # a burst must not fill the mailbox of a client that would have read it
        self._metrics.alerts_sent.inc(len(alerts))
        if self._rung_at and self._answered():
            self._metrics.alert_lag.observe(monotonic() - self._rung_at)
            self._rung_at = 0.0
        return True

    async def join(self, subscription: AlertSubscription) -> None:
        """Deliver history page by page at the client's pace, then go live. Cancel-safe; pair with `leave`."""
        if subscription.cursor is not None and subscription.cursor > (head := await self._history.head()):
            raise BeyondFeed(head)
        while True:
            await subscription.mailbox.room()
            covered = self.head
            rows = await self._next_page(subscription)
            alerts = await self._present(rows)
            whole = len(rows) < self._page
            reached = rows[-1].seq if rows else 0
            cursor = max(reached, covered, subscription.cursor or 0) if whole else reached
            complete = whole and self.head <= cursor
            subscription.cursor = cursor
            subscription.mailbox.offer(subscription.form.page(alerts, cursor, complete=complete))
            if complete:
                self._live.add(subscription)
                return

    async def _next_page(self, subscription: AlertSubscription) -> list[AlertRow]:
        if subscription.cursor is None:
            return await self._history.latest(subscription.account, subscription.newest)
        return await self._history.after(subscription.cursor, subscription.account, self._page)

    def leave(self, subscription: AlertSubscription) -> None:
        """Deliver nothing more."""
        self._live.discard(subscription)
