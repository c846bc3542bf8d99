"""The sequencer's fold with nothing around it: no servers, no commits, one process."""

import time
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from cleartide.bus.folder import Folder
from cleartide.bus.ports import Delivery, Epoch, Progress
from cleartide.contracts import Message
from cleartide.contracts.codec import encode

from services.matching.app import SERVICE


class Alone:
    """The service's fold, from bytes of commands to the rows and events of a commit."""

    def __init__(self) -> None:
        fold = SERVICE.fold
        self.state: Any = fold.repository.restore({table.name: [] for table in fold.repository.tables if table.load})
        self._folder = Folder(
            service=fold.service,
            stream=fold.stream,
            handlers=fold.handlers,
            repository=fold.repository,
            state=self.state,
            epoch=Epoch(1, Progress(), {}, {}),
            journal=fold.journal,
        )
        self._position = 0

    @property
    def armed(self) -> int:
        """How many orders wait."""
        return len(self.state.conditional.triggers)

    def timed(self, commands: Iterable[Message], batch: int = 1) -> float:
        """Fold these commands in batches; returns the processor seconds that it took."""
        deliveries, seconds = self._deliveries(commands), 0.0
        while part := list(islice(deliveries, batch)):
            started = time.process_time()
            self._folder.fold(self._folder.decode(part), "", "")
            seconds += time.process_time() - started
        return seconds

    def _deliveries(self, commands: Iterable[Message]) -> Iterator[Delivery]:
        for command in commands:
            self._position += 1
            yield Delivery(self._position, command.occurred_at, command.subject, encode(command), "", 0)
