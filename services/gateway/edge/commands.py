"""Commands into the one sequence, and what became of them: the gateway says whose request it is, matching decides.

A command's answer is the first batch of trading events that it caused. It is listened for before the command is sent,
in the live tail.
"""

import asyncio
import uuid
from collections.abc import Sequence
from typing import Any, Final

import msgspec
import structlog
from cleartide.client import Client, PublishError
from cleartide.contracts import Message
from nats.aio.client import Client as Connection
from nats.aio.msg import Msg
from pydantic import ValidationError

from services.gateway.edge.errors import ApiError
from services.gateway.identity.people import now_micros
from services.gateway.live.tail import TailEvent

log = structlog.get_logger()

SOURCE: Final = "gateway"
REFUSALS: Final = "dead.matching.>"
"""The letters that say that a command was refused."""
ANSWER_SECONDS: Final = 5.0
PUBLISH_SECONDS: Final = 2.0
MOST_WAITING: Final = 4_096
_NAMING: Final = ("client_order_id", "quote_id")
"""What of a refusal says to which order or quote it is."""

Event = dict[str, Any]
Outcome = dict[str, Any]


_events: Final = msgspec.json.Decoder(list[Event])


class Commands:
    """The gateway's voice on COMMANDS."""

    def __init__(self, connection: Connection) -> None:
        self._client = Client(connection, SOURCE, PUBLISH_SECONDS)
        self._waiting: dict[str, asyncio.Future[list[Event] | None]] = {}

    async def run(self, connection: Connection) -> None:
        """Listen for refusals until cancelled."""
        subscription = await connection.subscribe(REFUSALS, cb=self._hear_refusal)
        try:
            await asyncio.Event().wait()
        finally:
            if not connection.is_closed:
                await subscription.unsubscribe()

    async def send(self, contract: type[Message], *, ident: str | None = None, **body: Any) -> Outcome:
        """Give a command and say what became of it: `{"command_id", "position", "events"}`.

        `ident` makes the command's id: the same twice is one command, the second time without events. Without an answer
        in ANSWER_SECONDS `events` is null: the command stands in the sequence, and what comes of it is told by the read
        models. ApiError 422 for what matching refuses, 503 when the bus does not take it.
        """
        command_id = f"{SOURCE}-{contract.__name__}-{ident or uuid.uuid4().hex}"
        envelope = {"id": command_id, "occurred_at": now_micros(), "source": SOURCE}
        try:
            message = contract.model_validate_json(msgspec.json.encode({**envelope, **body}))
        except ValidationError as error:
            detail = [{"where": ".".join(map(str, item["loc"])), "problem": item["msg"]} for item in error.errors()]
            raise ApiError(422, "invalid_parameter", "A parameter is not valid.", detail) from None
        if len(self._waiting) >= MOST_WAITING:
            raise ApiError(503, "too_many_commands", "Too many commands wait for their answers.")
        answer = self._waiting[command_id] = asyncio.get_running_loop().create_future()
        try:
            # lint: allow one-publish: a person's command, by the library's own client; one by its id
            receipt = await self._client.publish(message)
            events = None if receipt.duplicate else await _within(answer, ANSWER_SECONDS)
        except PublishError as error:
            log.warning("command_not_taken", error=str(error)[:200])
            raise ApiError(503, "bus_unavailable", "The event bus did not take the command.") from None
        finally:
            del self._waiting[command_id]
        refused = next((event for event in events or () if refuses(event, body)), None)
        if refused is not None:
            raise ApiError(422, refused["reason"], "The command was refused.", {"command_id": command_id})
        return {"command_id": command_id, "position": receipt.stream_seq, "events": events}

    def hear(self, events: Sequence[TailEvent], data: bytes) -> None:
        """What the tail says: of each command that waits, all that this message says of it."""
        if not self._waiting or self._waiting.keys().isdisjoint([event.causation_id for event in events]):
            return
        caused: dict[str, list[Event]] = {}
        for event in _events.decode(data):
            if event["causation_id"] in self._waiting:
                caused.setdefault(event["causation_id"], []).append(event)
        for command, mine in caused.items():
            self._answer(command, mine)

    async def _hear_refusal(self, message: Msg) -> None:
        if self._waiting:
            letter: Event = msgspec.json.decode(message.data)
            self._answer(letter.get("causation_id", ""), [letter])

    def _answer(self, command: str, events: list[Event]) -> None:
        answer = self._waiting.get(command)
        if answer is not None and not answer.done():
            answer.set_result(events)


def refuses(event: Event, body: dict[str, Any]) -> bool:
    """Whether an event says no to this very command.

    What a batch, somebody else or an earlier order is refused is told beside the rest, as is a quote that leaves its
    auction.
    """
    if event["type"] == "DeadLettered":
        return True
    if not event["type"].endswith("Rejected") or "instructions" in body:
        return False
    if "account" in event and "account" in body and event["account"] != body["account"]:
        return False
    return all(event.get(name) in (None, body.get(name)) for name in _NAMING)


async def _within(answer: "asyncio.Future[list[Event] | None]", seconds: float) -> list[Event] | None:
    late = asyncio.get_running_loop().call_later(seconds, _give_up, answer)
    try:
        return await answer
    finally:
        late.cancel()


def _give_up(answer: "asyncio.Future[list[Event] | None]") -> None:
    if not answer.done():
        answer.set_result(None)
