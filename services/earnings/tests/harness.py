"""The real decoder, folder and repository around dictionaries for tables: a service without servers."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from cleartide.bus.folder import Folder
from cleartide.bus.ports import Commit, Delivery, Epoch, Progress
from cleartide.bus.streams import EVENTS
from cleartide.contracts import TradingEvent
from cleartide.contracts.codec import encode
from cleartide.fold import Changes, Key, Row

from services.earnings.handlers import HANDLERS
from services.earnings.repository import EarningsRepository

Tables = dict[str, dict[Key, Row]]


class Harness:
    """Earnings as the runner drives it; `tables` and `published` are what a reader of its schema and stream sees."""

    def __init__(self) -> None:
        self.repository = EarningsRepository()
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
        head = {"EARNINGS": len(self.published)}
        self.folder = Folder(
            service="earnings",
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

    def day_rows(self) -> list[dict[str, Any]]:
        """Table earnings_days in key order, by column name."""
        table = next(table for table in self.repository.tables if table.name == "earnings_days")
        return [dict(zip(table.columns, row, strict=True)) for _, row in sorted(self.tables[table.name].items())]

    def closed_rows(self) -> list[dict[str, Any]]:
        """Only the finished days."""
        return [row for row in self.day_rows() if row["closed"]]

    def _write(self, commit: Commit) -> None:
        for table, rows in commit.changes.rows.items():
            keys = [table.key_of(row) for row in rows]
            assert len(set(keys)) == len(keys), f"{table.name}: a key is written twice in one batch"
            self.tables[table.name].update(zip(keys, rows, strict=True))
        for table, keys in commit.changes.deletes.items():
            written = {table.key_of(row) for row in commit.changes.rows.get(table, [])}
            assert not written.intersection(keys), f"{table.name}: a key is written and deleted in one batch"
            for key in keys:
                self.tables[table.name].pop(key, None)
        for row in commit.outbox:
            self.published.append(msgspec.json.decode(row.payload))
        self.progress = commit.after


def batches(events: Sequence[TradingEvent], size: int) -> Iterator[Sequence[TradingEvent]]:
    """The events in groups of at most `size`."""
    for start in range(0, len(events), size):
        yield events[start : start + size]
