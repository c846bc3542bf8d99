"""Every request of the API becomes a row and a count. A request only leaves a note; a task of its own writes the notes.

The queue is bounded: what does not fit while the database is away or too slow is counted, in a metric and aloud in the
log, and not kept. A batch and its counts are one transaction, so that the counts are the log's own.
"""

import asyncio
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from itertools import islice
from time import monotonic
from typing import Any, Final, NamedTuple

import structlog
from cleartide.store.trouble import STORE_TROUBLE
from cleartide.store.truth import Before, Truth, TruthStore
from prometheus_client import CollectorRegistry, Counter

from services.gateway.identity.people import now_micros

log = structlog.get_logger()

MOST_WAITING: Final = 100_000
BATCH: Final = 2_000
EVERY_SECONDS: Final = 1.0
LAST_SECONDS: Final = 2.0
SWEEP_SECONDS: Final = 3_600.0
HOUR: Final = 3_600_000_000
LOG_KEPT: Final = 30 * 24 * HOUR
HOURS_KEPT: Final = 400 * 24 * HOUR
_LOG: Final = {
    "at": "bigint",
    "user_id": "text",
    "key_id": "text",
    "method": "text",
    "route": "text",
    "status": "integer",
    "micros": "bigint",
    "bytes_in": "bigint",
    "bytes_out": "bigint",
    "ip": "text",
    "error": "text",
}
_KEY: Final = {"hour": "bigint", "user_id": "text", "key_id": "text", "method": "text", "route": "text"}
_SUMS: Final = ("requests", "client_errors", "server_errors", "bytes_in", "bytes_out", "micros", "slowest")
_HOURS: Final = {**_KEY, **dict.fromkeys(_SUMS, "bigint")}


class Note(NamedTuple):
    """One request. `at` and `micros` in microseconds; `user` and `key` are empty where there is none."""

    at: int
    user: str
    key: str
    method: str
    route: str
    status: int
    micros: int
    bytes_in: int
    bytes_out: int
    ip: str
    error: str


class Meter:
    """Takes notes, and writes them down."""

    def __init__(self, store: TruthStore, registry: CollectorRegistry, most: int = MOST_WAITING) -> None:
        self._store, self._most = store, most
        self._waiting: deque[Note] = deque(maxlen=most)
        self._rung, self._swept, self._told = asyncio.Event(), float("-inf"), 0
        self.dropped = 0
        self._dropped = Counter(
            "cleartide_usage_dropped_total", "Requests without a row: the queue was full", registry=registry
        )
        self._written = Counter("cleartide_usage_written_total", "Requests in the usage log", registry=registry)

    def note(self, note: Note) -> None:
        """Keep one for the next batch; never waits."""
        if len(self._waiting) >= self._most:
            self.dropped += 1
            self._dropped.inc()
            return
        self._waiting.append(note)
        if len(self._waiting) == BATCH:
            self._rung.set()

    async def run(self) -> None:
        """Write batches until cancelled."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(EVERY_SECONDS):
                    await self._rung.wait()
            self._rung.clear()
            await self._turn()

    async def close(self) -> None:
        """After the last request: write what is left, if the database takes it at once."""
        with suppress(*STORE_TROUBLE):
            async with asyncio.timeout(LAST_SECONDS):
                await self.flush()

    async def _turn(self) -> None:
        try:
            await self.flush()
            if monotonic() - self._swept > SWEEP_SECONDS:
                await self._sweep()
        except STORE_TROUBLE as error:
            log.warning("usage_waits", waiting=len(self._waiting), error=f"{type(error).__name__} {error}"[:200])
        if self.dropped > self._told:
            log.error("usage_dropped", count=self.dropped - self._told, since_start=self.dropped)
            self._told = self.dropped

    async def flush(self) -> None:
        """Write what waits. What could not be written waits on."""
        while self._waiting:
            batch = [*islice(self._waiting, BATCH)]
            async with self._store.acting() as truth:
                await _write(truth, batch)
            for _ in batch:
                self._waiting.popleft()
            self._written.inc(len(batch))

    async def _sweep(self) -> None:
        self._swept, now = monotonic(), now_micros()
        async with self._store.acting() as truth:
            await truth.remove("request_log", {"at": Before(now - LOG_KEPT)})
            await truth.remove("usage_hours", {"hour": Before(now - HOURS_KEPT)})


async def _write(truth: Truth, batch: list[Note]) -> None:
    rows = [
        (n.at, n.user, n.key, n.method, n.route, n.status, n.micros, n.bytes_in, n.bytes_out, n.ip, n.error)
        for n in batch
    ]
    await truth.add_all("request_log", _LOG, rows)
    await truth.sum_up("usage_hours", _HOURS, counted(batch), key=tuple(_KEY), greatest=("slowest",))


def counted(batch: Iterable[Note]) -> list[tuple[Any, ...]]:
    """Sums by hour, person, key and route, in order of these, so that several gateways never wait for each other."""
    sums: dict[tuple[int, str, str, str, str], list[int]] = {}
    for note in batch:
        key = (note.at - note.at % HOUR, note.user, note.key, note.method, note.route)
        held = sums.setdefault(key, [0] * 7)
        held[0] += 1
        held[1] += 400 <= note.status < 500
        held[2] += note.status >= 500
        held[3] += note.bytes_in
        held[4] += note.bytes_out
        held[5] += note.micros
        held[6] = max(held[6], note.micros)
    return [(*key, *sums[key]) for key in sorted(sums)]
