"""Public answers that were given a moment ago, given again without the way through the whole edge.

What `edge.cache` has kept for all gateways is held here too, whole and encoded, for NEAR_SECONDS; then one request goes
the whole way and renews it, while others are given what there is for at most as long again, and after that wait for the
new one. So an answer may be 2 * NEAR_SECONDS older than its kept form, and a crowd asks the cache once. It is for
requests that show no credentials, name no place and have no body; the rate of their address, the meter and the metrics
count them like any other.
"""

import asyncio
from dataclasses import dataclass
from time import monotonic, perf_counter_ns
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.gateway.edge.authorisation import PUBLIC
from services.gateway.edge.cache import CACHE_STATUS
from services.gateway.edge.limits import RateLimiter
from services.gateway.edge.metrics import EdgeMetrics
from services.gateway.identity.people import now_micros
from services.gateway.metering.meter import Meter, Note

NEAR_SECONDS: Final = 0.05
MOST_HELD: Final = 128
MOST_BYTES: Final = 65_536
PARTICULAR: Final = frozenset(
    {
        b"authorization",
        b"x-api-key",
        b"cleartide-key",
        b"cleartide-timestamp",
        b"cleartide-signature",
        b"cleartide-after",
        b"sec-websocket-protocol",
        b"content-length",
        b"transfer-encoding",
        b"expect",
    }
)
"""Header fields that make a request one to be looked at."""
_STATUS: Final = b"cache-status"
_HIT: Final = (_STATUS, CACHE_STATUS["hit"].encode())
_KEPT: Final = frozenset(status.encode() for status in CACHE_STATUS.values())
"""Without Redis too: then these are all that is kept, and a crowd asks the services no more often than before."""
Target = tuple[bytes, bytes]


@dataclass(slots=True)
class _Held:
    """One answer; `observe` is the metric of its route."""

    fresh: float
    ends: float
    headers: list[tuple[bytes, bytes]]
    body: Message
    size: int
    route: str
    observe: Any
    renewing: asyncio.Event | None = None


class Quick:
    """An ASGI application in front of another."""

    def __init__(self, app: ASGIApp, limiter: RateLimiter, metrics: EdgeMetrics, meter: Meter) -> None:
        self._app, self._limiter, self._metrics, self._meter = app, limiter, metrics, meter
        self._held: dict[Target, _Held] = {}
        self._hit = metrics.cache.labels("hit")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (
            scope["type"] != "http"
            or scope["method"] != "GET"
            or not PARTICULAR.isdisjoint([name for name, _ in scope["headers"]])
        ):
            await self._app(scope, receive, send)
            return
        started, target = perf_counter_ns(), (scope["raw_path"], scope["query_string"])
        held = self._held.get(target)
        if held is not None and monotonic() >= held.fresh:
            held = await self._renewed(held, scope, receive, send, target)
        elif held is None:
            await self._app(scope, receive, self._holding(scope, target, send))
        if held is None:
            return
        address = scope["client"][0] if scope.get("client") else ""
        if (verdict := self._limiter.leased(address)) is None:
            verdict = await self._limiter.check(address)
        if not verdict.allowed:
            scope["state"]["verdict"] = verdict
            await self._app(scope, receive, send)  # which says so
            return
        await send({"type": "http.response.start", "status": 200, "headers": [*held.headers, *verdict.raw()]})
        await send(held.body)
        self._hit.inc()
        taken = perf_counter_ns() - started
        held.observe(taken / 1e9)
        at = now_micros() - taken // 1_000
        self._meter.note(Note(at, "", "", "GET", held.route, 200, taken // 1_000, 0, held.size, address, ""))

    async def _renewed(self, held: _Held, scope: Scope, receive: Receive, send: Send, target: Target) -> _Held | None:
        """What to give of an answer past its time; None when this request was the one to go the whole way."""
        if held.renewing is None:
            held.renewing = asyncio.Event()
            try:
                await self._app(scope, receive, self._holding(scope, target, send))
            finally:
                held.renewing.set()
                held.renewing = None
            return None
        if monotonic() < held.ends:
            return held
        await held.renewing.wait()
        new = self._held.get(target)
        if new is None or new is held:  # it failed, and so this one hears for itself why
            await self._app(scope, receive, self._holding(scope, target, send))
            return None
        return new

    def _holding(self, scope: Scope, target: Target, send: Send) -> Send:
        """Passes on what is said, and holds it if it is an answer that the cache keeps."""
        begun: dict[str, Any] = {}

        async def hear(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = dict(message)
            elif begun:
                self._hold(scope, target, begun, message)
                begun = {}
            await send(message)

        return hear

    def _hold(self, scope: Scope, target: Target, begun: Message, body: Message) -> None:
        route, whole = str(getattr(scope.get("route"), "path", "")), body.get("body", b"")
        if begun["status"] != 200 or body.get("more_body") or len(whole) > MOST_BYTES or f"GET {route}" not in PUBLIC:
            return
        if _KEPT.isdisjoint(value for name, value in begun["headers"] if name == _STATUS):
            return
        now = monotonic()
        if len(self._held) >= MOST_HELD:
            self._held = {name: held for name, held in self._held.items() if held.ends > now or held.renewing}
            if len(self._held) >= MOST_HELD:
                return
        plain = [
            (name, value) for name, value in begun["headers"] if name != _STATUS and not name.startswith(b"ratelimit-")
        ]
        observe = self._metrics.requests.labels("GET", route, "200").observe
        self._held[target] = _Held(
            now + NEAR_SECONDS, now + 2 * NEAR_SECONDS, [*plain, _HIT], dict(body), len(whole), route, observe
        )
