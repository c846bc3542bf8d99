"""A trader that measures: gives orders at a steady rate and notes when the first event that each of them caused
arrives, and when the broker had taken the order: events have that time.

`python -m benchmarks.trader <url> <user> <password> <how> <rate> <seconds> <seed> <last index number> <result file>`

How: `wire`, each order one message, encoded before and sent without waiting for the broker's word; or `library`, each
a call of the library's client, which encodes it, waits for that word and groups what comes together.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import uvloop
from cleartide.bus.confirm import confirm
from cleartide.client import Client
from cleartide.connect import connected, nats_broker
from cleartide.contracts import Message
from cleartide.contracts.codec import encode
from cleartide.service.memory import expect_batches, keep_state
from nats.aio.client import Client as Connection
from nats.aio.msg import Msg

from benchmarks.flow import Flow
from benchmarks.pace import until

LAST_EVENTS_SECONDS = 30.0
WARM_SHARE = 0.1

Give = Callable[[int], Awaitable[None]]
"""Gives the order of this number."""


class _Cause(msgspec.Struct):
    causation_id: str
    occurred_at: int


class Waited(NamedTuple):
    """Of one order, in ms: from the moment before it is given to its first event, and to the broker's stamp on it."""

    event: float
    stamp: float


async def run(url: str, user: str, password: str, how: str, rate: int, seconds: float, flow: Flow) -> list[Waited]:
    """How long each order waited for its first event, the first tenth left out."""
    broker = nats_broker(url, user, password, "trader")
    connection = await connected(broker)
    heard: list[tuple[int, bytes]] = []

    async def on_events(message: Msg) -> None:
        heard.append((time.perf_counter_ns(), message.data))

    await connection.subscribe("trading.>", cb=on_events)
    await confirm(connection)
    commands = list(flow.commands(int(rate * seconds)))
    give = {"wire": _wire, "library": _library}[how](connection, commands)
    sent: dict[str, int] = {}
    given = []
    clock = time.time_ns() - time.perf_counter_ns()
    keep_state()
    started = asyncio.get_running_loop().time()
    for number, command in enumerate(commands):
        await until(started + number / rate)
        if command.subject.startswith("orders."):
            sent[command.id] = time.perf_counter_ns()
        given.append(asyncio.ensure_future(give(number)))
    await asyncio.gather(*given)
    arrived = await _arrivals(heard, sent)
    await broker.stop()
    warm = list(sent)[int(len(sent) * WARM_SHARE) :]
    return [_waited(sent[identity], *arrived[identity], clock) for identity in warm]


def _wire(connection: Connection, commands: Sequence[Message]) -> Give:
    encoded = [(command.subject, encode(command)) for command in commands]
    return lambda number: connection.publish(*encoded[number])


def _library(connection: Connection, commands: Sequence[Message]) -> Give:
    client = Client(connection, "trader")

    async def give(number: int) -> None:
        await client.publish(commands[number])

    return give


def _waited(sent: int, arrived: int, stamped: int, clock: int) -> Waited:
    """Moments in ns of this process's clock, the stamp in us of the calendar's, which is `clock` ns ahead."""
    return Waited((arrived - sent) / 1e6, (stamped * 1_000 - clock - sent) / 1e6)


async def _arrivals(heard: list[tuple[int, bytes]], sent: dict[str, int]) -> dict[str, tuple[int, int]]:
    """When the first event of each order came, and its time; waits until every order has one."""
    decoder = msgspec.json.Decoder(list[_Cause])
    arrived: dict[str, tuple[int, int]] = {}
    deadline = asyncio.get_running_loop().time() + LAST_EVENTS_SECONDS
    seen = 0
    while len(arrived) < len(sent):
        for at, payload in heard[seen:]:
            for event in decoder.decode(payload):
                if event.causation_id in sent:
                    arrived.setdefault(event.causation_id, (at, event.occurred_at))
        seen = len(heard)
        if asyncio.get_running_loop().time() > deadline:
            raise RuntimeError(f"{len(sent) - len(arrived)} orders have caused nothing")
        await asyncio.sleep(0.05)
    return arrived


if __name__ == "__main__":
    url, user, password, how, rate, seconds, seed, index_after, result = sys.argv[1:]
    # The one who measures must not stand still in the middle of it, looking through its own notes.
    expect_batches()
    flow = Flow(int(seed), int(index_after))
    found = uvloop.run(run(url, user, password, how, int(rate), float(seconds), flow))
    Path(result).write_text(json.dumps(found))
