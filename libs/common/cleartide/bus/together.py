"""Tasks that live and die together, and pauses that an event ends."""

import asyncio
from collections.abc import Collection, Coroutine
from typing import Any, Final

CANCEL_AGAIN_SECONDS: Final = 0.2


async def run_together(*coroutines: Coroutine[Any, Any, None]) -> None:
    """Wait for all; on the first failure end the others and raise it. The order of the tasks decides ties."""
    tasks = [asyncio.create_task(coroutine) for coroutine in coroutines]
    if not tasks:
        return
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        failed = next((task for task in tasks if task.done() and task.exception() is not None), None)
    finally:
        await end(tasks)
    if failed is not None:
        failed.result()


async def end(tasks: "Collection[asyncio.Future[Any]]") -> None:
    """Cancel what still runs, and wait until all have ended; how they ended stays in them.

    A task is cancelled again until it has ended: a reply that arrives at the moment of the cancellation makes
    `asyncio.wait_for` in Python 3.11, on which the clients of NATS and Redis rest, return it and forget the
    cancellation. Whoever cancels the wait itself has to wait too.
    """
    cancelled = False
    while pending := [task for task in tasks if not task.done()]:
        for task in pending:
            task.cancel()
        try:
            await asyncio.wait(pending, timeout=CANCEL_AGAIN_SECONDS)
        except asyncio.CancelledError:
            cancelled = True
    for task in tasks:
        if not task.cancelled():
            task.exception()  # looked at: a second failure while ending is not news
    if cancelled:
        raise asyncio.CancelledError


async def pause(seconds: float, unless: asyncio.Event) -> None:
    """Wait for so long, or until the event."""
    try:
        async with asyncio.timeout(seconds):
            await unless.wait()
    except TimeoutError:
        return
