"""Stored messages read by number, without a consumer: nobody else's reading is disturbed, and the server keeps nothing.

One request is answered by many messages, each with its place in the stream in headers that the server wrote last, and
ended by a status.
"""

import asyncio
import itertools
import json
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

from nats.aio.client import Client
from nats.aio.msg import Msg

from cleartide.bus.ports import Delivery

READ_SECONDS: Final = 5.0
READ_BYTES: Final = 2**20
PENDING_MESSAGES: Final = 100_000
END_OF_BATCH: Final = "204"
NOT_FOUND: Final = "404"


class DirectReader:
    """Reads streams over one connection."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._inbox = client.new_inbox()
        self._numbers = itertools.count(1)
        self._open: dict[str, _Answer] = {}
        self._subscription: Any = None

    async def read(self, stream: str, first_seq: int, count: int) -> list[Delivery]:
        """At most `count` messages from `first_seq` on, about a megabyte of them; none when the stream ends before."""
        if self._subscription is None:
            self._subscription = await self._client.subscribe(
                f"{self._inbox}.*", cb=self._on_message, pending_msgs_limit=PENDING_MESSAGES, pending_bytes_limit=2**30
            )
        subject = f"{self._inbox}.{next(self._numbers)}"
        answer = self._open[subject] = _Answer()
        request = json.dumps({"seq": first_seq, "batch": count, "max_bytes": READ_BYTES}).encode()
        try:
            await self._client.publish(f"$JS.API.DIRECT.GET.{stream}", request, reply=subject)
            async with asyncio.timeout(READ_SECONDS):
                await answer.ended
        finally:
            del self._open[subject]
        return answer.deliveries

    async def last(self, stream: str, subject: str) -> Delivery | None:
        """The newest message on a subject."""
        request = json.dumps({"last_by_subj": subject}).encode()
        message = await self._client.request(f"$JS.API.DIRECT.GET.{stream}", request, timeout=READ_SECONDS)
        headers = message.headers or {}
        if headers.get("Status") == NOT_FOUND:
            return None
        answer = _Answer()
        answer.take(headers, message.data)
        return answer.deliveries[0]

    async def _on_message(self, message: Msg) -> None:
        answer = self._open.get(message.subject)
        if answer is not None:
            answer.take(message.headers or {}, message.data)


class _Answer:
    """What has come of one read."""

    def __init__(self) -> None:
        self.deliveries: list[Delivery] = []
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def take(self, headers: dict[str, str], payload: bytes) -> None:
        """One message, or the status that ends the answer."""
        if self.ended.done():
            return
        at = headers.get("Nats-Time-Stamp")
        if at is not None:
            self.deliveries.append(
                Delivery(
                    int(headers["Nats-Sequence"]),
                    _micros(at),
                    headers["Nats-Subject"],
                    payload,
                    headers.get("traceparent", ""),
                    int(headers.get("Nats-Num-Pending", "0")),
                )
            )
        elif headers.get("Status") in (END_OF_BATCH, NOT_FOUND):
            self.ended.set_result(None)
        else:
            status = f"{headers.get('Status', '')} {headers.get('Description', '')}"
            self.ended.set_exception(ConnectionError(f"the stream cannot be read: {status.strip()}"))


def _micros(stamp: str) -> int:
    """`2026-11-21T13:44:51.43971728Z` to microseconds since the Unix epoch, cut off as a consumer's are."""
    whole, _, fraction = stamp.removesuffix("Z").partition(".")
    return _seconds(whole) * 1_000_000 + int(fraction.ljust(6, "0")[:6])


@lru_cache(maxsize=64)
def _seconds(whole: str) -> int:
    return int(datetime.fromisoformat(whole).replace(tzinfo=UTC).timestamp())
