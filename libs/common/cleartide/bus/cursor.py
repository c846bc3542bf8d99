"""A cursor on a stream: pulls kept open on one consumer, what has arrived handed out, and nothing skipped unnoticed."""

import asyncio
import json
from collections import deque
from typing import Any, Final

import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg

from cleartide.bus.ports import CursorLost, Delivery

log = structlog.get_logger()

PULL_MESSAGES: Final = 512
PULL_EXPIRES_SECONDS: Final = 20
HEARTBEAT_SECONDS: Final = 2
SILENCE_SECONDS: Final = 6.0
LOOK_SECONDS: Final = 0.25
ACK_SECONDS: Final = 0.1
FETCH_BYTES: Final = 512 * 1024
FETCH_MESSAGES: Final = 1_000
PULL_ENDED: Final = ("404", "408", "Batch Completed", "Message Size Exceeds MaxBytes")


class PullCursor:
    """Keeps pulls open on one consumer and hands out what has arrived, checking that nothing was skipped."""

    def __init__(self, client: Client, stream: str, consumer: str) -> None:
        self._client, self._stream, self._consumer = client, stream, consumer
        # lint: allow bounded-queue: `_pull` asks for no more than PULL_MESSAGES less what is here
        self._arrived: deque[tuple[Delivery, str]] = deque()
        self._wake = asyncio.Event()
        self._outstanding = 0
        self._consumer_seq = 0
        self._lost = ""
        self._heard = 0.0
        self._replies: dict[int, str] = {}
        self._done = ""
        self._acking: asyncio.Task[None] | None = None
        self._connection = 0
        self._subscription: Any = None

    async def start(self) -> None:
        """Subscribe the inbox and open the first pull."""
        self._connection = self._client.stats["reconnects"]
        self._inbox = self._client.new_inbox()
        self._subscription = await self._client.subscribe(
            self._inbox, cb=self._on_message, pending_msgs_limit=10 * PULL_MESSAGES, pending_bytes_limit=2**30
        )
        await self._pull()

    async def _pull(self) -> None:
        room = PULL_MESSAGES - self._outstanding - len(self._arrived)
        if room < PULL_MESSAGES // 2:
            return
        self._outstanding += room
        self._heard = asyncio.get_running_loop().time()
        request = {
            "batch": room,
            "expires": int(PULL_EXPIRES_SECONDS * 10**9),
            "idle_heartbeat": int(HEARTBEAT_SECONDS * 10**9),
        }
        await self._client.publish(
            f"$JS.API.CONSUMER.MSG.NEXT.{self._stream}.{self._consumer}",
            json.dumps(request).encode(),
            reply=self._inbox,
        )

    async def _on_message(self, message: Msg) -> None:
        self._heard = asyncio.get_running_loop().time()
        headers = message.headers
        # Only what comes from a stream has somewhere to be acknowledged; its headers are its publisher's.
        if not message.reply:
            self._on_status(headers or {})
            return
        self._outstanding -= 1
        tokens = message.reply.split(".")
        stream_seq, consumer_seq, nanos, pending = (
            (int(token) for token in tokens[-4:]) if len(tokens) == 9 else _v2(tokens)
        )
        if consumer_seq != self._consumer_seq + 1:
            self._lost = f"consumer sequence went from {self._consumer_seq} to {consumer_seq}"
        self._consumer_seq = consumer_seq
        traceparent = headers.get("traceparent", "") if headers else ""
        delivery = Delivery(stream_seq, nanos // 1000, message.subject, message.data, traceparent, pending)
        self._arrived.append((delivery, message.reply))
        self._wake.set()

    def _on_status(self, headers: dict[str, str]) -> None:
        status, text = headers.get("Status", ""), headers.get("Description", "")
        if status == "100":
            return
        if status in PULL_ENDED or text in PULL_ENDED:
            self._outstanding = max(self._outstanding - int(headers.get("Nats-Pending-Messages", "0")), 0)
        else:
            self._lost = f"{status} {text}"
        self._wake.set()

    async def fetch(self) -> list[Delivery]:
        """Wait for one message, then take what has arrived, up to the bounds. Raises CursorLost."""
        while not self._arrived:
            if self._lost:
                raise CursorLost(self._lost)
            self._wake.clear()
            await self._pull()
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._wake.wait()
            except TimeoutError:
                self._look()
        taken: list[Delivery] = []
        size, reply = 0, ""
        while self._arrived and len(taken) < FETCH_MESSAGES and size < FETCH_BYTES:
            delivery, reply = self._arrived.popleft()
            taken.append(delivery)
            size += len(delivery.payload)
        self._replies[taken[-1].stream_seq] = reply
        if self._lost:
            raise CursorLost(self._lost)
        await self._pull()
        return taken

    def _look(self) -> None:
        """Nothing came for a while: is that peace, or has the pull gone with the connection or the server?"""
        if self._client.stats["reconnects"] != self._connection:
            self._lost = "the connection was made anew"
        elif asyncio.get_running_loop().time() - self._heard > SILENCE_SECONDS:
            self._lost = "no heartbeat from the stream"

    async def ack(self, delivery: Delivery) -> None:
        """Acknowledge everything up to this message, at most ten times a second: every word to the server costs as much
        as a commit does here. It moves the monitoring; correctness rests on the position.

        Only the last message of a fetch has somewhere to be acknowledged: those before it, where a fetch becomes
        several commits, are acknowledged with it.
        """
        reply = self._replies.pop(delivery.stream_seq, "")
        if not reply:
            return
        self._done = reply
        if self._acking is None or self._acking.done():
            self._acking = asyncio.create_task(self._acknowledge())

    async def _acknowledge(self) -> None:
        """The newest at once, and then what has come meanwhile."""
        while self._done and not self._client.is_closed:
            reply, self._done = self._done, ""
            await self._client.publish(reply, b"+ACK")
            await asyncio.sleep(ACK_SECONDS)

    async def close(self) -> None:
        """Stop listening. The consumer stays, so that its lag can still be seen."""
        if self._acking is not None:
            self._acking.cancel()
        if self._subscription is not None and not self._client.is_closed:
            try:
                if self._done:
                    await self._client.publish(self._done, b"+ACK")
                await self._subscription.unsubscribe()
            except (OSError, ValueError) as error:
                log.debug("unsubscribe_failed", error=str(error))


def _v2(tokens: list[str]) -> tuple[int, int, int, int]:
    """The longer acknowledgement subject: domain and account hash before the stream, a random token at the end."""
    return int(tokens[7]), int(tokens[8]), int(tokens[9]), int(tokens[10])
