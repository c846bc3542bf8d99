"""A database and a NATS server for tests of the library alone: every role and user, but no service's tables."""

import itertools
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import asyncpg
from cleartide.bus.nats import NatsBus
from cleartide.bus.permissions import OPERATOR, USERS, users
from cleartide.bus.provision import ensure_streams
from cleartide.bus.streams import SERVICES
from cleartide.connect import connected, nats_broker
from cleartide.store.migrations import Migrator
from cleartide.store.names import role_of
from cleartide.store.postgres import PostgresStore
from cleartide.store.roles import ensure_roles
from nats.aio.client import Client
from redis.asyncio import Redis

from deploy.local.nats import NatsServer
from deploy.local.postgres import PostgresServer
from deploy.local.valkey import ValkeyServer

GUEST: Final = "lodger"
"""A service of somebody's own that the broker lets in."""
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Database:
    """One database with a role and an empty schema per service."""

    server: PostgresServer
    name: str
    folder: Path

    @property
    def admin_dsn(self) -> str:
        """As the owner."""
        return urlsplit(self.server.dsn)._replace(path=self.name).geturl()

    def dsn(self, service: str) -> str:
        """As a service's role."""
        return f"postgresql://{role_of(service)}:db-{service}@127.0.0.1:{self.server.port}/{self.name}"

    def migrator(self, service: str, **files: str) -> Migrator:
        """The migrations of a service: the library's and these texts, named like `m0001_tables`."""
        folder = self.folder / service
        folder.mkdir(parents=True, exist_ok=True)
        for path in folder.iterdir():
            path.unlink()
        for name, text in files.items():
            (folder / f"{name.removeprefix('m')}.sql").write_text(text)
        return Migrator(self.admin_dsn, service, role_of(service), [folder])

    def store(self, service: str) -> PostgresStore:
        """The service's store."""
        return PostgresStore(self.dsn(service), service)

    async def move_to(self, time_zone: str) -> None:
        """From the next connection on it is there."""
        await _execute(self.admin_dsn, f"ALTER DATABASE {self.name} SET TimeZone = '{time_zone}'")

    async def fetch(self, service: str, query: str, *arguments: Any) -> Sequence[Any]:
        """Rows, as the service sees them."""
        connection = await asyncpg.connect(self.dsn(service))
        try:
            rows: Sequence[Any] = await connection.fetch(query, *arguments)
            return rows
        finally:
            await connection.close()


@asynccontextmanager
async def new_database(server: PostgresServer, folder: Path, extension: str = "") -> AsyncIterator[Database]:
    """A fresh database with every service's role, and with the extension that is named, as an administrator adds it."""
    made = Database(server, f"library_{os.getpid()}_{next(_numbers)}", folder)
    await _execute(server.dsn, f"CREATE DATABASE {made.name}")
    try:
        inside = await asyncpg.connect(made.admin_dsn)
        if extension:
            await inside.execute(f"CREATE EXTENSION {extension}")
        await ensure_roles(inside, {service: f"db-{service}" for service in SERVICES})
        await inside.close()
        yield made
    finally:
        await _execute(server.dsn, f"DROP DATABASE {made.name} WITH (FORCE)")


async def _execute(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@dataclass(frozen=True)
class Broker:
    """A NATS server with every user and stream."""

    server: NatsServer

    @asynccontextmanager
    async def client(self, user: str = OPERATOR) -> AsyncIterator[Client]:
        """A connection as one of the users."""
        broker = nats_broker(self.server.url, user, f"nats-{user}", f"test-{user}")
        try:
            yield await connected(broker, give_up_after=10)
        finally:
            await broker.stop()

    @asynccontextmanager
    async def bus(self, user: str = OPERATOR) -> AsyncIterator[NatsBus]:
        """The bus as one of the users."""
        async with self.client(user) as client:
            yield NatsBus(client)


@asynccontextmanager
async def new_broker(folder: Path) -> AsyncIterator[Broker]:
    """A fresh NATS server with the system's users, permissions and streams."""
    passwords = {user: f"nats-{user}" for user in (*USERS, GUEST)}
    server = NatsServer(folder, users=users(passwords, (GUEST,)), durable=False)
    await server.start()
    try:
        made = Broker(server)
        async with made.bus() as bus:
            await ensure_streams(bus)
        yield made
    finally:
        await server.stop()


async def forget_addresses(valkey: ValkeyServer) -> None:
    """Every test comes from the same address: what one has used up is not the next one's concern."""
    client = Redis.from_url(valkey.url)
    await client.flushall()
    await client.aclose()
