"""The dead-letter desk: list, show and redrive refused messages."""

import base64
from collections.abc import AsyncIterator

from nats.aio.client import Client

from cleartide.bus.nats import NatsBus
from cleartide.bus.streams import DEAD_LETTERS
from cleartide.contracts import DeadLettered


async def dead_letters(client: Client, after_seq: int = 0) -> AsyncIterator[tuple[int, DeadLettered]]:
    """(stream sequence, letter) of everything after a sequence, oldest first; ends at the end of the stream."""
    bus = NatsBus(client)
    last = (await bus.state(DEAD_LETTERS)).last_seq
    for seq in range(after_seq + 1, last + 1):
        answer = await bus.api(f"STREAM.MSG.GET.{DEAD_LETTERS.name}", {"seq": seq})
        payload = base64.b64decode(answer["message"]["data"])
        yield seq, DeadLettered.model_validate_json(payload, extra="ignore")


async def redrive(client: Client, seq: int) -> str:
    """Publish the original message of one dead letter again, where it came from; returns the subject."""
    async for found, letter in dead_letters(client, seq - 1):
        if found != seq:
            break
        return await give_again(client, seq, letter)
    raise ValueError(f"there is no dead letter #{seq}")


async def give_again(client: Client, seq: int, letter: DeadLettered) -> str:
    """Publish a letter's message once more; returns the subject. Raises ValueError when it was cut."""
    payload = base64.b64decode(letter.payload_base64)
    if len(payload) != letter.payload_bytes:
        raise ValueError(f"dead letter #{seq} was cut at {len(payload)} of {letter.payload_bytes} bytes")
    headers = {"Nats-Msg-Id": f"redrive.{seq}"}
    await client.jetstream().publish(letter.subject_of_origin, payload, headers=headers, timeout=5)
    return letter.subject_of_origin
