"""Tasks that live and die together."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

CANCEL_AGAIN_SECONDS: Final = 0.2


async def run_together(*coroutines: Coroutine[Any, Any, None]) -> None:
    """Wait for all; on the first failure end the others and raise it.

    A task is cancelled again until it has ended: a reply that arrives at the moment of the cancellation makes
    `asyncio.wait_for` in Python 3.11 return it and forget the cancellation.
    """
    tasks = {asyncio.create_task(coroutine) for coroutine in coroutines}
    pending = tasks
    try:
        done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        failed = [task for task in done if task.exception() is not None]
    finally:
        while pending:
            for task in pending:
                task.cancel()
            _, pending = await asyncio.wait(pending, timeout=CANCEL_AGAIN_SECONDS)
    for task in failed:
        task.result()
