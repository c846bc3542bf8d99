"""The real decoder, folder and repository around dictionaries for tables: the fold without servers."""

from collections.abc import Sequence
from typing import Any

import msgspec
from cleartide.bus.folder import Folder
from cleartide.bus.ports import Commit, Delivery, Epoch, Progress
from cleartide.bus.streams import MARKET
from cleartide.fold import Changes, Key, Row

from services.ingestor.adapters.events import MarketStruct, encode
from services.ingestor.domain.index_markets import IndexMarket
from services.ingestor.handlers import HANDLERS
from services.ingestor.repository import IngestorRepository
from services.ingestor.settings import SANDBOX_INDEX

MARKETS = tuple(market.domain() for market in SANDBOX_INDEX)


class Harness:
    """The ingestor's fold as the runner drives it; `tables` and `published` are what a reader sees."""

    def __init__(self, markets: tuple[IndexMarket, ...] = MARKETS) -> None:
        self.repository = IngestorRepository(markets)
        self.tables: dict[str, dict[Key, Row]] = {table.name: {} for table in self.repository.tables}
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
        heads = {"COMMANDS": len(self.published)}
        self.state = self.repository.restore(loaded)
        self.folder = Folder(
            service="ingestor",
            stream=MARKET,
            handlers=HANDLERS,
            repository=self.repository,
            state=self.state,
            epoch=Epoch(1, self.progress, heads, heads),
            journal=False,
        )

    def feed(self, events: Sequence[MarketStruct], at: int) -> Changes:
        """One message with these events, sequenced at `at`: folded and written."""
        payload = encode(list(events))
        delivery = Delivery(self.progress.stream_seq + 1, at, events[0].subject, payload, "", 0)
        commit, counts = self.folder.fold(self.folder.decode([delivery]), "", "stream")
        assert counts.dead == 0
        self._write(commit)
        return commit.changes

    def rows(self, name: str) -> list[dict[str, Any]]:
        """A table in key order, by column name."""
        table = next(table for table in self.repository.tables if table.name == name)
        return [dict(zip(table.columns, row, strict=True)) for _, row in sorted(self.tables[name].items())]

    def _write(self, commit: Commit) -> None:
        assert not commit.changes.deletes
        for table, rows in commit.changes.rows.items():
            held = self.tables[table.name]
            for row in rows:
                assert len(row) == len(table.columns)
                if table.write == "ignore":
                    held.setdefault(table.key_of(row), row)
                else:
                    held[table.key_of(row)] = row
        for row in commit.outbox:
            self.published.append(msgspec.json.decode(row.payload))
        self.progress = commit.after
