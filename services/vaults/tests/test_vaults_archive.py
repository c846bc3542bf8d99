"""Closed days leave as Parquet; what late events tell again follows, and the last telling holds there too."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest
from cleartide.store.asking import ask
from cleartide.store.datasets import archive_closed_days
from cleartide.store.objects import FolderStore

from services.vaults.app import SERVICE
from services.vaults.tests.chain import START, closing, disturbed, random_events
from services.vaults.tests.test_vaults_postgres import fold
from tests.support.schema import ServiceSchema, migrated
from tests.support.servers import Database

DAYS = 12
FIRST = datetime.fromtimestamp(START // 10**6, UTC).date()
LAST = FIRST + timedelta(days=DAYS)
HOLDS = "number, epoch_us(ts), revision, equity_end, earned FROM {} ORDER BY 1, 2, 3"
STORED = "SELECT number, day, revision, equity_end, earned FROM current_days WHERE day < $1 ORDER BY 1, 2"


@pytest.fixture
async def schema(database: Database) -> ServiceSchema:
    """A migrated schema, seen as the service sees it."""
    return await migrated(database, SERVICE.fold, SERVICE.migrations)


async def test_days_told_again_follow_in_further_files(schema: ServiceSchema, tmp_path: Path) -> None:
    """VLT-ARCHIVE-001"""
    store = FolderStore(tmp_path / "store")
    events = random_events(5, 150, DAYS, owners=6)
    told = disturbed(events, 5)
    connection = await asyncpg.connect(schema.dsn)
    try:
        await fold(schema, told[:100], 20)
        assert await archive_closed_days(connection, store, SERVICE.archived, FIRST) == []
        first = await archive_closed_days(connection, store, SERVICE.archived, LAST)
        await fold(schema, [*told[100:], *closing(events, 100_000)], 20)
        later = await archive_closed_days(connection, store, SERVICE.archived, LAST)
        assert await archive_closed_days(connection, store, SERVICE.archived, LAST) == []
        end = START + (LAST - FIRST).days * 86_400_000_000
        stored = [tuple(row) for row in await connection.fetch(STORED, end)]
    finally:
        await connection.close()
    days_of = [{key.split("/")[1] for key in keys} for keys in (first, later)]
    assert days_of[0] & days_of[1], "no archived day was told again"
    assert len(stored) > 50
    assert await store.keys("vault_days/") == sorted([*first, *later])
    newest = (
        "(SELECT DISTINCT ON (number, ts) * FROM vault_days ORDER BY number, ts, revision DESC)",
        "(SELECT * FROM vault_days d WHERE NOT EXISTS (SELECT 1 FROM vault_days l WHERE l.revision > 0 "
        "AND (l.number, l.ts) = (d.number, d.ts) AND l.revision > d.revision))",
    )
    for last in newest:
        found = await ask(store, f"SELECT {HOLDS.format(last)}", {"vault_days": (FIRST, LAST)})
        assert found.rows == stored
