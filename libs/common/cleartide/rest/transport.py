"""Requests to the API: who asks, once only, after what; and what is refused as an exception."""

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import quote, urlencode

import aiohttp

from cleartide.answers.identity import SessionTokens

Json = dict[str, Any]
Sign = Callable[[str], str]
"""What a wallet does: the signature of a text."""
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
EARLY_SECONDS: Final = 20.0
LONGEST_WAIT_SECONDS: Final = 30.0
SECONDS: Final = 30.0


class Refused(Exception):  # noqa: N818 - a verdict
    """The API said no. `code` is stable (docs/reasons.md), `detail` says more, `retry_after` when to come again."""

    def __init__(
        self, status: int, code: str, message: str, detail: Any = None, retry_after: float | None = None
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status, self.code, self.detail, self.retry_after = status, code, detail, retry_after


@dataclass(frozen=True)
class Key:
    """An API key. With its signing secret it may write, without it reads."""

    key: str = ""
    prefix: str = ""
    signing_secret: str = ""

    def fields(self, method: str, target: str, body: bytes, now_ms: int) -> dict[str, str]:
        """Header fields of one request: HMAC-SHA256 of the five lines in docs/api.md, or the key alone."""
        if not self.signing_secret:
            return {"X-API-Key": self.key}
        lines = ("cleartide-v1", str(now_ms), method, target, hashlib.sha256(body).hexdigest())
        signature = hmac.new(self.signing_secret.encode(), "\n".join(lines).encode(), hashlib.sha256).hexdigest()
        named = self.prefix or self.key[:16]
        return {"Cleartide-Key": named, "Cleartide-Timestamp": str(now_ms), "Cleartide-Signature": signature}


class Transport:
    """One gateway, and who asks it: nobody, a key, or a person whose session is refreshed in time."""

    def __init__(self, http: aiohttp.ClientSession, url: str, key: Key | None = None, patience: float = 0.0) -> None:
        """`patience`: for so many seconds a request that is limited (429) is sent again when it may be."""
        self._http, self.url, self._key, self._patience = http, url.rstrip("/"), key, patience
        self._session: SessionTokens | None = None
        self._fresh_until = 0.0
        self._refreshing = asyncio.Lock()

    def entered(self, opened: SessionTokens) -> None:
        """From here on requests are those of the session that a sign-in or a refresh has opened."""
        self._session, self._fresh_until = opened, time.monotonic() + opened["expires_in"] - EARLY_SECONDS

    @property
    def user(self) -> str:
        """The person who has signed in; empty for nobody."""
        return str(self._session["user"]) if self._session else ""

    async def ask(
        self,
        method: Method,
        path: str,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        *,
        after: int | None = None,
        once: str | None = None,
    ) -> Any:
        """The answer: decoded JSON, or text where the API gives a file. Raises Refused."""
        asked = {name: _text(value) for name, value in (query or {}).items() if value is not None}
        target = f"{path}?{urlencode(asked)}" if asked else path
        content = b"" if body is None else json.dumps(body, separators=(",", ":")).encode()
        until = time.monotonic() + self._patience
        while True:
            try:
                return await self._once(method, target, content, after, once)
            except Refused as refused:
                wait = min(refused.retry_after or 1.0, LONGEST_WAIT_SECONDS)
                if refused.status != 429 or time.monotonic() + wait > until:
                    raise
                await asyncio.sleep(wait)

    async def _once(self, method: Method, target: str, content: bytes, after: int | None, once: str | None) -> Any:
        fields = await self.credentials(method, target, content)
        fields |= {"Content-Type": "application/json"} if content else {}
        fields |= {"Cleartide-After": str(after)} if after is not None else {}
        fields |= {"Idempotency-Key": once} if once is not None else {}
        timeout = aiohttp.ClientTimeout(total=SECONDS)
        # lint: allow one-publish: an HTTP request
        request = self._http.request(
            method, f"{self.url}{target}", data=content or None, headers=fields, timeout=timeout, allow_redirects=False
        )
        async with request as answer:
            read = await answer.read()
            if answer.status < 300 or (answer.status == 503 and target == "/api/health"):
                return json.loads(read) if answer.content_type == "application/json" else _plain(answer, read)
            raise _refusal(answer, read)

    async def credentials(self, method: str, target: str, content: bytes = b"") -> dict[str, str]:
        """Header fields that say who asks."""
        if self._session is not None:
            if not target.startswith("/api/v1/auth/refresh"):
                await self._keep_fresh()
            return {"Authorization": f"Bearer {self._session['access_token']}"}
        return self._key.fields(method, target, content, time.time_ns() // 1_000_000) if self._key else {}

    async def _keep_fresh(self) -> None:
        """A refresh token is good once: of several requests one uses it."""
        async with self._refreshing:
            if self._session is None or time.monotonic() < self._fresh_until:
                return
            held, self._session = self._session, None
            body = json.dumps({"refresh_token": held["refresh_token"]}).encode()
            self.entered(await self._once("POST", "/api/v1/auth/refresh", body, None, None))


def _plain(answer: aiohttp.ClientResponse, read: bytes) -> str | bytes:
    return read.decode() if answer.content_type.startswith("text/") else read


def _refusal(answer: aiohttp.ClientResponse, read: bytes) -> Refused:
    wait = answer.headers.get("Retry-After", "")
    again = float(wait) if wait.isdigit() else None
    try:
        error = json.loads(read)["error"]
        return Refused(answer.status, error["code"], error["message"], error.get("detail"), again)
    except (ValueError, KeyError, TypeError):
        return Refused(answer.status, "unreadable", read[:200].decode(errors="replace"), None, again)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def given(fields: Json) -> Json:
    """Those that are said at all."""
    return {name: value for name, value in fields.items() if value is not None}


def part(value: str | int) -> str:
    """A value as one part of a path."""
    return quote(str(value), safe="")
