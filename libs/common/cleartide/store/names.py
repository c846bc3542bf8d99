"""Names of schemas, roles and partitions, quoted once and safely."""

import re
from typing import Any, Final

import asyncpg

_NAME: Final = re.compile(r"^[a-z][a-z0-9_]{0,62}$")


def quoted(name: str) -> str:
    """An identifier for SQL text; anything but lower-case letters, digits and `_` is refused."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not a plain identifier")
    return f'"{name}"'


async def enter_schema(connection: "asyncpg.Connection[Any]", service: str) -> None:
    """Work as the service's role in its schema on an administrator's connection."""
    await connection.execute(f"SET ROLE {quoted(role_of(service))}")
    await connection.execute(f"SET search_path TO {quoted(service)}")


def set_aside_name(service: str) -> str:
    """Where a service's schema is while it is rebuilt."""
    return f"{service}_before_rebuild"


def role_of(service: str) -> str:
    """The Postgres role of a service."""
    return f"cleartide_{service}"


def tenant_role_of(service: str) -> str:
    """The Postgres role as which a service reads for one tenant: it owns nothing and may write nothing."""
    return f"{role_of(service)}_tenant"
