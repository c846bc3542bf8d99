"""What every API request passes: the rate limiter. Files and probes pass freely."""

from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from services.gateway.edge.errors import ApiError, error_response
from services.gateway.edge.limits import RateLimiter

LIMITED_PREFIX: Final = "/api/v1/"
COUNTED: Final = "counted"
"""Of a request's state: the verdict that its answer tells, unless that has one; of the guard that is nearest to it."""


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
        scope.setdefault("state", {})[COUNTED] = verdict
        await self._app(scope, receive, send)
