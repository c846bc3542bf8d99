"""Ownership: a service's role does everything in its own schema and nothing anywhere else, for every pair."""

import itertools
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from cleartide.bus.streams import SERVICES
from cleartide.store.names import enter_schema, quoted, tenant_role_of
from cleartide.store.roles import WITH_TENANTS, ensure_roles

from tests.support.servers import Database

FORBIDDEN = {
    "read": "SELECT * FROM {other}.held",
    "write": "INSERT INTO {other}.held VALUES (1)",
    "change": "UPDATE {other}.held SET n = 2",
    "delete": "DELETE FROM {other}.held",
    "empty": "TRUNCATE {other}.held",
    "drop": "DROP TABLE {other}.held",
    "alter": "ALTER TABLE {other}.held ADD COLUMN m int",
    "create": "CREATE TABLE {other}.planted (n int)",
    "call": "SELECT {other}.told()",
    "act as the other": "SET ROLE cleartide_{other}",
    "drop the schema": "DROP SCHEMA {other} CASCADE",
    "read the public schema": "SELECT * FROM public.shared",
    "create in the public schema": "CREATE TABLE public.planted (n int)",
    "create a temporary table": "CREATE TEMPORARY TABLE scratch (n int)",
    "create a schema": "CREATE SCHEMA mine",
    "create a role": "CREATE ROLE friend",
    "read passwords": "SELECT * FROM pg_catalog.pg_authid",
    "read a server file": "SELECT pg_read_file('PG_VERSION')",
    "run a program": "COPY (SELECT 1) TO PROGRAM 'true'",
}
ALLOWED = (
    "CREATE TABLE own (n bigint PRIMARY KEY)",
    "INSERT INTO own VALUES (1)",
    "UPDATE own SET n = 2",
    "CREATE INDEX own_by_n ON own (n)",
    "SELECT * FROM own",
    "DELETE FROM own",
    "DROP TABLE own",
    "SELECT * FROM held",
    "SELECT told()",
)


@pytest.fixture
async def services(database: Database) -> AsyncIterator[dict[str, Any]]:
    """A connection per service; each schema holds a table and a function, and so does `public`."""
    admin = await asyncpg.connect(database.admin_dsn)
    await admin.execute("CREATE TABLE public.shared (n int)")
    await admin.close()
    connections = {}
    for service in SERVICES:
        connections[service] = await asyncpg.connect(database.dsn(service))
        await connections[service].execute("CREATE TABLE held (n int)")
        await connections[service].execute("CREATE FUNCTION told() RETURNS int LANGUAGE sql AS 'SELECT 1'")
    yield connections
    for connection in connections.values():
        await connection.close()


async def test_no_service_reaches_into_another_ones_schema(services: dict[str, Any]) -> None:
    """Every pair of services, every kind of access: refused for want of rights, and nothing is changed."""
    for service, other in itertools.permutations(SERVICES, 2):
        for what, statement in FORBIDDEN.items():
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await services[service].execute(statement.format(other=other))
                raise AssertionError(f"{service} may {what} of {other}")


async def test_a_service_does_as_it_likes_at_home(services: dict[str, Any]) -> None:
    """Unqualified names mean its own schema, where it may make, change and drop."""
    for service in SERVICES:
        assert await services[service].fetchval("SELECT current_schema()") == service
        for statement in ALLOWED:
            await services[service].execute(statement)


async def test_a_role_is_no_more_than_its_schema(services: dict[str, Any]) -> None:
    """No superuser, no maker of roles; member of nothing but what is less; queries and idle time are bounded."""
    for service, connection in services.items():
        role = await connection.fetchrow("SELECT * FROM pg_roles WHERE rolname = current_user")
        granted = ("rolsuper", "rolcreaterole", "rolcreatedb", "rolreplication", "rolbypassrls", "rolinherit")
        assert [name for name in granted if role[name]] == [], service
        memberships = "SELECT roleid::regrole::text AS name FROM pg_auth_members WHERE member = $1"
        member_of = [row["name"] for row in await connection.fetch(memberships, role["oid"])]
        assert member_of == ([tenant_role_of(service)] if service in WITH_TENANTS else []), service
        for tenant in member_of:
            powers = await connection.fetchrow("SELECT * FROM pg_roles WHERE rolname = $1", tenant)
            assert [name for name in (*granted, "rolcanlogin") if name != "rolinherit" and powers[name]] == []
        assert await connection.fetchval("SHOW statement_timeout") == "1min"
        assert await connection.fetchval("SHOW idle_in_transaction_session_timeout") == "10s"


async def test_a_stranger_may_not_even_connect(database: Database) -> None:
    """The database is closed to roles that are not given to it."""
    admin = await asyncpg.connect(database.admin_dsn)
    stranger = f"stranger_{database.name}"
    try:
        await admin.execute(f"CREATE ROLE {stranger} LOGIN PASSWORD 'x'")
        dsn = f"postgresql://{stranger}:x@127.0.0.1:{database.server.port}/{database.name}"
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied for database"):
            await asyncpg.connect(dsn)
    finally:
        await admin.execute(f"DROP ROLE {stranger}")
        await admin.close()


async def test_a_repeat_is_harmless_and_changes_the_password(database: Database) -> None:
    """Set-up again keeps everything; a new password takes effect, whatever characters it holds."""
    awkward = 'it\'s \\ "a" $1 pass;word--'
    admin = await asyncpg.connect(database.admin_dsn)
    try:
        await ensure_roles(admin, {"risk": awkward})
        connection = await asyncpg.connect(database.dsn("risk"), password=awkward)
        await connection.close()
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(database.dsn("risk"))
    finally:
        await ensure_roles(admin, {"risk": "db-risk"})
        await admin.close()
    await (await asyncpg.connect(database.dsn("risk"))).close()


async def test_an_operator_enters_a_schema_as_its_service(database: Database) -> None:
    """What the tools make in a schema belongs to the service, and they see no other schema meanwhile."""
    admin = await asyncpg.connect(database.admin_dsn)
    try:
        await enter_schema(admin, "risk")
        await admin.execute("CREATE TABLE made (n int)")
        assert await admin.fetchval("SELECT tableowner FROM pg_tables WHERE tablename = 'made'") == "cleartide_risk"
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await admin.execute("CREATE TABLE funding.planted (n int)")
    finally:
        await admin.close()


@pytest.mark.parametrize("name", ["", "Risk", "1risk", "ri-sk", 'ri"sk', "risk; DROP", "r" * 64, "risk\n"])
def test_an_odd_name_never_becomes_sql(name: str) -> None:
    """Identifiers are plain or refused."""
    with pytest.raises(ValueError, match="not a plain identifier"):
        quoted(name)
