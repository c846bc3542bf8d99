"""The checker itself: with one safety taken away, a few seeds are enough to notice."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

import pytest
from cleartide.bus import folder as folder_module
from cleartide.bus.folder import FoldCounts, Folder
from cleartide.bus.ports import NOBODY, Commit, Delivery, Epoch, OutboxRow, Sign
from cleartide.bus.standby import Standby
from cleartide.bus.worker import Worker
from cleartide.contracts import Message
from cleartide.contracts.codec import Refusal
from cleartide.fold import Changes, Repository, Row
from cleartide.service.epochs import standby_beside

from tests.simulation.broker import SimulatedBus
from tests.simulation.runs import checked_seed, folds
from tests.simulation.store import SimulatedStore

ENOUGH = 60
"""With every safety in place these seeds pass: they are among those of test_seeds."""


def caught(run: Callable[[int], Any]) -> int:
    """How many seeds it takes until one fails; ENOUGH + 1 if none does."""
    for seed in range(1, ENOUGH + 1):
        try:
            run(seed)
        except Exception:
            return seed
    return ENOUGH + 1


class NoRepair(Worker):
    """Does not publish what was committed before a crash."""

    async def _repair(self, epoch: Epoch) -> None:
        self._published = dict(epoch.last_seq)


class NoFence(SimulatedStore):
    """Lets everybody write."""

    async def begin(self, held: int = 0, sign: Sign = NOBODY) -> Epoch:
        return await super().begin(0, sign)

    def require_holder(self, commit: Commit) -> None:
        """Anybody."""


class TakesItsPlaceBack(SimulatedStore):
    """Begins again as if it were a new process, whoever has taken over meanwhile."""

    async def begin(self, held: int = 0, sign: Sign = NOBODY) -> Epoch:
        return await super().begin(0, sign)


class Hasty(Standby):
    """Goes on with the state as it happens to be, without the last commits of the one before."""

    async def caught_up(self, epoch: Epoch) -> Folder | None:
        folder, self._folder = self._folder, None
        return folder


class Deaf(Standby):
    """Takes everybody for dead."""

    async def follow(self) -> None:
        self.seen = (await self.lease.look()).epoch.number


class NoGapCheck(Folder):
    """Folds on over missing messages."""

    def _require_next(self, seq: int) -> None:
        """Never mind."""


class NoMemory(Folder):
    """Folds again what it has seen."""

    def _fold_delivery(
        self, delivery: Delivery, messages: list[Message | Refusal], counts: FoldCounts, *, in_steps: bool
    ) -> bool:
        self._position = min(self._position, delivery.stream_seq - 1)
        return super()._fold_delivery(delivery, messages, counts, in_steps=in_steps)

    def _fold_sequenced(self, delivery: Delivery, messages: list[Message | Refusal], counts: FoldCounts) -> None:
        seqs = [message.seq for message in messages if not isinstance(message, Refusal)]
        self._position = min(self._position, min(seqs) - 1)
        super()._fold_sequenced(delivery, messages, counts)


class Unordered(SimulatedBus):
    """Publishes a batch's rows in another order."""

    async def publish(self, service: str, rows: Sequence[OutboxRow]) -> None:
        await super().publish(service, list(reversed(rows)))


class Forgetful(Repository[Any]):
    """Writes every table and loads all but one."""

    def __init__(self, whole: Repository[Any], forgotten: str) -> None:
        self._whole, self._forgotten = whole, forgotten
        self.tables = whole.tables  # type: ignore[misc]

    def restore(self, rows: Mapping[str, Sequence[Row]]) -> Any:
        return self._whole.restore({**rows, self._forgotten: []} if self._forgotten in rows else rows)

    def collect(self, state: Any) -> Changes:
        return self._whole.collect(state)


def test_without_the_repair_of_the_outbox_events_are_missing() -> None:
    """RUN-SIM-003: what was committed and not yet published at a crash would never be said."""
    assert caught(lambda seed: checked_seed(seed, make_worker=NoRepair)) <= ENOUGH


def test_without_the_fence_two_processes_write() -> None:
    """RUN-SIM-003: a frozen process that wakes up would write over its successor's work."""
    assert caught(lambda seed: checked_seed(seed, make_store=NoFence)) <= ENOUGH


@pytest.mark.parametrize("careless", [Hasty, Deaf], ids=["hasty", "deaf"])
def test_a_standby_that_does_not_look_is_noticed(careless: type[Standby]) -> None:
    """RUN-SIM-003: a state short of the last commits gives other results; a standby that waits for nobody, no rest."""

    def beside(worker: Worker, code: str) -> Standby:
        standby = standby_beside(worker, code)
        return careless(**{field.name: getattr(standby, field.name) for field in fields(standby)})

    assert caught(lambda seed: checked_seed(seed, standbys=True, make_standby=beside)) <= ENOUGH


def test_a_process_that_takes_its_place_back_is_noticed() -> None:
    """Two processes that each begin anew whenever the other has: safe, thanks to the fence, and never at rest."""
    assert caught(lambda seed: checked_seed(seed, make_store=TakesItsPlaceBack)) <= ENOUGH


@pytest.mark.parametrize("careless", [NoGapCheck, NoMemory], ids=["gap", "repeat"])
def test_without_the_check_of_the_position_messages_count_wrongly(
    careless: type[Folder], monkeypatch: pytest.MonkeyPatch
) -> None:
    """RUN-SIM-003: missing messages would be passed over, repeated ones would count twice."""
    monkeypatch.setattr(folder_module, "Folder", careless)
    assert caught(checked_seed) <= ENOUGH


def test_without_the_order_of_the_outbox_readers_find_gaps() -> None:
    """Events published out of order are noticed."""
    assert caught(lambda seed: checked_seed(seed, make_bus=Unordered)) <= ENOUGH


def test_state_that_is_not_restored_is_noticed() -> None:
    """A service that keeps something in memory which its tables do not give back differs after a restart."""
    risk = folds()["risk"]
    forgetful = replace(risk, repository=Forgetful(risk.repository, "positions"))
    assert caught(lambda seed: checked_seed(seed, folds={**folds(), "risk": forgetful})) <= ENOUGH


def test_a_fold_that_is_not_a_function_of_its_input_is_noticed() -> None:
    """A handler that looks at anything but state and event gives another result when the input is folded again."""
    funding, calls = folds()["funding"], iter(range(10**9))

    def fickle(handler: Callable[..., bool | None]) -> Callable[..., bool | None]:
        def handle(state: Any, event: Any, effects: Any) -> bool | None:
            return handler(state, event, effects) if next(calls) % 7 else None

        return handle

    handlers = {contract: fickle(handler) for contract, handler in funding.handlers.items()}
    fold = replace(funding, handlers=handlers)
    assert caught(lambda seed: checked_seed(seed, folds={**folds(), "funding": fold})) <= ENOUGH
