"""Health of everything the gateway stands on, each asked at once and cut off when it is silent for too long.

200: all up. 207: something optional is down or behind; answers may be missing or old. 503: something required is down.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Final, Literal

import aiohttp
import asyncpg
from cleartide.answers.shapes import DependencyHealth, HealthReport
from cleartide.bus.streams import SERVICES
from nats.aio.client import Client
from redis.asyncio import Redis

from services.gateway.edge.silence import within

REQUIRED: Final = frozenset({"postgres", "nats", "matching", "risk"})
State = Literal["up", "degraded", "down"]
Check = Callable[[], Awaitable["Finding"]]


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found: degraded = it answers, but it is not ready."""

    state: State
    detail: str = ""
    progress: dict[str, Any] | None = None


class HealthChecks:
    """Asks every dependency."""

    def __init__(
        self,
        *,
        pool: "asyncpg.Pool[Any]",
        nats: Client,
        redis: "Redis | None",
        http: aiohttp.ClientSession,
        service_urls: Mapping[str, str],
        timeout_seconds: float,
    ) -> None:
        self._pool, self._nats, self._redis, self._http = pool, nats, redis, http
        self._urls, self._timeout = service_urls, timeout_seconds
        self._services = (*SERVICES, *sorted(set(service_urls) - set(SERVICES)))

    async def report(self) -> tuple[int, HealthReport]:
        """HTTP status and body."""
        checks: dict[str, Check] = {"postgres": self._postgres, "nats": self._bus, "redis": self._cache}
        checks |= {name: self._service_check(name) for name in self._services}
        found = await asyncio.gather(*(self._timed(name, check) for name, check in checks.items()))
        dependencies = [line for line, _ in found]
        status = overall(dependencies)
        word = {200: "up", 207: "degraded", 503: "down"}[status]
        return status, HealthReport(status=word, dependencies=dependencies)

    async def progress(self) -> list[dict[str, Any]]:
        """Every service's own figures; `reachable` false where it does not answer."""
        found = await asyncio.gather(*(self._timed(name, self._service_check(name)) for name in self._services))
        return [
            {
                "service": line["name"],
                "reachable": finding.progress is not None,
                "latency_ms": line["latency_ms"],
                "detail": line["detail"],
                **(finding.progress or {}),
            }
            for line, finding in found
        ]

    async def _timed(self, name: str, check: Check) -> tuple[DependencyHealth, Finding]:
        started = perf_counter()
        try:
            async with within(self._timeout):
                finding = await check()
        except TimeoutError:
            finding = Finding("down", f"no answer within {self._timeout:g} s")
        except Exception as error:
            finding = Finding("down", f"{type(error).__name__}: {error}"[:200])
        line = DependencyHealth(
            name=name,
            status=finding.state,
            required=name in REQUIRED,
            latency_ms=round((perf_counter() - started) * 1000, 2),
            detail=finding.detail,
        )
        return line, finding

    async def _postgres(self) -> Finding:
        await self._pool.fetchval("SELECT 1")
        return Finding("up")

    async def _bus(self) -> Finding:
        if not self._nats.is_connected:
            return Finding("down", "reconnecting")
        await self._nats.flush()
        return Finding("up")

    async def _cache(self) -> Finding:
        if self._redis is None:
            return Finding("degraded", "not configured: no response cache, no rate limit")
        await self._redis.ping()
        return Finding("up")

    def _service_check(self, name: str) -> Check:
        async def check() -> Finding:
            url = self._urls.get(name)
            if url is None:
                return Finding("down", "no address in CLEARTIDE_SERVICE_URLS")
            async with self._http.get(f"{url.rstrip('/')}/health/progress") as response:
                progress: dict[str, Any] = await response.json()
            if progress.get("ready"):
                return Finding("up", progress=progress)
            return Finding("degraded", f"{progress.get('phase')}: {progress.get('last_error')}", progress)

        return check


def overall(dependencies: list[DependencyHealth]) -> int:
    """The status code of the whole: 503, 207 or 200."""
    if any(line["required"] and line["status"] == "down" for line in dependencies):
        return 503
    return 200 if all(line["status"] == "up" for line in dependencies) else 207
