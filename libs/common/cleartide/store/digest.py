"""Digests of a service's tables and of what it has said: two schemas are equal exactly when these are."""

import hashlib
from collections.abc import Sequence
from typing import Any

import asyncpg
import msgspec

from cleartide.bus.streams import PASSING
from cleartide.fold import Table


async def table_digests(connection: "asyncpg.Connection[Any]", tables: Sequence[Table]) -> dict[str, str]:
    """Row count and hash per table, by declared columns in key order (all columns where there is no key)."""
    digests: dict[str, str] = {}
    for table in tables:
        if not table.digest:
            continue
        columns = ", ".join(table.columns)
        order = ", ".join(table.key) if table.key else columns
        row = await connection.fetchrow(
            f"SELECT count(*) AS n, coalesce(md5(string_agg(md5(ROW({columns})::text), '' ORDER BY {order})), '') AS h "  # noqa: S608
            f"FROM {table.name} WHERE NOT ({table.is_beside})",
            timeout=600,
        )
        if row is None:
            raise RuntimeError(f"no digest of {table.name}")
        digests[table.name] = f"{row['n']}:{row['h']}"
    return digests


async def outbox_digests(connection: "asyncpg.Connection[Any]") -> dict[str, str]:
    """Count, last sequence and hash of the events per channel, independent of how they were packed.

    Of streams whose outbox forgets what it has published there is the last sequence alone.
    """
    digests: dict[str, str] = {}
    channels = await connection.fetch("SELECT channel, last_seq FROM outbox_position ORDER BY channel")
    for channel, last_seq in channels:
        if channel in PASSING:
            digests[f"outbox:{channel}"] = str(last_seq)
            continue
        sha = hashlib.sha256()
        count = 0
        async with connection.transaction(readonly=True):
            query = "SELECT payload FROM outbox WHERE channel = $1 ORDER BY first_seq"
            async for record in connection.cursor(query, channel, prefetch=500):
                for event in events_of(record["payload"]):
                    sha.update(event)
                    count += 1
        digests[f"outbox:{channel}"] = f"{count}:{last_seq}:{sha.hexdigest()}"
    return digests


def events_of(payload: bytes) -> list[bytes]:
    """The encoded events of one outbox row or message."""
    if payload[:1] == b"[":
        return [bytes(raw) for raw in msgspec.json.decode(payload, type=list[msgspec.Raw])]
    return [payload]


async def schema_digests(connection: "asyncpg.Connection[Any]", tables: Sequence[Table]) -> dict[str, str]:
    """Everything of a service's schema that a rebuild must reproduce, with the position it holds for."""
    position = await connection.fetchval("SELECT position FROM consumer_position")
    return {
        "position": str(position),
        **await table_digests(connection, tables),
        **await outbox_digests(connection),
    }
