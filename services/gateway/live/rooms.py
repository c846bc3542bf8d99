"""Everybody who follows the same thing, told together: what comes close together is framed once, and is one write.

An event goes at once when it is quiet. Where they come one upon the other, telling waits REST times as long as it took
the last time to tell and to write it: a room of few is told within LEAST_SECONDS, a crowd takes no more than its share
of the processor, and whoever comes and asks meanwhile is heard.
"""

import asyncio
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

from services.gateway.edge.frames import Batch, framed
from services.gateway.live.mailbox import Mailbox

LEAST_SECONDS: Final = 0.005
MOST_SECONDS: Final = 0.05
REST: Final = 3
Channel = Literal["trades", "auctions", "funding", "account"]


class Told(NamedTuple):
    """An event as everybody in a room is told it. `topic` is for those who want some topics alone."""

    seq: int
    topic: str
    frame: bytes


@dataclass(eq=False)
class Seat:
    """One client's place: `of` is the market or the account, `cursor` the last event that it knows."""

    mailbox: Mailbox
    channel: Channel
    of: str
    cursor: int | None = None
    topics: frozenset[str] = frozenset()

    @property
    def head(self) -> dict[str, Any]:
        """What its frames have in common."""
        return head_of(self.channel, self.of)

    def hear(self, told: Told) -> None:
        """Pass on what is new to it, and of a topic that it wants."""
        if self.cursor is not None and told.seq > self.cursor and (not self.topics or told.topic in self.topics):
            self.cursor = told.seq
            self.mailbox.offer(told.frame)

    def hear_all(self, told: list[Told], batch: Batch) -> None:
        """The same of several, which are the batch."""
        if self.cursor is not None and self.cursor < told[0].seq and not self.topics:
            self.cursor = told[-1].seq
            self.mailbox.offer_all(batch)
        else:
            for one in told:
                self.hear(one)


def head_of(channel: Channel, of: str) -> dict[str, Any]:
    """What the frames of a channel have in common."""
    return {"channel": channel, "account" if channel == "account" else "market": of}


class Room:
    """Who is told of one name, and what they have yet to be told."""

    def __init__(self) -> None:
        self.seats: set[Seat] = set()
        self._waiting: list[Told] = []

    def add(self, told: Told) -> None:
        """To be told with what else comes until then, at most MOST_SECONDS."""
        self._waiting.append(told)

    def tell(self) -> None:
        """Everybody, all that waits."""
        told, self._waiting = self._waiting, []
        if told:
            texts = [one.frame for one in told]
            batch = Batch(texts, framed(texts))
            for seat in self.seats:
                seat.hear_all(told, batch)


class Beat:
    """When rooms are told."""

    def __init__(self) -> None:
        self._due: dict[Room, None] = {}
        self._not_before = 0.0

    def add(self, room: Room) -> None:
        """Something waits in it."""
        if not self._due:
            loop = asyncio.get_running_loop()
            loop.call_at(max(loop.time(), self._not_before), self._tell)
        self._due[room] = None

    def _tell(self) -> None:
        due, self._due = self._due, {}
        loop = asyncio.get_running_loop()
        began = loop.time()
        self._not_before = began + LEAST_SECONDS
        for room in due:
            room.tell()
        loop.call_soon(self._rest, began)  # the loop writes before it

    def _rest(self, began: float) -> None:
        now = asyncio.get_running_loop().time()
        self._not_before = now + min(MOST_SECONDS, max(LEAST_SECONDS, REST * (now - began)))
