"""Plays a recording to its subscribers, at its own pace or as fast as they read, once or in loops."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, Protocol

import msgspec

from services.ingestor.simulator.course import Course
from services.ingestor.simulator.faults import Faults
from services.ingestor.simulator.market import PREDICTED_RATE, Market, next_funding
from services.ingestor.simulator.moves import Figures, Move, move_of
from services.ingestor.simulator.recording import Body, Envelope, Line, Recording, Shift

FRAMES_PER_TURN: Final = 100
MARK_MILLIS: Final = 1_000
STEP_SECONDS: Final = 0.5
"""Between two steps of a course: some thirty thousand changed levels each, so not more often."""


class Subscriber(Protocol):
    """A client's socket."""

    def wants(self, stream: str) -> bool:
        """Whether it is subscribed to the stream."""
        ...

    async def send(self, raw: bytes) -> None:
        """Take a frame of a combined stream."""
        ...

    async def end(self, code: int) -> None:
        """Close the socket."""
        ...

    def silence(self) -> None:
        """Send it nothing from now on."""
        ...


class Listener(Protocol):
    """A venue that is derived from the recording."""

    async def begin(self, number: int) -> None:
        """The book is known; its newest update is `number`."""
        ...

    async def take(self, move: Move) -> None:
        """Something happened on the market."""
        ...


@dataclass
class Pace:
    """speed 1.0 is the recording's own, 0 as fast as clients read. `shift_time` moves event times to now."""

    speed: float = 1.0
    loop: bool = False
    shift_time: bool = False

    def __post_init__(self) -> None:
        if self.shift_time and self.speed != 1.0:
            raise ValueError("times can be moved to now only at speed 1.0")


@dataclass
class Replay:
    """The replay's position and who listens."""

    recording: Recording
    pace: Pace = field(default_factory=Pace)
    faults: Faults = field(default_factory=Faults)
    subscribers: list[Subscriber] = field(default_factory=list)
    listeners: list[Listener] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.market = Market(self.recording)
        self.snapshot_passed = asyncio.Event()
        self.subscribed = asyncio.Event()
        self.finished = asyncio.Event()
        self.loops = 0
        self.position = -1
        self._next_mark = 0
        self._started = 0.0
        self._course: Course | None = None
        self._began = 0.0
        self._next_step = 0.0

    def begin(self, course: Course) -> None:
        """Let prices leave the recording's on this course, from now on."""
        self._course, self._began, self._next_step = course, time.monotonic(), 0.0

    @property
    def phase(self) -> str:
        """Where on its course the market is."""
        return self._course.phase(self._elapsed) if self._course is not None else "still"

    async def run(self, wait: Callable[[], Awaitable[object]] | None = None) -> None:
        """Play until the end of the recording, or until cancelled when it loops; begin when `wait` is over."""
        if wait is not None:
            await wait()
        while True:
            await self._play_once()
            self.loops += 1
            if not self.pace.loop:
                break
        self.finished.set()

    async def _play_once(self) -> None:
        self._started = time.monotonic()
        shift = self._shift()
        if self.loops:
            shift = self.recording.next_loop(self.market.shift, shift.millis)
            seam = self.market.begin_loop(shift)
            await self._broadcast(self.recording.join.stream, seam)
            await self._tell(msgspec.json.decode(seam, type=Envelope).data, Shift())
        else:
            self.market.shift = shift
        self._next_mark = 0
        for count, line in enumerate(self.recording.lines):
            await keep_pace(self._started, line.after_ns, self.pace.speed, count)
            await self._play(line)
        await keep_pace(self._started, self.recording.loop_millis * 1_000_000, self.pace.speed, 0)

    def _shift(self) -> Shift:
        if self.pace.shift_time:
            return self.recording.shift(
                time.time_ns() // 1_000_000 - self.recording.first_millis - self.recording.lead_millis
            )
        return self.recording.shift(self.loops * self.recording.loop_millis)

    async def _play(self, line: Line) -> None:
        first_loop = self.loops == 0
        self.position = line.number
        if not line.stream:
            if first_loop:
                self.market.take_snapshot()
                self.snapshot_passed.set()
                for listener in self.listeners:
                    await listener.begin(self.market.last + self.market.shift.updates)
            return
        await self._follow_course()
        body = line.body()
        if not first_loop and line.is_depth and body.u < self.recording.snapshot.last:
            return
        self.market.take(body)
        if first_loop:
            await self._play_faulty(line)
        else:
            await self._broadcast(line.stream, self._said(line))
        if self.market.offset:
            body = msgspec.json.decode(self.market.said(line.raw), type=Envelope).data
        await self._tell(body, self.market.shift)
        await self._say_mark()

    def _said(self, line: Line) -> bytes:
        return self.market.shift.apply(self.market.said(line.raw))

    @property
    def _elapsed(self) -> Decimal:
        return Decimal(time.monotonic() - self._began)

    async def _follow_course(self) -> None:
        """Every STEP_SECONDS one more step on the course: a difference frame of the whole book."""
        now = time.monotonic()
        if self._course is None or now < self._next_step or not self.market.known:
            return
        self._next_step = now + STEP_SECONDS
        offset = self._course.at(self._elapsed)
        if self._course.phase(self._elapsed) == "still":
            self._course = None
        if offset == self.market.offset:
            return
        seam = self.market.lay(offset)
        await self._broadcast(self.recording.join.stream, seam)
        await self._tell(msgspec.json.decode(seam, type=Envelope).data, Shift())

    async def _tell(self, body: Body, shift: Shift) -> None:
        if self.listeners and (move := move_of(body, shift.trades, shift.millis)) is not None:
            for listener in self.listeners:
                await listener.take(move)

    async def _play_faulty(self, line: Line) -> None:
        faults, number = self.faults, line.number
        if number in faults.silencing:
            for subscriber in self.subscribers:
                subscriber.silence()
        if number in faults.closing:
            for subscriber in list(self.subscribers):
                await subscriber.end(faults.closing[number])
        await asyncio.sleep(faults.delayed.get(number, 0.0))
        sent = self.recording.lines[faults.swapped.get(number, number)]
        for raw in faults.frames(number, self._said(sent)):
            await self._broadcast(sent.stream, raw)

    async def _say_mark(self) -> None:
        now = self.market.now_millis
        if now < self._next_mark:
            return
        self._next_mark = (now // MARK_MILLIS + 1) * MARK_MILLIS
        if (frame := self.market.mark_frame(now)) is not None:
            await self._broadcast(*frame)
        if (mark := self.market.mark()) is not None:
            figures = Figures(mark["mark"], mark["index"], mark["rate"], PREDICTED_RATE, next_funding(now), now)
            for listener in self.listeners:
                await listener.take(figures)

    async def _broadcast(self, stream: str, raw: bytes) -> None:
        for subscriber in list(self.subscribers):
            if subscriber.wants(stream):
                await subscriber.send(raw)


async def keep_pace(started: float, after_ns: int, speed: float, count: int) -> None:
    """Wait until a frame is due that came so long after the first; at speed 0 only let others have a turn."""
    if speed:
        ahead = started + after_ns / 1e9 / speed - time.monotonic()
        if ahead > 0:
            await asyncio.sleep(ahead)
            return
    if count % FRAMES_PER_TURN == 0:
        await asyncio.sleep(0)
