"""From a mailbox to one client, with a bound on how long the client may take."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from services.gateway.live.mailbox import Mailbox

SLOW_CLOSE_CODE: Final = 1013
PACE_SECONDS: Final = 0.04
STREAK: Final = 8
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


async def pump_together(
    mailbox: Mailbox, send: Callable[[Sequence[bytes]], Awaitable[None]], send_seconds: float
) -> None:
    """Send what waits, in one go, until cancelled; raises SlowClient.

    A frame goes at once. Only where they come one upon the other, what comes within PACE_SECONDS leaves together.
    """
    loop = asyncio.get_running_loop()
    last, streak = float("-inf"), 0
    while True:
        frames = await mailbox.take_all(MOST_TOGETHER)
        try:
            async with asyncio.timeout(send_seconds):
                await send(frames)
        except TimeoutError:
            raise SlowClient from None
        now = loop.time()
        streak = streak + 1 if now - last < 2 * PACE_SECONDS else 0
        last = now
        if streak >= STREAK and not len(mailbox):
            await asyncio.sleep(PACE_SECONDS)


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
