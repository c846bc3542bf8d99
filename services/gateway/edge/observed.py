"""What surrounds every request: the fields that all answers have, its time in the metrics, its note with the meter.

One pair of ears for the three: each layer that hears every part of every answer costs as much as what it does.
"""

import re
from time import perf_counter_ns
from typing import Any, Final

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.gateway.domain.access import ANONYMOUS
from services.gateway.edge.guards import COUNTED, LIMITED_PREFIX
from services.gateway.edge.metrics import EdgeMetrics
from services.gateway.edge.security import RAW
from services.gateway.identity.people import now_micros
from services.gateway.metering.meter import Meter, Note

log = structlog.get_logger()

_CODE: Final = re.compile(rb'"code":\s*"([a-z0-9_]{1,64})"')
_LIMIT: Final = b"ratelimit-limit"
_SECURED: Final = frozenset(name for name, _ in RAW)


class Observed:
    """An ASGI application in front of another."""

    def __init__(self, app: ASGIApp, metrics: EdgeMetrics, meter: Meter) -> None:
        self._app, self._metrics, self._meter = app, metrics, meter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        heard = _Heard(scope, receive, send)
        try:
            await self._app(scope, heard.receive, heard.send)
        except Exception as error:
            if not heard.answered:
                raise
            log.error("request_failed", path=scope["path"], exc_info=error)
        finally:
            self._tell(scope, heard)

    def _tell(self, scope: Scope, heard: "_Heard") -> None:
        """Metrics by the route's pattern, so that labels stay few; and of the API the meter."""
        method, path, pattern = scope["method"], scope["path"], getattr(scope.get("route"), "path", "unmatched")
        taken = perf_counter_ns() - heard.started
        label = pattern if path.startswith("/api/") else "static"
        self._metrics.timed(method, label, str(heard.status)).observe(taken / 1e9)
        if path.startswith(LIMITED_PREFIX):
            principal = scope.get("state", {}).get("principal", ANONYMOUS)
            ip = scope["client"][0] if scope.get("client") else ""
            who = (heard.at, principal.user, principal.key, method[:16], pattern)
            self._meter.note(Note(*who, heard.status, taken // 1_000, heard.came, heard.went, ip, heard.error))


class _Heard:
    """One request, as it goes through."""

    __slots__ = ("_receive", "_scope", "_send", "answered", "at", "came", "error", "started", "status", "went")

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope, self._receive, self._send = scope, receive, send
        self.at, self.started = now_micros(), perf_counter_ns()
        self.status, self.answered, self.came, self.went, self.error = 500, False, 0, 0, ""

    async def receive(self) -> Message:
        """What comes."""
        message = await self._receive()
        self.came += len(message.get("body", b""))
        return message

    async def send(self, message: Message) -> None:
        """What goes."""
        if message["type"] == "http.response.start":
            self.status, self.answered = message["status"], True
            headers: list[Any] = message["headers"]
            there = [name for name, _ in headers]
            if (verdict := self._scope["state"].get(COUNTED)) is not None and _LIMIT not in there:
                headers.extend(verdict.raw())
            headers.extend(RAW if _SECURED.isdisjoint(there) else [one for one in RAW if one[0] not in there])
        else:
            body = message.get("body", b"")
            self.went += len(body)
            if self.status >= 400 and not self.error and (found := _CODE.search(body)):
                self.error = found[1].decode()
        await self._send(message)
