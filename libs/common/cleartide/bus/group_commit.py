"""Group commit in front of a stream: what comes together leaves together, each with an answer of its own.

A command leaves at once while few of its client's are under way; what then comes waits for an answer, and leaves
together. There is no timer: a group is as large as the server is slow. It is an atomic batch, for which the server
syncs once. It takes all of a batch or nothing, so what it refuses is sent again one by one, where one command's fault
is its own.
"""

import asyncio
import itertools
import uuid
from collections import deque
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from nats.aio.client import Client
from nats.errors import Error as NatsError

from cleartide.bus.acknowledged import Acknowledged, Answer
from cleartide.bus.api import in_batch
from cleartide.contracts.codec import MAX_PUBLIC_PAYLOAD_BYTES

ATTEMPTS: Final = 4
MOST_ALONE: Final = 8
MOST_TOGETHER: Final = 500
TOGETHER_BYTES: Final = 2**20
MOST_WAITING: Final = 10_000
"""Commands of one client; who has one more waits before it is taken on."""

TROUBLE: Final = (NatsError, OSError)
"""Says nothing of what is stored: the same is sent again under the same id."""


class PublishError(Exception):
    """The bus did not take the command; nothing will come of it."""


class Stored(NamedTuple):
    """Where in its stream a command stands. duplicate: the same id stood there before, and this is its place."""

    stream_seq: int
    duplicate: bool


@dataclass(slots=True, eq=False)
class _Command:
    subject: str
    payload: bytes
    unique: str
    answer: "asyncio.Future[Stored]"

    @property
    def kind(self) -> str:
        """What rights are given by."""
        return self.subject.partition(".")[0]


@dataclass(slots=True)
class _Lane:
    """One stream: what waits for it, in the order of the calls; who sends it; how many are under way by themselves."""

    # lint: allow bounded-queue: whoever waits here has a place of MOST_WAITING
    waiting: deque[_Command] = field(default_factory=deque)
    sender: "asyncio.Task[None] | None" = None
    alone: int = 0


class GroupCommit:
    """Publishes commands over one connection."""

    def __init__(self, client: Client, seconds: float) -> None:
        self._client, self._seconds = client, seconds
        self._server = Acknowledged(client)
        self._name, self._batches = uuid.uuid4().hex, itertools.count(1)
        self._room = asyncio.Semaphore(MOST_WAITING)
        self._lanes: dict[str, _Lane] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._taken: set[str] = set()

    async def publish(self, stream: str, subject: str, payload: bytes, unique: str) -> Stored:
        """Store a command, once however often it is sent under the same `unique`. Raises PublishError."""
        async with self._room:
            command = _Command(subject, payload, unique, asyncio.get_running_loop().create_future())
            lane = self._lanes.setdefault(stream, _Lane())
            lane.waiting.append(command)
            self._stir(lane)
            return await command.answer

    def _stir(self, lane: _Lane) -> None:
        if lane.sender is None and lane.waiting and lane.alone < MOST_ALONE:
            lane.sender = asyncio.create_task(self._send(lane))

    async def _send(self, lane: _Lane) -> None:
        """Whatever may leave. Of a group the answer is waited for: if it is refused, nothing may have overtaken it."""
        try:
            while lane.waiting and lane.alone < MOST_ALONE:
                few = len(lane.waiting) <= MOST_ALONE - lane.alone
                group = self._next(lane.waiting)
                if len(group) > 1 and not few:
                    await self._together(group)
                else:
                    counted = lane if group and group[0].kind in self._taken else None
                    await self._start(*(self._alone(command, counted) for command in group))
        finally:
            lane.sender = None

    def _next(self, waiting: deque[_Command]) -> list[_Command]:
        """What leaves next: as many as may leave together, or one that may not, by itself.

        Large ones may not; nor those of a kind of which none was taken yet: the server passes over in silence what a
        client may not publish, and nobody else should have to wait until that is noticed.
        """
        group: list[_Command] = []
        size = 0
        while waiting and len(group) < MOST_TOGETHER:
            command = waiting[0]
            size += len(command.payload)
            alone = command.kind not in self._taken or len(command.payload) > MAX_PUBLIC_PAYLOAD_BYTES
            if group and (alone or size > TOGETHER_BYTES):
                break
            waiting.popleft()
            if not command.answer.done():  # its caller has not given up
                group.append(command)
                if alone:
                    break
        return group

    async def _together(self, group: list[_Command]) -> None:
        """Wait until they are stored; those that were not go on by themselves."""
        try:
            answer = await (await self._say(group))
        except Exception as error:
            if isinstance(error, TimeoutError):
                self._taken -= {command.kind for command in group}
            await self._start(*(self._insist(command) for command in group))
            return
        if "error" in answer:
            await self._start(*(self._alone(command, None) for command in group))
        else:
            _settle(group, answer)

    async def _alone(self, command: _Command, lane: _Lane | None) -> None:
        """By itself. lane: where it counts among those that are under way, until there is an answer or trouble."""
        if lane is None:
            trouble = await self._attempt(command)
        else:
            lane.alone += 1
            try:
                trouble = await self._attempt(command)
            finally:
                lane.alone -= 1
                self._stir(lane)
        if trouble is not None:
            await self._insist(command)

    async def _insist(self, command: _Command) -> None:
        """After a first attempt of which nothing was heard."""
        trouble: Exception | None = None
        for number in range(2, ATTEMPTS + 1):
            await asyncio.sleep(0.1 * 2 ** (number - 1))
            trouble = await self._attempt(command)
            if trouble is None:
                return
        name = f"{type(trouble).__name__} {trouble}".strip()
        _refuse(command, PublishError(f"{command.subject}: {name}"))

    async def _attempt(self, command: _Command) -> Exception | None:
        """Settle or refuse what the server has answered to; the trouble when it has not."""
        try:
            answer = await (await self._say([command]))
        except TROUBLE as trouble:
            return trouble
        except Exception as fault:  # the caller's to know, who else would wait for ever
            _refuse(command, fault)
            return None
        if "error" in answer:
            _refuse(command, PublishError(f"{command.subject}: {answer['error'].get('description')}"))
        else:
            self._taken.add(command.kind)
            _settle([command], answer)
        return None

    async def _start(self, *sendings: Coroutine[Any, Any, None]) -> None:
        """Beside what comes after them; what they send at first is on its way, in order, when this returns."""
        for sending in sendings:
            task = asyncio.create_task(sending)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        await asyncio.sleep(0)

    async def _say(self, group: list[_Command]) -> Answer:
        """One message, or one atomic batch. Nothing here gives way but the first listening."""
        await self._server.listen()
        *others, last = group
        headers = {"Nats-Msg-Id": last.unique}
        if others:
            batch = f"{self._name}-{next(self._batches)}"
            for place, command in enumerate(others, start=1):
                unique = {"Nats-Msg-Id": command.unique}
                await self._client.publish(command.subject, command.payload, headers=unique | in_batch(batch, place))
            headers |= in_batch(batch, len(group), last=True)
        return await self._server.say(last.subject, last.payload, headers, self._seconds)


def _settle(group: list[_Command], answer: dict[str, Any]) -> None:
    """The messages of a batch stand one after the other; the server tells where the last one does."""
    first = answer["seq"] - len(group) + 1
    for stream_seq, command in enumerate(group, start=first):
        if not command.answer.done():
            command.answer.set_result(Stored(stream_seq, answer.get("duplicate", False)))


def _refuse(command: _Command, error: Exception) -> None:
    if not command.answer.done():
        command.answer.set_exception(error)
