"""What a rebuild sets aside is the truth until the rebuild is done.

While it lies there no service begins to work on the schema, and nobody else rebuilds it. Where a rebuild was killed
in its midst, the next command that brings the schema to its state, or rebuilds it, takes it back first.
"""

import asyncio
from collections.abc import Iterable
from typing import Any, Final

import asyncpg

from cleartide.store.names import quoted, set_aside_name

LOOKS: Final = 20
LOOK_SECONDS: Final = 0.1


class RebuildError(Exception):
    """The rebuild could not be made, or came out different; the message lists what differs."""


async def hold(admin: "asyncpg.Connection[Any]", name: str) -> None:
    """Be the one who rebuilds a service, as long as the connection lives. Raises RebuildError while another is.

    The server notices only after a moment that a process was killed.
    """
    for _ in range(LOOKS):
        if await admin.fetchval("SELECT pg_try_advisory_lock(hashtext($1))", f"cleartide-rebuild-{name}"):
            return
        await asyncio.sleep(LOOK_SECONDS)
    raise RebuildError(f"{name} is being rebuilt: wait for its end")


async def put_back(admin: "asyncpg.Connection[Any]", name: str) -> None:
    """What was set aside goes into service again; what was being made is kept beside it as `<name>_rebuilt`."""
    rebuilt = f"{name}_rebuilt"
    async with admin.transaction():
        await admin.execute(f"DROP SCHEMA IF EXISTS {quoted(rebuilt)} CASCADE")
        if await admin.fetchval("SELECT to_regnamespace($1) IS NOT NULL", name):
            await admin.execute(f"ALTER SCHEMA {quoted(name)} RENAME TO {quoted(rebuilt)}")
        await admin.execute(f"ALTER SCHEMA {quoted(set_aside_name(name))} RENAME TO {quoted(name)}")


async def take_back(admin: "asyncpg.Connection[Any]", name: str) -> bool:
    """Undo a rebuild of which nobody is at work any more; whether there was one. The caller holds the service."""
    if not await admin.fetchval("SELECT to_regnamespace($1) IS NOT NULL", set_aside_name(name)):
        return False
    await put_back(admin, name)
    return True


async def take_back_all(admin_dsn: str, names: Iterable[str]) -> list[str]:
    """Undo what was cut short of several services; returns a line for each. Raises RebuildError."""
    admin = await asyncpg.connect(admin_dsn)
    try:
        lines = []
        for name in names:
            if await admin.fetchval("SELECT to_regnamespace($1) IS NOT NULL", set_aside_name(name)):
                await hold(admin, name)
                if await take_back(admin, name):
                    lines.append(f"{name}: a rebuild that was cut short has been taken back")
        return lines
    finally:
        await admin.close()
