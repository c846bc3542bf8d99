"""GET requests to a venue that counts them: one budget per address, obedience to 429 and 418, retries for ever."""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from typing import Final

import aiohttp
import structlog

from services.ingestor.transport.backoff import Backoff

log = structlog.get_logger()
LIMIT_STATUSES: Final = (418, 429)
DEFAULT_PAUSE_SECONDS: Final = 60.0
LONGEST_PAUSE_SECONDS: Final = 3 * 24 * 3600.0
TIMEOUT: Final = aiohttp.ClientTimeout(total=10)
WEIGHT_HEADER: Final = "X-MBX-USED-WEIGHT-1M"
MAX_BODY_BYTES: Final = 16 * 2**20


class VenueRefused(Exception):  # noqa: N818 - the venue's verdict, not a fault of the line
    """The venue answered that the request itself is wrong; repeating it would not help."""


class VenueRest:
    """Reads a venue's REST endpoints. `weight_limit` is what the venue allows a minute; we stop at nine tenths."""

    def __init__(self, session: aiohttp.ClientSession, base_url: str, weight_limit: int = 2_400) -> None:
        self._session = session
        self._base_url = base_url.rstrip("/")
        self._weight_limit = weight_limit
        self._resume_at = 0.0
        self.counts: Counter[str] = Counter()

    async def get(self, path: str, parameters: Mapping[str, str | int] | None = None) -> bytes:
        """The body of a 200 answer. Waits out limits and outages; raises VenueRefused on any other 4xx."""
        backoff = Backoff()
        while True:
            await asyncio.sleep(max(0.0, self._resume_at - time.monotonic()))
            self.counts["requests"] += 1
            try:
                body = await self._try(path, parameters)
            except (aiohttp.ClientError, TimeoutError) as error:
                self.counts["failures"] += 1
                delay = backoff.next_delay()
                log.warning("venue_request_failed", path=path, error=repr(error)[:200], retry_seconds=delay)
                await asyncio.sleep(delay)
                continue
            if body is not None:
                return body

    async def _try(self, path: str, parameters: Mapping[str, str | int] | None) -> bytes | None:
        url = f"{self._base_url}{path}"
        async with self._session.get(url, params=parameters, timeout=TIMEOUT) as response:
            if response.status in LIMIT_STATUSES:
                self._pause(_retry_after(response.headers.get("Retry-After")), response.status)
                return None
            body = await response.content.read(MAX_BODY_BYTES)
            if 400 <= response.status < 500:
                raise VenueRefused(f"{response.status} {path}: {body[:200]!r}")
            response.raise_for_status()
            while chunk := await response.content.read(MAX_BODY_BYTES):
                body += chunk
            self._mind_budget(response.headers.get(WEIGHT_HEADER, ""))
            return body

    def _mind_budget(self, used: str) -> None:
        if used.isdigit() and int(used) * 10 >= self._weight_limit * 9:
            self._pause(60.0 - time.time() % 60.0, 200)

    def _pause(self, seconds: float, status: int) -> None:
        self.counts["pauses"] += 1
        self._resume_at = max(self._resume_at, time.monotonic() + seconds)
        log.warning("venue_limit", status=status, pause_seconds=seconds)


def _retry_after(text: str | None) -> float:
    if text is None or not text.strip().isdigit():
        return DEFAULT_PAUSE_SECONDS
    return min(float(text), LONGEST_PAUSE_SECONDS)
