"""The store of series on both kinds of days: partitions of our own, and TimescaleDB's chunks."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deploy.local.postgres import PostgresServer
from services.ingestor.app import SERVICE
from services.ingestor.tests.harness import fold_of
from services.ingestor.tests.series import OWN_DAYS, Kind
from tests.support.schema import ServiceSchema, migrated
from tests.support.servers import Database, new_database


@pytest.fixture
def kind(request: pytest.FixtureRequest) -> Kind:
    """What keeps the days of a test's series: we do, unless the test is marked to be run on both."""
    kind: Kind = getattr(request, "param", OWN_DAYS)
    return kind


@pytest.fixture
def series_server(kind: Kind, request: pytest.FixtureRequest) -> PostgresServer:
    """A server that can."""
    server: PostgresServer = request.getfixturevalue(kind.server)
    return server


@pytest.fixture
async def series_database(kind: Kind, series_server: PostgresServer, folder: Path) -> AsyncIterator[Database]:
    """A database, with the extension that the kind needs."""
    async with new_database(series_server, folder, kind.extension) as made:
        yield made


@pytest.fixture
async def schema(series_database: Database) -> ServiceSchema:
    """A migrated schema, seen as the service sees it."""
    return await migrated(series_database, fold_of(), SERVICE.migrations)
