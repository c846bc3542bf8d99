"""Reading whole streams back, to check them."""

import base64
from collections.abc import AsyncIterator

from cleartide.bus.nats import ApiError, NatsBus
from cleartide.bus.streams import BY_NAME
from cleartide.contracts import Message
from cleartide.contracts.codec import Decoder, Refusal
from nats.aio.client import Client

MESSAGE_NOT_FOUND = 10037


async def events_of(client: Client, name: str) -> AsyncIterator[Message]:
    """Every event of a stream, in stream order."""
    stream, bus = BY_NAME[name], NatsBus(client)
    decoder = Decoder(stream.contracts, public=stream.public)
    bounds = await bus.state(stream)
    for seq in range(max(bounds.first_seq, 1), bounds.last_seq + 1):
        try:
            answer = await bus.api(f"STREAM.MSG.GET.{name}", {"seq": seq})
        except ApiError as error:
            if error.code == MESSAGE_NOT_FOUND:
                continue
            raise
        for event in decoder.decode(base64.b64decode(answer["message"].get("data", ""))):
            assert not isinstance(event, Refusal), event
            yield event


async def assert_gapless(client: Client, *names: str) -> None:
    """What a reader that skips what it has seen gets: 1, 2, 3, ... without a hole."""
    for name in names:
        position = 0
        async for event in events_of(client, name):
            if event.seq > position:
                assert event.seq == position + 1, f"{name}: {position} is followed by {event.seq}"
                position = event.seq
