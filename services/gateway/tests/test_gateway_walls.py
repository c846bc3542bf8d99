"""The second wall, in the database: a tenant sees its own rows and writes none, whatever the code above lets it do."""

import asyncpg
import pytest
from cleartide.ops.rebuild import rebuild
from cleartide.store.truth import After, Before, More, Truth, TruthStore

from services.gateway.app import SERVICE
from services.gateway.identity.tables import TRUTH
from tests.support.installation import Installation
from tests.support.schema import migrated
from tests.support.servers import Database

ANN, BEN = "u" + "a" * 20, "u" + "b" * 20
OWN_ROWS = ("users", "wallets", "wallet_keys", "external_identities", "sessions", "wallet_connections", "api_keys")
SERVICE_ONLY = ("nonces", "refresh_tokens", "idempotency_keys", "gateway_secret")
FEED = ("alert_feed", "alert_account_state")


async def _filled(database: Database) -> None:
    """Two people, and alerts about accounts of theirs."""
    await migrated(database, SERVICE.fold, SERVICE.migrations)
    async with TruthStore.open(database.dsn("gateway"), "gateway", connections=1) as store, store.acting() as truth:
        await _two_people(truth)
        for number, account in enumerate((ANN, f"{ANN}--hedge", BEN), start=1):
            alert = {"account": account, "level": "watch", "account_seq": 1, "occurred_at": 1}
            await truth.add("alert_feed", seq=number, payload="{}", **alert)
            money = {"equity": "1", "maintenance_margin": "1"}
            await truth.add("alert_account_state", seq=number, **alert, **money)


async def _two_people(truth: Truth) -> None:
    """Everything that two people can have, one of each."""
    for user in (ANN, BEN):
        held = {"user_id": user}
        await truth.add("users", id=user, referral_code=user.upper(), created_at=1, updated_at=1)
        await truth.add("wallet_keys", family="evm", address=user, proved_at=1, **held)
        await truth.add("wallets", chain="celo", address=user, family="evm", linked_at=1, **held)
        await truth.add("external_identities", issuer="i", subject=user, linked_at=1, **held)
        await truth.add("nonces", nonce=user, purpose="link", expires_at=1, **held)
        session = {"method": "m", "ip": "", "user_agent": "", "created_at": 1, "refreshed_at": 1, "expires_at": 9}
        await truth.add("sessions", id=user, **session, **held)
        token = {"hash": user.encode().ljust(32), "session_id": user, "issued_at": 1, "expires_at": 9}
        await truth.add("refresh_tokens", **token, **held)
        place = {"chain": "celo", "address": user, "ip": "", "user_agent": "", "connected_at": 1}
        await truth.add("wallet_connections", session_id=user, **place, **held)
        limits = {"per_minute": 1, "per_hour": 1, "per_day": 1}
        key = {"name": "k", "prefix": user, "hash": user.encode().ljust(32), "scopes": ["account:read"]}
        await truth.add("api_keys", id=user, created_at=1, **key, **limits, **held)
        kept = {"route": "r", "key": "k", "fingerprint": b"", "lease_until": 1, "expires_at": 1}
        await truth.add("idempotency_keys", **kept, **held)
        await truth.add("account_log", at=1, kind="k", actor=user, **held)
    await truth.add_new("gateway_secret", one=True, secret=b"s" * 32, made_at=1)


async def test_a_tenant_sees_its_own_rows_and_writes_none(database: Database) -> None:
    """GW-RLS-001: of every table a tenant sees its own rows alone, of the feed those of its family."""
    await _filled(database)
    async with TruthStore.open(database.dsn("gateway"), "gateway", connections=1) as store:
        for table in (*OWN_ROWS, "account_log"):
            owner = "id" if table == "users" else "user_id"
            async with store.reading_as(BEN) as reading:
                rows = await reading.fetch(f'SELECT "{owner}" AS owner FROM {table}')
            assert (table, [row["owner"] for row in rows]) == (table, [BEN])
        for table in FEED:
            async with store.reading_as(ANN) as reading:
                rows = await reading.fetch(f"SELECT account FROM {table} ORDER BY account")
            assert [row["account"] for row in rows] == [ANN, f"{ANN}--hedge"]
        for table in SERVICE_ONLY:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with store.reading_as(BEN) as reading:
                    await reading.fetch(f"SELECT * FROM {table}")
    assert {*OWN_ROWS, *SERVICE_ONLY, "account_log"} == set(TRUTH), "no table is without its wall"


async def test_no_write_of_a_tenant_passes(database: Database) -> None:
    """GW-RLS-002: a tenant's own transaction, even without its read-only mark, may write to no table at all."""
    await _filled(database)
    connection = await asyncpg.connect(database.dsn("gateway"))
    try:
        for table in (*TRUTH, *FEED):
            column = await connection.fetchval(
                "SELECT attname FROM pg_attribute WHERE attrelid = $1::regclass AND attnum = 2", table
            )
            for attempt in (
                f'UPDATE {table} SET "{column}" = "{column}"',
                f"DELETE FROM {table}",
                f'INSERT INTO {table} ("{column}") SELECT "{column}" FROM {table}',
                f"TRUNCATE {table} CASCADE",
                f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
                f"DROP POLICY service ON {table}",
            ):
                transaction = connection.transaction()
                await transaction.start()
                await connection.execute("SET LOCAL ROLE cleartide_gateway_tenant")
                await connection.execute("SELECT set_config('cleartide.actor', $1, true)", ANN)
                with pytest.raises(asyncpg.PostgresError) as refused:
                    await connection.execute(attempt)
                assert refused.value.sqlstate == "42501", (attempt, refused.value)
                await transaction.rollback()
    finally:
        await connection.close()


async def test_who_does_not_say_who_acts_sees_nothing(database: Database) -> None:
    """GW-RLS-003: the owner of the tables is bound too: without an actor no row is seen or written."""
    await _filled(database)
    connection = await asyncpg.connect(database.dsn("gateway"))
    try:
        for actor in ("", BEN):
            await connection.execute("SELECT set_config('cleartide.actor', $1, false)", actor)
            for table in TRUTH:
                assert (table, await connection.fetchval(f"SELECT count(*) FROM {table}")) == (table, 0)
            assert await connection.execute("UPDATE users SET tier = 'enterprise'") == "UPDATE 0"
            assert await connection.execute("DELETE FROM api_keys") == "DELETE 0"
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute("INSERT INTO nonces (nonce, purpose, expires_at) VALUES ('n', 'link', 1)")
        await connection.execute("SELECT set_config('cleartide.actor', 'service', false)")
        for attempt in ("UPDATE account_log SET kind = 'x'", "DELETE FROM account_log", "TRUNCATE account_log"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(attempt)
        forced = await connection.fetch(
            "SELECT relname FROM pg_class WHERE relname = ANY($1) AND relrowsecurity AND relforcerowsecurity",
            [*TRUTH, *FEED],
        )
        assert len(forced) == len(TRUTH) + len(FEED)
    finally:
        await connection.close()


async def test_writing_by_name_and_condition(database: Database) -> None:
    """GW-RLS-004: the service's own writes: conditions, exactly one winner, all of a transaction or nothing of it."""
    await _filled(database)
    async with TruthStore.open(database.dsn("gateway"), "gateway", connections=2) as store:
        async with store.acting() as truth:
            assert not await truth.add_new("users", id=ANN, referral_code="x", created_at=1, updated_at=1)
            [row] = await truth.change("users", {"id": [ANN], "created_at": Before(2)}, created_at=More(5))
            assert (row["created_at"], await truth.change("users", {"created_at": After(6)}, tier="pro")) == (6, [])
            with pytest.raises(ValueError, match="condition"):
                await truth.remove("users", {})
        with pytest.raises(ZeroDivisionError):
            async with store.acting() as truth:
                assert await truth.remove("nonces", {"user_id": ANN, "used_at": None}) == 1
                raise ZeroDivisionError
        async with store.acting() as truth:
            assert len(await truth.fetch("SELECT 1 FROM nonces")) == 2


async def test_a_rebuild_keeps_people(installed: Installation) -> None:
    """GW-RLS-005: a rebuild of the schema keeps people, keys and sessions as they are, behind the same wall."""
    async with TruthStore.open(installed.service_dsn("gateway"), "gateway", connections=1) as store:
        async with store.acting() as truth:
            await _two_people(truth)
        for _ in range(2):
            await rebuild(installed.ops, "gateway")
            async with store.acting() as truth:
                for table in TRUTH:
                    expected = 1 if table == "gateway_secret" else 2
                    assert (table, len(await truth.fetch(f"SELECT 1 FROM {table}"))) == (table, expected)
            async with store.reading_as(BEN) as reading:
                assert [row["id"] for row in await reading.fetch("SELECT id FROM users")] == [BEN]
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await reading.fetch("SELECT 1 FROM nonces")
        async with store.acting() as truth:
            await truth.add("account_log", at=1, kind="k", actor=ANN, user_id=ANN)
            assert await truth.remove("sessions", {"user_id": BEN}) == 1
            assert len(await truth.fetch("SELECT 1 FROM refresh_tokens")) == 1, "keys between the tables still hold"
