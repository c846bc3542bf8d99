"""The bus on NATS JetStream: pull cursors with a gap check, and publishing that is all or nothing per batch.

Facts that decide the shape (measured): a fetch per message is three times slower than one inbox fed by open pulls; with
every write synced, an atomic batch costs one sync for up to 1,000 messages; an atomic batch with a message already
stored is refused whole, so a repeat falls back to one by one, where a duplicate is acknowledged as such.
"""

import asyncio
import itertools
import json
from collections import deque
from collections.abc import Sequence
from typing import Any, Final

import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import NoRespondersError

from cleartide.bus.direct import DirectReader
from cleartide.bus.ports import CursorLost, Delivery, OutboxRow, StreamState
from cleartide.bus.streams import BY_NAME, Stream

log = structlog.get_logger()

API_SECONDS: Final = 5.0
PUBLISH_SECONDS: Final = 10.0
PULL_MESSAGES: Final = 512
PULL_EXPIRES_SECONDS: Final = 20
HEARTBEAT_SECONDS: Final = 2
SILENCE_SECONDS: Final = 6.0
LOOK_SECONDS: Final = 0.25
FETCH_BYTES: Final = 512 * 1024
FETCH_MESSAGES: Final = 1_000
ATOMIC_MESSAGES: Final = 500
PULL_ENDED: Final = ("404", "408", "Batch Completed", "Message Size Exceeds MaxBytes")
MAX_ACK_PENDING: Final = 200_000
DUPLICATE_IN_BATCH: Final = 10201
CONSUMER_NOT_FOUND: Final = 10014


class ApiError(Exception):
    """JetStream answered with an error."""

    def __init__(self, subject: str, error: dict[str, Any]) -> None:
        super().__init__(f"{subject}: {error.get('description', error)}")
        self.code = int(error.get("err_code", 0))


class NatsBus:
    """Streams over one NATS connection."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._batches = itertools.count(1)
        self._reader = DirectReader(client)

    async def api(self, subject: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """One JetStream API request; an error answer raises ApiError."""
        reply = await self._client.request(
            f"$JS.API.{subject}", json.dumps(body).encode() if body else b"", timeout=API_SECONDS
        )
        answer: dict[str, Any] = json.loads(reply.data)
        if "error" in answer:
            raise ApiError(subject, answer["error"])
        return answer

    async def state(self, stream: Stream) -> StreamState:
        """The stream's bounds and identity."""
        info = await self.api(f"STREAM.INFO.{stream.name}")
        return StreamState(info["state"]["first_seq"], info["state"]["last_seq"], info["created"])

    async def open(self, stream: Stream, service: str, start_seq: int) -> "PullCursor":
        """A cursor at `start_seq`: the service's consumer, made anew, so that no older holder's pull survives."""
        try:
            await self.api(f"CONSUMER.DELETE.{stream.name}.{service}")
        except ApiError as error:
            if error.code != CONSUMER_NOT_FOUND:
                raise
        await self.api(
            f"CONSUMER.CREATE.{stream.name}.{service}",
            {
                "stream_name": stream.name,
                "action": "create",
                "config": {
                    "durable_name": service,
                    "name": service,
                    "deliver_policy": "by_start_sequence",
                    "opt_start_seq": max(start_seq, 1),
                    "ack_policy": "all",
                    "ack_wait": 600 * 10**9,
                    "max_ack_pending": MAX_ACK_PENDING,
                    "mem_storage": True,
                    "num_replicas": 1,
                },
            },
        )
        cursor = PullCursor(self._client, stream.name, service)
        await cursor.start()
        return cursor

    async def read(self, stream: Stream, first_seq: int, count: int) -> list[Delivery]:
        """Stored messages by number, without a consumer."""
        return await self._reader.read(stream.name, first_seq, count)

    async def publish(self, service: str, rows: Sequence[OutboxRow]) -> None:
        """Store the rows, channel by channel in order, and wait for every acknowledgement."""
        for _, group in itertools.groupby(sorted(rows, key=lambda row: row.channel), key=lambda row: row.channel):
            pending = list(group)
            for start in range(0, len(pending), ATOMIC_MESSAGES):
                chunk = pending[start : start + ATOMIC_MESSAGES]
                if len(chunk) == 1:
                    await self._publish_one(service, chunk[0])
                else:
                    await self._publish_batch(service, chunk)

    async def _publish_one(self, service: str, row: OutboxRow) -> None:
        await self._acknowledged(row.subject, row.payload, _headers(service, row))

    async def _publish_batch(self, service: str, rows: Sequence[OutboxRow]) -> None:
        batch = f"{service}-{self._client.client_id}-{next(self._batches)}"
        last = len(rows)
        for index, row in enumerate(rows[:-1], start=1):
            headers = {**_headers(service, row), "Nats-Batch-Id": batch, "Nats-Batch-Sequence": str(index)}
            await self._client.publish(row.subject, row.payload, headers=headers)
        headers = {
            **_headers(service, rows[-1]),
            "Nats-Batch-Id": batch,
            "Nats-Batch-Sequence": str(last),
            "Nats-Batch-Commit": "1",
        }
        try:
            await self._acknowledged(rows[-1].subject, rows[-1].payload, headers)
        except ApiError as error:
            if error.code != DUPLICATE_IN_BATCH:
                raise
            for row in rows:
                await self._publish_one(service, row)

    async def _acknowledged(self, subject: str, payload: bytes, headers: dict[str, str]) -> None:
        connection = self._client.stats["reconnects"]
        request = asyncio.ensure_future(
            self._client.request(subject, payload, timeout=PUBLISH_SECONDS, headers=headers)
        )
        try:
            while not (await asyncio.wait((request,), timeout=LOOK_SECONDS))[0]:
                if self._client.stats["reconnects"] != connection:
                    raise ConnectionError("the connection was made anew before the acknowledgement")
            answer = json.loads(request.result().data)
        except NoRespondersError as error:
            raise ConnectionError(f"no stream takes {subject}") from error
        finally:
            request.cancel()
        if "error" in answer:
            raise ApiError(subject, answer["error"])


def _headers(service: str, row: OutboxRow) -> dict[str, str]:
    headers = {"Ct-Last-Seq": str(row.last_seq)}
    # On a public stream an outsider could use up the identity first, and the server would drop ours as a duplicate.
    # There a repeat is stored again and skipped by its number.
    if not BY_NAME[row.channel].public:
        headers["Nats-Msg-Id"] = f"{service}.{row.channel}.{row.first_seq}"
    if row.traceparent:
        headers["traceparent"] = row.traceparent
    return headers


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
        size = 0
        while self._arrived and len(taken) < FETCH_MESSAGES and size < FETCH_BYTES:
            delivery, reply = self._arrived.popleft()
            taken.append(delivery)
            size += len(delivery.payload)
            self._replies[delivery.stream_seq] = reply
        for delivery in taken[:-1]:
            del self._replies[delivery.stream_seq]
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
        """Acknowledge everything up to this message; it moves the monitoring, correctness rests on the position."""
        await self._client.publish(self._replies.pop(delivery.stream_seq), b"+ACK")

    async def close(self) -> None:
        """Stop listening. The consumer stays, so that its lag can still be seen."""
        if self._subscription is not None and not self._client.is_closed:
            try:
                await self._subscription.unsubscribe()
            except (OSError, ValueError) as error:
                log.debug("unsubscribe_failed", error=str(error))


def _v2(tokens: list[str]) -> tuple[int, int, int, int]:
    """The longer acknowledgement subject: domain and account hash before the stream, a random token at the end."""
    return int(tokens[7]), int(tokens[8]), int(tokens[9]), int(tokens[10])
