"""The real decoder, folder and repository around dictionaries for tables: a service without servers."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from cleartide.bus.folder import Folder
from cleartide.bus.ports import Commit, Delivery, Epoch, Progress
from cleartide.bus.streams import EVENTS
from cleartide.contracts import TradingEvent
from cleartide.contracts.codec import encode
from cleartide.fold import Changes, Key, Row, Table

from services.analytics.handlers import HANDLERS
from services.analytics.repository import AnalyticsRepository

Tables = dict[str, dict[Key, Row]]


class Harness:
    """Analytics as the runner drives it; `tables` and `published` are what a reader of its schema and stream sees."""

    def __init__(self) -> None:
        self.repository = AnalyticsRepository()
        self.tables: Tables = {table.name: {} for table in self.repository.tables}
        self.published: list[dict[str, Any]] = []
        self.progress = Progress()
        self.restart()

    def restart(self) -> None:
        """Forget the state in memory and load it from the tables."""
        loaded = {
            table.name: sorted(self.tables[table.name].values(), key=table.key_of)
            for table in self.repository.tables
            if table.load
        }
        head = {"ANALYTICS": len(self.published)}
        self.folder = Folder(
            service="analytics",
            stream=EVENTS,
            handlers=HANDLERS,
            repository=self.repository,
            state=self.repository.restore(loaded),
            epoch=Epoch(1, self.progress, head, head),
            journal=False,
        )

    def feed(self, events: Sequence[TradingEvent]) -> Changes:
        """One batch: one message with these events, folded and written. Returns what was written."""
        payload = b"[" + b",".join(encode(event) for event in events) + b"]"
        delivery = Delivery(self.progress.stream_seq + 1, events[-1].occurred_at, "trading.main", payload, "", 0)
        commit, counts = self.folder.fold(self.folder.decode([delivery]), "", "stream")
        assert counts.dead == 0
        self._write(commit)
        return commit.changes

    def rows(self, name: str) -> list[dict[str, Any]]:
        """A table in key order, by column name."""
        table = next(table for table in self.repository.tables if table.name == name)
        return [dict(zip(table.columns, row, strict=True)) for _, row in sorted(self.tables[name].items())]

    def _write(self, commit: Commit) -> None:
        for table, rows in commit.changes.rows.items():
            self._put(table, rows)
        for table, keys in commit.changes.deletes.items():
            written = {table.key_of(row) for row in commit.changes.rows.get(table, [])}
            assert not written.intersection(keys), f"{table.name}: a key is written and deleted in one batch"
            for key in keys:
                self.tables[table.name].pop(key, None)
        for row in commit.outbox:
            self.published.append(msgspec.json.decode(row.payload))
        self.progress = commit.after

    def _put(self, table: Table, rows: Sequence[Row]) -> None:
        keys = [table.key_of(row) for row in rows]
        assert len(set(keys)) == len(keys), f"{table.name}: a key is written twice in one batch"
        held = self.tables[table.name]
        assert table.write != "append" or not held.keys() & set(keys), f"{table.name}: a key is appended twice"
        held.update(zip(keys, rows, strict=True))


def batches(events: Sequence[TradingEvent], size: int) -> Iterator[Sequence[TradingEvent]]:
    """The events in groups of at most `size`."""
    for start in range(0, len(events), size):
        yield events[start : start + size]
