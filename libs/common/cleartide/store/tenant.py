"""Reading for one of a service's tenants: the second wall around rows that are folded (ADR 32).

A query function is given such a pool in the pool's place. Whatever it asks runs in a read-only transaction as the role
`<service>_tenant`, which owns nothing and is shown the rows of that tenant alone, whatever the query forgets.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, Literal

import asyncpg

from cleartide.store.names import tenant_role_of

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

Isolation = Literal["read_committed", "repeatable_read", "serializable"]
ACT_AS_TENANT: Final = "SELECT set_config('role', $2, true), set_config('cleartide.actor', $1, true)"


class TenantConnection:
    """A connection that reads for a tenant, in transactions alone."""

    def __init__(self, connection: "PoolConnectionProxy[Any]", role: str, tenant: str) -> None:
        self._connection, self._role, self._tenant = connection, role, tenant
        self._begun = False

    @asynccontextmanager
    async def transaction(
        self, *, isolation: Isolation = "read_committed", readonly: bool = True
    ) -> AsyncIterator[None]:
        """One snapshot, or several, to read from. ValueError for a transaction that would write."""
        if not readonly:
            raise ValueError("a tenant only reads")
        async with self._connection.transaction(isolation=isolation, readonly=True):
            await self._connection.execute(ACT_AS_TENANT, self._tenant, self._role)
            self._begun = True
            try:
                yield
            finally:
                self._begun = False

    async def fetch(self, query: str, *arguments: Any) -> list[Any]:
        """Rows of a query."""
        self._require()
        return await self._connection.fetch(query, *arguments)

    async def fetchrow(self, query: str, *arguments: Any) -> Any:
        """The first row of a query, or None."""
        self._require()
        return await self._connection.fetchrow(query, *arguments)

    async def fetchval(self, query: str, *arguments: Any) -> Any:
        """The first value of the first row, or None."""
        self._require()
        return await self._connection.fetchval(query, *arguments)

    def _require(self) -> None:
        if not self._begun:
            raise ValueError("a tenant reads within a transaction")


class TenantReads:
    """A service's pool as one tenant may use it. `tenant`: a person's account, whose family it sees, or one account."""

    def __init__(self, pool: "asyncpg.Pool[Any]", service: str, tenant: str) -> None:
        self._pool, self._role, self._tenant = pool, tenant_role_of(service), tenant

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[TenantConnection]:
        """A connection for several questions."""
        async with self._pool.acquire() as connection:
            yield TenantConnection(connection, self._role, self._tenant)

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[TenantConnection]:
        async with self.acquire() as connection, connection.transaction(readonly=True):
            yield connection

    async def fetch(self, query: str, *arguments: Any) -> list[Any]:
        """Rows of a query."""
        async with self._reading() as connection:
            return await connection.fetch(query, *arguments)

    async def fetchrow(self, query: str, *arguments: Any) -> Any:
        """The first row of a query, or None."""
        async with self._reading() as connection:
            return await connection.fetchrow(query, *arguments)

    async def fetchval(self, query: str, *arguments: Any) -> Any:
        """The first value of the first row, or None."""
        async with self._reading() as connection:
            return await connection.fetchval(query, *arguments)
