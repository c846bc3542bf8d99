"""Bring an installation to the state its code expects: roles, schemas, migrations, streams. Harmless to repeat."""

import asyncio
from collections.abc import Sequence

import asyncpg

from cleartide.bus.nats import NatsBus
from cleartide.bus.provision import ensure_streams
from cleartide.connect import connected, nats_broker
from cleartide.ops.registry import migrations_folder
from cleartide.ops.set_aside import take_back_all
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
        database = tasks.create_task(set_up_database(settings, settings.services))
        streams = tasks.create_task(set_up_streams(settings))
    lines += database.result()
    lines += [f"stream {name} made" for name in streams.result()]
    return lines


async def set_up_roles(settings: OpsSettings) -> None:
    """Each service's role, with its rights in this database."""
    connection = await asyncpg.connect(settings.admin_dsn)
    try:
        await ensure_roles(connection, settings.role_passwords())
    finally:
        await connection.close()


async def set_up_database(settings: OpsSettings, services: Sequence[str]) -> list[str]:
    """Roles, schemas and migrations; returns one line per migration that was applied.

    A rebuild that was cut short is taken back first, or an empty schema would stand where the service's was.
    """
    taken_back = await take_back_all(settings.admin_dsn, services)
    await set_up_roles(settings)
    applied = await asyncio.gather(*(migrator(settings, service).migrate() for service in services))
    return taken_back + [
        f"{service}: {migration.version}_{migration.name} applied"
        for service, migrations in zip(services, applied, strict=True)
        for migration in migrations
    ]


async def set_up_streams(settings: OpsSettings) -> list[str]:
    """Returns the names of the streams that were made."""
    broker = nats_broker(settings.nats_url, settings.nats_admin_user, settings.nats_admin_password, "cleartide-ops")
    client = await connected(broker, give_up_after=10)
    try:
        return await ensure_streams(NatsBus(client))
    finally:
        await broker.stop()
