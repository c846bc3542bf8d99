"""One connection to Redis on which commands travel together: those of one turn of the loop, or of one round trip.

Whoever asks while others are under way goes with the next ones. So a crowd costs one write and one read, and each of it
a few microseconds; a call by the client's own ways costs a connection's turn, two clocks and its accounts of itself.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, cast

from redis.exceptions import NoScriptError, RedisError, ResponseError

if TYPE_CHECKING:
    from redis.asyncio import Connection, Redis

_Asked = tuple[tuple[bytes | str | int, ...], asyncio.Future[Any]]


class Script:
    """A program for Redis, called by its digest."""

    def __init__(self, text: str) -> None:
        self.text, self.digest = text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


class RedisLine:
    """Asks in order, and answers in order."""

    def __init__(self, client: "Redis", seconds: float) -> None:
        """`seconds`: how long Redis may take to answer those that went together."""
        self._pool, self._seconds = client.connection_pool, seconds
        self._idle: Connection | None = None
        self._waiting: list[_Asked] = []
        self._going: asyncio.Task[None] | None = None

    async def ask(self, *command: bytes | str | int) -> Any:
        """What Redis answers. RedisError, OSError or TimeoutError, by which a command may have been done or not."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Any] = loop.create_future()
        self._waiting.append((command, answer))
        if self._going is None:
            self._going = loop.create_task(self._go())
        return await answer

    async def run(self, script: Script, keys: Sequence[str], arguments: Sequence[int]) -> Any:
        """What a script answers."""
        terms: list[str | int] = [len(keys), *keys, *arguments]
        try:
            return await self.ask("EVALSHA", script.digest, *terms)
        except NoScriptError:
            return await self.ask("EVAL", script.text, *terms)

    async def _go(self) -> None:
        """Until nobody waits."""
        sent: list[_Asked] = []
        try:
            async with asyncio.timeout(self._seconds) as clock, self._connected() as connection:
                while self._waiting:
                    clock.reschedule(asyncio.get_running_loop().time() + self._seconds)
                    sent, self._waiting = self._waiting, []
                    await _exchange(connection, sent)
                self._going = None  # who asks from now on is for another
        except (RedisError, OSError, TimeoutError) as error:
            self._give_up(sent, error)
        except BaseException:
            self._give_up(sent, None)
            raise

    @asynccontextmanager
    async def _connected(self) -> "AsyncIterator[Connection]":
        """The line's own connection: taking one from the pool each time costs as much as a command."""
        held, self._idle = self._idle, None
        connection = held or cast("Connection", await self._pool.get_connection())  # type: ignore[no-untyped-call]
        try:
            if held is not None:
                await self._pool.ensure_connection(held)
            yield connection
        except BaseException:
            await connection.disconnect(nowait=True)  # what it would say next is of commands that nobody waits for
            await self._pool.release(connection)
            raise
        if self._idle is None:
            self._idle = connection
        else:
            await self._pool.release(connection)

    def _give_up(self, sent: list[_Asked], error: Exception | None) -> None:
        """Tell everybody who waits, with the commands that went or for his turn."""
        if self._going is asyncio.current_task():
            self._going, sent, self._waiting = None, [*sent, *self._waiting], []
        for _, answer in sent:
            if error is None:
                answer.cancel()
            elif not answer.done():
                answer.set_exception(error)


async def _exchange(connection: "Connection", sent: Sequence[_Asked]) -> None:
    await connection.send_packed_command(connection.pack_commands([command for command, _ in sent]))
    for _, answer in sent:
        said: Any
        try:
            said = await connection.read_response()
        except ResponseError as error:
            said = error
        if answer.done():
            continue
        if isinstance(said, ResponseError):
            answer.set_exception(said)
        else:
            answer.set_result(said)
