"""Migrations: in order, once, unchanged; whatever goes wrong leaves the schema as it was and is said by name."""

import asyncio
from pathlib import Path

import asyncpg
import pytest
from cleartide.store.migrations import LIBRARY_MIGRATIONS, MigrationError, parse_migration, read_migrations

from tests.support.servers import Database

FIRST = "-- migrate:up\nCREATE TABLE first (n int);\n-- migrate:down\nDROP TABLE first;\n"
SECOND = "-- migrate:up\nALTER TABLE first ADD COLUMN m int;\n"


async def tables(database: Database, service: str = "risk") -> set[str]:
    query = "SELECT tablename FROM pg_tables WHERE schemaname = $1"
    return {row[0] for row in await database.fetch(service, query, service)}


async def test_pending_files_are_applied_once_and_in_order(database: Database) -> None:
    """A fresh schema gets the library's tables and then the service's; a repeat changes nothing."""
    migrator = database.migrator("risk", m0001_first=FIRST, m0002_second=SECOND)
    assert [line.state for line in await migrator.status()] == ["pending"] * 5
    applied = await migrator.migrate()
    assert [migration.name for migration in applied] == ["runner", "lease", "wall", "first", "second"]
    assert await tables(database) >= {"first", "consumer_position", "outbox", "outbox_position", "schema_migrations"}
    assert await migrator.migrate() == []
    assert [line.state for line in await migrator.status()] == ["applied"] * 5
    await migrator.verify()


async def test_a_later_file_is_all_that_a_later_release_applies(database: Database) -> None:
    """Upgrading runs what is new and nothing else; what the schema held is kept."""
    await database.migrator("risk", m0001_first=FIRST).migrate()
    await database.fetch("risk", "INSERT INTO first VALUES (7)")
    applied = await database.migrator("risk", m0001_first=FIRST, m0002_second=SECOND).migrate()
    assert [migration.version for migration in applied] == ["0002"]
    assert [tuple(row) for row in await database.fetch("risk", "SELECT n, m FROM first")] == [(7, None)]


async def test_an_applied_file_that_was_edited_is_refused(database: Database) -> None:
    """History does not change: neither migrate nor verify accepts it, and nothing pending is applied."""
    await database.migrator("risk", m0001_first=FIRST).migrate()
    edited = database.migrator("risk", m0001_first=FIRST.replace("int", "bigint"), m0002_second=SECOND)
    for attempt in (edited.migrate, edited.verify):
        with pytest.raises(MigrationError, match="0001_first is changed"):
            await attempt()
    assert [(line.name, line.state) for line in await edited.status()] == [
        ("runner", "applied"),
        ("lease", "applied"),
        ("wall", "applied"),
        ("first", "changed"),
        ("second", "pending"),
    ]


async def test_an_applied_file_that_is_gone_is_refused(database: Database) -> None:
    """An older release does not run on a newer schema."""
    await database.migrator("risk", m0001_first=FIRST, m0002_second=SECOND).migrate()
    older = database.migrator("risk", m0001_first=FIRST)
    for attempt in (older.migrate, older.verify):
        with pytest.raises(MigrationError, match="0002_second is missing"):
            await attempt()


async def test_verify_names_what_is_pending(database: Database) -> None:
    """A deployment check fails while a migration waits."""
    with pytest.raises(
        MigrationError,
        match="schema risk: 000001_runner is pending, 000002_lease is pending, 000003_wall is pending, "
        "0001_first is pending",
    ):
        await database.migrator("risk", m0001_first=FIRST).verify()


async def test_a_failing_migration_leaves_nothing(database: Database) -> None:
    """The whole file is undone and not recorded; what came before it stays; the corrected file then applies."""
    broken = "-- migrate:up\nCREATE TABLE half (n int);\nSELECT 1 / 0;\n"
    with pytest.raises(MigrationError, match="schema risk: 0002_second: division by zero"):
        await database.migrator("risk", m0001_first=FIRST, m0002_second=broken).migrate()
    assert "first" in await tables(database)
    assert "half" not in await tables(database)
    fixed = database.migrator("risk", m0001_first=FIRST, m0002_second=broken.replace("SELECT 1 / 0;", ""))
    assert [migration.version for migration in await fixed.migrate()] == ["0002"]


async def test_two_deployments_at_once_apply_everything_once(database: Database) -> None:
    """The second waits for the first and finds nothing left to do."""
    migrators = [database.migrator("risk", m0001_first=FIRST, m0002_second=SECOND) for _ in range(4)]
    outcomes = await asyncio.gather(*(migrator.migrate() for migrator in migrators))
    assert sorted(len(applied) for applied in outcomes) == [0, 0, 0, 5]


async def test_statements_that_allow_no_transaction_run_outside_one(database: Database) -> None:
    """`transaction:false` builds an index without locking writers out, also while other deployments wait."""
    concurrent = "-- migrate:up transaction:false\nCREATE INDEX CONCURRENTLY by_n ON first (n);\n"
    migrators = [database.migrator("risk", m0001_first=FIRST, m0002_index=concurrent) for _ in range(3)]
    await asyncio.gather(*(migrator.migrate() for migrator in migrators))
    await migrators[0].verify()
    inside = concurrent.replace(" transaction:false", "").replace("by_n", "by_m")
    with pytest.raises(MigrationError, match="cannot run inside a transaction"):
        await database.migrator("risk", m0001_first=FIRST, m0002_index=concurrent, m0003_more=inside).migrate()


async def test_a_migration_that_cannot_get_its_lock_gives_up(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A deployment does not queue behind a long reader and stop every writer behind itself."""
    monkeypatch.setattr("cleartide.store.migrations.LOCK_TIMEOUT", "100ms")
    await database.migrator("risk", m0001_first=FIRST).migrate()
    reader = await asyncpg.connect(database.admin_dsn)
    try:
        async with reader.transaction():
            await reader.execute("SELECT * FROM risk.first")
            with pytest.raises(MigrationError, match="lock timeout"):
                await database.migrator("risk", m0001_first=FIRST, m0002_second=SECOND).migrate()
    finally:
        await reader.close()


async def test_what_a_migration_makes_belongs_to_the_service(database: Database) -> None:
    """The service owns its tables, and no other service's history is touched."""
    await database.migrator("risk", m0001_first=FIRST).migrate()
    owner = "SELECT tableowner FROM pg_tables WHERE schemaname = 'risk' AND tablename = 'first'"
    assert (await database.fetch("risk", owner))[0][0] == "cleartide_risk"
    assert await tables(database, "funding") == set()


async def test_a_migration_cannot_reach_into_another_schema(database: Database) -> None:
    """A migration that names another service's schema has no right to it."""
    await database.migrator("funding", m0001_first=FIRST).migrate()
    trespass = "-- migrate:up\nCREATE TABLE funding.planted (n int);\n"
    with pytest.raises(MigrationError, match="permission denied for schema funding"):
        await database.migrator("risk", m0001_first=trespass).migrate()


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("first.sql", FIRST, "expected <version>_<name>.sql"),
        ("0001-first.sql", FIRST, "expected <version>_<name>.sql"),
        ("0001_First.sql", FIRST, "expected <version>_<name>.sql"),
        ("0001_first.sql", "CREATE TABLE x (n int);", "has no '-- migrate:up'"),
        ("0001_first.sql", "-- migrate:up\n\n-- migrate:down\nDROP TABLE x;", "'-- migrate:up' is empty"),
    ],
)
def test_a_file_that_is_not_in_the_format_is_named(name: str, text: str, complaint: str) -> None:
    """Nothing is guessed: the file and the fault are in the message."""
    with pytest.raises(MigrationError, match=name) as refused:
        parse_migration(name, text)
    assert complaint in str(refused.value)


def test_dbmate_files_are_read_as_dbmate_reads_them() -> None:
    """Options after the marker, blanks in it, comments before it and the down block: the same parts as in dbmate."""
    text = "-- a comment\n--migrate:up  transaction:false\nSELECT 1;\n\n-- migrate:down transaction:false\nSELECT 2;\n"
    migration = parse_migration("20261121093000_by_date.sql", text)
    assert (migration.version, migration.name, migration.up) == ("20261121093000", "by_date", "SELECT 1;")
    assert not migration.transactional
    assert parse_migration("1_x.sql", FIRST).transactional


def test_a_version_given_twice_is_refused(tmp_path: Path) -> None:
    """Two branches that took the same number are told before anything runs."""
    for name in ("0001_mine.sql", "0001_yours.sql"):
        (tmp_path / name).write_text(FIRST)
    with pytest.raises(MigrationError, match="version 0001 exists twice"):
        read_migrations([LIBRARY_MIGRATIONS, tmp_path])


async def test_a_deployment_does_not_wait_for_ever(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another one that hangs is reported instead of joined."""
    monkeypatch.setattr("cleartide.store.migrations.LOCK_WAIT_SECONDS", 0.1)
    other = await asyncpg.connect(database.admin_dsn)
    await other.execute("SELECT pg_advisory_lock(hashtext('cleartide-migrate-risk'))")
    try:
        with pytest.raises(MigrationError, match="schema risk: another migration has been running"):
            await database.migrator("risk", m0001_first=FIRST).migrate()
    finally:
        await other.close()
