"""The durable hop: stream -> batch -> one transaction -> outbox published -> acknowledged, every fsync on.

Side by side in each round: the hop on packed and on single messages; the database alone executing the very statements
of the hop; a raw COPY of the rows; the raw nats-py fetch-and-acknowledge loop; and a FastStream handler per message
with one insert and one publish, the way a tutorial writes it.
"""

import asyncio
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg
from cleartide.bus.folder import Folder
from cleartide.bus.ports import Commit, Delivery, Epoch, OutboxRow, Progress
from cleartide.bus.worker import Worker
from cleartide.connect import connected, nats_broker
from cleartide.store.postgres import PostgresStore
from cleartide.store.sql import Statement
from cleartide.telemetry.logs import configure_logs
from faststream.nats import JStream, NatsBroker, PullSub
from nats.aio.client import Client
from nats.js.api import AckPolicy, ConsumerConfig

from benchmarks import model
from benchmarks.report import Row, disk_sync_rows, median, write
from deploy.local.stack import EmbeddedStack

ROUNDS = 5
PACKED_EVENTS = 120_000
SINGLE_EVENTS = 30_000
PER_MESSAGE_EVENTS = 600
PACK = 100
PER_TRANSACTION = 1_000


async def run() -> None:
    """Measure and write `results/durable_hop.json`."""
    configure_logs("bench")  # as a service does, which says nothing of each batch
    model.register()
    rounds: list[dict[str, float]] = []
    with TemporaryDirectory() as folder:
        async with EmbeddedStack(Path(folder), durable=True) as stack:
            for _ in range(ROUNDS):
                rounds.append(await _round(stack))
                print({name: round(value) for name, value in rounds[-1].items()}, flush=True)
    write("durable_hop", [*_rows(rounds), *_processor_rows(), *disk_sync_rows()])


async def _round(stack: EmbeddedStack) -> dict[str, float]:
    broker = nats_broker(stack.nats.url, "", "", "bench")
    client = await connected(broker)
    try:
        return {
            "hop_packed": await _hop(stack, client, PACKED_EVENTS, PACK),
            "hop_single": await _hop(stack, client, SINGLE_EVENTS, 1),
            "database_only": await _database_only(stack, PACKED_EVENTS),
            "raw_copy": await _raw_copy(stack, PACKED_EVENTS),
            "nats_fetch_ack": await _fetch_ack(client, SINGLE_EVENTS),
            "faststream_per_message": await _per_message(stack, PER_MESSAGE_EVENTS),
        }
    finally:
        await broker.stop()


async def _fill_stream(client: Client, events: int, pack: int) -> None:
    bus = await model.fresh_streams(client)
    rows: list[OutboxRow] = []
    for first in range(1, events + 1, pack):
        fills = [model.make_fill(seq, 1_700_000_000_000_000 + seq) for seq in range(first, first + pack)]
        payload = fills[0] if pack == 1 else b"[" + b",".join(fills) + b"]"
        rows.append(OutboxRow("BENCH0", first, first + pack - 1, "bench0.fills", payload, ""))
    for start in range(0, len(rows), 500):
        await bus.publish("stage0", rows[start : start + 500])


async def _hop(stack: EmbeddedStack, client: Client, events: int, pack: int) -> float:
    dsn = await model.prepare_schema(stack.postgres.dsn, 1)
    await _fill_stream(client, events, pack)
    worker = model.worker(1, client, dsn)
    task = asyncio.create_task(worker.run_epoch())
    started = time.perf_counter()
    await _until_published(worker, events, task)
    seconds = time.perf_counter() - started
    worker.stop()
    await task
    await _close(worker)
    return events / seconds


async def _until_published(worker: Worker, events: int, task: "asyncio.Task[None]") -> None:
    while worker.published("BENCH1") < events:
        if task.done():
            task.result()
        await asyncio.sleep(0.002)


async def _close(worker: Worker) -> None:
    if isinstance(worker.store, PostgresStore):
        await worker.store.close()


async def _database_only(stack: EmbeddedStack, events: int) -> float:
    """The hop's own statements, built beforehand, executed one after the other."""
    dsn = await model.prepare_schema(stack.postgres.dsn, 1)
    store = PostgresStore(dsn, "stage1")
    try:
        commits = await _commits(store, events)
        started = time.perf_counter()
        for commit in commits:
            await store.commit(commit)
        return events / (time.perf_counter() - started)
    finally:
        await store.close()


async def _commits(store: PostgresStore, events: int) -> list[Commit]:
    folder = _folder(await store.begin())
    return [folder.fold(folder.decode([delivery]), "", "")[0] for delivery in _deliveries(events)]


def _folder(epoch: Epoch) -> Folder:
    fold = model.fold(1)
    return Folder(
        service=fold.service,
        stream=fold.stream,
        handlers=fold.handlers,
        repository=fold.repository,
        state=fold.repository.restore({"balances": []}),
        epoch=epoch,
        journal=False,
    )


def _deliveries(events: int) -> Iterator[Delivery]:
    for number, first in enumerate(range(1, events + 1, PER_TRANSACTION), start=1):
        fills = [model.make_fill(seq, 1_700_000_000_000_000) for seq in range(first, first + PER_TRANSACTION)]
        yield Delivery(number, 0, "bench0.fills", b"[" + b",".join(fills) + b"]", "", 0)


def _processor_rows() -> list[Row]:
    """Where the worker's own processor time goes: decode, fold with validated output, and the statement's arguments."""
    folder, deliveries = _folder(Epoch(1, Progress(), {}, {})), list(_deliveries(PACKED_EVENTS // 2))
    spent = [0.0, 0.0, 0.0]
    for delivery in deliveries:
        at = [time.process_time()]
        decoded = folder.decode([delivery])
        at.append(time.process_time())
        commit, _ = folder.fold(decoded, "", "")
        at.append(time.process_time())
        Statement(commit)
        at.append(time.process_time())
        spent = [total + later - earlier for total, earlier, later in zip(spent, at, at[1:], strict=False)]
    names = ("decode", "fold_and_validate_output", "statement")
    return [
        Row(f"hop.processor.{name}", seconds / (PACKED_EVENTS // 2) * 1e6, "us per event")
        for name, seconds in zip(names, spent, strict=True)
    ]


async def _raw_copy(stack: EmbeddedStack, events: int) -> float:
    dsn = await model.prepare_schema(stack.postgres.dsn, 1)
    rows = [(seq, 0, f"account-{seq % 1000:04}", "BTC-PERP", 1, 618_000, -1, 1, 1) for seq in range(1, events + 1)]
    connection = await asyncpg.connect(dsn)
    try:
        started = time.perf_counter()
        for start in range(0, events, PER_TRANSACTION):
            await connection.copy_records_to_table(
                "fills", records=rows[start : start + PER_TRANSACTION], columns=list(model.FILLS.columns)
            )
        return events / (time.perf_counter() - started)
    finally:
        await connection.close()


async def _fetch_ack(client: Client, events: int) -> float:
    """nats-py as documented: fetch a batch, acknowledge each message; nothing is decoded or stored."""
    await _fill_stream(client, events, 1)
    config = ConsumerConfig(ack_policy=AckPolicy.EXPLICIT, max_ack_pending=100_000)
    subscription = await client.jetstream().pull_subscribe("bench0.>", durable="raw", stream="BENCH0", config=config)
    seen = 0
    started = time.perf_counter()
    while seen < events:
        for message in await subscription.fetch(500, timeout=5):
            await message.ack()
            seen += 1
    seconds = time.perf_counter() - started
    await subscription.unsubscribe()
    return events / seconds


async def _per_message(stack: EmbeddedStack, events: int) -> float:
    """A FastStream subscriber per message: validated model in, one insert in a transaction, one publish out."""
    dsn = await model.prepare_schema(stack.postgres.dsn, 1)
    broker = NatsBroker(stack.nats.url, logger=None)
    pool = await asyncpg.create_pool(dsn, min_size=1, max_size=4)
    done = asyncio.Event()
    handled = 0
    columns = ", ".join(model.FILLS.columns)
    insert = f"INSERT INTO fills ({columns}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"

    @broker.subscriber(
        "bench0.>", stream=JStream("BENCH0", declare=False), durable="tutorial", pull_sub=PullSub(batch_size=1)
    )
    async def on_fill(fill: model.Fill0) -> None:
        nonlocal handled
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute(
                insert, fill.seq, fill.occurred_at, fill.account, fill.market, fill.lots, fill.price_ticks,
                fill.quote_quanta, fill.fee_quanta, 0,
            )  # fmt: skip
        output = model.Fill1(**{**fill.model_dump(), "type": "Fill1"})
        await broker.publish(output, "bench1.fills", stream="BENCH1")
        handled += 1
        if handled == events:
            done.set()

    try:
        client = await connected(broker)
        await _fill_stream(client, events, 1)
        started = time.perf_counter()
        await broker.start()
        async with asyncio.timeout(120):
            await done.wait()
        return events / (time.perf_counter() - started)
    finally:
        await broker.stop()
        await pool.close()


def _rows(rounds: Sequence[dict[str, float]]) -> list[Row]:
    middle = {name: median([one[name] for one in rounds]) for name in rounds[0]}

    def ratio(over: str, under: str) -> float:
        return median([one[over] / one[under] for one in rounds])

    return [
        Row("hop.packed", middle["hop_packed"], "events/s", aim=">= 60,000"),
        Row("hop.single", middle["hop_single"], "events/s"),
        Row(
            "hop.packed/database_only", middle["database_only"], "events/s", "its own statements, database only",
            ratio("hop_packed", "database_only"), ">= 0.75",
            "the worker's Python is the limit, not the database: see hop.processor.*",
        ),
        Row(
            "hop.packed/raw_copy", middle["raw_copy"], "rows/s", "COPY of the fills alone",
            ratio("hop_packed", "raw_copy"),
        ),
        Row(
            "hop.single/nats_fetch_ack", middle["nats_fetch_ack"], "messages/s", "nats-py fetch + ack each",
            ratio("hop_single", "nats_fetch_ack"),
        ),
        Row(
            "hop.packed/faststream_per_message", middle["faststream_per_message"], "events/s",
            "FastStream handler per message, one insert, one publish", ratio("hop_packed", "faststream_per_message"),
            ">= 50",
        ),
    ]  # fmt: skip
