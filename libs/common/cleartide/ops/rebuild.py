"""Fold a service's whole input again into a fresh schema and prove that it comes out the same.

The old schema stays until the digests are equal; when they are not, it goes back into service and the new one is kept
beside it as `<service>_rebuilt` for inspection. The service must not run meanwhile. Tables of truth, which no stream
could give back, are carried over as they are; so is what came before the beginning of a stream that is kept for a time.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import asyncpg
from nats.aio.client import Client

from cleartide.bus.folder import Decoded, Folder
from cleartide.bus.nats import NatsBus
from cleartide.bus.ports import Delivery, Epoch, Progress
from cleartide.bus.worker import MOST_ROWS
from cleartide.connect import connected, nats_broker
from cleartide.contracts.codec import Refusal
from cleartide.ops.earlier import can_begin_later, carry_over
from cleartide.ops.registry import definition
from cleartide.ops.set_aside import RebuildError, hold, put_back, take_back
from cleartide.ops.settings import OpsSettings
from cleartide.ops.setup import migrator
from cleartide.service import Service
from cleartide.store.beside import count_beside
from cleartide.store.digest import schema_digests
from cleartide.store.names import enter_schema, quoted, role_of, set_aside_name
from cleartide.store.postgres import PostgresStore

JOURNAL_ROWS_AT_ONCE: Final = 2_000
STOPPED_LOOKS: Final = 20
OUTBOX: Final = "outbox"


@dataclass(frozen=True)
class Rebuilt:
    """The outcome of a rebuild."""

    service: str
    position: int
    seconds: float
    digests: dict[str, str]
    adopted: Sequence[str] = ()
    """Of which parts the fresh form has taken the place of another one."""


async def rebuild(settings: OpsSettings, name: str, *, adopt: bool = False) -> Rebuilt:
    """Rebuild one service's schema. Raises RebuildError.

    adopt: the tables that come out take the place of those in service also where they are different, for they are what
    the code of today makes of the past. What was said stays as it was said: a service whose events others fold is
    adopted only where it would say the same again, any other where it would say as much.
    """
    service = definition(name)
    admin = await asyncpg.connect(settings.admin_dsn)
    try:
        await hold(admin, name)
        await take_back(admin, name)
        await _require_stopped(admin, name)
        await fence(admin, name)
        expected, held = await _current(admin, service)
        target = held.progress
        before = set_aside_name(name)
        await admin.execute(f"ALTER SCHEMA {quoted(name)} RENAME TO {quoted(before)}")
        started = time.monotonic()
        try:
            await _fresh_schema(admin, settings, name)
            first = await _beginning(settings, service, target)
            if can_begin_later(service):
                await carry_over(admin, service, before, first, target)
            await _fold_again(settings, service, held, first)
            actual, _ = await _current(admin, service)
            different = sorted(key for key in {*expected, *actual} if expected.get(key) != actual.get(key))
            if different and not (adopt and adoptable(_folded(settings), expected, actual, different)):
                detail = "; ".join(f"{key}: was {expected.get(key)}, is {actual.get(key)}" for key in different)
                raise RebuildError(f"{name}: {detail}")
            async with admin.transaction():  # what was set aside is the truth until all of this is done
                await _mark_published(admin, name)
                await _keep_truth(admin, service, before, (OUTBOX,) if different else ())
                await admin.execute(f"DROP SCHEMA {quoted(before)} CASCADE")
        except BaseException:
            await put_back(admin, name)
            raise
        return Rebuilt(name, target.position, time.monotonic() - started, actual, different)
    finally:
        await admin.close()


async def _require_stopped(admin: "asyncpg.Connection[Any]", name: str) -> None:
    """Neither the fold nor anybody beside it. Who has just been killed needs a moment to leave the database."""
    for _ in range(STOPPED_LOOKS):
        held = await admin.fetchval(
            f"SELECT EXISTS (SELECT FROM {quoted(name)}.lease l JOIN pg_stat_activity a "  # noqa: S608
            "ON a.pid = l.session AND a.backend_start = l.session_start WHERE l.patience_ms > 0)"
        )
        if not held and not (beside := await count_beside(admin, name)):
            return
        await asyncio.sleep(0.1)
    if held:
        raise RebuildError(f"{name} runs: stop it, and its standby, before it is rebuilt")
    raise RebuildError(f"{name} is still at work in {beside} further processes: stop them before it is rebuilt")


async def fence(admin: "asyncpg.Connection[Any]", name: str) -> None:
    """From here on the schema stays as it is: a commit that is on its way is waited for, a later one is refused.

    The server does not notice at once that a process was killed, and goes on with the statement that it was given.
    """
    await admin.execute(f"UPDATE {quoted(name)}.consumer_position SET epoch = epoch + 1")  # noqa: S608


async def _current(admin: "asyncpg.Connection[Any]", service: Service) -> tuple[dict[str, str], Epoch]:
    """What the schema holds: digests, and how far it has come in hearing and in saying."""
    await enter_schema(admin, service.name)
    try:
        row = await admin.fetchrow("SELECT position, stream_seq, stream_created, at FROM consumer_position")
        if row is None:
            raise RebuildError(f"{service.name}: the schema holds no position")
        said = dict(await admin.fetch("SELECT channel, last_seq FROM outbox_position"))
        return await schema_digests(admin, service.compared), Epoch(0, Progress(*row), said, {})
    finally:
        await admin.execute("RESET ROLE")
        await admin.execute("RESET search_path")


async def _fresh_schema(admin: "asyncpg.Connection[Any]", settings: OpsSettings, name: str) -> None:
    await admin.execute(f"CREATE SCHEMA {quoted(name)} AUTHORIZATION {quoted(role_of(name))}")
    await admin.execute(f"REVOKE ALL ON SCHEMA {quoted(name)} FROM PUBLIC")
    await migrator(settings, name).migrate()


async def _mark_published(admin: "asyncpg.Connection[Any]", name: str) -> None:
    """Everything up to the rebuilt position was published before; what was not is repaired at the next start."""
    await admin.execute(
        f"UPDATE {quoted(name)}.outbox_position n SET published_seq = b.published_seq "  # noqa: S608
        f"FROM {quoted(set_aside_name(name))}.outbox_position b WHERE b.channel = n.channel"
    )


def _folded(settings: OpsSettings) -> frozenset[str]:
    return frozenset(definition(service).reads.name for service in settings.services)


def adoptable(
    folded: frozenset[str], expected: Mapping[str, str], actual: Mapping[str, str], different: Sequence[str]
) -> bool:
    """Whether what is different concerns nobody else: tables, and as many events of streams that nobody folds."""
    for key in different:
        kind, _, channel = key.partition(":")
        if kind == "position" or channel in folded:
            return False
        if kind == OUTBOX and _said(expected.get(key, "")) != _said(actual.get(key, "")):
            return False
    return True


def _said(digest: str) -> str:
    """How many events of a channel there are, and the last one's number, of its digest."""
    return digest.rpartition(":")[0] or digest


async def _keep_truth(
    admin: "asyncpg.Connection[Any]", service: Service, before: str, also: Sequence[str] = ()
) -> None:
    """What is no fold moves over as it is, with its indexes, policies and sequences, and rows that were written beside
    the fold are copied.
    """
    schema, kept = quoted(service.name), (*service.truth, *also)
    for table in kept:
        await admin.execute(f"DROP TABLE {schema}.{quoted(table)} CASCADE")
    for table in kept:
        await admin.execute(f"ALTER TABLE {quoted(before)}.{quoted(table)} SET SCHEMA {schema}")
    for each in service.repository.tables:
        if each.beside:
            columns = ", ".join(map(quoted, each.columns))
            await admin.execute(
                f"INSERT INTO {schema}.{quoted(each.name)} ({columns}) SELECT {columns} "  # noqa: S608
                f"FROM {quoted(before)}.{quoted(each.name)} WHERE {each.is_beside} ON CONFLICT DO NOTHING"
            )


async def _fold_again(settings: OpsSettings, service: Service, held: Epoch, first: int) -> None:
    """The input from `first` on, up to what is `held`, on top of what the schema holds."""
    target = held.progress
    store = PostgresStore(settings.admin_dsn, service.name, act_as_owner=True)
    pending: asyncio.Task[None] | None = None
    try:
        epoch = await store.begin()
        folder = Folder(
            service=service.name,
            stream=service.reads,
            handlers=service.handlers,
            repository=service.repository,
            state=service.repository.restore(await store.load(service.fold.tables)),
            epoch=epoch,
            journal=service.journal,
        )
        async for deliveries in _input(settings, service, first, target.position):
            decoded = [entry for entry in folder.decode(deliveries) if _within(entry, service, target)]
            while decoded:
                commit, counts = folder.fold(decoded, "", target.stream_created, most_rows=MOST_ROWS)
                decoded = decoded[counts.messages :]
                if pending is not None:
                    await pending
                pending = asyncio.create_task(store.commit(commit))
            if folder.progress.position >= target.position:
                break
        if pending is not None:
            await pending
        if service.fold.in_midst(target):
            await _take_steps(settings, service, store, folder, held)
    finally:
        await store.close()


async def _take_steps(
    settings: OpsSettings, service: Service, store: PostgresStore, folder: Folder, held: Epoch
) -> None:
    """Of the message in the midst of which the service was killed as many steps as it had taken: what it has said of
    them tells how many.
    """
    begun = held.progress.stream_seq
    async for deliveries in _input(settings, service, begun, begun):
        decoded = folder.decode(deliveries[:1])
        while decoded and not folder.stands_at(held):
            commit, counts = folder.fold(decoded, "", held.progress.stream_created, in_steps=True)
            decoded = decoded[counts.messages :]
            await store.commit(commit)
        return


def _within(entry: Decoded, service: Service, target: Progress) -> bool:
    delivery, messages = entry
    if not service.reads.single_writer:
        return delivery.stream_seq <= target.position
    first = messages[0]
    return not isinstance(first, Refusal) and first.seq <= target.position


def _input(settings: OpsSettings, service: Service, first: int, last: int) -> AsyncIterator[list[Delivery]]:
    return (_journal if service.journal else _stream)(settings, service, first, last)


async def _journal(settings: OpsSettings, service: Service, first: int, last: int) -> AsyncIterator[list[Delivery]]:
    connection = await asyncpg.connect(settings.admin_dsn)
    try:
        await connection.execute(f"SET search_path TO {quoted(set_aside_name(service.name))}")
        after = first - 1
        while after < last:
            rows = await connection.fetch(
                "SELECT stream_seq, at, subject, payload FROM journal WHERE stream_seq > $1 "
                "ORDER BY stream_seq LIMIT $2",
                after,
                JOURNAL_ROWS_AT_ONCE,
            )
            if not rows:
                raise RebuildError(f"{service.name}: the journal ends at {after}, the input at {last}")
            yield [Delivery(row["stream_seq"], row["at"], row["subject"], row["payload"], "", 0) for row in rows]
            after = rows[-1]["stream_seq"]
    finally:
        await connection.close()


@asynccontextmanager
async def _bus(settings: OpsSettings) -> AsyncIterator[NatsBus]:
    broker = nats_broker(settings.nats_url, settings.nats_admin_user, settings.nats_admin_password, "cleartide-rebuild")
    client: Client = await connected(broker, give_up_after=10)
    try:
        yield NatsBus(client)
    finally:
        await broker.stop()


async def _beginning(settings: OpsSettings, service: Service, target: Progress) -> int:
    """Where the input begins; what came before is no longer there."""
    if service.journal or target.position == 0:
        return 1
    async with _bus(settings) as bus:
        first = max(1, (await bus.state(service.reads)).first_seq)
    if first > 1 and not can_begin_later(service):
        raise RebuildError(f"{service.name}: {service.reads.name} begins at {first}, not at 1")
    return first


async def _stream(settings: OpsSettings, service: Service, first: int, last: int) -> AsyncIterator[list[Delivery]]:
    if first > last:
        return
    async with _bus(settings) as bus:
        cursor = await bus.open(service.reads, f"rebuild-{service.name}", first)
        try:
            while True:
                yield await cursor.fetch()
        finally:
            await cursor.close()
            await bus.api(f"CONSUMER.DELETE.{service.reads.name}.rebuild-{service.name}")
