"""Whether a service's schema is in its place: while it is rebuilt, what stands there is not whole."""

from collections.abc import Callable, Coroutine
from typing import Any

import asyncpg

from cleartide.store.names import set_aside_name


class SetAside(ConnectionError):  # noqa: N818 - a state of the schema, which passes
    """The schema is being rebuilt, or a rebuild of it was cut short: to a service it is as if it were away."""


async def in_its_place(service: str, dsn: str, **options: Any) -> "asyncpg.Connection[Any]":
    """A connection of the service's, as `asyncpg.connect` makes it. Raises SetAside."""
    connection: asyncpg.Connection[Any] = await asyncpg.connect(dsn, **options)
    try:
        await require_in_place(connection, service)
    except BaseException:
        connection.terminate()
        raise
    return connection


async def require_in_place(connection: Any, service: str) -> None:
    """Raises SetAside."""
    if await connection.fetchval("SELECT to_regnamespace($1) IS NOT NULL", set_aside_name(service)):
        raise SetAside(f"{service} is being rebuilt; if that was cut short, `ops migrate {service}` takes it back")


def in_place(service: str) -> Callable[[Any], Coroutine[Any, Any, None]]:
    """For each new connection of a pool."""
    return lambda connection: require_in_place(connection, service)
