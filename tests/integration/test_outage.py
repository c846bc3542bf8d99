"""What `cleartide demo kill` says of lost and doubled events is reckoned: where there are some, it says so."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from urllib.request import urlopen

import asyncpg
import pytest
from cleartide.bus.nats import NatsBus
from cleartide.bus.streams import READS
from cleartide.ops.demo.outage import Balance, Committed, Folded, balance

from tests.support.installation import Installation
from tests.support.traffic import Traffic

STEPS = 30
Meddle = Callable[[asyncpg.Connection, NatsBus, Committed], Awaitable[int]]


async def leave_alone(*_: object) -> int:
    """Nobody meddles with the schema of the dead."""
    return 0


async def pass_over(connection: asyncpg.Connection, bus: NatsBus, at: Committed) -> int:
    """The next message counts as folded: so many events are lost."""
    [message] = await bus.read(READS["funding"], at.stream_seq + 1, 1)
    count = len(json.loads(message.payload))
    await _move(connection, count, 1)
    return count


async def go_back(connection: asyncpg.Connection, bus: NatsBus, at: Committed) -> int:
    """The last message counts as not yet folded: so many events are folded twice."""
    [message] = await bus.read(READS["funding"], at.stream_seq, 1)
    count = len(json.loads(message.payload))
    await _move(connection, -count, -1)
    return count


async def _move(connection: asyncpg.Connection, events: int, messages: int) -> None:
    statement = "UPDATE funding.consumer_position SET position = position + $1, stream_seq = stream_seq + $2"
    await connection.execute(statement, events, messages)


async def _outage(installed: Installation, service: str, meddle: Meddle) -> tuple[Balance, int]:
    """A service dies under traffic, misses some, and comes back; the balance, and how many events were meddled with."""
    others = {"matching", service}
    await installed.start(*others)
    connection = await asyncpg.connect(installed.admin_dsn)
    try:
        async with installed.client() as client:
            bus, traffic = NatsBus(client), Traffic(client)
            await traffic.open_market()
            for _ in range(STEPS):
                await traffic.step()
            await installed.settled(sorted(others))
            await asyncio.to_thread(installed.processes[service].kill)
            before = await Committed.of(connection, service)
            for _ in range(STEPS):
                await traffic.step()
            await installed.settled(sorted(others - {service}))
            count = await meddle(connection, bus, before)
            await installed.start(service)
            await installed.settled(sorted(others))
            metrics = await asyncio.to_thread(_metrics, installed.processes[service].port)
            return await balance(bus, READS[service], before, Folded.of(metrics)), count
    finally:
        await connection.close()


def _metrics(port: int) -> str:
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        return str(answer.read().decode())


@pytest.mark.parametrize("service", ["matching", "funding"])
async def test_a_service_that_comes_back_has_lost_and_doubled_nothing(installed: Installation, service: str) -> None:
    """LIB-DEMO-005: of a stream with many writers and of one with one. Slow: processes start and die."""
    found, _ = await _outage(installed, service, leave_alone)
    assert found.wanted == found.folded > 0
    assert found.last > found.first
    assert found.lines()[0] == "events lost 0, duplicates applied 0"


async def test_events_that_were_passed_over_are_counted(installed: Installation) -> None:
    """LIB-DEMO-005."""
    found, count = await _outage(installed, "funding", pass_over)
    assert count > 0
    assert found.lines()[0] == f"events lost {count}, duplicates applied 0"


async def test_events_that_were_folded_twice_are_counted(installed: Installation) -> None:
    """LIB-DEMO-005."""
    found, count = await _outage(installed, "funding", go_back)
    assert count > 0
    assert found.lines()[0] == f"events lost 0, duplicates applied {count}"
