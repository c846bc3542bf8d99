"""A venue played from its captured frames: the venue's handshakes, acknowledgements and heartbeats, and the very bytes.

Whoever subscribes gets the frames of what it subscribed to, in their order and at their pace or as fast as it reads. A
book that is subscribed to (again) begins with the frames that were captured of it until then; where snapshots are asked
for, the answer is the captured one, brought to the position by the captured changes. Nothing is made up but the
listing, which says the grid that it is told, and what was before. A capture is played once.
"""

import asyncio
import time
from dataclasses import dataclass, field
from decimal import Decimal
from heapq import nlargest, nsmallest
from typing import Final

import msgspec

from services.ingestor.simulator.faults import Faults
from services.ingestor.simulator.recording import Envelope, Level, Snapshot
from services.ingestor.simulator.replay import keep_pace
from services.ingestor.simulator.stage import Member, Stage
from services.ingestor.simulator.tape import Captured, Frame
from services.ingestor.simulator.twin import Topic, Twin

_ENVELOPE: Final = msgspec.json.Decoder(Envelope)
_SNAPSHOT: Final = msgspec.json.Decoder(Snapshot)


@dataclass
class AskedBook:
    """The book of a venue whose snapshots are asked for: at first the captured one, and then what it became."""

    number: int = 0
    millis: int = 0
    bids: dict[str, str] = field(default_factory=dict)
    asks: dict[str, str] = field(default_factory=dict)
    known: bool = False

    @property
    def now_millis(self) -> int:
        """The venue's time."""
        return self.millis

    def top(self, count: int) -> tuple[list[Level], list[Level]]:
        """Bids and asks, best first."""
        return nlargest(count, self.bids.items(), key=_price), nsmallest(count, self.asks.items(), key=_price)

    def begin(self, raw: bytes) -> None:
        """The captured snapshot."""
        snapshot = _SNAPSHOT.decode(raw)
        self.number, self.bids, self.asks = snapshot.last, dict(snapshot.bids), dict(snapshot.asks)

    def take(self, raw: bytes) -> None:
        """One captured change; those from before the snapshot are in it."""
        body = _ENVELOPE.decode(raw).data
        self.millis = max(self.millis, body.E)
        if body.u < self.number:
            return
        for side, levels in ((self.bids, body.b), (self.asks, body.a)):
            for price, size in levels if isinstance(levels, list) else ():
                if Decimal(size):
                    side[price] = size
                else:
                    side.pop(price, None)
        self.number = body.u


class CapturedStage(Stage):
    """Plays one venue's captured frames. Faults go by their numbers, from 0. speed: 0 is as fast as clients read."""

    def __init__(self, twin: Twin, captured: Captured, faults: Faults | None = None, speed: float = 1.0) -> None:
        self.speed = speed
        self._book = AskedBook()
        super().__init__(twin, self._book, faults)
        self.frames = captured.frames
        self._asked = captured.snapshot is not None
        if captured.snapshot is not None:
            self._book.begin(captured.snapshot.raw)
        self.views = dict.fromkeys(self.views, self._book)
        self._books: dict[str, list[bytes]] = {symbol: [] for symbol in twin.symbols}
        self.finished = asyncio.Event()

    async def play(self, *, wait: bool) -> None:
        """Play to the end; with `wait` once clients have subscribed to everything."""
        if wait:
            await self.subscribed.wait()
        started, first = time.monotonic(), self.frames[0][0].at
        for count, (frame, topic) in enumerate(self.frames):
            await keep_pace(started, frame.at - first, self.speed, count)
            await self._show(frame, topic)
        self.finished.set()

    async def _show(self, frame: Frame, topic: Topic) -> None:
        kind, symbol = topic
        async with self._turn:
            await self._misbehave()
            if kind == "book" and self._asked:
                self._book.take(frame.raw)
            elif kind == "book":
                self._books[symbol].append(frame.raw)
            await self._send(topic, frame.raw)

    async def _open_book(self, member: Member, symbol: str) -> None:
        """What was captured of it until now."""
        for raw in self.twin.catch_up(self._books[symbol]):
            await member.say(raw)


def _price(level: Level) -> Decimal:
    return Decimal(level[0])
