"""Delivers webhooks: each endpoint by a task of its own, so that one that is slow or dead keeps nobody else waiting.

Within an endpoint one delivery is made at a time, the one due first. A delivery is marked after the answer; a process
that ends between the two delivers again, under the same id.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import aiohttp
import structlog
from cleartide.bus.together import end
from cleartide.store.trouble import STORE_TROUBLE
from cleartide.store.truth import Before, Row, Truth, TruthStore

from services.gateway.domain.webhooks import Policy, Standing, backoff, outcome_of
from services.gateway.identity.secret import Secrets, Unsealable
from services.gateway.notify import sealing, signing
from services.gateway.notify.addresses import GuardedResolver, Networks

log = structlog.get_logger()

ANSWER_SECONDS: Final = 10.0
ANSWER_BYTES: Final = 2_048
ENDPOINTS_AT_ONCE: Final = 256
DELIVERIES_IN_A_ROW: Final = 100
IDLE_SECONDS: Final = 0.5
RETRY_SECONDS: Final = 1.0
KEPT_MICROS: Final = 30 * 24 * 3_600 * 1_000_000
SWEEP_SECONDS: Final = 3_600.0

Clock = Callable[[], int]


def now_micros() -> int:
    """The time of this moment, UTC."""
    return time.time_ns() // 1_000


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one attempt; `status` null when nothing did."""

    status: int | None
    error: str


@asynccontextmanager
async def caller(networks: Networks, seconds: float = ANSWER_SECONDS) -> AsyncIterator[aiohttp.ClientSession]:
    """A session that reaches permitted addresses alone, each of them judged as it is connected to."""
    connector = aiohttp.TCPConnector(resolver=GuardedResolver(networks), use_dns_cache=False, limit=0)
    timeout = aiohttp.ClientTimeout(total=seconds)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as http:
        yield http


class Postman:
    """Makes the deliveries that are due."""

    def __init__(
        self,
        store: TruthStore,
        http: aiohttp.ClientSession,
        networks: Networks,
        *,
        policy: Policy,
        count: Callable[[str], None],
        clock: Clock = now_micros,
        installation: Secrets | None = None,
    ) -> None:
        self._store, self._http, self._networks = store, http, networks
        self._policy, self._count, self._clock = policy, count, clock
        self._installation = installation or Secrets(store)
        self._rounds: dict[str, asyncio.Task[None]] = {}
        self._swept = float("-inf")
        self.rung = asyncio.Event()

    async def run(self) -> None:
        """Deliver until cancelled."""
        try:
            while True:
                try:
                    await self.look()
                    await self._sweep()
                    async with asyncio.timeout(IDLE_SECONDS):
                        await self.rung.wait()
                    self.rung.clear()
                except TimeoutError:
                    continue
                except STORE_TROUBLE as error:
                    log.warning("webhooks_wait", error=f"{type(error).__name__} {error}"[:200])
                    await asyncio.sleep(RETRY_SECONDS)
        finally:
            await end(list(self._rounds.values()))

    async def look(self) -> None:
        """Begin a round for every endpoint that has something due and is not being served."""
        async with self._store.acting() as truth:
            due = await truth.fetch(
                "SELECT e.id FROM webhook_endpoints e WHERE e.state = 'active' AND e.resume_at <= $1 "
                "AND e.id <> ALL($2) AND EXISTS (SELECT FROM webhook_deliveries d WHERE d.endpoint_id = e.id "
                "AND d.state = 'pending' AND d.next_at <= $1) ORDER BY e.resume_at, e.id LIMIT $3",
                self._clock(),
                list(self._rounds),
                ENDPOINTS_AT_ONCE - len(self._rounds),
            )
        for row in due:
            task = self._rounds[row["id"]] = asyncio.create_task(self._round(row["id"]))
            task.add_done_callback(partial(self._ended, row["id"]))

    def _ended(self, endpoint: str, task: "asyncio.Task[None]") -> None:
        del self._rounds[endpoint]
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("webhook_round_failed", endpoint=endpoint, error=f"{type(error).__name__} {error}"[:200])
        self.rung.set()

    async def settled(self) -> None:
        """Wait until no round is under way."""
        while self._rounds:
            await asyncio.wait(list(self._rounds.values()))

    async def _round(self, endpoint: str) -> None:
        """Deliver what is due, until nothing is or an attempt fails."""
        for _ in range(DELIVERIES_IN_A_ROW):
            async with self._store.acting() as truth:
                row = await truth.first(
                    "SELECT d.id, d.endpoint_id, d.event_id, d.body, d.attempts, e.url, e.secret, "
                    "e.previous_secret, e.previous_until "
                    "FROM webhook_deliveries d JOIN webhook_endpoints e ON e.id = d.endpoint_id "
                    "WHERE d.endpoint_id = $1 AND d.state = 'pending' AND d.next_at <= $2 AND e.state = 'active' "
                    "ORDER BY d.next_at, d.id LIMIT 1",
                    endpoint,
                    self._clock(),
                )
            if row is None:
                return
            answer = await self._attempt(row)
            async with self._store.acting() as truth:
                delivered = await self._note(truth, endpoint, row, answer)
            if not delivered:
                return

    async def _attempt(self, row: Row) -> Answer:
        body, at = str(row["body"]).encode(), self._clock()
        try:
            secrets = await self._secrets(row, at)
        except Unsealable:
            return Answer(None, "the signing secret cannot be read: rotate it")
        fields = {
            "Content-Type": "application/json",
            "User-Agent": "Cleartide-Webhooks/1",
            "webhook-attempt": str(row["attempts"] + 1),
            **signing.headers(row["event_id"], at // 1_000_000, body, secrets),
        }
        try:
            self._networks.check(row["url"])
            async with self._http.post(row["url"], data=body, headers=fields, allow_redirects=False) as response:
                said = await response.content.read(ANSWER_BYTES)
                return Answer(
                    response.status, "" if response.ok else said[:200].decode(errors="replace").replace("\0", "")
                )
        except (aiohttp.ClientError, OSError, ValueError, TimeoutError) as error:
            return Answer(None, f"{type(error).__name__}: {error}"[:200])

    async def _secrets(self, row: Row, at: int) -> list[str]:
        """What signs now: the present secret, and for a day the one before it."""
        kept = [row["secret"]]
        if row["previous_secret"] and at < row["previous_until"]:
            kept.append(row["previous_secret"])
        return [await sealing.opened(self._installation, row["endpoint_id"], one) for one in kept]

    async def _note(self, truth: Truth, endpoint: str, row: Row, answer: Answer) -> bool:
        """Write down what came of it; whether it was delivered."""
        at, attempts = self._clock(), row["attempts"] + 1
        outcome = outcome_of(answer.status, attempts, self._policy)
        self._count(outcome)
        to: dict[str, Any] = {"attempts": attempts, "last_status": answer.status, "last_error": answer.error}
        if outcome == "delivered":
            to |= {"state": "delivered", "delivered_at": at}
        elif outcome == "retry":
            to |= {"next_at": at + backoff(attempts)}
        else:
            to |= {"state": "failed"}
        await truth.change("webhook_deliveries", {"id": row["id"]}, **to)
        held = await truth.first(
            "SELECT failures, failing_since, resume_at FROM webhook_endpoints WHERE id = $1 LIMIT 1", endpoint
        )
        if held is None:
            return False
        before = Standing(held["failures"], held["failing_since"], held["resume_at"])
        after = before.after(outcome, at)
        change: dict[str, Any] = {
            "failures": after.failures,
            "failing_since": after.failing_since,
            "resume_at": after.resume_at,
        }
        if outcome == "gone" or after.is_hopeless(self._policy, at):
            reason = "answered 410 Gone" if outcome == "gone" else f"{after.failures} attempts in a row failed"
            change |= {"state": "disabled", "reason": reason}
            log.warning("webhook_endpoint_disabled", endpoint=endpoint, reason=reason)
        if after != before or "state" in change:
            await truth.change("webhook_endpoints", {"id": endpoint}, **change)
        return outcome == "delivered"

    async def _sweep(self) -> None:
        """Forget what was settled long ago."""
        if time.monotonic() - self._swept < SWEEP_SECONDS:
            return
        self._swept, at = time.monotonic(), self._clock()
        async with self._store.acting() as truth:
            old = {"state": ["delivered", "failed"], "created_at": Before(at - KEPT_MICROS)}
            await truth.remove("webhook_deliveries", old)
            await truth.remove("notifications", {"expires_at": Before(at)})
