"""The live tail of trading events: one subscription, and each message read once, for all in this process who listen.

A message of the bus costs a process as much as a small question: three readers of the same subject were the greatest
part of what the edge paid while others traded.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg

from services.gateway.edge.freshness import Place

log = structlog.get_logger()

SUBJECT: Final = "trading.>"
PENDING_MESSAGES: Final = 10_000
PENDING_BYTES: Final = 64 * 2**20


class TailEvent(Place):
    """What listeners need of an event; of the whole each reads what it tells on from the message itself."""

    occurred_at: int = 0
    causation_id: str | None = None
    mark_ticks: int = 0
    index_ticks: int = 0
    index_stale: bool = False
    best_bid_ticks: int | None = None
    best_ask_ticks: int | None = None
    last_ticks: int | None = None
    open_interest_lots: int = 0
    price_ticks: int | None = 0
    size_lots: int = 0
    taker_side: str = ""
    spec: dict[str, Any] | None = None


Hear = Callable[[Sequence[TailEvent], bytes], None]
_tail: Final = msgspec.json.Decoder(list[TailEvent])


def read_tail(data: bytes) -> list[TailEvent]:
    """The events of one message. Raises msgspec.DecodeError."""
    return _tail.decode(data)


class Tail:
    """Tells every listener of every message, in the order in which they came to listen."""

    def __init__(self, *listeners: Hear) -> None:
        """Each is called with the events of a message, at least one, and the message as it came."""
        self._listeners = listeners

    async def run(self, client: Client) -> None:
        """Listen until cancelled."""
        subscription = await client.subscribe(
            SUBJECT, cb=self._hear, pending_msgs_limit=PENDING_MESSAGES, pending_bytes_limit=PENDING_BYTES
        )
        try:
            await asyncio.Event().wait()
        finally:
            if not client.is_closed:
                await subscription.unsubscribe()

    async def _hear(self, message: Msg) -> None:
        try:
            events = read_tail(message.data)
        except msgspec.DecodeError as error:
            log.warning("tail_unreadable", subject=message.subject, error=str(error)[:200])
            return
        if events:
            for hear in self._listeners:
                hear(events, message.data)
