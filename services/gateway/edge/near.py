"""Answers that somebody was given a moment ago, given to him again without the way through routes and Redis.

Who he is, whether his session or key stands and how often he asks is looked at before, with every request. Held is what
`Edge.answer` keeps, where who asks and for what decides alone that he may see it; a delegate's right is asked for each
time. What changes with events is held until the next one about it, at most EVENT_SECONDS; anything else AGE_SECONDS.
Past its time one request goes the whole way and renews it, while others are given what there is for at most as long
again.
"""

from collections import OrderedDict
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final

from starlette.types import Message, Scope, Send

from services.gateway.domain.access import Principal
from services.gateway.edge.cache import CACHE_STATUS
from services.gateway.edge.freshness import Freshness, Version
from services.gateway.edge.metrics import EdgeMetrics

EVENT_SECONDS: Final = 1.0
AGE_SECONDS: Final = 0.05
MOST_HELD: Final = 1_024
MOST_BYTES: Final = 32_768
_STATUS: Final = b"cache-status"
_HIT: Final = (_STATUS, CACHE_STATUS["hit"].encode())
_AFTER: Final = b"cleartide-after"


@dataclass(slots=True)
class Found:
    """What a request meets on its way: whether it was let through by who asks and for what alone, and what it told.

    about: the answer's name among those that are kept, and the milliseconds that its route gives it; None: not kept.
    """

    alone: bool = False
    about: tuple[tuple[object, ...], int] | None = None
    version: Version | None = None


FOUND: Final[ContextVar[Found | None]] = ContextVar("found", default=None)
Name = tuple[Principal, bytes, bytes]


@dataclass(slots=True)
class Held:
    """One answer to one principal."""

    found: Found
    lasts: float
    ends: float
    route: Any
    headers: list[tuple[bytes, bytes]]
    body: Message
    renewed: bool = False


class Near:
    """The latest answers of those who keep asking."""

    def __init__(self, freshness: Freshness, metrics: EdgeMetrics, clock: Callable[[], float] = monotonic) -> None:
        self._freshness, self._hit, self._clock = freshness, metrics.cache.labels("hit"), clock
        self._held: OrderedDict[Name, Held] = OrderedDict()

    async def give(self, name: Name, scope: Scope, send: Send) -> bool:
        """Answer with what is held; False when nothing is that may be given."""
        held = self._held.get(name)
        if held is None or not self._is_fresh(held):
            return False
        scope["route"] = held.route
        self._hit.inc()
        await send({"type": "http.response.start", "status": 200, "headers": [*held.headers]})
        await send(held.body)
        return True

    def _is_fresh(self, held: Held) -> bool:
        if held.found.version is not None and held.found.about is not None:
            version = self._freshness.version(*held.found.about)
            if version is None or version.name != held.found.version.name:
                return False
        if (now := self._clock()) < held.ends:
            return True
        if not held.renewed:
            held.renewed, held.ends = True, now + held.lasts
        return False

    def holding(self, name: Name, scope: Scope, send: Send, found: Found) -> Send:
        """Passes on what is said, and holds it if by what is `found` meanwhile it may be given again."""
        headers: list[tuple[bytes, bytes]] | None = None

        async def hear(message: Message) -> None:
            nonlocal headers
            if message["type"] == "http.response.start":
                if found.alone and found.about is not None and message["status"] == 200:
                    headers = [field for field in message["headers"] if field[0] != _STATUS]
            elif headers is not None:
                lasts = _lasts(found)
                route = scope.get("route")
                self._hold(name, Held(found, lasts, self._clock() + lasts, route, [*headers, _HIT], message))
                headers = None
            await send(message)

        return hear

    def _hold(self, name: Name, held: Held) -> None:
        if held.body.get("more_body") or len(held.body.get("body", b"")) > MOST_BYTES:
            return
        self._held[name] = held
        self._held.move_to_end(name)
        if len(self._held) > MOST_HELD:
            self._held.popitem(last=False)


def name_of(principal: Principal, scope: Scope) -> Name | None:
    """Under which a request's answer is held; None when it is not one to be given again."""
    if scope["method"] != "GET" or not principal.known or _AFTER in [field for field, _ in scope["headers"]]:
        return None
    return principal, scope["raw_path"], scope["query_string"]


def _lasts(found: Found) -> float:
    """Seconds that it is held. Of what happened just now services may not know yet: then no longer than by age."""
    settled = found.version is not None and found.about is not None and found.version.kept_ms > found.about[1]
    return EVENT_SECONDS if settled else AGE_SECONDS
