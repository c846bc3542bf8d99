"""Publishing that is all or nothing per batch, in order within each stream, and one write to the socket for all of it.

With every write synced, an atomic batch costs one sync for up to 1,000 messages. One with a message that is already
stored is refused whole, so a repeat falls back to one by one, where a duplicate is acknowledged as such; and so does
one that comes while others hold all the batches that the server keeps open on a stream.
"""

import itertools
from collections.abc import Sequence
from typing import Final

from nats.aio.client import Client

from cleartide.bus.acknowledged import Acknowledged, Answer
from cleartide.bus.api import BATCH_INCOMPLETE, DUPLICATE_IN_BATCH, ApiError, in_batch
from cleartide.bus.ports import OutboxRow
from cleartide.bus.streams import BY_NAME

PUBLISH_SECONDS: Final = 10.0
ATOMIC_MESSAGES: Final = 500
ONE_BY_ONE: Final = (DUPLICATE_IN_BATCH, BATCH_INCOMPLETE)
"""Refusals of a batch as such. None of it is stored, and each of its messages may be."""

Chunk = Sequence[OutboxRow]


class Publisher:
    """Publishes rows over one connection and waits for every acknowledgement."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._server = Acknowledged(client)
        self._batches = itertools.count(1)

    async def publish(self, service: str, rows: Sequence[OutboxRow]) -> None:
        """Store the rows: streams beside each other, the chunks of a stream one after the other."""
        await self._server.listen()
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
        batch = f"{service}-{self._client.client_id}-{next(self._batches)}"
        for place, row in enumerate(chunk[:-1], start=1):
            headers = {**_headers(service, row), **in_batch(batch, place)}
            await self._client.publish(row.subject, row.payload, headers=headers)
        return await self._say(chunk[-1], {**_headers(service, chunk[-1]), **in_batch(batch, len(chunk), last=True)})

    async def _say(self, row: OutboxRow, headers: dict[str, str]) -> Answer:
        return await self._server.say(row.subject, row.payload, headers, PUBLISH_SECONDS)

    async def _settle(self, service: str, chunk: Chunk, answer: Answer) -> None:
        """Stored, or the error that kept it from being stored."""
        error = (await answer).get("error")
        if error is None:
            return
        if len(chunk) == 1 or error.get("err_code") not in ONE_BY_ONE:
            raise ApiError(chunk[-1].subject, error)
        for row in chunk:
            await self._settle(service, [row], await self._send(service, [row]))


def _chunks(rows: Sequence[OutboxRow]) -> list[list[Chunk]]:
    """Per stream, what goes out together."""
    by_channel: dict[str, list[OutboxRow]] = {}
    for row in rows:
        by_channel.setdefault(row.channel, []).append(row)
    return [
        [pending[start : start + ATOMIC_MESSAGES] for start in range(0, len(pending), ATOMIC_MESSAGES)]
        for _, pending in sorted(by_channel.items())
    ]


def _headers(service: str, row: OutboxRow) -> dict[str, str]:
    headers = {"Ct-Last-Seq": str(row.last_seq)}
    # On a public stream an outsider could use up the identity first, and the server would drop ours as a duplicate.
    # There a repeat is stored again and skipped by its number.
    if not BY_NAME[row.channel].public:
        headers["Nats-Msg-Id"] = f"{service}.{row.channel}.{row.first_seq}"
    if row.traceparent:
        headers["traceparent"] = row.traceparent
    return headers
