"""Publishing with an answer: one inbox for all of a connection, and nobody waits for longer than it lasts."""

import asyncio
import itertools
import json
import math
from dataclasses import dataclass
from typing import Any, Final

from nats.aio.client import Client
from nats.aio.msg import Msg

LOOK_SECONDS: Final = 0.25
NO_RESPONDERS: Final = "503"

Answer = asyncio.Future[dict[str, Any]]


@dataclass(slots=True)
class _Asked:
    """connection: the last one, counted in reconnects, on which an answer may come."""

    subject: str
    answer: Answer
    connection: int
    looks: int


class Acknowledged:
    """Says things to streams over one connection and hears what has become of each."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._inbox = client.new_inbox()
        self._numbers = itertools.count(1)
        self._waiting: dict[str, _Asked] = {}
        self._subscription: Any = None
        self._looking: asyncio.TimerHandle | None = None

    async def listen(self) -> None:
        """To be called, and waited for, before anything is said; does something only the first time."""
        if self._subscription is None:
            self._subscription = await self._client.subscribe(f"{self._inbox}.*", cb=self._on_answer)

    async def say(self, subject: str, payload: bytes, headers: dict[str, str], seconds: float) -> Answer:
        """Publish without giving way. What it returns becomes the server's answer, which may hold an `error`.

        It becomes TimeoutError after about so many seconds, and ConnectionError when the connection is made anew or no
        stream takes the subject. The time is counted in looks: while the process was busy it did not listen, which is
        no silence of the server's.
        """
        loop, reply = asyncio.get_running_loop(), f"{self._inbox}.{next(self._numbers)}"
        answer: Answer = loop.create_future()
        answer.add_done_callback(lambda _: self._forget(reply))
        # Said while there is no connection it is kept for the next one, on which the answer comes.
        connection = self._client.stats["reconnects"] + (0 if self._client.is_connected else 1)
        self._waiting[reply] = _Asked(subject, answer, connection, math.ceil(seconds / LOOK_SECONDS))
        if self._looking is None:
            self._looking = loop.call_later(LOOK_SECONDS, self._look)
        try:
            await self._client.publish(subject, payload, reply=reply, headers=headers)
        except BaseException:
            answer.cancel()
            raise
        return answer

    def _forget(self, reply: str) -> None:
        answer = self._waiting.pop(reply).answer
        if not answer.cancelled():
            answer.exception()  # looked at: whoever asked may have gone

    def _look(self) -> None:
        """One timer for all that wait."""
        connection = self._client.stats["reconnects"]
        for asked in list(self._waiting.values()):
            asked.looks -= 1
            if asked.answer.done():
                continue
            if connection > asked.connection:
                asked.answer.set_exception(ConnectionError("the connection was made anew before the acknowledgement"))
            elif asked.looks <= 0:
                asked.answer.set_exception(TimeoutError("no acknowledgement"))
        still = bool(self._waiting)
        self._looking = asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look) if still else None

    async def _on_answer(self, message: Msg) -> None:
        asked = self._waiting.get(message.subject)
        if asked is None or asked.answer.done():
            return
        if message.headers and message.headers.get("Status") == NO_RESPONDERS:
            asked.answer.set_exception(ConnectionError(f"no stream takes {asked.subject}"))
            return
        asked.answer.set_result(json.loads(message.data))
