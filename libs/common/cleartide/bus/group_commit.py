"""Group commit in front of a stream: what comes together leaves together, each with an answer of its own.

A command that finds nothing under way leaves at once, with those of the same turn of the loop; what comes while some
are under way leaves when these are stored. There is no timer: a group is as large as the server is slow. It is an
atomic batch, for which the server syncs once. It takes all of a batch or nothing, so what it refuses is sent again one
by one, where one command's fault is its own.
"""

import asyncio
import itertools
import uuid
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from nats.aio.client import Client
from nats.errors import Error as NatsError

from cleartide.bus.acknowledged import Acknowledged, Answer
from cleartide.bus.api import in_batch
from cleartide.contracts.codec import MAX_PUBLIC_PAYLOAD_BYTES

ATTEMPTS: Final = 4
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
    """What waits for one stream, in the order of the calls, and whether somebody sends it."""

    # lint: allow bounded-queue: whoever waits here has a place of MOST_WAITING
    waiting: deque[_Command] = field(default_factory=deque)
    sender: "asyncio.Task[None] | None" = None


class GroupCommit:
    """Publishes commands over one connection."""

    def __init__(self, client: Client, seconds: float) -> None:
        self._client, self._seconds = client, seconds
        self._server = Acknowledged(client)
        self._name, self._batches = uuid.uuid4().hex, itertools.count(1)
        self._room = asyncio.Semaphore(MOST_WAITING)
        self._lanes: dict[str, _Lane] = {}
        self._apart: set[asyncio.Task[None]] = set()
        self._taken: set[str] = set()

    async def publish(self, stream: str, subject: str, payload: bytes, unique: str) -> Stored:
        """Store a command, once however often it is sent under the same `unique`. Raises PublishError."""
        async with self._room:
            command = _Command(subject, payload, unique, asyncio.get_running_loop().create_future())
            lane = self._lanes.setdefault(stream, _Lane())
            lane.waiting.append(command)
            if lane.sender is None:
                lane.sender = asyncio.create_task(self._send_all(lane))
            return await command.answer

    async def _send_all(self, lane: _Lane) -> None:
        group: list[_Command] = []
        try:
            while group := self._next(lane.waiting):
                if group[0].kind in self._taken:
                    await self._together(group)
                else:
                    await self._one_by_one(group, attempt=1)
        except BaseException as error:
            _refuse([*group, *lane.waiting], error)
            lane.waiting.clear()
            raise
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
        except TROUBLE as error:
            if isinstance(error, TimeoutError):
                self._taken -= {command.kind for command in group}
            await self._one_by_one(group, attempt=2)
            return
        if "error" not in answer:
            _settle(group, answer)
        elif len(group) == 1:
            _refuse(group, _said(group[0], answer))
        else:
            await self._one_by_one(group, attempt=1)

    async def _one_by_one(self, group: list[_Command], attempt: int) -> None:
        """Each by itself, beside what comes after them; on their way in order when this returns, if it is the first."""
        for command in group:
            task = asyncio.create_task(self._insist(command, attempt))
            self._apart.add(task)
            task.add_done_callback(self._apart.discard)
        await asyncio.sleep(0)

    async def _insist(self, command: _Command, attempt: int) -> None:
        """Attempt after attempt, until the server has said something of it."""
        trouble: BaseException | None = None
        try:
            for number in range(attempt, ATTEMPTS + 1):
                if number > 1:
                    await asyncio.sleep(0.1 * 2 ** (number - 1))
                try:
                    answer = await (await self._say([command]))
                except TROUBLE as error:
                    trouble = error
                    continue
                if "error" in answer:
                    _refuse([command], _said(command, answer))
                else:
                    self._taken.add(command.kind)
                    _settle([command], answer)
                return
            name = f"{type(trouble).__name__} {trouble}".strip()
            _refuse([command], PublishError(f"{command.subject}: {name}"))
        except BaseException as error:
            _refuse([command], error)
            raise

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


def _refuse(commands: Iterable[_Command], error: BaseException) -> None:
    for command in commands:
        if not command.answer.done():
            command.answer.set_exception(error)


def _said(command: _Command, answer: dict[str, Any]) -> PublishError:
    return PublishError(f"{command.subject}: {answer['error'].get('description')}")
