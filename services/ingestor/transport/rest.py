"""GET requests to a venue that counts them: one budget per address, obedience to 429 and 418, retries for ever."""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Sequence
from typing import Final

import aiohttp
import structlog

from services.ingestor.adapters.protocol import Request
from services.ingestor.adapters.venue import RateLimit
from services.ingestor.transport.backoff import Backoff

log = structlog.get_logger()
LIMIT_STATUSES: Final = (418, 429)
DEFAULT_PAUSE_SECONDS: Final = 60.0
LONGEST_PAUSE_SECONDS: Final = 3 * 24 * 3600.0
TIMEOUT: Final = aiohttp.ClientTimeout(total=10)
JSON: Final = {"Content-Type": "application/json"}
MAX_BODY_BYTES: Final = 16 * 2**20


class VenueRefused(Exception):  # noqa: N818 - the venue's verdict, not a fault of the line
    """The venue answered that the request itself is wrong; repeating it would not help."""


class Window:
    """The weight spent in the last `seconds` of one limit."""

    def __init__(self, limit: RateLimit) -> None:
        self.seconds = limit.seconds
        self._budget = max(1, limit.weight * 9 // 10)
        # lint: allow bounded-queue: `wait` lets in no more than the budget within the window
        self._spent: deque[tuple[float, int]] = deque()
        self._total = 0

    def is_nearly_used(self, used: int) -> bool:
        """Whether this much of the venue's limit leaves nothing that we would use."""
        return used >= self._budget

    def wait(self, weight: int, now: float) -> float:
        """Seconds from `now`, monotonic, until `weight` fits."""
        while self._spent and self._spent[0][0] <= now - self.seconds:
            self._total -= self._spent.popleft()[1]
        if not self._spent or self._total + weight <= self._budget:
            return 0.0
        return self._spent[0][0] + self.seconds - now

    def spend(self, weight: int, now: float) -> None:
        """A request of this weight goes out."""
        self._spent.append((now, weight))
        self._total += weight


class VenueRest:
    """Reads a venue's REST endpoints within its limits; nine tenths of each are used.

    Where the venue says in `used_weight_header` how much of its first limit is used, that is what counts.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        base_url: str,
        limits: Sequence[RateLimit] = (),
        used_weight_header: str = "",
    ) -> None:
        self._session = session
        self._base_url = base_url.rstrip("/")
        self._windows = [Window(limit) for limit in limits]
        self._used_weight_header = used_weight_header
        self._resume_at = 0.0
        self.counts: Counter[str] = Counter()

    async def ask(self, request: Request) -> bytes:
        """The body of a 200 answer. Waits out limits and outages; raises VenueRefused on any other 4xx."""
        backoff = Backoff()
        while True:
            await self._turn(request.weight)
            self.counts["requests"] += 1
            try:
                body = await self._try(request)
            except (aiohttp.ClientError, TimeoutError) as error:
                self.counts["failures"] += 1
                delay, said = backoff.next_delay(), (str(error) or type(error).__name__)[:200]
                log.warning("venue_request_failed", path=request.path, error=said, retry_seconds=delay)
                await asyncio.sleep(delay)
                continue
            if body is not None:
                return body

    async def _turn(self, weight: int) -> None:
        """Wait until the venue may be asked again, and count the request in every window."""
        while True:
            now = time.monotonic()
            pause = max(self._resume_at - now, *(window.wait(weight, now) for window in self._windows), 0.0)
            if not pause:
                break
            await asyncio.sleep(pause)
        for window in self._windows:
            window.spend(weight, now)

    async def _try(self, request: Request) -> bytes | None:
        url = f"{self._base_url}{request.path}"
        parameters, method = request.parameters, request.method
        headers = JSON if request.body else None
        # lint: allow one-publish: an HTTP request
        async with self._session.request(
            method, url, params=parameters, data=request.body or None, headers=headers, timeout=TIMEOUT
        ) as response:
            if response.status in LIMIT_STATUSES:
                self._pause(_retry_after(response.headers.get("Retry-After")), response.status)
                return None
            body = await response.content.read(MAX_BODY_BYTES)
            if 400 <= response.status < 500:
                raise VenueRefused(f"{response.status} {request.path}: {body[:200]!r}")
            response.raise_for_status()
            while chunk := await response.content.read(MAX_BODY_BYTES):
                body += chunk
            self._mind_budget(response.headers.get(self._used_weight_header, ""))
            return body

    def _mind_budget(self, used: str) -> None:
        if self._windows and used.isdigit() and self._windows[0].is_nearly_used(int(used)):
            seconds = self._windows[0].seconds
            self._pause(seconds - time.time() % seconds, 200)

    def _pause(self, seconds: float, status: int) -> None:
        self.counts["pauses"] += 1
        self._resume_at = max(self._resume_at, time.monotonic() + seconds)
        log.warning("venue_limit", status=status, pause_seconds=seconds)


def _retry_after(text: str | None) -> float:
    if text is None or not text.strip().isdigit():
        return DEFAULT_PAUSE_SECONDS
    return min(float(text), LONGEST_PAUSE_SECONDS)
