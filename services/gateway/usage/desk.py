"""People's pseudonyms and what they allow; and the way of their events into the stream.

A pseudonym is drawn by lot, kept beside the person here alone, and thrown away when the person erases what was
recorded: whatever is still on its way under it belongs to nobody any more.
"""

import asyncio
import base64
import secrets
import uuid
from collections.abc import Sequence
from typing import Any, Final

import msgspec
import structlog
from cleartide.client import Client, PublishError
from cleartide.contracts import DeadLettered, Message
from cleartide.contracts.product import PersonErased, ProductMessage, RecordingAllowed
from cleartide.store.truth import Row, TruthStore
from nats.aio.client import Client as Connection

from services.gateway.edge.errors import ApiError
from services.gateway.identity.people import now_micros
from services.gateway.usage.items import Refused, read_items

log = structlog.get_logger()

SOURCE: Final = "gateway"
PUBLISH_SECONDS: Final = 2.0
MOST_LETTERS: Final = 10
"""Of a batch's bad items so many are kept as dead letters; all of them are answered."""
LETTER_BYTES: Final = 4_096


class UseDesk:
    """What a person allows, and what a person's client tells."""

    def __init__(self, truth: TruthStore, connection: Connection) -> None:
        self._truth, self._client = truth, Client(connection, SOURCE, PUBLISH_SECONDS)

    async def standing(self, user: str) -> dict[str, Any]:
        """Whether recording is on, and under which pseudonym."""
        row = await self._person(user)
        return {"recording": row["recording"], "person": row["person"], "changed_at": row["changed_at"]}

    async def take(self, user: str, items: Sequence[Any]) -> dict[str, Any]:
        """A batch: how many items were taken, and for each other one why not. Nothing of one who does not allow it."""
        row = await self._person(user)
        if not row["recording"]:
            return {"recording": False, "accepted": 0, "refused": []}
        good, refused = read_items(items, row["person"], now_micros())
        if good:
            await self._publish(good)
        await self._bury(items, refused[:MOST_LETTERS])
        told = [{"index": each.index, "reason": each.reason, "detail": each.detail} for each in refused]
        return {"recording": True, "accepted": len(good), "refused": told}

    async def allow(self, user: str, recording: bool) -> dict[str, Any]:
        """Switch recording on or off. Off is off from now on, also for what is still on its way."""
        row = await self._person(user)
        await self._change(user, row, recording=recording, changed_at=now_micros())
        await self._say(RecordingAllowed, row["person"], allowed=recording)
        return await self.standing(user)

    async def erase(self, user: str) -> dict[str, Any]:
        """Delete all that was recorded; what is recorded from now on has another pseudonym."""
        row = await self._person(user)
        # Told first: were the pseudonym thrown away and the telling failed, nobody could ask for it again.
        await self._say(PersonErased, row["person"])
        await self._change(user, row, person=secrets.token_hex(16), changed_at=now_micros())
        return await self.standing(user)

    async def _person(self, user: str) -> Row:
        async with self._truth.acting() as truth:
            query = "SELECT person, recording, changed_at FROM product_persons WHERE user_id = $1 LIMIT 1"
            row = await truth.first(query, user)
            if row is None:
                now = now_micros()
                await truth.add_new("product_persons", user_id=user, person=secrets.token_hex(16), changed_at=now)
                row = await truth.first(query, user)
            assert row is not None, "it was there, or we have just made it"
            return row

    async def _change(self, user: str, row: Row, **to: Any) -> None:
        async with self._truth.acting() as truth:
            await truth.change("product_persons", {"user_id": user, "person": row["person"]}, **to)

    async def _say(self, contract: type[ProductMessage], person: str, **body: Any) -> None:
        ident = f"{person}-{uuid.uuid4().hex}"
        await self._publish([contract(id=ident, occurred_at=now_micros(), source=SOURCE, person=person, **body)])

    async def _publish(self, messages: Sequence[Message]) -> None:
        try:
            await self._client.publish_packed(messages, uuid.uuid4().hex)
        except PublishError as error:
            log.warning("use_not_taken", error=str(error)[:200])
            raise ApiError(503, "bus_unavailable", "The event bus did not take the events.") from None

    async def _bury(self, items: Sequence[Any], refused: Sequence[Refused]) -> None:
        """Without the person: a letter is kept for who repairs the client, and nobody could erase it."""
        letters = [self._letter(items[each.index], each) for each in refused]
        # lint: allow one-publish: what could not be read is kept, by the library's own client
        results = await asyncio.gather(*(self._client.publish(letter) for letter in letters), return_exceptions=True)
        for result in results:
            if isinstance(result, PublishError):
                log.warning("letter_not_taken", error=str(result)[:200])
            elif isinstance(result, BaseException):
                raise result

    def _letter(self, item: Any, refused: Refused) -> DeadLettered:
        payload = msgspec.json.encode(item)
        return DeadLettered(
            id=f"{SOURCE}-product-{uuid.uuid4().hex}",
            occurred_at=now_micros(),
            source=SOURCE,
            service=SOURCE,
            reason=refused.reason,
            error=refused.detail,
            stream="PRODUCT",
            stream_seq=0,
            subject_of_origin="product.events",
            index_in_message=refused.index,
            attempts=1,
            payload_base64=base64.b64encode(payload[:LETTER_BYTES]).decode(),
            payload_bytes=len(payload),
        )
