"""One connection to Redis on which commands travel together: those of one turn of the loop are one write.

Whoever asks in a later turn does not wait for those before him: Redis answers in the order in which it was asked. So a
crowd costs one write and one read a turn, and each of it a few microseconds; a call by the client's own ways costs a
connection's turn, two clocks and its accounts of itself. The client makes the connection and signs in on it.
"""

import asyncio
import hashlib
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, cast

import hiredis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError

from services.gateway.edge.silence import Silence, within

if TYPE_CHECKING:
    from redis.asyncio import Connection, Redis

_Command = tuple[bytes | str | int, ...]
_Asked = tuple[_Command, "asyncio.Future[Any]"]
_NOTHING: Final = object()


class Script:
    """A program for Redis, called by its digest."""

    def __init__(self, text: str) -> None:
        self.text, self.digest = text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


class RedisLine:
    """Asks in order, and answers in order."""

    def __init__(self, client: "Redis", seconds: float) -> None:
        """`seconds`: how long Redis may be silent to whoever waits (`edge.silence`), and take to be reached."""
        self._pool, self._seconds = client.connection_pool, seconds
        self._wire: _Wire | None = None
        # One or two for each request in hand, and `max_connections` bounds those.
        self._waiting: list[_Asked] = []
        self._going = False
        self._living: asyncio.Task[None] | None = None

    async def ask(self, *command: bytes | str | int) -> Any:
        """What Redis answers. RedisError, OSError or TimeoutError, by which a command may have been done or not."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Any] = loop.create_future()
        self._waiting.append((command, answer))
        if not self._going:
            self._going = True
            loop.call_soon(self._go)
        return await answer

    async def run(self, script: Script, keys: Sequence[str], arguments: Sequence[int | str]) -> Any:
        """What a script answers."""
        terms: list[str | int] = [len(keys), *keys, *arguments]
        try:
            return await self.ask("EVALSHA", script.digest, *terms)
        except ResponseError as error:
            if not str(error).startswith("NOSCRIPT"):
                raise
        return await self.ask("EVAL", script.text, *terms)

    def _go(self) -> None:
        """Send what was asked in this turn, or reach Redis first."""
        if self._wire is None or self._wire.ended.done():
            self._living = asyncio.get_running_loop().create_task(self._live())
            return
        self._going, waiting, self._waiting = False, self._waiting, []
        self._wire.send(waiting)

    async def _live(self) -> None:
        """One connection, from when it is wanted to its end."""
        try:
            connection = await self._reached()
        except (RedisError, OSError, TimeoutError) as error:
            self._refuse(error)
            return
        except BaseException:
            self._refuse(RedisConnectionError("Nobody asks Redis any more."))
            raise
        try:
            wire = self._wire = _Wire(connection, self._seconds)
            self._go()
            await wire.ended
        finally:
            await connection.disconnect(nowait=True)
            await self._pool.release(connection)

    async def _reached(self) -> "Connection":
        async with within(self._seconds):
            return cast("Connection", await self._pool.get_connection())  # type: ignore[no-untyped-call]

    def _refuse(self, error: Exception) -> None:
        """Tell those who wait to be sent that Redis was not reached."""
        self._going, waiting, self._waiting = False, self._waiting, []
        _refuse([answer for _, answer in waiting], error)


class _Wire(asyncio.Protocol):
    """A connection that has been signed in on, listened to from now on."""

    def __init__(self, connection: "Connection", seconds: float) -> None:
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._transport: asyncio.Transport = cast(Any, connection)._writer.transport
        self._first = cast(asyncio.Protocol, self._transport.get_protocol())
        self._transport.set_protocol(self)
        self._reader = hiredis.Reader(replyError=ResponseError, notEnoughData=_NOTHING)
        # lint: allow bounded-queue: as those who wait
        self._asked: deque[asyncio.Future[Any]] = deque()
        self._silence = Silence(seconds, self._over)

    def send(self, waiting: Sequence[_Asked]) -> None:
        """Send commands; each is answered or told that there is no answer."""
        self._asked.extend([answer for _, answer in waiting])
        self._transport.write(b"".join([hiredis.pack_command(cast(Any, command)) for command, _ in waiting]))
        self._silence.expect()

    def data_received(self, data: bytes) -> None:
        """Answers, in order."""
        if self.ended.done():
            return
        self._reader.feed(data)
        try:
            while (said := self._reader.gets()) is not _NOTHING:
                if not isinstance(said, hiredis.PushNotification):
                    _tell(self._asked.popleft(), said)
        except (hiredis.ProtocolError, IndexError) as error:
            self._end(RedisConnectionError(f"Redis cannot be understood: {error}"))
        self._silence.heard(more=bool(self._asked))

    def connection_lost(self, exc: Exception | None) -> None:
        """By Redis, or by the client when it is closed: who waits for that is its first listener."""
        self._end(RedisConnectionError(f"Redis has ended the connection: {exc or 'by itself'}"))
        self._first.connection_lost(exc)

    def _over(self) -> None:
        self._end(TimeoutError("Redis does not answer."))

    def _end(self, error: Exception) -> None:
        """Whatever comes later on it is nobody's answer."""
        self._silence.end()
        self._transport.abort()
        if not self.ended.done():
            self.ended.set_result(None)
        _refuse(self._asked, error)
        self._asked.clear()


def _tell(answer: "asyncio.Future[Any]", said: Any) -> None:
    if answer.done():
        return
    if isinstance(said, ResponseError):
        answer.set_exception(said)
    else:
        answer.set_result(said)


def _refuse(waiting: "Sequence[asyncio.Future[Any]] | deque[asyncio.Future[Any]]", error: Exception) -> None:
    for answer in waiting:
        if not answer.done():
            answer.set_exception(error)
