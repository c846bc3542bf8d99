"""What a third party uses: publish trades, place orders, move collateral, follow risk alerts without a gap.

async with Client.connect("nats://trader:secret@127.0.0.1:4222") as client:
    await client.publish_trade(market="BTC-PERP", trade_id="t-1", price="61800.0", size="0.010", buyer="alice")
    await client.place_order(account="alice", market="BTC-PERP", side="buy", size="0.010", price="61800.0")

async with Client.connect("nats://viewer:secret@127.0.0.1:4222") as client:
    async for alert in client.alerts(after_seq=0):
        print(alert.level, alert.account, alert.health_factor)
    async for book in client.book("BTC-PERP"):
        print(book.bids.best, book.asks.best)
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Any, Final, Self
from urllib.parse import unquote, urlsplit

import nats.aio.client
from nats.aio.msg import Msg
from pydantic import Field, TypeAdapter

from cleartide.book_view import CHANGES_HELD, BookView
from cleartide.bus.confirm import confirm
from cleartide.bus.group_commit import GroupCommit, PublishError
from cleartide.bus.streams import RISK, STREAM_OF
from cleartide.client_accounts import AccountCommands
from cleartide.client_money import MoneyCommands
from cleartide.client_orders import OrderCommands, Receipt
from cleartide.client_sealed import SealedCommands
from cleartide.client_vaults import VaultCommands
from cleartide.connect import connected, nats_broker
from cleartide.contracts import (
    BookChanged,
    BustTrade,
    CorrectTrade,
    Message,
    ReportTrade,
    RiskAlertRaised,
    RuleAlertRaised,
)
from cleartide.contracts.codec import encode

__all__ = ["Alert", "Client", "PublishError", "QueryRefused"]

PUBLISH_SECONDS: Final = 5.0
HISTORY_PAGE: Final = 256
LIVE_ALERTS_HELD: Final = 10_000
ALERTS: Final = "risk.alerts.>"
SNAPSHOT_LEVELS: Final = 5_000

Alert = RiskAlertRaised | RuleAlertRaised
"""By a level, a threshold or a limit; or by a rule of the operator's own."""


class QueryRefused(Exception):  # noqa: N818 - a verdict on the question
    """A service answered that it cannot answer; `code` says why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


class Client(OrderCommands, AccountCommands, MoneyCommands, SealedCommands, VaultCommands):
    """One connection to Cleartide's bus."""

    def __init__(
        self, connection: nats.aio.client.Client, source: str, publish_timeout: float = PUBLISH_SECONDS
    ) -> None:
        self._connection, self._source, self._publish_timeout = connection, source, publish_timeout
        self._commands = GroupCommit(connection, publish_timeout)

    @classmethod
    @asynccontextmanager
    async def connect(
        cls, url: str, *, source: str = "", timeout: float = 10, publish_timeout: float = PUBLISH_SECONDS
    ) -> AsyncIterator[Self]:
        """Connect with `nats://user:password@host:port`; `source` names this publisher (default: the user).

        timeout: seconds to find the server; publish_timeout: seconds to wait for one acknowledgement.
        """
        parts = urlsplit(url)
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        broker = nats_broker(f"nats://{parts.hostname}:{parts.port or 4222}", user, password, "cleartide-client")
        try:
            yield cls(await connected(broker, give_up_after=timeout), source or user or "client", publish_timeout)
        finally:
            await broker.stop()

    async def publish_trade(
        self,
        *,
        market: str,
        trade_id: str,
        price: str,
        size: str,
        buyer: str | None = None,
        seller: str | None = None,
        executed_at: int | None = None,
    ) -> Receipt:
        """Report a trade matched elsewhere; (source, trade_id) is applied once however often it is sent."""
        message_id = f"{self._source}-{trade_id}"
        return await self._publish(
            ReportTrade(
                **self._envelope(message_id),
                market=market,
                trade_id=trade_id,
                price=price,
                size=size,
                buyer=buyer,
                seller=seller,
                executed_at=executed_at if executed_at is not None else _now(),
            )
        )

    async def bust_trade(self, *, market: str, trade_id: str, reason: str = "erroneous") -> Receipt:
        """Take back a trade that this source has reported; a day after its execution it stands."""
        envelope = self._envelope(f"{self._source}-bust-{trade_id}")
        return await self._publish(BustTrade(**envelope, market=market, trade_id=trade_id, reason=reason))

    async def correct_trade(
        self,
        *,
        market: str,
        trade_id: str,
        correction_id: str,
        price: str,
        size: str,
        buyer: str | None = None,
        seller: str | None = None,
        reason: str = "erroneous",
    ) -> Receipt:
        """Put right a trade that this source has reported, by its new terms; each correction_id is applied once."""
        return await self._publish(
            CorrectTrade(
                **self._envelope(f"{self._source}-correct-{trade_id}-{correction_id}"),
                market=market,
                trade_id=trade_id,
                price=price,
                size=size,
                buyer=buyer,
                seller=seller,
                reason=reason,
            )
        )

    async def publish(self, message: Message) -> Receipt:
        """Publish any command built elsewhere. Raises PublishError.

        What is published at the same time, by several tasks, leaves together and takes the bus little longer than one.
        """
        return await self._publish(message)

    async def publish_packed(self, messages: Sequence[Message], ident: str) -> Receipt:
        """Publish messages of one packed subject as one: all of them or none. The same `ident` again is one message."""
        return await self._send(messages[0], b"[" + b",".join(map(encode, messages)) + b"]", ident)

    def _envelope(self, message_id: str) -> dict[str, Any]:
        return {"id": message_id[:96], "occurred_at": _now(), "source": self._source}

    async def _publish(self, message: Message) -> Receipt:
        return await self._send(message, encode(message), message.id)

    async def _send(self, message: Message, payload: bytes, ident: str) -> Receipt:
        stream = STREAM_OF.get(type(message))
        name = stream.name if stream is not None else ""
        stored = await self._commands.publish(name, message.subject, payload, f"{message.source}.{ident}")
        return Receipt(ident, *stored)

    async def alerts(self, after_seq: int | None = None) -> AsyncIterator[Alert]:
        """Every risk alert after a sequence, in order, each once; from now on when it is None.

        Live messages come by plain subscription. What is older, and what a slow moment lost, is read back from the
        stream by sequence, so a reader that remembers the last `seq` misses nothing, whenever it returns.
        """
        live: asyncio.Queue[Alert] = asyncio.Queue(LIVE_ALERTS_HELD)

        async def arrived(message: Msg) -> None:
            alert = _alert(message.data)
            if not live.full():
                live.put_nowait(alert)

        subscription = await self._connection.subscribe(ALERTS, cb=arrived)
        await confirm(self._connection)
        try:
            last = after_seq
            if last is not None:
                async for alert in self._history(last):
                    yield alert
                    last = alert.seq
            while True:
                alert = await live.get()
                if last is not None and alert.seq <= last:
                    continue
                if last is not None and alert.seq > last + 1:
                    async for missed in self._history(last):
                        yield missed
                        last = missed.seq
                    if alert.seq <= last:
                        continue
                yield alert
                last = alert.seq
        finally:
            await subscription.unsubscribe()

    async def book(self, market: str) -> AsyncIterator[BookView]:
        """A market's book, again after every change. It is one view that goes on changing: read it before the next.

        Snapshot and changes are joined here, and a gap is closed by a new snapshot. Raises QueryRefused `not_found`.
        """
        changes: asyncio.Queue[BookChanged] = asyncio.Queue(CHANGES_HELD)

        async def arrived(message: Msg) -> None:
            for change in _BOOK_CHANGES.validate_json(message.data, extra="ignore"):
                if not changes.full():
                    changes.put_nowait(change)

        subscription = await self._connection.subscribe(f"books.{market}", cb=arrived)
        await confirm(self._connection)
        view = BookView(market)
        try:
            while True:
                while not view.ready:
                    while not changes.empty():
                        view.apply(changes.get_nowait())
                    view.load(await self._ask("matching", "book", market=market, depth=SNAPSHOT_LEVELS, steps=True))
                yield view
                view.apply(await changes.get())
        finally:
            await subscription.unsubscribe()

    async def _heard(self, subject: str) -> AsyncIterator[bytes]:
        payloads: asyncio.Queue[bytes] = asyncio.Queue(CHANGES_HELD)

        async def arrived(message: Msg) -> None:
            if not payloads.full():
                payloads.put_nowait(message.data)

        subscription = await self._connection.subscribe(subject, cb=arrived)
        await confirm(self._connection)
        try:
            while True:
                yield await payloads.get()
        finally:
            await subscription.unsubscribe()

    async def _ask(self, service: str, query: str, **params: Any) -> Any:
        reply = await self._connection.request(
            f"query.{service}.{query}", json.dumps(params).encode(), timeout=self._publish_timeout
        )
        answer = json.loads(reply.data)
        if not answer["ok"]:
            raise QueryRefused(answer["error"]["code"], answer["error"]["message"])
        return answer["data"]

    async def _history(self, after_seq: int) -> AsyncIterator[Alert]:
        """Alerts after `after_seq` up to the stream's end. A stream sequence is never below the alert's own `seq`."""
        stream_seq = after_seq + 1
        while True:
            page = await self._page(stream_seq)
            for stream_seq_found, payload in page:
                alert = _alert(payload)
                stream_seq = stream_seq_found + 1
                if alert.seq > after_seq:
                    yield alert
                    after_seq = alert.seq
            if len(page) < HISTORY_PAGE:
                return

    async def _page(self, stream_seq: int) -> list[tuple[int, bytes]]:
        inbox = self._connection.new_inbox()
        subscription = await self._connection.subscribe(inbox)
        request = {"seq": stream_seq, "batch": HISTORY_PAGE, "next_by_subj": ALERTS}
        found: list[tuple[int, bytes]] = []
        try:
            await self._connection.publish(f"$JS.API.DIRECT.GET.{RISK.name}", json.dumps(request).encode(), reply=inbox)
            while True:
                message = await subscription.next_msg(timeout=PUBLISH_SECONDS)
                headers = message.headers or {}
                if "Status" in headers:
                    if headers["Status"] in ("204", "404"):
                        return found
                    raise PublishError(f"reading back alerts: {headers['Status']} {headers.get('Description', '')}")
                found.append((int(headers["Nats-Sequence"]), message.data))
        finally:
            await subscription.unsubscribe()


_ALERT: Final[TypeAdapter[Alert]] = TypeAdapter(Annotated[Alert, Field(discriminator="type")])
_BOOK_CHANGES: Final = TypeAdapter(list[BookChanged])


def _alert(payload: bytes) -> Alert:
    """A newer system may send fields that this version does not know."""
    return _ALERT.validate_json(payload, extra="ignore")


def _now() -> int:
    return time.time_ns() // 1000
