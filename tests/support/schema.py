"""One service's own schema on a real PostgreSQL: migrated, folded into as the runner does it, compared, and asked."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
from cleartide.bus.folder import Fold
from cleartide.bus.ports import Delivery
from cleartide.contracts import Message
from cleartide.fold import Key, Row
from cleartide.store.migrations import Migrator
from cleartide.store.names import role_of
from cleartide.store.postgres import PostgresStore

from tests.support.fold_bench import in_batches, new_folder, trading_message
from tests.support.servers import Database


@dataclass(frozen=True)
class ServiceSchema:
    """A migrated schema, seen as the service sees it."""

    fold: Fold
    dsn: str

    async def run_epoch(self, messages: Iterable[Sequence[Delivery]], most_commits: int | None = None) -> int:
        """Load what is stored and fold on from there, one commit per batch or step; the messages get the stream's next
        places. It ends with the messages, or after so many commits, as if it were killed.

        Returns how many of them became dead letters.
        """
        repository, dead, commits = self.fold.repository, 0, 0
        store = PostgresStore(self.dsn, self.fold.service)
        try:
            epoch = await store.begin()
            state = repository.restore(await store.load([table for table in repository.tables if table.load]))
            folder = new_folder(self.fold, state, epoch)
            last = epoch.progress.stream_seq - self.fold.in_midst(epoch.progress)
            for batch in messages:
                placed = [message._replace(stream_seq=last + number) for number, message in enumerate(batch, start=1)]
                last += len(placed)
                decoded = folder.decode(placed)
                while decoded and commits != most_commits:
                    commit, counts = folder.fold(decoded, "", "stream", in_steps=True)
                    decoded, dead, commits = decoded[counts.messages :], dead + counts.dead, commits + 1
                    await store.commit(commit)
            return dead
        finally:
            await store.close()

    async def run_trading_epoch(self, events: Sequence[Message], size: int) -> None:
        """An epoch of a reader of the trading events: every batch is one message of `size` events."""
        dead = await self.run_epoch([trading_message(batch)] for batch in in_batches(events, size))
        assert dead == 0

    async def assert_holds(self, tables: Mapping[str, Mapping[Key, Row]]) -> None:
        """Row for row, in key order, what a bench holds in memory."""
        store = PostgresStore(self.dsn, self.fold.service)
        try:
            stored = await store.load(self.fold.repository.tables)
        finally:
            await store.close()
        for table in self.fold.repository.tables:
            assert list(stored[table.name]) == sorted(tables[table.name].values(), key=table.key_of), table.name

    def pool(self) -> Any:
        """The service's connections for reading; an asynchronous context manager."""
        return asyncpg.create_pool(self.dsn, min_size=1, max_size=2)


async def migrated(database: Database, fold: Fold, migrations: Path) -> ServiceSchema:
    """The schema of a service after its own migrations."""
    await Migrator(database.admin_dsn, fold.service, role_of(fold.service), [migrations]).migrate()
    return ServiceSchema(fold, database.dsn(fold.service))
