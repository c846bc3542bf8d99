"""One key, one effect: the first request with an Idempotency-Key runs, whatever comes at once or again gets its answer.

The key belongs to a person and a route, so nobody meets another's. The first of many at once is chosen by the primary
key of a row; the answer is kept for a day, sealed, since it may hold a secret. What failed on our side is not kept. Who
died at work gives way after LEASE_SECONDS; then the command's own id, which is made of the key, keeps it single.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from cleartide.store.truth import Before, Row, TruthStore

from services.gateway.edge.errors import ApiError
from services.gateway.identity.people import now_micros
from services.gateway.identity.secret import Secrets

KEPT_SECONDS: Final = 86_400
LEASE_SECONDS: Final = 30
WAIT_SECONDS: Final = 10.0
LOOK_SECONDS: Final = 0.1
RUN_SECONDS: Final = 20.0
"""Less than the lease: nobody takes over from one who is still at work."""
SECOND: Final = 1_000_000
NOT_KEPT: Final = frozenset({401, 403, 408, 425, 429})
"""Answers about the asker and the moment: the same request may be answered otherwise a little later."""


@dataclass(frozen=True)
class Answer:
    """What a client was told."""

    status: int
    content_type: str
    body: bytes
    replayed: bool = False


@dataclass(frozen=True)
class Place:
    """Whose key on which route, and what the request was."""

    user: str
    route: str
    key: str
    fingerprint: bytes

    @property
    def where(self) -> dict[str, Any]:
        """The row's key."""
        return {"user_id": self.user, "route": self.route, "key": self.key}

    @property
    def ident(self) -> str:
        """A name for what the request does, the same each time."""
        return hashlib.sha256("\n".join((self.user, self.route, self.key)).encode()).hexdigest()[:32]


Run = Callable[[], Awaitable[Answer]]
Name = tuple[str, str, str]


@dataclass
class _Running:
    """A request of this process at work. Those who wait for it take its answer, without asking the database each."""

    fingerprint: bytes
    done: asyncio.Event
    answer: Answer | None = None


class Idempotency:
    """Runs requests once."""

    def __init__(self, truth: TruthStore, installation: Secrets) -> None:
        self._truth, self._installation = truth, installation
        self._running: dict[Name, _Running] = {}

    async def once(self, place: Place, run: Run) -> Answer:
        """The answer of the first request with this key. ApiError 422 for another body, 409 while it is at work."""
        loop = asyncio.get_running_loop()
        give_up, name = loop.time() + WAIT_SECONDS, (place.user, place.route, place.key)
        while loop.time() < give_up:
            if (running := self._running.get(name)) is None:
                if (answer := await self._try(place, run, name)) is not None:
                    return answer
                await asyncio.sleep(LOOK_SECONDS)
                continue
            await _done(running.done, give_up - loop.time())
            if running.answer is not None:
                _require_same(running.fingerprint, place.fingerprint)
                return replace(running.answer, replayed=True)
        raise ApiError(409, "request_in_progress", "The first request with this key is still at work.")

    async def _try(self, place: Place, run: Run, name: Name) -> Answer | None:
        """Run it if it is ours to run, or read what was answered; None while another process works on it."""
        running = self._running[name] = _Running(place.fingerprint, asyncio.Event())
        try:
            answer = await self._run(place, run) if await self._claim(place) else await self._answered(place)
            if answer is not None and _is_kept(answer):
                running.answer = answer
            return answer
        finally:
            del self._running[name]
            running.done.set()

    async def _claim(self, place: Place) -> bool:
        now = now_micros()
        terms = {
            "fingerprint": place.fingerprint,
            "lease_until": now + LEASE_SECONDS * SECOND,
            "expires_at": now + KEPT_SECONDS * SECOND,
        }
        async with self._truth.acting() as truth:
            await truth.remove("idempotency_keys", {**place.where, "expires_at": Before(now)})
            if await truth.add_new("idempotency_keys", **place.where, **terms):
                return True
            abandoned = {**place.where, "answered_at": None, "lease_until": Before(now)}
            same = {**abandoned, "fingerprint": place.fingerprint}
            return bool(await truth.change("idempotency_keys", same, lease_until=terms["lease_until"]))

    async def _run(self, place: Place, run: Run) -> Answer:
        try:
            async with asyncio.timeout(RUN_SECONDS):
                answer = await run()
        except BaseException:
            await asyncio.shield(self._release(place))
            raise
        if not _is_kept(answer):
            await self._release(place)
        else:
            sealed = await self._installation.seal(answer.body, f"answer:{place.ident}")
            said = {"status": answer.status, "content_type": answer.content_type, "body": sealed}
            async with self._truth.acting() as truth:
                await truth.change("idempotency_keys", place.where, answered_at=now_micros(), **said)
        return answer

    async def _release(self, place: Place) -> None:
        async with self._truth.acting() as truth:
            await truth.remove("idempotency_keys", {**place.where, "answered_at": None})

    async def _answered(self, place: Place) -> Answer | None:
        async with self._truth.acting() as truth:
            row: Row | None = await truth.first(
                "SELECT fingerprint, answered_at, status, content_type, body FROM idempotency_keys "
                "WHERE user_id = $1 AND route = $2 AND key = $3 LIMIT 1",
                place.user,
                place.route,
                place.key,
            )
        if row is None:
            return None
        _require_same(row["fingerprint"], place.fingerprint)
        if row["answered_at"] is None:
            return None
        body = await self._installation.unseal(row["body"], f"answer:{place.ident}")
        return Answer(row["status"], row["content_type"], body, replayed=True)


def fingerprint(method: str, target: str, body: bytes, headers: Mapping[str, str]) -> bytes:
    """What makes two requests the same one."""
    parts = (method, target, headers.get("content-type", "").partition(";")[0].strip().lower())
    return hashlib.sha256("\n".join(parts).encode() + b"\n" + body).digest()


def _is_kept(answer: Answer) -> bool:
    return answer.status < 500 and answer.status not in NOT_KEPT


def _require_same(first: bytes, now: bytes) -> None:
    if first != now:
        raise ApiError(422, "idempotency_key_reused", "This Idempotency-Key was used for another request.")


async def _done(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(max(seconds, 0)):
            await event.wait()
    except TimeoutError:
        return
