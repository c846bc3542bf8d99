"""Bring an installation to the state its code expects: roles, schemas, migrations, streams. Harmless to repeat."""

import asyncio
from collections.abc import Sequence

import asyncpg

from cleartide.bus.nats import NatsBus
from cleartide.bus.provision import ensure_streams
from cleartide.bus.streams import SERVICES
from cleartide.connect import connected, nats_broker
from cleartide.ops.registry import migrations_folder
from cleartide.ops.settings import OpsSettings
from cleartide.store.migrations import Migrator
from cleartide.store.names import role_of
from cleartide.store.roles import ensure_roles


def migrator(settings: OpsSettings, service: str) -> Migrator:
    """The migration runner of one service's schema."""
    return Migrator(settings.admin_dsn, service, role_of(service), [migrations_folder(service)])


async def setup(settings: OpsSettings) -> list[str]:
    """Returns one line per thing that was changed."""
    lines: list[str] = []
    async with asyncio.TaskGroup() as tasks:
        database = tasks.create_task(_database(settings, SERVICES))
        streams = tasks.create_task(_streams(settings))
    lines += database.result()
    lines += [f"stream {name} made" for name in streams.result()]
    return lines


async def _database(settings: OpsSettings, services: Sequence[str]) -> list[str]:
    connection = await asyncpg.connect(settings.admin_dsn)
    try:
        await ensure_roles(connection, settings.role_passwords())
    finally:
        await connection.close()
    applied = await asyncio.gather(*(migrator(settings, service).migrate() for service in services))
    return [
        f"{service}: {migration.version}_{migration.name} applied"
        for service, migrations in zip(services, applied, strict=True)
        for migration in migrations
    ]


async def _streams(settings: OpsSettings) -> list[str]:
    broker = nats_broker(settings.nats_url, settings.nats_admin_user, settings.nats_admin_password, "cleartide-ops")
    client = await connected(broker, give_up_after=10)
    try:
        return await ensure_streams(NatsBus(client))
    finally:
        await broker.stop()
