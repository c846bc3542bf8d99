"""What every API request passes: the rate limiter, and the clock that measures it. Files and probes pass freely."""

from collections.abc import Iterable, Mapping
from time import perf_counter
from typing import Any, Final

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.gateway.edge.errors import ApiError, error_response
from services.gateway.edge.limits import RateLimiter
from services.gateway.edge.metrics import EdgeMetrics

log = structlog.get_logger()

LIMITED_PREFIX: Final = "/api/v1/"


class RateLimited:
    """Refuses with 429 who asks too often; a WebSocket counts once, when it opens."""

    def __init__(self, app: ASGIApp, limiter: RateLimiter) -> None:
        self._app, self._limiter = app, limiter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or not scope["path"].startswith(LIMITED_PREFIX):
            await self._app(scope, receive, send)
            return
        client = scope.get("client")
        verdict = scope.get("state", {}).get("verdict") or await self._limiter.check(client[0] if client else "")
        if not verdict.allowed:
            error = ApiError(429, "rate_limited", "Too many requests.", {"retry_after_seconds": verdict.retry_after})
            await error_response(error, verdict.headers())(scope, receive, send)
            return
        await self._app(scope, receive, adding_raw(verdict.raw(), send))


def encoded(fields: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """As ASGI has them."""
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in fields.items()]


def adding_raw(fields: Iterable[tuple[bytes, bytes]], send: Send) -> Send:
    """Header fields for the response, unless the application, or a guard nearer to it, has set them."""

    async def send_with_fields(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = message["headers"]
            there = {name for name, _ in headers}
            headers.extend([one for one in fields if one[0] not in there])
        await send(message)

    return send_with_fields


class Timed:
    """Observes every request under its route's pattern, so that labels stay few, and logs the one that failed."""

    def __init__(self, app: ASGIApp, metrics: EdgeMetrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status, answered = perf_counter(), 500, False

        async def send_and_note(message: Message) -> None:
            nonlocal status, answered
            if message["type"] == "http.response.start":
                status, answered = message["status"], True
            await send(message)

        try:
            await self._app(scope, receive, send_and_note)
        except Exception as error:
            if not answered:
                raise
            log.error("request_failed", path=scope["path"], exc_info=error)
        finally:
            self._metrics.timed(scope["method"], _pattern(scope), str(status)).observe(perf_counter() - started)


def _pattern(scope: Mapping[str, Any]) -> str:
    if not str(scope["path"]).startswith("/api/"):
        return "static"
    return str(getattr(scope.get("route"), "path", "unmatched"))
