"""NATS is disposable: make missing streams anew and fill them from the outboxes. The services must not run meanwhile.

Streams with one writer, and RISK with its pools, are republished whole, each writer's events in order. COMMANDS goes on
at the number after the last one that matching is done with: a command in the midst of which it was killed comes first,
as its journal has it, then the commands that the services had committed and matching has not yet seen. MARKET goes on
after the last recorded number; what was recorded is in the ingestor's tables. So do CHAIN, after what vaults has
journalled, and PRODUCT.
"""

from collections.abc import Sequence
from typing import Any, Final

import asyncpg

from cleartide.bus.nats import ApiError, NatsBus
from cleartide.bus.ports import OutboxRow
from cleartide.bus.provision import STREAM_NOT_FOUND, ensure_stream
from cleartide.bus.streams import CHAIN, COMMANDS, MARKET, PRODUCT, STREAMS, Stream, subjects_of
from cleartide.connect import connected, nats_broker
from cleartide.ops.settings import OpsSettings
from cleartide.store.names import quoted

ROWS_AT_ONCE: Final = 500
READER_OF: Final = {
    COMMANDS.name: "matching",
    MARKET.name: "ingestor",
    CHAIN.name: "vaults",
    PRODUCT.name: "product",
}


async def restore(settings: OpsSettings) -> dict[str, int]:
    """Make every missing stream; returns how many messages each one that was made now holds."""
    broker = nats_broker(settings.nats_url, settings.nats_admin_user, settings.nats_admin_password, "cleartide-restore")
    client = await connected(broker, give_up_after=10)
    connection = await asyncpg.connect(settings.admin_dsn)
    try:
        bus = NatsBus(client)
        return {
            stream.name: await _restore_stream(bus, connection, stream, settings.services)
            for stream in STREAMS
            if not await _exists(bus, stream)
        }
    finally:
        await connection.close()
        await broker.stop()


async def _exists(bus: NatsBus, stream: Stream) -> bool:
    try:
        await bus.state(stream)
    except ApiError as error:
        if error.code == STREAM_NOT_FOUND:
            return False
        raise
    return True


async def _restore_stream(
    bus: NatsBus, connection: "asyncpg.Connection[Any]", stream: Stream, services: Sequence[str]
) -> int:
    reader = READER_OF.get(stream.name)
    first_seq = 1 if reader is None else 1 + await _position(connection, reader)
    await ensure_stream(bus, stream, first_seq)
    count = await _republish_begun(bus, connection, stream, first_seq)
    for service in services:
        if subjects_of(stream, service):
            after = await _seen(connection, stream, service)
            count += await _republish(bus, connection, stream, service, after)
    return count


async def _position(connection: "asyncpg.Connection[Any]", service: str) -> int:
    return int(await connection.fetchval(f"SELECT position FROM {quoted(service)}.consumer_position"))  # noqa: S608


async def _seen(connection: "asyncpg.Connection[Any]", stream: Stream, service: str) -> int:
    """Up to which of the service's own commands matching has applied; other streams start empty."""
    if stream is not COMMANDS:
        return 0
    last = await connection.fetchval("SELECT last_seq FROM matching.command_sources WHERE source = $1", service)
    return int(last or 0)


async def _republish_begun(bus: NatsBus, connection: "asyncpg.Connection[Any]", stream: Stream, first_seq: int) -> int:
    """A command that matching has begun and is not done with gets its number again; returns whether there is one."""
    if stream is not COMMANDS:
        return 0
    begun = await connection.fetchrow("SELECT subject, payload FROM matching.journal WHERE stream_seq = $1", first_seq)
    if begun is None:
        return 0
    # lint: allow one-publish: an operator brings a lost stream back from its reader's journal
    await bus.publish(
        "matching", [OutboxRow(stream.name, first_seq, first_seq, begun["subject"], begun["payload"], "")]
    )
    return 1


async def _republish(
    bus: NatsBus, connection: "asyncpg.Connection[Any]", stream: Stream, service: str, after: int
) -> int:
    count = 0
    while rows := await _rows(connection, service, stream.name, after):
        # lint: allow one-publish: an operator brings a lost stream back from its outbox
        await bus.publish(service, rows)
        count += len(rows)
        after = rows[-1].last_seq
    return count


async def _rows(connection: "asyncpg.Connection[Any]", service: str, channel: str, after: int) -> Sequence[OutboxRow]:
    records = await connection.fetch(
        f"SELECT channel, first_seq, last_seq, subject, payload, traceparent FROM {quoted(service)}.outbox "  # noqa: S608
        "WHERE channel = $1 AND first_seq > $2 ORDER BY first_seq LIMIT $3",
        channel,
        after,
        ROWS_AT_ONCE,
    )
    return [OutboxRow(*record) for record in records]
