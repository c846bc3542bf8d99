"""What the operator uses: commands on `admin.>`, each with its answer, and the read model's answers to questions.

async with Admin.connect("nats://operator:secret@127.0.0.1:4222") as admin:
    await admin.command(HaltMarket, by="ann", market="BTC-PERP")
"""

import asyncio
import json
import uuid
from collections.abc import Callable
from typing import Any, Final

from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from cleartide.client import Client
from cleartide.contracts import Message

ANSWER_SECONDS: Final = 10.0
SAID: Final = "trading.>"
REFUSED: Final = "dead.matching.>"
PENDING: Final = 1_000

Event = dict[str, Any]


class AdminRefused(Exception):  # noqa: N818 - a verdict on a command, not a fault
    """Matching has refused a command; nothing has changed. `reason` is a code."""

    def __init__(self, reason: str, error: str) -> None:
        super().__init__(error or reason)
        self.reason = reason


class Admin(Client):
    """A connection with the operator's rights."""

    async def command(self, contract: type[Message], *, by: str = "", note: str = "", **body: Any) -> list[Event]:
        """Give a command and return the events that it caused, as far as they came with the first of them.

        Raises AdminRefused, or TimeoutError when matching does not answer; then nobody knows yet what will come of it.
        """
        body.update((name, value) for name, value in (("by", by), ("note", note)) if name in contract.model_fields)
        ident = f"{self._source}-{contract.__name__}-{uuid.uuid4().hex}"
        message = contract(**self._envelope(ident), **body)
        answers: asyncio.Queue[list[Event]] = asyncio.Queue(PENDING)
        subscriptions = [
            await self._connection.subscribe(subject, cb=_hearing(answers, message.id)) for subject in (SAID, REFUSED)
        ]
        try:
            await self._publish(message)
            async with asyncio.timeout(ANSWER_SECONDS):
                events = await answers.get()
        finally:
            for subscription in subscriptions:
                await subscription.unsubscribe()
        if events[0]["type"] == "DeadLettered":
            raise AdminRefused(events[0]["reason"], events[0]["error"])
        return events

    async def ask(self, service: str, question: str, **params: Any) -> Any:
        """What a service's read model answers. Raises QueryRefused, or TimeoutError without an answer."""
        try:
            return await self._ask(service, question, **params)
        except NatsError as error:
            raise TimeoutError(f"{service} does not answer") from error


def _hearing(answers: asyncio.Queue[list[Event]], cause: str) -> Callable[[Msg], Any]:
    """Keep what one command has caused, out of all that is said."""

    async def hear(message: Msg) -> None:
        said = json.loads(message.data)
        events = [event for event in (said if isinstance(said, list) else [said]) if event["causation_id"] == cause]
        if events and not answers.full():
            answers.put_nowait(events)

    return hear
