"""Leaves a note of every request of the API with the meter: who, what, how it was answered, how much, how long."""

import re
from time import perf_counter_ns
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.gateway.domain.access import ANONYMOUS
from services.gateway.edge.guards import LIMITED_PREFIX
from services.gateway.identity.people import now_micros
from services.gateway.metering.meter import Meter, Note

_CODE: Final = re.compile(rb'"code":\s*"([a-z0-9_]{1,64})"')


class Metered:
    """An ASGI application in front of another."""

    def __init__(self, app: ASGIApp, meter: Meter) -> None:
        self._app, self._meter = app, meter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(LIMITED_PREFIX):
            await self._app(scope, receive, send)
            return
        at, started = now_micros(), perf_counter_ns()
        status, came, went, error = 500, 0, 0, ""

        async def counting(message: Message) -> None:
            nonlocal status, went, error
            if message["type"] == "http.response.start":
                status = message["status"]
            else:
                body = message.get("body", b"")
                went += len(body)
                if status >= 400 and not error and (found := _CODE.search(body)):
                    error = found[1].decode()
            await send(message)

        async def hearing() -> Message:
            nonlocal came
            message = await receive()
            came += len(message.get("body", b""))
            return message

        try:
            await self._app(scope, hearing, counting)
        finally:
            principal = scope.get("state", {}).get("principal", ANONYMOUS)
            route = str(getattr(scope.get("route"), "path", "unmatched"))
            ip = scope["client"][0] if scope.get("client") else ""
            micros = (perf_counter_ns() - started) // 1_000
            who = (at, principal.user, principal.key, str(scope["method"])[:16], route)
            self._meter.note(Note(*who, status, micros, came, went, ip, error))
