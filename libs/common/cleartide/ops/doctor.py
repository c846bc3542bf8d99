"""Checks of a system from outside, each with what to do when it fails. Nothing is changed, and no check waits long."""

import asyncio
import json
import os
import platform
import resource
import shutil
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, Literal, NamedTuple

import aiohttp
import asyncpg

from cleartide.bus.nats import ApiError, NatsBus
from cleartide.bus.streams import DEAD_LETTERS, SERVICES, STREAMS
from cleartide.connect import redis_client
from cleartide.ops.place import Place
from cleartide.ops.registry import migrations_folder
from cleartide.store.migrations import Migrator
from cleartide.store.names import quoted, role_of

State = Literal["ok", "warn", "fail"]
CHECK_SECONDS: Final = 8.0
WELL: Final = ("ready", "done")
"""States of a unit of the embedded stack: one that serves, and one whose work is finished."""
STOPPED: Final = "stopped"
NOT_TRIED: Final = (STOPPED, "crash loop")
"""States out of which a unit comes by hand alone."""
LEAST_DISK: Final = 2**30
LEAST_MEMORY: Final = 512 * 2**20
LEAST_FILES: Final = 1_024
MOST_CLOCK_SECONDS: Final = 1.0
MOST_PENDING: Final = 1_000
OLDEST_PRICE_SECONDS: Final = 60
OLDEST_TRANSACTION_SECONDS: Final = 300


class Finding(NamedTuple):
    """What a check found. `remedy`: what to do when it is not ok."""

    name: str
    state: State
    detail: str
    remedy: str


Result = tuple[State, str]
Check = Callable[[], Awaitable[Result]]


class Examination:
    """The checks of one system."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._progress: dict[str, dict[str, Any]] = {}

    def checks(self) -> list[tuple[str, Check, str]]:
        """(name, check, remedy) in the order in which people look for faults."""
        found: list[tuple[str, Check, str]] = [
            ("python", self._python, "install Python 3.11 or newer"),
            ("installation", self._installation, "start one with `make up` in its folder, or set CLEARTIDE_HOME"),
            ("supervisor", self._supervisor, self._starting_again()),
            ("passwords", self._passwords, "chmod 600 the secrets.json of the stack's folder"),
            ("disk", self._disk, "make room, or move the stack with CLEARTIDE_HOME"),
            ("memory", self._memory, "close something, or give the machine more memory"),
            ("open files", self._files, "raise it: `ulimit -n 4096`"),
            ("bus", self._bus, "`make ps`; docs/runbooks/nats-lost.md"),
            ("bus version", self._bus_version, "install the nats-server of requirements.lock: `make up` does"),
            ("streams", self._streams, "`make ops DO=setup` makes what is missing; docs/runbooks/nats-lost.md"),
            ("stream subjects", self._subjects, "`make ops DO=setup` brings them to what the code expects"),
            ("stream room", self._room, "give the bus more room, or shorten the retention of MARKET"),
            ("dead letters", self._dead, "docs/runbooks/dead-letters.md: `cleartide ops dead`, then --redrive"),
            ("database", self._database, "`make ps`, `make logs SERVICE=postgres`"),
            ("database version", self._database_version, "PostgreSQL 16 or newer is needed"),
            ("database durability", self._durability, "set fsync, full_page_writes and synchronous_commit to on"),
            ("schemas", self._schemas, "`make ops DO=setup`"),
            ("migrations", self._migrations, "`make ops DO=migrate`; `make ops DO=verify` says what differs"),
            ("connections", self._connections, "raise max_connections, or put a pooler in front"),
            ("old transactions", self._transactions, "end the session that pg_stat_activity shows"),
            ("clocks", self._clocks, "synchronise this machine's clock (chrony, ntpd)"),
            ("outboxes", self._outboxes, "docs/runbooks/crash-loop.md: a service commits and cannot publish"),
            ("cache", self._cache, "`make ps`; without it limits and caches are bypassed"),
        ]
        found += [(name, self._service(name), self._mending(name)) for name in SERVICES]
        return [
            *found,
            ("lag", self._lag, "`make ps`, `make logs`; docs/runbooks/standby.md where it stays"),
            ("gaps", self._gaps, "docs/runbooks/rebuild.md: a service has missed messages and read them again"),
            ("restarts", self._restarts, "docs/runbooks/crash-loop.md"),
            ("api", self._api, "`make logs SERVICE=gateway`"),
            (
                "prices",
                self._prices,
                "`make logs SERVICE=ingestor`: the venues are not heard; FEED and SANDBOX say which",
            ),
        ]

    def _state_of(self, name: str) -> str:
        return next((str(unit.get("state")) for unit in self._place.units if unit["name"] == name), "")

    def _mending(self, name: str) -> str:
        """What to do about a service that does not answer."""
        if self._state_of(name) == STOPPED:
            return f"it was stopped by hand: `make start SERVICE={name}`"
        return f"`make logs SERVICE={name}`, then `make start SERVICE={name}`; docs/runbooks/crash-loop.md"

    def _starting_again(self) -> str:
        down = [unit["name"] for unit in self._place.units if unit.get("state") in NOT_TRIED]
        starts = ", ".join(f"`make start SERVICE={name}`" for name in down)
        return f"`make logs SERVICE=<name>` says why; {starts or 'wait, `make ps` shows how far they are'}"

    async def _python(self) -> Result:
        return ("ok" if sys.version_info >= (3, 11) else "fail", platform.python_version())

    async def _installation(self) -> Result:
        if self._place.home is not None:
            return "ok", str(self._place.home)
        return ("warn", "addresses from the environment alone") if self._place.nats else ("fail", "none found")

    async def _supervisor(self) -> Result:
        units = self._place.units
        bad = [f"{unit['name']} {unit.get('state')}" for unit in units if unit.get("state") not in WELL]
        if not units:
            return "warn", "not of the embedded kind: whoever runs the services knows"
        return ("fail", ", ".join(bad)) if bad else ("ok", f"{len(units)} units are ready")

    async def _passwords(self) -> Result:
        if self._place.home is None:
            return "ok", "none in a folder"
        mode = (self._place.home / "secrets.json").stat().st_mode & 0o077
        return ("fail", f"others may read them: {mode:03o}") if mode else ("ok", "readable by their owner alone")

    async def _disk(self) -> Result:
        free = shutil.disk_usage(self._place.home or ".").free
        return ("ok" if free >= LEAST_DISK else "fail", f"{free / 2**30:.1f} GiB free")

    async def _memory(self) -> Result:
        pages = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        return ("ok" if pages >= LEAST_MEMORY else "warn", f"{pages / 2**20:.0f} MiB free")

    async def _files(self) -> Result:
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        return ("ok" if soft >= LEAST_FILES or soft < 0 else "warn", f"{soft} per process")

    async def _bus(self) -> Result:
        async with self._place.bus("operator") as client:
            started = time.perf_counter()
            await client.flush()
            return "ok", f"answers in {(time.perf_counter() - started) * 1000:.1f} ms"

    async def _bus_version(self) -> Result:
        async with self._place.bus("operator") as client:
            version = client.connected_server_version
        return (
            "ok" if (version.major, version.minor) >= (2, 12) else "fail",
            f"{version.major}.{version.minor}.{version.patch}",
        )

    async def _infos(self) -> dict[str, dict[str, Any]]:
        async with self._place.bus("operator") as client:
            bus, found = NatsBus(client), {}
            for stream in STREAMS:
                try:
                    found[stream.name] = await bus.api(f"STREAM.INFO.{stream.name}")
                except ApiError:
                    continue
            return found

    async def _streams(self) -> Result:
        found = await self._infos()
        missing = [stream.name for stream in STREAMS if stream.name not in found]
        return ("fail", f"missing: {', '.join(missing)}") if missing else ("ok", f"all {len(STREAMS)} are there")

    async def _subjects(self) -> Result:
        found = await self._infos()
        wrong = [
            stream.name
            for stream in STREAMS
            if stream.name in found and set(found[stream.name]["config"]["subjects"]) != set(stream.subjects)
        ]
        return ("fail", f"different: {', '.join(wrong)}") if wrong else ("ok", "as the code expects")

    async def _room(self) -> Result:
        full = [
            f"{name} {info['state']['bytes'] * 100 // info['config']['max_bytes']} %"
            for name, info in (await self._infos()).items()
            if info["config"].get("max_bytes", -1) > 0 and info["state"]["bytes"] > 0.8 * info["config"]["max_bytes"]
        ]
        return ("warn", ", ".join(full)) if full else ("ok", "every stream is below 80 % of its limit")

    async def _dead(self) -> Result:
        async with self._place.bus("operator") as client:
            info = await NatsBus(client).api(f"STREAM.INFO.{DEAD_LETTERS.name}")
        count = info["state"]["messages"]
        return ("warn", f"{count} messages were refused") if count else ("ok", "none")

    async def _row(self, query: str) -> Any:
        connection = await asyncpg.connect(self._place.admin_dsn, timeout=CHECK_SECONDS)
        try:
            return await connection.fetchrow(query, timeout=CHECK_SECONDS)
        finally:
            await connection.close()

    async def _database(self) -> Result:
        if not self._place.admin_dsn:
            return "fail", "no address: set CLEARTIDE_ADMIN_DSN"
        started = time.perf_counter()
        await self._row("SELECT 1")
        return "ok", f"connects and answers in {(time.perf_counter() - started) * 1000:.1f} ms"

    async def _database_version(self) -> Result:
        number = int((await self._row("SELECT current_setting('server_version_num')"))[0])
        return ("ok" if number >= 160_000 else "fail", f"{number // 10_000}.{number % 10_000}")

    async def _durability(self) -> Result:
        names = ("fsync", "full_page_writes", "synchronous_commit")
        row = await self._row("SELECT " + ", ".join(f"current_setting('{name}')" for name in names))
        off = [name for name, value in zip(names, row, strict=True) if value == "off"]
        return ("fail", f"off: {', '.join(off)}") if off else ("ok", "a commit is on disk")

    async def _schemas(self) -> Result:
        row = await self._row("SELECT array_agg(nspname::text) FROM pg_namespace")
        missing = [name for name in SERVICES if name not in row[0]]
        return ("fail", f"missing: {', '.join(missing)}") if missing else ("ok", f"all {len(SERVICES)} are there")

    async def _migrations(self) -> Result:
        wrong = []
        for name in SERVICES:
            migrator = Migrator(self._place.admin_dsn, name, role_of(name), [migrations_folder(name)])
            wrong += [
                f"{name} {line.version} {line.state}" for line in await migrator.status() if line.state != "applied"
            ]
        return ("fail", ", ".join(wrong[:5])) if wrong else ("ok", "all applied and unchanged")

    async def _connections(self) -> Result:
        row = await self._row("SELECT count(*), current_setting('max_connections')::int FROM pg_stat_activity")
        return ("ok" if row[0] < 0.8 * row[1] else "warn", f"{row[0]} of {row[1]}")

    async def _transactions(self) -> Result:
        row = await self._row(
            "SELECT coalesce(extract(epoch FROM max(now() - xact_start)), 0)::bigint FROM pg_stat_activity "
            "WHERE state <> 'idle' AND backend_type = 'client backend'"
        )
        return ("ok" if row[0] <= OLDEST_TRANSACTION_SECONDS else "warn", f"the oldest is {row[0]} s old")

    async def _clocks(self) -> Result:
        before = time.time()
        row = await self._row("SELECT extract(epoch FROM clock_timestamp())::float8")
        off = max(before - row[0], row[0] - time.time(), 0.0)
        return (
            "ok" if off <= MOST_CLOCK_SECONDS else "warn",
            f"{off * 1000:.0f} ms between this machine and the database",
        )

    async def _outboxes(self) -> Result:
        waiting = {}
        for name in SERVICES:
            query = f"SELECT coalesce(sum(last_seq - published_seq), 0) FROM {quoted(name)}.outbox_position"  # noqa: S608
            if (count := int((await self._row(query))[0])) > MOST_PENDING:
                waiting[name] = count
        text = ", ".join(f"{name} {count}" for name, count in waiting.items())
        return ("warn", f"not known to be published: {text}") if waiting else ("ok", "what is committed is published")

    async def _cache(self) -> Result:
        if not self._place.redis_url:
            return "warn", "not configured"
        redis = redis_client(self._place.redis_url)
        try:
            started = time.perf_counter()
            await redis.ping()
            return "ok", f"answers in {(time.perf_counter() - started) * 1000:.1f} ms"
        finally:
            await redis.aclose()

    def _service(self, name: str) -> Check:
        async def check() -> Result:
            if self._state_of(name) in NOT_TRIED:
                return "fail", self._state_of(name)
            if (url := self._place.health.get(name)) is None:
                return "fail", "no address: set CLEARTIDE_SERVICE_URLS"
            progress = self._progress[name] = await _get(f"{url}/health/progress")
            if not progress.get("ready"):
                return "fail", f"{progress.get('phase')}: {progress.get('last_error')}"
            return "ok", f"at {progress['position']} of {progress['stream']}, {progress['pending']} waiting"

        return check

    async def _lag(self) -> Result:
        behind = [f"{name} {one['pending']}" for name, one in self._progress.items() if one["pending"] > MOST_PENDING]
        return ("warn", f"behind: {', '.join(behind)}") if behind else self._of_services("nobody is behind")

    async def _gaps(self) -> Result:
        found = [f"{name} {one['gaps']}" for name, one in self._progress.items() if one["gaps"]]
        return ("warn", ", ".join(found)) if found else self._of_services("none since the start")

    async def _restarts(self) -> Result:
        found = [f"{name} {one['restarts']}" for name, one in self._progress.items() if one["restarts"]]
        return ("warn", ", ".join(found)) if found else self._of_services("no service began again")

    def _of_services(self, text: str) -> Result:
        return ("ok", text) if self._progress else ("fail", "no service has answered")

    async def _api(self) -> Result:
        if not self._place.gateway:
            return "warn", "no address: set CLEARTIDE_GATEWAY_URL"
        health = await _get(f"{self._place.gateway}/api/health")
        away = [f"{line['name']} {line['status']}" for line in health["dependencies"] if line["status"] != "up"]
        return (
            "fail" if health["status"] == "down" else "warn" if away else "ok",
            ", ".join(away) or "everything is up",
        )

    async def _prices(self) -> Result:
        async with self._place.bus("operator") as client:
            reply = await client.request("query.matching.markets", b"{}", timeout=CHECK_SECONDS)
        markets = json.loads(reply.data)["data"]["markets"]
        if not markets:
            return "warn", "no market is listed"
        now = time.time() * 1e6
        old = [one["market"] for one in markets if now - (one["priced_at"] or 0) > OLDEST_PRICE_SECONDS * 1e6]
        return (
            ("warn", f"older than a minute: {', '.join(old[:5])}")
            if old
            else ("ok", f"{len(markets)} of {len(markets)} are fresh")
        )


async def _get(url: str) -> dict[str, Any]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(CHECK_SECONDS)) as http, http.get(url) as response:
        found: dict[str, Any] = await response.json(content_type=None)
        return found


async def examine(place: Place) -> Sequence[Finding]:
    """Every check, one after the other; one that cannot be made has failed, with the reason."""
    findings = []
    for name, check, remedy in Examination(place).checks():
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                state, detail = await check()
        except Exception as error:
            state, detail = "fail", f"{type(error).__name__}: {error}"[:160].rstrip(": ")
        findings.append(Finding(name, state, detail, remedy))
    return findings
