"""Reading what one has written: a read that names a command's place waits until those who answer have come so far.

The place is a command's `position` in the one sequence. Matching reads that sequence; the others read what matching
says of it, so for them the place is the last event that matching had said when it had come so far.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Annotated, Any, Final

from cleartide.contracts.types import JSON_SAFE
from fastapi import Header

from services.gateway.edge.errors import ApiError

HEADER: Final = "Cleartide-After"
WAIT_SECONDS: Final = 5.0
LOOK_SECONDS: Final = 0.01
LAST_LOOK_SECONDS: Final = 0.1
SEQUENCER: Final = "matching"
FOLLOWERS: Final = frozenset({"risk", "funding", "earnings", "analytics"})
AFTER: Final[ContextVar[int]] = ContextVar("after", default=0)
"""The place that the request in hand asks for; 0: none."""

Place = Annotated[
    int, Header(ge=0, le=JSON_SAFE, description="a command's `position`: the answer knows what became of it")
]
Ask = Callable[[str], Awaitable[dict[str, Any]]]
Stands = Callable[[int], Awaitable[bool]]


async def reached(service: str, base: str, ask: Ask, stands: Stands, seconds: float = WAIT_SECONDS) -> None:
    """Wait until a service knows what the request wants known. ApiError 504 when it does not come so far in time.

    `stands` says whether the sequence has such a place at all: one that nobody has given is 409, and not waited for.

    `base`: the service's kind, which for one of several pools differs from its name.
    """
    if not (place := AFTER.get()) or base not in FOLLOWERS | {SEQUENCER}:
        return
    try:
        async with asyncio.timeout(seconds):
            if (await ask(SEQUENCER))["position"] < place and not await stands(place):
                raise ApiError(409, "after_beyond_sequence", "No command has this position.", {"after": place})
            told = await _passed(SEQUENCER, place, ask)
            if base != SEQUENCER:
                await _passed(service, int(told["emitted"].get("EVENTS", 0)), ask)
    except TimeoutError:
        detail = {"service": service, "after": place}
        raise ApiError(
            504, "not_there_yet", "The service has not come so far yet.", detail, headers={"Retry-After": "1"}
        ) from None


async def _passed(service: str, place: int, ask: Ask) -> dict[str, Any]:
    wait = LOOK_SECONDS
    while (told := await ask(service))["position"] < place:
        await asyncio.sleep(wait)
        wait = min(2 * wait, LAST_LOOK_SECONDS)
    return told


async def asked_place(cleartide_after: Place = 0) -> None:
    """The dependency that reads the header."""
    AFTER.set(cleartide_after)
