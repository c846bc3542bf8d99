"""The sequencer on real servers with every fsync on: what it works off, and how long an order waits for its event.

A 20,000-order book over 1,000 accounts with margin checks, the flow of `benchmarks.flow`. `fold` is the sequencer
without servers: from bytes of commands to the rows and events of a commit. `backlog` is the rate at which waiting
commands are folded, committed and published, with the processor time of the three processes that this takes; the
latencies, after a checkpoint, are from a client's clock before it publishes an order to the arrival of the first event
that the order caused at another subscription of that client: in turn with orders that are bare messages, and with
calls of the library's client. Who measures shares the processors with what is measured:
one connection looks fifty times a second, and the client sleeps between its orders.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from itertools import count, islice
from typing import Any

import asyncpg
from cleartide.bus.nats import NatsBus
from cleartide.bus.ports import OutboxRow
from cleartide.bus.streams import EVENTS
from cleartide.contracts import Message
from cleartide.contracts.codec import encode
from cleartide.service.memory import expect_batches, keep_state
from nats.aio.client import Client

from benchmarks.alone import Alone
from benchmarks.flow import Flow
from benchmarks.model import last_event
from benchmarks.parts import Parts, noted
from benchmarks.processors import seconds_by_group
from benchmarks.report import Row, disk_sync_rows, median, percentile, write
from benchmarks.rooms import room
from services.matching.engine import COMPILED
from tests.support.installation import ROOT, Installation

ROUNDS = 5
BOOK = 20_000
BACKLOG = 30_000
FOLDED = 10_000
FOLD_BATCH = 100
LATENCY_ROUNDS = 5
LATENCY_SECONDS = 6.0
RATE, AIM_MS = 1_000, 20
LOOK_SECONDS = 0.02
PATIENCE_SECONDS = 300.0
POSITION = "SELECT position FROM consumer_position"
HEAD = "SELECT last_seq FROM outbox_position WHERE channel = 'EVENTS'"


async def run() -> None:
    """Measure and write `results/sequencer.json`."""
    rows = [*_fold_rows(), *disk_sync_rows()]
    async with room() as installed:
        flow = Flow()
        await installed.start("matching")
        await send(installed, flow.opening(BOOK))
        await published(installed)
        backlogs = [await _backlog(installed, flow) for _ in range(ROUNDS)]
        print([round(one["commands"]) for one in backlogs], flush=True)
        rows += _backlog_rows(backlogs)
        await _checkpoint(installed)
        rows += await _latency_rows(installed)
    write("sequencer", rows)


def _fold_rows() -> list[Row]:
    """Processor time of the fold, on the engine's form that runs here; rounds go on with one book."""
    expect_batches()
    flow, alone = Flow(), Alone()
    alone.timed(flow.opening(BOOK), batch=FOLD_BATCH)
    keep_state()
    seconds = median([alone.timed(flow.commands(FOLDED), batch=FOLD_BATCH) / FOLDED for _ in range(ROUNDS)])
    form = "compiled" if COMPILED else "interpreted"
    return [
        Row("sequencer.fold", seconds * 1e6, f"us of processor time per command, books {form}"),
        Row("sequencer.fold.commands", 1 / seconds, "commands/s through the fold of one process"),
    ]


async def send(installed: Installation, commands: Iterable[Message], client: Client | None = None) -> None:
    """Store commands in the stream as atomic batches."""
    if client is None:
        async with installed.client() as made:
            await send(installed, commands, made)
        return
    bus = NatsBus(client)
    for rows in _rows(commands):
        await bus.publish("flow", rows)


def _rows(commands: Iterable[Message]) -> Iterator[list[OutboxRow]]:
    numbered = (
        OutboxRow("COMMANDS", number, number, command.subject, encode(command), "")
        for number, command in enumerate(commands, start=1)
    )
    while rows := list(islice(numbered, 500)):
        yield rows


async def published(installed: Installation) -> None:
    """Wait until every command is committed and every event of it is on the stream."""
    async with installed.client() as client, _tables(installed) as tables, asyncio.timeout(PATIENCE_SECONDS):
        bus = NatsBus(client)
        last = (await bus.api("STREAM.INFO.COMMANDS"))["state"]["last_seq"]
        while await tables.fetchval(POSITION) < last:  # noqa: ASYNC110 - another process's
            await asyncio.sleep(LOOK_SECONDS)
        head = await tables.fetchval(HEAD)
        while await last_event(bus, EVENTS) < head:  # noqa: ASYNC110 - another process's
            await asyncio.sleep(LOOK_SECONDS)


@asynccontextmanager
async def _tables(installed: Installation) -> AsyncIterator["asyncpg.Connection[Any]"]:
    """One connection to matching's schema. To make a connection costs a server more than to commit ten orders does: who
    looks again and again, and makes one each time, takes half a processor from what is measured.
    """
    connection = await asyncpg.connect(installed.service_dsn("matching"))
    try:
        yield connection
    finally:
        await connection.close()


async def _backlog(installed: Installation, flow: Flow) -> dict[str, float]:
    """Commands wait in the stream while matching is down; timed from its first new commit to its last event."""
    installed.processes["matching"].stop()
    await send(installed, flow.commands(BACKLOG))
    async with _tables(installed) as tables:
        position_before, events_before = await tables.fetchval(POSITION), await tables.fetchval(HEAD)
        matching = installed.spawn("matching")
        while (position := await tables.fetchval(POSITION)) == position_before:  # noqa: ASYNC110 - another process's
            await asyncio.sleep(LOOK_SECONDS)
        loop, groups = asyncio.get_running_loop(), _groups(installed, matching.process.pid)
        started, busy = loop.time(), seconds_by_group(groups)
        await published(installed)
        seconds, left = loop.time() - started, position_before + BACKLOG - position
        events = (await tables.fetchval(HEAD) - events_before) * (left / BACKLOG)
    spent = seconds_by_group(groups)
    return {
        "commands": left / seconds,
        "events": events / seconds,
        **{group: (spent[group] - busy[group]) / left * 1e6 for group in groups},
    }


def _groups(installed: Installation, matching: int) -> dict[str, list[int]]:
    """Whose processor time is told, by what the commands' way goes through."""
    servers = {"postgres": installed.postgres.process, "nats": installed.nats.process}
    groups = {name: [process.pid] for name, process in servers.items() if process is not None}
    return {"matching": [matching], **groups}


def _backlog_rows(backlogs: list[dict[str, float]]) -> list[Row]:
    middle = {name: median([one[name] for one in backlogs]) for name in backlogs[0]}
    return [
        Row("sequencer.backlog.commands", middle["commands"], "commands/s accepted and published", aim=">= 5,000"),
        Row("sequencer.backlog.events", middle["events"], "events/s"),
        Row("sequencer.backlog.processor", middle["matching"], "us of matching's processor time per command"),
        Row("sequencer.backlog.postgres", middle["postgres"], "us of the database's"),
        Row("sequencer.backlog.nats", middle["nats"], "us of the broker's"),
    ]


async def _checkpoint(installed: Installation) -> None:
    """The server has run for a while: its log goes on in segments that it has, and pages are whole in it again."""
    connection = await asyncpg.connect(installed.postgres.dsn)
    try:
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()


async def _latency_rows(installed: Installation) -> list[Row]:
    """Orders as bare messages, and by the library's client, in turn."""
    rounds: dict[str, list[tuple[float, float]]] = {"wire": [], "library": []}
    parts, seeds = list[str](), count(RATE)
    for _ in range(LATENCY_ROUNDS):
        for how, found in rounds.items():
            before = await Parts.read(installed)
            orders = await _latencies(installed, how, seed=next(seeds))
            values = [event for event, _ in orders]
            found.append((percentile(values, 0.5), percentile(values, 0.99)))
            told = f"{(await Parts.read(installed)).since(before)}; {_slowest(orders)}"
            print(how, [round(value, 2) for value in found[-1]], told, flush=True)
            if how == "wire":
                parts.append(told)
    p50, p99 = ({how: median([each[at] for each in found]) for how, found in rounds.items()} for at in (0, 1))
    library = "ms, order to event, by the library's client, its encoding and acknowledgement included"
    late = noted(p99["wire"] > AIM_MS, parts)
    return [
        Row(f"sequencer.{RATE}.p50", p50["wire"], "ms, order to event"),
        Row(f"sequencer.{RATE}.p99", p99["wire"], "ms, order to event", aim=f"<= {AIM_MS}", note=late),
        Row(f"sequencer.{RATE}.library.p50", p50["library"], library),
        Row(f"sequencer.{RATE}.library.p99", p99["library"], library),
    ]


def _slowest(orders: list[tuple[float, float]]) -> str:
    """Of the slowest hundredth, how much of the time went by before the broker stamped the order and stored it."""
    slowest = sorted(orders)[-max(1, len(orders) // 100) :]
    event, stamp = (sum(times) / len(slowest) for times in zip(*slowest, strict=True))
    return f"the slowest hundredth: {event:.1f} ms, of them {stamp:.1f} before the broker's stamp"


async def _latencies(installed: Installation, how: str, seed: int) -> list[tuple[float, float]]:
    """A client in a process of its own sends at a steady rate and hears the events; (to event, to stamp) in ms."""
    result = installed.folder / f"latency-{how}-{seed}.json"
    address = (installed.nats.url, "operator", "nats-operator")
    indexes = await installed.fetch("matching", "SELECT last_seq FROM command_sources WHERE source = 'ingestor'")
    arguments = (*address, how, str(RATE), str(LATENCY_SECONDS), str(seed), str(indexes[0][0]), str(result))
    client = await asyncio.create_subprocess_exec(sys.executable, "-m", "benchmarks.trader", *arguments, cwd=ROOT)
    if await client.wait():
        raise RuntimeError("the measuring client failed")
    return [(event, stamp) for event, stamp in json.loads(result.read_text())]
