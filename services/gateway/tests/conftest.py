"""Fixtures of the gateway's tests."""

from collections.abc import AsyncIterator

import pytest
from cleartide.ops.registry import migrations_folder
from cleartide.store.migrations import Migrator
from cleartide.store.names import role_of

from services.gateway.tests.notify_desk import Desk, Servers, made
from tests.support.servers import Broker, Database


@pytest.fixture
async def light(database: Database, broker: Broker) -> Servers:
    """A database with the gateway's tables and a bus, without the other services'."""
    files = [migrations_folder("gateway")]
    await Migrator(database.admin_dsn, "gateway", role_of("gateway"), files).migrate()
    return Servers(database, broker)


@pytest.fixture
async def desk(light: Servers) -> AsyncIterator[Desk]:
    """Webhooks and notifications, each step made by hand."""
    async with made(light) as found:
        yield found
