"""SQL migrations in dbmate's file format: one history table per schema, checksums, an advisory lock, time-outs.

`<version>_<name>.sql` holds `-- migrate:up` and `-- migrate:down` blocks; `transaction:false` after a marker runs the
block outside a transaction. Files are applied in order of version; an applied file never changes again.
"""

import asyncio
import hashlib
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import asyncpg

from cleartide.store.names import quoted

LIBRARY_MIGRATIONS: Final = Path(__file__).parent / "migrations"
LOCK_WAIT_SECONDS: Final = 600.0
LOCK_POLL_SECONDS: Final = 0.05
LOCK_TIMEOUT: Final = "5s"
STATEMENT_TIMEOUT: Final = "300s"
_FILE = re.compile(r"^(\d+)_([a-z0-9_]+)\.sql$")
_UP = re.compile(r"^--\s*migrate:up\b(.*)$", re.MULTILINE)
_DOWN = re.compile(r"^--\s*migrate:down\b.*$", re.MULTILINE)
_HISTORY = """CREATE TABLE IF NOT EXISTS schema_migrations (
    version     text PRIMARY KEY,
    name        text NOT NULL DEFAULT '',
    checksum    text NOT NULL DEFAULT '',
    applied_at  timestamptz NOT NULL DEFAULT now()
)"""

State = Literal["applied", "pending", "changed", "missing"]


class MigrationError(Exception):
    """A migration file or the history is not what it must be; the message says which and why."""


@dataclass(frozen=True)
class Migration:
    """One file."""

    version: str
    name: str
    up: str
    transactional: bool
    checksum: str


@dataclass(frozen=True)
class MigrationStatus:
    """One line of `status`."""

    version: str
    name: str
    state: State


def read_migrations(folders: Sequence[Path]) -> list[Migration]:
    """Every migration of the folders, in order of version; bad names and doubled versions are refused."""
    found: dict[str, Migration] = {}
    for folder in folders:
        for path in sorted(folder.glob("*.sql")):
            migration = parse_migration(path.name, path.read_text(encoding="utf-8"))
            if migration.version in found:
                raise MigrationError(f"{path.name}: version {migration.version} exists twice")
            found[migration.version] = migration
    return [found[version] for version in sorted(found)]


def parse_migration(filename: str, text: str) -> Migration:
    """One file's text to a migration."""
    named = _FILE.match(filename)
    up = _UP.search(text)
    if named is None:
        raise MigrationError(f"{filename}: expected <version>_<name>.sql")
    if up is None:
        raise MigrationError(f"{filename}: has no '-- migrate:up'")
    down = _DOWN.search(text, up.end())
    body = text[up.end() : down.start() if down else len(text)].strip()
    if not body:
        raise MigrationError(f"{filename}: '-- migrate:up' is empty")
    return Migration(
        version=named[1],
        name=named[2],
        up=body,
        transactional="transaction:false" not in up[1],
        checksum=hashlib.sha256(text.encode()).hexdigest(),
    )


class Migrator:
    """Brings one schema to the state of its files. The objects belong to the schema's role."""

    def __init__(self, dsn: str, schema: str, role: str, folders: Sequence[Path]) -> None:
        self._dsn, self._schema, self._role = dsn, schema, role
        self._migrations = read_migrations([LIBRARY_MIGRATIONS, *folders])

    async def migrate(self) -> list[Migration]:
        """Apply what is pending, one after the other under the schema's lock; returns what was applied."""
        connection = await asyncpg.connect(self._dsn)
        try:
            await self._lock(connection)
            await self._enter(connection)
            await connection.execute(_HISTORY)
            return await self._apply_pending(connection)
        finally:
            await connection.close()

    async def status(self) -> list[MigrationStatus]:
        """Every known migration with its state, files first, then what the history holds without a file."""
        connection = await asyncpg.connect(self._dsn)
        try:
            await self._enter(connection)
            return self._compare(await self._history(connection))
        finally:
            await connection.close()

    async def verify(self) -> None:
        """Raise MigrationError unless every file is applied unchanged and nothing else is."""
        wrong = [line for line in await self.status() if line.state != "applied"]
        if wrong:
            listed = ", ".join(f"{line.version}_{line.name} is {line.state}" for line in wrong)
            raise MigrationError(f"schema {self._schema}: {listed}")

    async def _lock(self, connection: "asyncpg.Connection[Any]") -> None:
        """Take the schema's lock for this session. Asked for again and again, never waited for inside a statement:

        CREATE INDEX CONCURRENTLY waits for every running statement, so a waiting one would wait for itself.
        """
        deadline = time.monotonic() + LOCK_WAIT_SECONDS
        name = f"cleartide-migrate-{self._schema}"
        while not await connection.fetchval("SELECT pg_try_advisory_lock(hashtext($1))", name):
            if time.monotonic() > deadline:
                raise MigrationError(f"schema {self._schema}: another migration has been running for too long")
            await asyncio.sleep(LOCK_POLL_SECONDS)

    async def _enter(self, connection: "asyncpg.Connection[Any]") -> None:
        await connection.execute(f"SET ROLE {quoted(self._role)}")
        await connection.execute(f"SET search_path TO {quoted(self._schema)}")
        await connection.execute(f"SET lock_timeout TO '{LOCK_TIMEOUT}'")
        await connection.execute(f"SET statement_timeout TO '{STATEMENT_TIMEOUT}'")

    async def _history(self, connection: "asyncpg.Connection[Any]") -> dict[str, tuple[str, str]]:
        if await connection.fetchval("SELECT to_regclass($1)", f"{quoted(self._schema)}.schema_migrations") is None:
            return {}
        records = await connection.fetch("SELECT version, name, checksum FROM schema_migrations")
        return {record["version"]: (record["name"], record["checksum"]) for record in records}

    def _compare(self, history: dict[str, tuple[str, str]]) -> list[MigrationStatus]:
        lines = []
        for migration in self._migrations:
            applied = history.get(migration.version)
            state: State = "pending" if applied is None else "applied"
            if applied is not None and applied[1] != migration.checksum:
                state = "changed"
            lines.append(MigrationStatus(migration.version, migration.name, state))
        known = {migration.version for migration in self._migrations}
        lines += [
            MigrationStatus(version, name, "missing")
            for version, (name, _) in sorted(history.items())
            if version not in known
        ]
        return lines

    async def _apply_pending(self, connection: "asyncpg.Connection[Any]") -> list[Migration]:
        lines = {line.version: line for line in self._compare(await self._history(connection))}
        for line in lines.values():
            if line.state in ("changed", "missing"):
                raise MigrationError(f"schema {self._schema}: {line.version}_{line.name} is {line.state}")
        pending = [migration for migration in self._migrations if lines[migration.version].state == "pending"]
        for migration in pending:
            await self._apply(connection, migration)
        return pending

    async def _apply(self, connection: "asyncpg.Connection[Any]", migration: Migration) -> None:
        insert = "INSERT INTO schema_migrations (version, name, checksum) VALUES ($1, $2, $3)"
        arguments = (migration.version, migration.name, migration.checksum)
        try:
            if migration.transactional:
                async with connection.transaction():
                    await connection.execute(migration.up)
                    await connection.execute(insert, *arguments)
            else:
                await connection.execute(migration.up)
                await connection.execute(insert, *arguments)
        except asyncpg.PostgresError as error:
            raise MigrationError(f"schema {self._schema}: {migration.version}_{migration.name}: {error}") from error
