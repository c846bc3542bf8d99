"""Publishing that is all or nothing per batch, in order within each stream, and one write to the socket for all of it.

With every write synced, an atomic batch costs one sync for up to 1,000 messages. One with a message that is already
stored is refused whole, so a repeat falls back to one by one, where a duplicate is acknowledged as such.
"""

import asyncio
import itertools
import json
from collections.abc import Sequence
from typing import Any, Final

from nats.aio.client import Client
from nats.aio.msg import Msg

from cleartide.bus.api import DUPLICATE_IN_BATCH, ApiError
from cleartide.bus.ports import OutboxRow
from cleartide.bus.streams import BY_NAME

PUBLISH_SECONDS: Final = 10.0
LOOK_SECONDS: Final = 0.25
ATOMIC_MESSAGES: Final = 500
NO_RESPONDERS: Final = "503"

Chunk = Sequence[OutboxRow]
Answer = asyncio.Future[Msg]


class Publisher:
    """Publishes rows over one connection and waits for every acknowledgement."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._inbox = client.new_inbox()
        self._numbers = itertools.count(1)
        self._waiting: dict[str, Answer] = {}
        self._subscription: Any = None

    async def publish(self, service: str, rows: Sequence[OutboxRow]) -> None:
        """Store the rows: streams beside each other, the chunks of a stream one after the other."""
        if self._subscription is None:
            self._subscription = await self._client.subscribe(f"{self._inbox}.*", cb=self._on_answer)
        for chunks in itertools.zip_longest(*_chunks(rows)):
            sent = [(chunk, await self._send(service, chunk)) for chunk in chunks if chunk]
            try:
                for chunk, answer in sent:
                    await self._settle(service, chunk, answer)
            finally:
                for _, answer in sent:
                    answer.cancel()

    async def _send(self, service: str, chunk: Chunk) -> Answer:
        """One message, or one atomic batch. Nothing here gives way, so that all of it leaves together."""
        if len(chunk) == 1:
            return await self._say(chunk[0], _headers(service, chunk[0]))
        batch = f"{service}-{self._client.client_id}-{next(self._numbers)}"
        for index, row in enumerate(chunk[:-1], start=1):
            headers = {**_headers(service, row), "Nats-Batch-Id": batch, "Nats-Batch-Sequence": str(index)}
            await self._client.publish(row.subject, row.payload, headers=headers)
        headers = {
            **_headers(service, chunk[-1]),
            "Nats-Batch-Id": batch,
            "Nats-Batch-Sequence": str(len(chunk)),
            "Nats-Batch-Commit": "1",
        }
        return await self._say(chunk[-1], headers)

    async def _say(self, row: OutboxRow, headers: dict[str, str]) -> Answer:
        reply = f"{self._inbox}.{next(self._numbers)}"
        answer: Answer = asyncio.get_running_loop().create_future()
        answer.add_done_callback(lambda _: self._waiting.pop(reply, None))
        self._waiting[reply] = answer
        await self._client.publish(row.subject, row.payload, reply=reply, headers=headers)
        return answer

    async def _settle(self, service: str, chunk: Chunk, answer: Answer) -> None:
        """Stored, or the error that kept it from being stored."""
        try:
            _require_stored(chunk[-1].subject, await self._answered(answer))
        except ApiError as error:
            if len(chunk) == 1 or error.code != DUPLICATE_IN_BATCH:
                raise
            for row in chunk:
                _require_stored(row.subject, await self._answered(await self._send(service, [row])))

    async def _answered(self, answer: Answer) -> Msg:
        """Wait for it, and for no longer than the connection lasts on which it was asked for.

        The time is counted in looks: while the process was busy it did not listen, which is no silence of the server's.
        """
        connection = self._client.stats["reconnects"]
        for _ in range(round(PUBLISH_SECONDS / LOOK_SECONDS)):
            if (await asyncio.wait((answer,), timeout=LOOK_SECONDS))[0]:
                return answer.result()
            if self._client.stats["reconnects"] != connection:
                raise ConnectionError("the connection was made anew before the acknowledgement")
        raise TimeoutError("no acknowledgement")

    async def _on_answer(self, message: Msg) -> None:
        answer = self._waiting.get(message.subject)
        if answer is not None and not answer.done():
            answer.set_result(message)


def _chunks(rows: Sequence[OutboxRow]) -> list[list[Chunk]]:
    """Per stream, what goes out together."""
    by_channel: dict[str, list[OutboxRow]] = {}
    for row in rows:
        by_channel.setdefault(row.channel, []).append(row)
    return [
        [pending[start : start + ATOMIC_MESSAGES] for start in range(0, len(pending), ATOMIC_MESSAGES)]
        for _, pending in sorted(by_channel.items())
    ]


def _require_stored(subject: str, message: Msg) -> None:
    if message.headers and message.headers.get("Status") == NO_RESPONDERS:
        raise ConnectionError(f"no stream takes {subject}")
    answer = json.loads(message.data)
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
