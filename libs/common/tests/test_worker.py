"""The recipe on real servers: whatever is killed, every command counts once and every event is said once."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import cleartide.bus.worker as worker_module
import pytest
from cleartide.bus.nats import NatsBus
from cleartide.bus.ports import Fenced, StreamLost
from cleartide.bus.provision import ensure_stream, stream_config
from cleartide.bus.streams import COMMANDS, DEAD_LETTERS, EARNINGS, EVENTS, Stream
from cleartide.contracts import Message
from cleartide.contracts.codec import encode
from cleartide.store.digest import events_of
from nats.errors import Error as NatsError

from deploy.local.postgres import PostgresServer
from tests.support.bank import BANK, BANK_MIGRATION, MIRROR, MIRROR_MIGRATION, deposit, withdraw
from tests.support.running import new_worker, running, until
from tests.support.servers import Broker, Database, new_database
from tests.support.tape import TAPE, TAPE_MIGRATION, status

SENT = 400


@pytest.fixture
async def bank(database: Database) -> Database:
    """The schemas of the bank and the mirror."""
    return await prepared(database)


async def prepared(database: Database) -> Database:
    await database.migrator("matching", m0001_bank=BANK_MIGRATION).migrate()
    await database.migrator("earnings", m0001_mirror=MIRROR_MIGRATION).migrate()
    return database


def script(count: int = SENT) -> list[Message]:
    """Deposits and withdrawals of a few accounts; some withdrawals are overdrafts."""
    commands: list[Message] = []
    for number in range(1, count + 1):
        account = f"acct-{number % 7}"
        commands.append(withdraw(number, account, "3") if number % 5 == 0 else deposit(number, account, "1"))
    return commands


async def send(broker: Broker, commands: list[Message], started: asyncio.Event | None = None) -> None:
    """Publish each until it is acknowledged, as an outsider would."""
    async with broker.client("trader") as client:
        for number, command in enumerate(commands):
            headers = {"Nats-Msg-Id": f"trader.{command.id}"}
            while True:
                try:
                    await client.request(command.subject, encode(command), timeout=0.5, headers=headers)
                    break
                except (NatsError, OSError, TimeoutError):
                    await asyncio.sleep(0.01)
            if started is not None and number == len(commands) // 4:
                started.set()


async def stream_events(broker: Broker, stream: Stream) -> list[dict[str, Any]]:
    """Every event of a stream, message by message."""
    async with broker.client() as client:
        last = (await NatsBus(client).state(stream)).last_seq
        found = []
        for seq in range(1, last + 1):
            message = await client.jetstream().get_msg(stream.name, seq)
            found += [json.loads(event) for event in events_of(message.data or b"")]
        return found


async def position(database: Database, service: str) -> int:
    return int((await database.fetch(service, "SELECT position FROM consumer_position"))[0][0])


async def settled(broker: Broker, database: Database, events: int) -> None:
    """Wait until the bank has said everything and the mirror has folded it."""

    async def done() -> bool:
        try:
            return await position(database, "earnings") >= events
        except OSError:
            return False

    await until(done, 40, f"{events} events folded")
    async with broker.bus() as bus:
        assert await position(database, "matching") == (await bus.state(COMMANDS)).last_seq


async def check_exact(broker: Broker, database: Database, commands: list[Message]) -> None:
    """Balances, events and the mirror are what one calm pass over the commands gives."""
    cash: dict[str, int] = {}
    expected: list[tuple[str, str, int | None]] = []
    for command in commands:
        account, amount = command.account, int(command.amount) * 10**6  # type: ignore[attr-defined]
        change = amount if command.type == "Deposit" else -amount
        if cash.get(account, 0) + change < 0:
            expected.append(("TransferRejected", account, None))
            continue
        cash[account] = cash.get(account, 0) + change
        expected.append(("TransferApplied", account, cash[account]))
    said = await stream_events(broker, EVENTS)
    unique = {event["seq"]: event for event in said}
    assert sorted(unique) == list(range(1, len(commands) + 1))
    assert all(unique[event["seq"]] == event for event in said), "a number was used for two different events"
    in_order = [unique[seq] for seq in sorted(unique)]
    assert [(e["type"], e["account"], e.get("cash_quanta")) for e in in_order] == expected
    balances = await database.fetch("matching", "SELECT account, cash_quanta FROM balances")
    copies = await database.fetch("earnings", "SELECT account, cash_quanta FROM copies")
    assert dict(map(tuple, balances)) == dict(map(tuple, copies)) == cash
    applied = [seq for seq, event in sorted(unique.items()) if event["type"] == "TransferApplied"]
    moves = await database.fetch("earnings", "SELECT seq FROM moves ORDER BY seq")
    assert [row[0] for row in moves] == applied
    days = {event["seq"] for event in await stream_events(broker, EARNINGS)}
    assert days == set(range(1, len(applied) + 1))


async def check_nothing_waits(database: Database, *services: str) -> None:
    """After a drain every outbox row is known to be published: the next start has nothing to repair."""
    for service in services:
        for row in await database.fetch(service, "SELECT * FROM outbox_position"):
            assert row["published_seq"] == row["last_seq"], (service, row)


async def test_a_calm_run_and_a_graceful_drain(broker: Broker, bank: Database) -> None:
    """Everything counts once; a stop leaves nothing unpublished, and the next start repairs nothing."""
    commands = script()
    async with running(BANK, broker, bank) as (first, _), running(MIRROR, broker, bank):
        await send(broker, commands)
        await settled(broker, bank, len(commands))
        assert (first.health.restarts, first.health.gaps, first.health.pending) == (0, 0, 0)
    await check_exact(broker, bank, commands)
    await check_nothing_waits(bank, "matching", "earnings")
    async with broker.bus() as bus:
        before = (await bus.state(EVENTS)).last_seq
        async with running(BANK, broker, bank) as (again, _):
            await until(lambda: again.health.phase == "running")
        assert (await bus.state(EVENTS)).last_seq == before


async def test_a_backlog_that_says_much_is_many_commits(
    broker: Broker, bank: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fetch whose rows are too many for one commit: each part is committed and told, and nobody starts again."""
    monkeypatch.setattr(worker_module, "MOST_ROWS", 1)
    commands = script(60)
    await send(broker, commands)
    async with running(BANK, broker, bank) as (first, _), running(MIRROR, broker, bank) as (second, _):
        await settled(broker, bank, len(commands))
        assert (first.health.restarts, second.health.restarts) == (0, 0)
        assert first.health.commits > len(commands) // 2
    await check_exact(broker, bank, commands)
    await check_nothing_waits(bank, "matching", "earnings")


async def test_a_drain_in_the_middle_of_the_work(broker: Broker, bank: Database) -> None:
    """Stopped and started under load several times: each part is finished before the end, none is done twice."""
    commands = script()
    sending = asyncio.create_task(send(broker, commands))
    while not sending.done():
        async with running(BANK, broker, bank) as (worker, _):
            await until(lambda: worker.health.commits >= 3 or sending.done())
        await check_nothing_waits(bank, "matching")
    await sending
    async with running(BANK, broker, bank), running(MIRROR, broker, bank):
        await settled(broker, bank, len(commands))
    await check_exact(broker, bank, commands)


async def test_nats_is_killed_in_the_middle(broker: Broker, bank: Database) -> None:
    """kill -9 of the bus, three times: what was acknowledged is there, each event is said once, and nobody restarts."""
    commands, started = script(), asyncio.Event()
    async with running(BANK, broker, bank) as (_, one), running(MIRROR, broker, bank) as (_, two):
        sending = asyncio.create_task(send(broker, commands, started))
        await started.wait()
        for _ in range(3):
            await broker.server.kill()
            await broker.server.start()
            await asyncio.sleep(0.3)
        await sending
        await settled(broker, bank, len(commands))
        assert not one.done()
        assert not two.done()
    await check_exact(broker, bank, commands)
    await check_nothing_waits(bank, "matching", "earnings")


async def test_postgres_is_killed_in_the_middle(broker: Broker, folder: Path) -> None:
    """kill -9 of the database, twice: what was committed is there once, and the workers go on by themselves."""
    server = PostgresServer(folder / "postgres", password="test-only", durable=False)
    await server.start()
    try:
        async with AsyncExitStack() as stack:
            bank = await prepared(await stack.enter_async_context(new_database(server, folder)))
            commands, started = script(), asyncio.Event()
            async with running(BANK, broker, bank) as (_, one), running(MIRROR, broker, bank) as (_, two):
                sending = asyncio.create_task(send(broker, commands, started))
                await started.wait()
                for _ in range(2):
                    await server.kill()
                    await server.start()
                    await asyncio.sleep(0.3)
                await sending
                await settled(broker, bank, len(commands))
                assert not one.done()
                assert not two.done()
            await check_exact(broker, bank, commands)
            await check_nothing_waits(bank, "matching", "earnings")
    finally:
        await server.stop()


async def test_a_second_worker_takes_over_and_the_first_one_ends(broker: Broker, bank: Database) -> None:
    """Two processes of one service: the newer one goes on alone, the older one ends fenced instead of fighting back."""
    commands, started = script(), asyncio.Event()
    async with running(BANK, broker, bank) as (_, old), running(MIRROR, broker, bank):
        sending = asyncio.create_task(send(broker, commands, started))
        await started.wait()
        async with running(BANK, broker, bank) as (newer, new):
            await sending
            await settled(broker, bank, len(commands))
            await until(old.done, 40, "the old worker ended")
            assert isinstance(old.exception(), Fenced)
            assert not new.done()
            assert newer.health.restarts == 0
    await check_exact(broker, bank, commands)


async def test_a_takeover_in_a_quiet_moment_lasts(broker: Broker, bank: Database) -> None:
    """Nothing is in flight, so the older process learns of its end from its cursor: it must not take its place back."""
    async with running(BANK, broker, bank) as (older, old):
        await until(lambda: older.health.phase == "running")
        async with running(BANK, broker, bank) as (newer, new):
            await until(lambda: old.done() or new.done(), 40, "one of them ended")
            assert isinstance(old.exception(), Fenced)
            await send(broker, [deposit(1)])
            await until(lambda: newer.health.position == 1)
            assert not new.done()


@pytest.mark.parametrize(
    "point",
    ["after_decode", "after_fold", "before_commit", "after_commit", "before_publish", "after_publish", "before_ack"],
)
async def test_a_crash_at_any_point_is_repaired_by_the_next_start(broker: Broker, bank: Database, point: str) -> None:
    """The process is gone at a named point of the recipe; its successor finishes exactly what was left."""
    commands = script(60)
    left = 2

    def crash(reached: str) -> None:
        nonlocal left
        left -= reached == point
        if reached == point and left <= 0:
            raise Crashed

    async with running(BANK, broker, bank, crash) as (worker, task):
        await until(lambda: worker.health.phase == "running")
        await send(broker, commands)
        await until(task.done)
        assert isinstance(task.exception(), Crashed)
    async with running(BANK, broker, bank), running(MIRROR, broker, bank):
        await settled(broker, bank, len(commands))
    await check_exact(broker, bank, commands)


async def test_refused_commands_are_in_the_dead_letters(broker: Broker, bank: Database) -> None:
    """Each with its reason, in the order of the commands, once; the good ones around them are applied."""
    bad = [deposit(2, amount="0.0000001"), deposit(1), deposit(3, "bob").model_copy(update={"amount": "nonsense"})]
    async with running(BANK, broker, bank), running(MIRROR, broker, bank):
        await send(broker, [deposit(1)])
        async with broker.client("trader") as client:
            for command in bad:
                await client.request(command.subject, encode(command), timeout=30)
        await send(broker, [deposit(4)])
        await settled(broker, bank, 2)
    letters = await stream_events(broker, DEAD_LETTERS)
    assert [(letter["reason"], letter["stream_seq"]) for letter in letters] == [
        ("off_grid", 2),
        ("duplicate", 3),
        ("schema_invalid", 4),
    ]
    assert {letter["service"] for letter in letters} == {"matching"}
    assert (await bank.fetch("matching", "SELECT cash_quanta FROM balances"))[0][0] == 2_000_000


async def test_commands_that_the_bus_has_lost_stop_the_sequencer(broker: Broker, bank: Database) -> None:
    """A COMMANDS stream that ends before what was applied is not the one we know: nothing is read until a restore."""
    async with running(BANK, broker, bank) as (worker, _):
        await send(broker, script(5))
        await until(lambda: worker.health.position == 5)
    await wipe(broker, COMMANDS, first_seq=1)
    await _ends_with_stream_lost(broker, bank, "ends at 0, but 5 was applied")
    await wipe(broker, COMMANDS, first_seq=6)
    commands = script(7)[5:]
    async with running(BANK, broker, bank) as (worker, _):
        await send(broker, commands)
        await until(lambda: worker.health.position == 7)


async def test_events_that_the_bus_has_lost_stop_their_reader(broker: Broker, bank: Database) -> None:
    """The same stream, shorter than what was folded: new events would be passed over in silence, so nothing is read."""
    async with running(BANK, broker, bank), running(MIRROR, broker, bank):
        await send(broker, script(5))
        await settled(broker, bank, 5)
    await bank.fetch("earnings", "UPDATE consumer_position SET stream_seq = stream_seq + 100")
    async with broker.bus("earnings") as bus:
        store = bank.store("earnings")
        with pytest.raises(StreamLost, match="EVENTS"):
            await asyncio.wait_for(new_worker(MIRROR, bus, store).run_epoch(), 30)
        await store.close()


async def test_events_made_anew_are_read_from_their_start(broker: Broker, bank: Database) -> None:
    """After a restore from the outbox the reader passes over what it has seen and goes on with what is new."""
    async with running(BANK, broker, bank), running(MIRROR, broker, bank):
        await send(broker, script(10))
        await settled(broker, bank, 10)
    await wipe(broker, EVENTS)
    store = bank.store("matching")
    async with broker.bus() as bus:
        await bus.publish("matching", await store.unpublished("EVENTS", 0, 500))
    await store.close()
    commands = script(20)
    async with running(BANK, broker, bank), running(MIRROR, broker, bank) as (mirror, _):
        await send(broker, commands[10:])
        await settled(broker, bank, 20)
        assert mirror.health.gaps == 0
    await check_exact(broker, bank, commands)


async def test_market_data_that_has_aged_out_is_passed_over(broker: Broker, bank: Database) -> None:
    """An ingestor that was away for longer than its stream keeps messages goes on with the first one still there."""
    await bank.migrator("ingestor", m0001_tape=TAPE_MIGRATION).migrate()
    await send_statuses(broker, 1, 20)
    async with running(TAPE, broker, bank) as (worker, _):
        await until(lambda: worker.health.position == 20)
    await send_statuses(broker, 21, 60)
    async with broker.bus() as bus:
        await bus.api("STREAM.PURGE.MARKET", {"seq": 51})
    async with running(TAPE, broker, bank) as (worker, task):
        await until(lambda: worker.health.position == 60 or task.done())
        assert not task.done()
    recorded = [row[0] for row in await bank.fetch("ingestor", "SELECT seq FROM statuses ORDER BY seq")]
    assert recorded == [*range(1, 21), *range(51, 61)]
    assert worker.metrics.gaps._value.get() == 1


async def send_statuses(broker: Broker, first: int, last: int) -> None:
    async with broker.client("ingestor") as client:
        for number in range(first, last + 1):
            await client.request("market.v.S.status", encode(status(number)), timeout=30)


async def wipe(broker: Broker, stream: Stream, first_seq: int = 0) -> None:
    """What the loss of the bus's disk looks like, for one stream."""
    async with broker.bus() as bus:
        await bus.api(f"STREAM.DELETE.{stream.name}")
        await ensure_stream(bus, stream, first_seq)
        assert stream_config(stream)["name"] == stream.name


async def _ends_with_stream_lost(broker: Broker, bank: Database, text: str) -> None:
    async with broker.bus("matching") as bus:
        store = bank.store("matching")
        with pytest.raises(StreamLost, match=text):
            await asyncio.wait_for(new_worker(BANK, bus, store).run_epoch(), 30)
        await store.close()


class Crashed(BaseException):
    """The end of a process, as far as one task can play it."""


@pytest.fixture(autouse=True)
async def quiet() -> AsyncIterator[None]:
    """A crash that is played is not reported as a task whose failure nobody saw."""
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _loop, _context: None)
    yield
    loop.set_exception_handler(None)
