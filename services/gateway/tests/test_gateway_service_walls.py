"""The second wall in the other services' schemas: whose rows a question gets, whatever its SQL forgets (ADR 32)."""

import asyncio
from typing import Any, Final

import asyncpg
import pytest
from cleartide.ops.registry import migrations_folder
from cleartide.store.migrations import Migrator
from cleartide.store.names import role_of, tenant_role_of
from cleartide.store.tenant import TenantReads

from services.earnings.queries import QUERIES as EARNINGS
from services.vaults.queries import QUERIES as VAULTS
from tests.support.servers import Database

ANN, HEDGE, BEN = "u" + "a" * 20, "u" + "a" * 20 + "--hedge", "u" + "b" * 20
WALLED: Final = ("matching", "risk", "funding", "earnings", "analytics", "vaults")
DAY: Final = 86_400_000_000
_READABLE_SQL: Final = """
SELECT c.relname AS name, c.relrowsecurity AND pg_get_userbyid(c.relowner) <> $1 AS walled,
       has_table_privilege($1, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE') AS writable,
       EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname IN ('account', 'owner')) AS personal
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $2 AND c.relkind IN ('r', 'p') AND has_table_privilege($1, c.oid, 'SELECT')
"""


async def migrated(database: Database, service: str) -> None:
    """The service's schema, as its role makes it."""
    await Migrator(database.admin_dsn, service, role_of(service), [migrations_folder(service)]).migrate()


@pytest.mark.parametrize("service", WALLED)
async def test_what_a_tenant_may_read_is_walled(database: Database, service: str) -> None:
    """GW-RLS-007: a tenant reads no table with an account in it that is not walled or its own, and writes to none."""
    await migrated(database, service)
    connection = await asyncpg.connect(database.admin_dsn)
    try:
        rows = await connection.fetch(_READABLE_SQL, tenant_role_of(service), service)
    finally:
        await connection.close()
    assert [row["name"] for row in rows if row["personal"] and not row["walled"]] == []
    assert [row["name"] for row in rows if row["writable"]] == []
    assert sum(row["walled"] for row in rows) >= 1
    assert "journal" not in {row["name"] for row in rows}


async def _own_earnings(connection: "asyncpg.Connection[Any]") -> None:
    for number, account in enumerate((ANN, HEDGE, BEN)):
        values = (account, number, number * DAY)
        await connection.execute(
            "INSERT INTO earnings_accounts VALUES ($1, $2, 0, $3, false, 0, 0, 0, 0, 0, 0, 0)", *values
        )
        await connection.execute(
            "INSERT INTO earnings_days VALUES "
            "(to_timestamp($3::bigint / 1000000), $2, $1, $3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)",
            *values,
        )


async def _own_vaults(connection: "asyncpg.Connection[Any]") -> None:
    for number, owner in enumerate((ANN, HEDGE, BEN)):
        await connection.execute("INSERT INTO vault_lines VALUES ($1, 'p', 'USDC', $2)", owner, number)
        await connection.execute(
            "INSERT INTO vault_days VALUES "
            "(to_timestamp($3::bigint / 1000000), $2, $1, 'p', 'USDC', $3, 1, 0, 1, 0, 0, 0, 1, 0)",
            owner,
            number,
            number * DAY,
        )


@pytest.mark.parametrize(("service", "fill"), [("earnings", _own_earnings), ("vaults", _own_vaults)])
async def test_a_question_for_another_gets_nothing(database: Database, service: str, fill: Any) -> None:
    """GW-RLS-008: asked in somebody's name, days are told of that family, or of the one account, and of nobody else."""
    await migrated(database, service)
    query, whose = (EARNINGS["days"], "account") if service == "earnings" else (VAULTS["days"], "owner")
    async with asyncpg.create_pool(database.dsn(service), min_size=1, max_size=2) as pool:
        async with pool.acquire() as connection:
            await fill(connection)

        async def told(tenant: str, account: str) -> int:
            return len((await query(TenantReads(pool, service, tenant), {whose: account}))["days"])

        assert [await told(ANN, one) for one in (ANN, HEDGE, BEN)] == [1, 1, 0]
        assert [await told(HEDGE, one) for one in (ANN, HEDGE, BEN)] == [0, 1, 0]
        assert [await told(name, ANN) for name in (BEN, "-", "service", f"{ANN}--other")] == [0, 0, 0, 0]
        crowd = await asyncio.gather(*(told(tenant, ANN) for tenant in (ANN, BEN) * 10))
        assert crowd == [1, 0] * 10, "a name lasts for one transaction"
        assert len((await query(pool, {whose: BEN}))["days"]) == 1, "the service itself is asked for the venue"
        async with TenantReads(pool, service, ANN).acquire() as reading:
            with pytest.raises(ValueError, match="within a transaction"):
                await reading.fetch("SELECT 1")
            with pytest.raises(ValueError, match="only reads"):
                async with reading.transaction(readonly=False):
                    pass
