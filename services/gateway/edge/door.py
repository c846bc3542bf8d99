"""What every API request passes before its route is looked for: its size and pace, who sends it, how often, how often
this one. The rules that need the route are `edge.authorisation`.
"""

import asyncio
import re
from typing import Final

import structlog
from cleartide.store.trouble import STORE_TROUBLE
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.gateway.domain.access import Principal
from services.gateway.edge.authentication import FIELDS_READ, Asked, Authentication
from services.gateway.edge.authorisation import READS
from services.gateway.edge.dispatch import Dispatch
from services.gateway.edge.errors import ApiError, error_response, store_unavailable
from services.gateway.edge.guards import COUNTED, LIMITED_PREFIX
from services.gateway.edge.leases import Verdict
from services.gateway.edge.limits import client_key
from services.gateway.edge.metrics import EdgeMetrics
from services.gateway.edge.near import FOUND, Found, Near, name_of
from services.gateway.edge.quotas import MINUTE, Quotas, Window
from services.gateway.identity.idempotency import Answer, Idempotency, Place, fingerprint
from services.gateway.identity.sessions import Caller

log = structlog.get_logger()

MAX_BODY: Final = 65_536
BODY_SECONDS: Final = 10.0
REFUSED_PER_MINUTE: Final = 60
_WHO: Final = {name.encode(): name for name in FIELDS_READ}
_BODY: Final = frozenset({b"content-length", b"transfer-encoding"})
"""Either announces a body; a request without them ends with its head."""
IDEMPOTENCY_KEY: Final = re.compile(r"[\x21-\x7e]{1,128}")


class Door:
    """An ASGI application in front of the routes."""

    def __init__(
        self,
        app: Dispatch,
        *,
        authentication: Authentication,
        quotas: Quotas,
        idempotency: Idempotency,
        near: Near,
        metrics: EdgeMetrics,
        body_seconds: float = BODY_SECONDS,
    ) -> None:
        self._app, self._authentication, self._quotas = app, authentication, quotas
        self._near, self._idempotency, self._metrics, self._body_seconds = near, idempotency, metrics, body_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or not scope["path"].startswith(LIMITED_PREFIX):
            await self._app(scope, receive, send)
            return
        names = [name for name, _ in scope["headers"]]
        has_body = scope["type"] == "http" and not _BODY.isdisjoint(names)
        try:
            body = await self._body(scope, receive) if has_body else b""
            principal, verdict = await self._enter(scope, body)
        except ApiError as error:
            self._metrics.refused.labels(error.code).inc()
            await error_response(error)(scope, receive, send)
            return
        except STORE_TROUBLE as error:
            await error_response(store_unavailable(error))(scope, receive, send)
            return
        if verdict is not None:
            scope["state"][COUNTED] = verdict
        if has_body:
            receive = _replaying(body, receive)
        if scope["type"] != "http" or (name := name_of(principal, scope)) is None:
            await self._pass(scope, receive, send, principal, body)
        elif not await self._near.give(name, scope, send):
            FOUND.set(found := Found())
            await self._app(scope, receive, self._near.holding(name, scope, send, found))

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        """The whole body, which is small and comes soon. ApiError 413, 408, 400."""
        parts, size = [], 0
        length = Headers(scope=scope).get("content-length", "0")
        if length.isascii() and length.isdigit() and int(length[:12]) > MAX_BODY:
            raise _too_large()
        try:
            async with asyncio.timeout(self._body_seconds):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise ApiError(400, "body_incomplete", "The request ended before its body did.")
                    parts.append(message.get("body", b""))
                    size += len(parts[-1])
                    if size > MAX_BODY:
                        raise _too_large()
                    if not message.get("more_body", False):
                        break
        except TimeoutError:
            raise ApiError(408, "body_too_slow", f"The body did not come within {self._body_seconds:g} s.") from None
        return _text(b"".join(parts))

    async def _enter(self, scope: Scope, body: bytes) -> tuple[Principal, Verdict | None]:
        headers = _fields(scope)
        address = client_key(scope["client"][0] if scope.get("client") else "")
        target = scope["raw_path"].decode("latin-1") + ("?" + scope["query_string"].decode("latin-1")).rstrip("?")
        caller = Caller(scope["client"][0] if scope.get("client") else "", headers.get("user-agent", ""))
        asked = Asked(str(scope.get("method", "GET")), target, headers, body, caller)
        scope.setdefault("state", {}).update(caller=caller)
        try:
            entered = await self._authentication.enter(asked)
        except ApiError as error:
            if error.status == 401:
                # Guessing is counted by address; whoever has good credentials is not held up by it.
                window = Window(f"refused:{address}", REFUSED_PER_MINUTE, MINUTE)
                require_room(await self._quotas.take("refused", [window]))
            raise
        verdict = await self._quotas.take(entered.principal.kind, entered.windows) if entered.windows else None
        if verdict is not None:
            require_room(verdict)
        scope["state"]["principal"] = entered.principal
        return entered.principal, verdict

    async def _pass(self, scope: Scope, receive: Receive, send: Send, principal: Principal, body: bytes) -> None:
        key = Headers(scope=scope).get("idempotency-key") if scope["type"] == "http" else None
        if key is None or scope["method"] in READS or not principal.known:
            await self._app(scope, receive, send)
            return
        if not IDEMPOTENCY_KEY.fullmatch(key):
            error = ApiError(422, "invalid_parameter", "Idempotency-Key has 1 to 128 visible ASCII characters.")
            await error_response(error)(scope, receive, send)
            return
        headers = Headers(scope=scope)
        target = f"{scope['path']}?{scope['query_string'].decode('latin-1')}"
        print_ = fingerprint(scope["method"], target, body, headers)
        place = Place(principal.user, f"{scope['method']} {scope['path']}", key, print_)
        scope["state"]["request_ident"] = place.ident
        try:
            answer = await self._idempotency.once(place, lambda: _captured(self._app, scope, receive))
            if answer.replayed:  # the key is the person's; who sends it now may be let do less than who sent it first
                await self._app.require_open(scope, receive)
        except ApiError as error:
            await error_response(error)(scope, receive, send)
            return
        except STORE_TROUBLE as error:
            await error_response(store_unavailable(error))(scope, receive, send)
            return
        if answer.replayed:
            self._metrics.replayed.inc()
        await _send(answer, send)


def require_room(verdict: Verdict) -> None:
    """ApiError 429 when the windows are full."""
    if not verdict.allowed:
        detail = {"retry_after_seconds": verdict.retry_after}
        raise ApiError(429, "rate_limited", "Too many requests.", detail, headers=verdict.headers())


def _fields(scope: Scope) -> dict[str, str]:
    """Those of the head's fields that say who asks; of a field that comes twice the first, as Starlette has it."""
    return {_WHO[name]: value.decode("latin-1") for name, value in reversed(scope["headers"]) if name in _WHO}


def _too_large() -> ApiError:
    return ApiError(413, "body_too_large", f"A body has at most {MAX_BODY} bytes.", {"max_bytes": MAX_BODY})


def _text(body: bytes) -> bytes:
    try:
        body.decode()
    except UnicodeDecodeError:
        raise ApiError(400, "bad_encoding", "The body is not UTF-8.") from None
    return body


def _replaying(body: bytes, receive: Receive) -> Receive:
    """The body that was read already, once; then whatever the server says, such as that the client has left."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


async def _captured(app: ASGIApp, scope: Scope, receive: Receive) -> Answer:
    """What the application says, held back until it is kept."""
    status, content_type, parts = 500, "", []

    async def keep(message: Message) -> None:
        nonlocal status, content_type
        if message["type"] == "http.response.start":
            status, content_type = message["status"], Headers(raw=message["headers"]).get("content-type", "")
        else:
            parts.append(message.get("body", b""))

    await app(scope, receive, keep)
    return Answer(status, content_type, b"".join(parts))


async def _send(answer: Answer, send: Send) -> None:
    headers = [
        (b"content-type", answer.content_type.encode("latin-1")),
        (b"content-length", str(len(answer.body)).encode()),
        (b"cache-control", b"no-store"),
        *([(b"idempotent-replayed", b"true")] if answer.replayed else []),
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
