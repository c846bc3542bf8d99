"""Who sends a request: the one place where credentials are read. A request has one kind of them, or none.

Authorization: Bearer <access token>            a person who has signed in
X-API-Key: ctk_...                              a key; reads
Sec-WebSocket-Protocol: cleartide.v1, cleartide.token.<token or key>      either, from a browser's WebSocket
Cleartide-Key, -Timestamp, -Signature           a key that signs; reads and writes
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final, Literal, NamedTuple
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from services.gateway.domain.access import ANONYMOUS, DEMO, TIERS, Allowance, Principal
from services.gateway.edge.errors import ApiError
from services.gateway.edge.quotas import DAY, HOUR, MINUTE, Window
from services.gateway.identity.keys import PREFIX, ApiKeys, SignedRequest
from services.gateway.identity.sessions import Caller, Sessions

Access = Literal["closed", "demo"]
_SIGNED: Final = ("cleartide-key", "cleartide-timestamp", "cleartide-signature")
FIELDS_READ: Final = ("authorization", "x-api-key", "sec-websocket-protocol", "origin", "user-agent", *_SIGNED)
"""All that is read here of a request's head, and what a session remembers of it."""
_OFFERED: Final = "cleartide.token."


class Asked(NamedTuple):
    """What of a request says who sends it."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    caller: Caller


class Entered(NamedTuple):
    """Who it is, and the windows in which the request counts."""

    principal: Principal
    windows: Sequence[Window] = ()


class Authentication:
    """Tells people, keys and strangers apart."""

    def __init__(self, sessions: Sessions, keys: ApiKeys, access: Access) -> None:
        """`access`: what a stranger is: nobody, or the demo's onlooker who reads everything and changes nothing."""
        self._sessions, self._keys = sessions, keys
        self._stranger = DEMO if access == "demo" else ANONYMOUS

    async def enter(self, asked: Asked) -> Entered:
        """Who it is. ApiError 401 for credentials that are not good: nobody is let in as a stranger instead."""
        headers = asked.headers
        bearer, key = _bearer(headers.get("authorization")) or _offered(headers), headers.get("x-api-key")
        signed = [headers.get(name) for name in _SIGNED]
        if (bearer is not None) + (key is not None) + any(signed) > 1:
            raise ApiError(400, "ambiguous_credentials", "Send one kind of credentials.")
        if bearer is not None and bearer.startswith(f"{PREFIX}_"):
            bearer, key = None, bearer
        if bearer is not None:
            principal = await self._sessions.principal(bearer)
            return Entered(principal, _of_person(principal.user, TIERS[principal.tier]))
        origin = (urlsplit(headers.get("origin", "")).hostname or "").lower()
        if key is not None:
            principal, limits = await self._keys.by_key(key, asked.caller, origin)
        elif any(signed):
            if not all(signed):
                raise ApiError(401, "signature_incomplete", "A signed request has a key, a timestamp and a signature.")
            named, sent_at, signature = (value or "" for value in signed)
            request = SignedRequest(named, sent_at, signature, asked.method, asked.target, asked.body)
            principal, limits = await self._keys.by_signature(request, asked.caller, origin)
        else:
            return Entered(self._stranger)
        return Entered(principal, (*_of_key(principal, limits), *_of_person(principal.user, TIERS[principal.tier])))


async def presented(authentication: Authentication, token: str, connection: HTTPConnection) -> Principal:
    """Who has a token that came by other ways than the header, as from a browser's WebSocket. ApiError 401."""
    caller: Caller = connection.scope["state"]["caller"]
    headers = {"authorization": f"Bearer {token}", "origin": connection.headers.get("origin", "")}
    return (await authentication.enter(Asked("GET", connection.url.path, headers, b"", caller))).principal


def _bearer(value: str | None) -> str | None:
    if value is None:
        return None
    scheme, _, token = value.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise ApiError(401, "token_invalid", "Authorization is `Bearer` and a token.")
    return token.strip()


def _offered(headers: Mapping[str, str]) -> str | None:
    """A browser's WebSocket can send no header field of its own but the protocols that it offers."""
    offered = headers.get("sec-websocket-protocol", "").split(",")
    return next((one.strip().removeprefix(_OFFERED) for one in offered if one.strip().startswith(_OFFERED)), None)


@lru_cache(maxsize=4_096)
def _of_person(user: str, most: Allowance) -> tuple[Window, ...]:
    name = f"user:{user}"
    limits = ((most.per_minute, MINUTE), (most.per_hour, HOUR), (most.per_day, DAY))
    return tuple(Window(f"{name}:{seconds}", limit, seconds) for limit, seconds in limits)


def _of_key(principal: Principal, limits: tuple[int, int, int]) -> tuple[Window, ...]:
    spans = zip(limits, (MINUTE, HOUR, DAY), strict=True)
    return tuple(Window(f"key:{principal.key}:{seconds}", limit, seconds) for limit, seconds in spans)
