"""Group commit on a real NATS server: what comes together leaves together, and each command keeps its own answer."""

import asyncio
import itertools
import json
from collections import Counter
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from signal import SIGCONT, SIGSTOP
from typing import Any

import pytest
from cleartide.bus import group_commit
from cleartide.bus.api import in_batch
from cleartide.bus.group_commit import MOST_ALONE, MOST_TOGETHER, GroupCommit, PublishError, Stored
from cleartide.bus.nats import NatsBus
from cleartide.bus.ports import OutboxRow
from cleartide.bus.streams import CHAIN, COMMANDS
from hypothesis import given, settings
from hypothesis import strategies as st
from nats.aio.client import Client

from tests.support.running import until
from tests.support.servers import Broker

SERVERS_BATCHES = 50
"""So many batches of a stream the server keeps open."""
_batches = itertools.count(1)


@asynccontextmanager
async def trading(broker: Broker, seconds: float = 30) -> AsyncIterator[GroupCommit]:
    """A trader's group commit, of which the server has taken an order already."""
    async with broker.client("trader") as client:
        commands = GroupCommit(client, seconds)
        await commands.publish("COMMANDS", "orders.X", b"{}", "warm")
        yield commands


async def place(commands: GroupCommit, number: int, subject: str = "orders.X") -> Stored:
    return await commands.publish("COMMANDS", subject, b'{"n":%d}' % number, f"t.{number}")


@contextmanager
def standing_still(broker: Broker) -> Any:
    """The server does nothing meanwhile, and keeps its connections."""
    assert broker.server.process is not None
    broker.server.process.signal(SIGSTOP)
    try:
        yield
    finally:
        broker.server.process.signal(SIGCONT)


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


@dataclass(frozen=True)
class Kept:
    """One message of a stream."""

    seq: int
    number: int
    unique: str
    batch: str


async def stored(broker: Broker, first: int = 1) -> list[Kept]:
    """What stands in COMMANDS from a place on, but for the order that warms up."""
    async with broker.client() as client:
        last = (await NatsBus(client).state(COMMANDS)).last_seq
        found = []
        for seq in range(first, last + 1):
            message = await client.request("$JS.API.DIRECT.GET.COMMANDS", b'{"seq":%d}' % seq, timeout=10)
            headers = message.headers
            assert headers is not None
            unique = headers.get("Nats-Msg-Id", "")
            if unique != "warm":
                number = json.loads(message.data)["n"]
                found.append(Kept(seq, number, unique, headers.get("Nats-Batch-Id", "")))
        return found


async def test_few_commands_leave_at_once_and_by_themselves(broker: Broker) -> None:
    """LIB-GROUP-001: one after another, or some at once."""
    async with trading(broker) as commands:
        assert [await place(commands, number) for number in (1, 2)] == [Stored(2, False), Stored(3, False)]
        with standing_still(broker):
            calls = [asyncio.create_task(place(commands, number)) for number in range(3, 3 + MOST_ALONE)]
            await turns()
            assert not next(iter(commands._lanes.values())).waiting
        assert [call.stream_seq for call in await asyncio.gather(*calls)] == list(range(4, 4 + MOST_ALONE))
    assert {kept.batch for kept in await stored(broker)} == {""}


async def test_many_commands_of_one_turn_leave_together(broker: Broker) -> None:
    """LIB-GROUP-001: in the order of the calls, and every caller learns its own place."""
    async with trading(broker) as commands:
        answers = await asyncio.gather(*(place(commands, number) for number in range(MOST_TOGETHER + 20)))
    assert answers == [Stored(number + 2, False) for number in range(MOST_TOGETHER + 20)]
    kept = await stored(broker)
    assert [one.number for one in kept] == list(range(MOST_TOGETHER + 20))
    assert sorted(Counter(one.batch for one in kept).values()) == [20, MOST_TOGETHER]


async def test_what_comes_while_some_are_under_way_leaves_with_the_next(broker: Broker) -> None:
    """LIB-GROUP-001: the slower the server, the larger the groups."""
    async with trading(broker) as commands:
        with standing_still(broker):
            calls = []
            for number in range(MOST_ALONE + 40):
                calls.append(asyncio.create_task(place(commands, number)))
                await turns()
        await asyncio.gather(*calls)
    kept = await stored(broker)
    assert [one.number for one in kept] == list(range(MOST_ALONE + 40))
    assert {one.batch for one in kept[:MOST_ALONE]} == {""}
    assert len({one.batch for one in kept[MOST_ALONE:]}) == 1


async def test_a_command_that_is_there_already_keeps_its_neighbours_company(broker: Broker) -> None:
    """LIB-GROUP-002: stored before, or twice in the same group: its callers learn where it stands."""
    async with trading(broker) as commands:
        await place(commands, 7)
        asked = [*range(20), 3, 20]
        answers = await asyncio.gather(*(place(commands, number) for number in asked))
    assert [number for number, answer in zip(asked, answers, strict=True) if answer.duplicate] == [7, 3]
    assert (answers[7].stream_seq, answers[20].stream_seq) == (2, answers[3].stream_seq)
    assert [one.number for one in await stored(broker)] == [7, *(number for number in range(21) if number != 7)]


@pytest.mark.parametrize("at", [0, 10, 19])
async def test_a_command_that_is_not_allowed_keeps_nobody_waiting(broker: Broker, at: int) -> None:
    """LIB-GROUP-002: the server says nothing of it; its neighbours have their answers meanwhile."""
    async with trading(broker, seconds=60) as commands:
        calls = [
            asyncio.create_task(place(commands, number, "admin.venue" if number == at else "orders.X"))
            for number in range(20)
        ]
        refused = calls.pop(at)
        assert len(await asyncio.gather(*calls)) == 19
        assert not refused.done()
        refused.cancel()
    assert [one.number for one in await stored(broker)] == [number for number in range(20) if number != at]


async def test_what_is_never_answered_is_refused_in_the_end(broker: Broker) -> None:
    """LIB-GROUP-003."""
    async with broker.client("viewer") as client:
        with pytest.raises(PublishError, match=r"orders\.X: TimeoutError"):
            await place(GroupCommit(client, 0.2), 1)


async def test_a_right_that_was_lost_costs_the_neighbours_one_wait(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LIB-GROUP-002: where the last of a group is passed over in silence, all are sent again by themselves."""
    async with trading(broker, seconds=2) as commands:
        monkeypatch.setattr(commands, "_taken", {"orders", "admin"})
        numbered = enumerate([*["orders.X"] * 10, "admin.venue"])
        *calls, refused = [asyncio.create_task(place(commands, *one)) for one in numbered]
        assert [answer.stream_seq for answer in await asyncio.gather(*calls)] == list(range(2, 12))
        assert "admin" not in commands._taken
        refused.cancel()


async def test_a_command_that_is_too_large_fails_alone(broker: Broker) -> None:
    """LIB-GROUP-002: and one that is merely large leaves by itself, in its turn."""
    async with trading(broker) as commands:
        large = b'{"n":10}' + b" " * 70_000
        calls: list[Coroutine[Any, Any, Stored]] = [
            *(place(commands, number) for number in range(10)),
            commands.publish("COMMANDS", "orders.X", large, "t.10"),
            commands.publish("COMMANDS", "orders.X", b" " * (9 * 2**20), "t.x"),
            *(place(commands, number) for number in range(11, 30)),
        ]
        answers = await asyncio.gather(*calls, return_exceptions=True)
    assert isinstance(answers.pop(11), PublishError)
    assert answers == [Stored(number, False) for number in range(2, 32)]
    kept = await stored(broker)
    assert [one.number for one in kept] == list(range(30))
    assert [one.number for one in kept if not one.batch] == [10]


async def test_streams_do_not_wait_for_each_other(broker: Broker) -> None:
    """LIB-GROUP-001: commands of two streams never share a batch, whose messages the server wants in one."""
    async with trading(broker) as commands, broker.client() as client:
        await commands.publish("CHAIN", "chain.eth", b"{}", "c.0")
        calls = [
            call
            for number in range(1, 21)
            for call in (
                place(commands, number),
                commands.publish("CHAIN", "chain.eth", b"{}", f"c.{number}"),
            )
        ]
        await asyncio.gather(*calls)
        assert (await NatsBus(client).state(CHAIN)).last_seq == 21
    kept = await stored(broker)
    assert [one.number for one in kept] == list(range(1, 21))
    assert len({one.batch for one in kept}) == 1


async def test_a_caller_that_gives_up_in_time_sends_nothing(broker: Broker) -> None:
    """LIB-GROUP-003."""
    async with trading(broker) as commands:
        with standing_still(broker):
            calls = []
            for number in range(MOST_ALONE + 3):
                calls.append(asyncio.create_task(place(commands, number)))
                await turns()
            calls.pop(MOST_ALONE + 1).cancel()
        await asyncio.gather(*calls)
    assert [one.number for one in await stored(broker)] == [*range(MOST_ALONE + 1), MOST_ALONE + 2]


async def test_no_more_wait_than_there_is_room_for(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    """LIB-GROUP-003: who comes then waits for a place, and the order of the calls holds."""
    monkeypatch.setattr(group_commit, "MOST_WAITING", 16)
    async with trading(broker) as commands:
        with standing_still(broker):
            calls = [asyncio.create_task(place(commands, number)) for number in range(50)]
            await turns()
            assert sum(len(lane.waiting) + lane.alone for lane in commands._lanes.values()) <= 16
        await asyncio.gather(*calls)
    assert [one.number for one in await stored(broker)] == list(range(50))


async def hold_batches(client: Client, count: int) -> None:
    """Begin so many batches, and end none."""
    for _ in range(count):
        await client.publish("orders.X", b'{"n":-1}', headers=in_batch(f"held-{next(_batches)}", 1))
    await client.flush()


async def test_somebody_who_holds_every_batch_stops_nobody(broker: Broker) -> None:
    """LIB-GROUP-004: neither a client's commands nor what a service says on the same stream."""
    async with trading(broker) as commands, broker.client("trader") as holder, broker.bus("risk") as risk:
        await hold_batches(holder, SERVERS_BATCHES)
        answers = await asyncio.gather(*(place(commands, number) for number in range(1, 21)))
        assert answers == [Stored(number, False) for number in range(2, 22)]
        rows = [OutboxRow("COMMANDS", number, number, "liquidations.X", b'{"n":0}', "") for number in (1, 2, 3)]
        await risk.publish("risk", rows)
    assert len(await stored(broker)) == 23


class Teller:
    """Publishes commands one after another and notes what it was told of each."""

    def __init__(self, commands: GroupCommit) -> None:
        self._commands = commands
        self.told: dict[int, Stored] = {}
        self.refused: set[int] = set()

    async def tell(self, numbers: Sequence[int]) -> None:
        for number in numbers:
            try:
                self.told[number] = await place(self._commands, number)
            except PublishError:
                self.refused.add(number)


async def test_a_killed_server_loses_and_doubles_nothing(broker: Broker) -> None:
    """LIB-GROUP-005: kill -9 in the midst of groups, again and again: what was told is stored, once, and there."""
    async with trading(broker, seconds=5) as commands:
        teller = Teller(commands)
        telling = [asyncio.create_task(teller.tell(range(first, 3_000, 60))) for first in range(60)]
        for share in (200, 800, 1_600):
            await until(lambda share=share: len(teller.told) >= share)  # type: ignore[misc]
            await broker.server.kill()
            await broker.server.start()
        await asyncio.gather(*telling)
    kept = await stored(broker)
    assert max(Counter(one.number for one in kept).values()) == 1
    place_of = {one.number: one.seq for one in kept}
    assert {number: answer.stream_seq for number, answer in teller.told.items()} == {
        number: place_of[number] for number in teller.told
    }
    assert set(place_of) - set(teller.told) <= teller.refused
    assert len(teller.told) + len(teller.refused) == 3_000
    assert len({one.batch for one in kept if one.batch}) > 3
    assert all(one.unique == f"t.{one.number}" for one in kept)


SUBJECTS = ("orders.X", "orders.Y", "transfers.a", "trades.X")
Call = tuple[int, str]
CALLS = st.lists(st.tuples(st.integers(0, 60), st.sampled_from(SUBJECTS)), min_size=1, max_size=30)


async def test_groups_answer_as_single_commands_do(broker: Broker) -> None:
    """LIB-GROUP-006: whatever comes together, each command is stored once, in the order of the first calls of each."""
    examples = itertools.count(1)

    @given(rounds=st.lists(st.tuples(st.integers(0, 3), CALLS), min_size=1, max_size=10))
    @settings(max_examples=60)
    def check(rounds: list[tuple[int, list[Call]]]) -> None:
        asyncio.run(_as_single_commands_do(broker, rounds, next(examples) * 1_000))

    await asyncio.to_thread(check)


async def _as_single_commands_do(broker: Broker, rounds: list[tuple[int, list[Call]]], base: int) -> None:
    """base: of the numbers of an example, which shares the server with the others."""
    async with broker.client("trader") as client:
        commands = GroupCommit(client, 30)
        calls: list[tuple[int, asyncio.Task[Stored]]] = []
        for pause, together in rounds:
            await turns(pause)
            for number, subject in together:
                calls.append((base + number, asyncio.create_task(place(commands, base + number, subject))))
        answers = [(number, await call) for number, call in calls]
    kept = [one for one in await stored(broker, answers[0][1].stream_seq) if one.number >= base]
    place_of = {one.number: one.seq for one in kept}
    assert [one.number for one in kept] == list(dict.fromkeys(number for number, _ in answers))
    assert all(answer.stream_seq == place_of[number] for number, answer in answers)
    assert Counter(number for number, answer in answers if not answer.duplicate) == Counter(place_of.keys())
