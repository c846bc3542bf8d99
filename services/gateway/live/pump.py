"""From a mailbox to one client, with a bound on how long the client may take."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from services.gateway.edge.frames import Line, framed
from services.gateway.live.mailbox import Mailbox

SLOW_CLOSE_CODE: Final = 1013
MOST_TOGETHER: Final = 64
SLOW_REASON: Final = "too slow: reconnect and resume"


class SlowClient(Exception):  # noqa: N818 - a verdict
    """The client does not keep up."""


async def pump(
    mailbox: Mailbox,
    send: Callable[[bytes], Awaitable[None]],
    send_seconds: float,
    idle: tuple[float, bytes] | None = None,
) -> None:
    """Send frame after frame until cancelled; raises SlowClient. `idle`: seconds of silence, and what to say then."""
    while True:
        frame = await _next(mailbox, idle)
        try:
            async with asyncio.timeout(send_seconds):
                await send(frame)
        except TimeoutError:
            raise SlowClient from None


async def drain(mailbox: Mailbox, line: Line, send_seconds: float) -> None:
    """Write what the line did not take at once, as soon as it does, until cancelled; raises SlowClient."""
    while True:
        await mailbox.filled()
        try:
            async with asyncio.timeout(send_seconds):
                await line.taking()
        except TimeoutError:
            raise SlowClient from None
        line.take(framed(mailbox.take_all(MOST_TOGETHER)))


async def _next(mailbox: Mailbox, idle: tuple[float, bytes] | None) -> bytes:
    if idle is None:
        return await mailbox.take()
    try:
        async with asyncio.timeout(idle[0]):
            return await mailbox.take()
    except TimeoutError:
        return idle[1]


async def watch(mailbox: Mailbox) -> None:
    """Raise SlowClient as soon as the mailbox has overflowed, even while a send hangs."""
    await mailbox.overflowed.wait()
    raise SlowClient
