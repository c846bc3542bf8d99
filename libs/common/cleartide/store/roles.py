"""One Postgres role and one schema per service; a role sees no other schema. And one role for a service's tenants."""

from collections.abc import Mapping
from typing import Any, Final

import asyncpg

from cleartide.store.names import quoted, role_of, tenant_role_of

WITH_TENANTS: Final = frozenset({"gateway", "matching", "risk", "funding", "earnings", "analytics", "vaults"})
"""Services, with their pools, that read for one of their tenants at a time; no other role may change to any other."""


async def ensure_roles(connection: "asyncpg.Connection[Any]", passwords: Mapping[str, str]) -> None:
    """Make or correct role, schema and rights of each service (service name -> password). Needs an owner's rights."""
    database = await connection.fetchval("SELECT current_database()")
    await connection.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
    await connection.execute(f'REVOKE TEMPORARY, CONNECT ON DATABASE "{database}" FROM PUBLIC')
    for service, password in passwords.items():
        await _ensure_role(connection, service, password, database)


async def _ensure_role(connection: "asyncpg.Connection[Any]", service: str, password: str, database: str) -> None:
    role, schema = quoted(role_of(service)), quoted(service)
    exists = await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role_of(service))
    verb = "ALTER" if exists else "CREATE"
    literal = await connection.fetchval("SELECT quote_literal($1::text)", password)
    await connection.execute(
        f"{verb} ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT PASSWORD {literal}"
    )
    await connection.execute(f'GRANT CONNECT ON DATABASE "{database}" TO {role}')
    # An owner that is no superuser must be a member to hand a schema over.
    await connection.execute(f"GRANT {role} TO CURRENT_USER")
    await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema} AUTHORIZATION {role}")
    await connection.execute(f"REVOKE ALL ON SCHEMA {schema} FROM PUBLIC")
    await connection.execute(f"ALTER ROLE {role} SET search_path TO {schema}")
    await connection.execute(f"ALTER ROLE {role} SET statement_timeout TO '60s'")
    await connection.execute(f"ALTER ROLE {role} SET idle_in_transaction_session_timeout TO '10s'")
    if service.partition("_")[0] in WITH_TENANTS:
        await _ensure_tenant(connection, service)


async def _ensure_tenant(connection: "asyncpg.Connection[Any]", service: str) -> None:
    """The role of tenants: nobody signs in as it, the service changes to it for one transaction."""
    role, tenant = quoted(role_of(service)), quoted(tenant_role_of(service))
    if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", tenant_role_of(service)):
        await connection.execute(f"CREATE ROLE {tenant} NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS")
    await connection.execute(f"GRANT {tenant} TO {role}")
