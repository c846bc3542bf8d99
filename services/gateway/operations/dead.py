"""The dead-letter desk: what could not be applied, looked at, and given once more to where it came from."""

import base64
from typing import Any, Final

from cleartide.bus.nats import ApiError as BusError
from cleartide.bus.nats import NatsBus
from cleartide.bus.ports import Delivery
from cleartide.bus.streams import COMMANDS, DEAD_LETTERS
from cleartide.contracts import DeadLettered
from cleartide.ops.dead import give_again
from nats.aio.client import Client
from nats.errors import Error as NatsError

from services.gateway.edge.errors import ApiError
from services.gateway.operations.audit import Audit, Operator

MINE: Final = tuple(subject.removesuffix(">") for subject in COMMANDS.writers["gateway"])


class DeadLetterDesk:
    """Reads the stream by number, and redrives what the gateway itself may publish."""

    def __init__(self, client: Client, audit: Audit) -> None:
        self._client, self._bus, self._audit = client, NatsBus(client), audit

    async def newest(self, *, before: int | None, limit: int) -> dict[str, Any]:
        """Letters before a number, newest first, how many there are, and `next`: before which the next page begins."""
        try:
            newest = await self._bus.last(DEAD_LETTERS)
            end = newest.stream_seq if newest is not None else 0
            last = min(end, before - 1) if before is not None else end
            found = await self._bus.read(DEAD_LETTERS, max(1, last - limit + 1), limit) if last else []
        except (NatsError, BusError, OSError, TimeoutError) as error:
            raise _away() from error
        letters = [_line(delivery) for delivery in found if delivery.stream_seq <= last]
        return {"dead_letters": letters[::-1], "last": end, "next": last - limit + 1 if last > limit else None}

    async def one(self, seq: int) -> dict[str, Any]:
        """A letter with the message that was refused. ApiError 404."""
        try:
            found = await self._bus.read(DEAD_LETTERS, seq, 1)
        except (NatsError, BusError, OSError, TimeoutError) as error:
            raise _away() from error
        if not found or found[0].stream_seq != seq:
            raise ApiError(404, "unknown_letter", "There is no dead letter of this number.")
        letter = _letter(found[0])
        payload = base64.b64decode(letter.payload_base64)
        return {
            **_line(found[0]),
            "stream_seq": letter.stream_seq,
            "attempts": letter.attempts,
            "payload_bytes": letter.payload_bytes,
            "payload": payload.decode(errors="replace"),
            "redrivable": letter.subject_of_origin.startswith(MINE) and len(payload) == letter.payload_bytes,
        }

    async def redrive(self, operator: Operator, seq: int, note: str) -> dict[str, Any]:
        """Publish the original message again. ApiError 409 for what only the operator's tools may publish."""
        letter = await self.one(seq)
        if not letter["redrivable"]:
            command = f"cleartide ops dead --redrive {seq}"
            raise ApiError(
                409, "not_from_here", "The gateway may not publish this: use the tools.", {"command": command}
            )
        async with self._audit.doing(operator, "dead_letters.redrive", f"dead letter #{seq}", note) as action:
            action.old, action.new = letter["reason"], letter["subject"]
            try:
                [delivery] = await self._bus.read(DEAD_LETTERS, seq, 1)
                subject = await give_again(self._client, seq, _letter(delivery))
            except (NatsError, BusError, OSError, TimeoutError) as error:
                raise _away() from error
        return {"seq": seq, "subject": subject}


def _letter(delivery: Delivery) -> DeadLettered:
    return DeadLettered.model_validate_json(delivery.payload, extra="ignore")


def _line(delivery: Delivery) -> dict[str, Any]:
    letter = _letter(delivery)
    return {
        "seq": delivery.stream_seq,
        "at": delivery.at,
        "service": letter.service,
        "reason": letter.reason,
        "error": letter.error,
        "subject": letter.subject_of_origin,
        "stream": letter.stream,
    }


def _away() -> ApiError:
    return ApiError(503, "bus_unavailable", "The event bus cannot be reached.")
