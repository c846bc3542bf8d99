"""The bus on NATS JetStream: cursors with a gap check, reads by number, and publishing that is all or nothing.

Facts that decide the shape (measured): a fetch per message is three times slower than one inbox fed by open pulls, and
a word to the server costs more than what is in it, so what belongs together leaves together.
"""

import json
from collections.abc import Sequence
from typing import Any, Final

from nats.aio.client import Client

from cleartide.bus.api import CONSUMER_NOT_FOUND, ApiError
from cleartide.bus.cursor import PullCursor
from cleartide.bus.direct import DirectReader
from cleartide.bus.ports import Delivery, OutboxRow, StreamState
from cleartide.bus.publisher import Publisher
from cleartide.bus.streams import Stream

__all__ = ["CONSUMER_NOT_FOUND", "ApiError", "NatsBus", "PullCursor"]

API_SECONDS: Final = 5.0
MAX_ACK_PENDING: Final = 200_000


class NatsBus:
    """Streams over one NATS connection."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._publisher = Publisher(client)
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

    async def last(self, stream: Stream) -> Delivery | None:
        """The newest stored message, without a consumer; None of an empty stream."""
        found = [await self._reader.last(stream.name, subject) for subject in stream.subjects]
        return max((one for one in found if one is not None), key=lambda one: one.stream_seq, default=None)

    async def read(self, stream: Stream, first_seq: int, count: int) -> list[Delivery]:
        """Stored messages by number, without a consumer."""
        return await self._reader.read(stream.name, first_seq, count)

    async def publish(self, service: str, rows: Sequence[OutboxRow]) -> None:
        """Store the rows, stream by stream in order, and wait for every acknowledgement."""
        await self._publisher.publish(service, rows)
