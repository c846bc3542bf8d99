"""Waiting for the moment to send, without taking a processor from what is measured."""

import asyncio
from typing import Final

SHORTEST_SECONDS: Final = 0.001
"""The loop's timers count whole milliseconds: half of one is none, and whoever sleeps so long in turns never rests."""


async def until(moment: float) -> None:
    """Return at a moment of the loop's clock or up to about a millisecond after it; at once when it is past."""
    loop = asyncio.get_running_loop()
    while (wait := moment - loop.time()) > 0:  # noqa: ASYNC110 - waits for a time, not for an event
        await asyncio.sleep(max(wait, SHORTEST_SECONDS))
