"""The bus on a real NATS server: everything once and in order, and every way to lose the place is noticed."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from signal import SIGCONT, SIGSTOP
from typing import Any

import pytest
from cleartide.bus import cursor as cursor_module
from cleartide.bus.confirm import confirm
from cleartide.bus.cursor import FETCH_MESSAGES
from cleartide.bus.nats import ApiError, NatsBus, PullCursor
from cleartide.bus.permissions import OPERATOR
from cleartide.bus.ports import CursorLost, Delivery, OutboxRow
from cleartide.bus.provision import StreamMismatch, ensure_stream, stream_config
from cleartide.bus.publisher import ATOMIC_MESSAGES
from cleartide.bus.streams import EVENTS, RISK, Stream
from nats.errors import Error as NatsError

from deploy.local.nats import NatsServer
from tests.support.running import until
from tests.support.servers import Broker

RECOVERABLE = (NatsError, OSError, TimeoutError, ApiError)


@pytest.fixture
async def bus(broker: Broker) -> AsyncIterator[NatsBus]:
    """The operator's bus."""
    async with broker.bus() as made:
        yield made


def row(number: int, channel: str = "EVENTS", subject: str = "trading.main") -> OutboxRow:
    return OutboxRow(channel, number, number, subject, b'{"n":%d}' % number, f"00-{number:032x}-{number:016x}-01")


async def read(cursor: PullCursor, count: int, seconds: float = 10) -> list[Delivery]:
    """So many deliveries."""
    taken: list[Delivery] = []
    async with asyncio.timeout(seconds):
        while len(taken) < count:
            taken += await cursor.fetch()
    return taken


def numbers(deliveries: list[Delivery]) -> list[int]:
    return [json.loads(delivery.payload)["n"] for delivery in deliveries]


async def test_what_is_published_is_read_in_order_and_whole(bus: NatsBus) -> None:
    """More than several batches of both sides: order, payloads, traces, subject, time and what is left all arrive."""
    total = 2 * ATOMIC_MESSAGES + FETCH_MESSAGES + 7
    await bus.publish("matching", [row(number) for number in range(1, total + 1)])
    cursor = await bus.open(EVENTS, "risk", 1)
    taken = await read(cursor, total)
    assert numbers(taken) == list(range(1, total + 1))
    assert [delivery.stream_seq for delivery in taken] == list(range(1, total + 1))
    assert all(delivery.traceparent == row(delivery.stream_seq).traceparent for delivery in taken)
    assert {delivery.subject for delivery in taken} == {"trading.main"}
    assert [delivery.pending for delivery in taken] == list(range(total - 1, -1, -1))
    assert all(second.at >= first.at > 1_600_000_000_000_000 for first, second in itertools.pairwise(taken))
    await cursor.close()


async def test_one_fetch_is_bounded(bus: NatsBus, monkeypatch: pytest.MonkeyPatch) -> None:
    """By messages and by bytes, but never less than one message."""
    await bus.publish("matching", [row(number) for number in range(1, 101)])
    cursor = await bus.open(EVENTS, "risk", 1)
    await until(lambda: len(cursor._arrived) == 100)
    monkeypatch.setattr(cursor_module, "FETCH_MESSAGES", 10)
    assert len(await cursor.fetch()) == 10
    monkeypatch.setattr(cursor_module, "FETCH_BYTES", 1)
    assert len(await cursor.fetch()) == 1
    await cursor.close()


async def test_a_cursor_begins_where_it_is_told(bus: NatsBus) -> None:
    """At a position, at the end to come, and again at another one: the service's consumer is made anew."""
    await bus.publish("matching", [row(number) for number in range(1, 11)])
    for start in (1, 7, 0, 11):
        cursor = await bus.open(EVENTS, "risk", start)
        if start == 11:
            await bus.publish("matching", [row(11)])
        assert (await read(cursor, 1))[0].stream_seq == max(start, 1)
        await cursor.close()
    assert (await bus.api("CONSUMER.NAMES.EVENTS"))["consumers"] == ["risk"]


async def test_fetch_waits_for_the_first_message(bus: NatsBus) -> None:
    """An idle stream costs nothing; the message that comes then is delivered at once."""
    cursor = await bus.open(EVENTS, "risk", 1)
    waiting = asyncio.ensure_future(cursor.fetch())
    await asyncio.sleep(0.1)
    assert not waiting.done()
    await bus.publish("matching", [row(1)])
    assert numbers(await asyncio.wait_for(waiting, 30)) == [1]
    await cursor.close()


async def test_an_acknowledgement_shows_how_far_the_reader_is(bus: NatsBus) -> None:
    """Acknowledging the last of a batch covers the batch: operators see the true lag on the consumer."""
    await bus.publish("matching", [row(number) for number in range(1, 11)])
    cursor = await bus.open(EVENTS, "risk", 1)
    taken = await read(cursor, 10)
    await cursor.ack(taken[-1])

    async def acknowledged() -> bool:
        info = await bus.api("CONSUMER.INFO.EVENTS.risk")
        return bool(info["ack_floor"]["stream_seq"] == 10 and info["num_ack_pending"] == 0)

    await until(acknowledged)
    await cursor.close()


async def test_a_message_that_another_pull_took_is_a_lost_cursor(bus: NatsBus, broker: Broker) -> None:
    """An old process with an open pull on our consumer steals messages: we notice instead of skipping them."""
    cursor = await bus.open(EVENTS, "risk", 1)
    async with broker.client() as thief:
        inbox = thief.new_inbox()
        await thief.subscribe(inbox, cb=_ignore)
        await thief.publish("$JS.API.CONSUMER.MSG.NEXT.EVENTS.risk", b'{"batch": 50}', reply=inbox)
        await confirm(thief)
        with pytest.raises(CursorLost, match="consumer sequence went from"):
            for start in range(1, 200, 10):
                await bus.publish("matching", [row(number) for number in range(start, start + 10)])
                await read(cursor, 1)
    await cursor.close()


async def test_a_deleted_consumer_is_a_lost_cursor_at_once(bus: NatsBus) -> None:
    """A successor that made the consumer anew ends the old process's waiting without a time-out."""
    cursor = await bus.open(EVENTS, "risk", 1)
    waiting = asyncio.ensure_future(cursor.fetch())
    await asyncio.sleep(0.05)
    successor = await bus.open(EVENTS, "risk", 1)
    with pytest.raises(CursorLost, match="Deleted"):
        await asyncio.wait_for(waiting, 30)
    await bus.publish("matching", [row(1)])
    assert numbers(await read(successor, 1)) == [1]
    for each in (cursor, successor):
        await each.close()


async def test_a_silent_server_is_a_lost_cursor(bus: NatsBus, broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that is frozen, or a network that swallows everything, is noticed by the missing heartbeat."""
    monkeypatch.setattr(cursor_module, "HEARTBEAT_SECONDS", 0.25)
    monkeypatch.setattr(cursor_module, "SILENCE_SECONDS", 2.0)
    cursor = await bus.open(EVENTS, "risk", 1)
    waiting = asyncio.ensure_future(cursor.fetch())
    await asyncio.sleep(2.5)
    assert not waiting.done(), "heartbeats count as life"
    assert broker.server.process is not None
    broker.server.process.signal(SIGSTOP)
    try:
        with pytest.raises(CursorLost, match="no heartbeat"):
            await asyncio.wait_for(waiting, 30)
    finally:
        broker.server.process.signal(SIGCONT)
    await cursor.close()


async def test_a_restarted_server_is_a_lost_cursor_at_once(bus: NatsBus, broker: Broker) -> None:
    """The consumer lives in the server's memory: after kill -9 the reader knows as soon as it is connected again."""
    cursor = await bus.open(EVENTS, "risk", 1)
    waiting = asyncio.ensure_future(cursor.fetch())
    await asyncio.sleep(0.05)
    await broker.server.kill()
    await broker.server.start()
    with pytest.raises(CursorLost):
        await asyncio.wait_for(waiting, 30)
    await cursor.close()


async def test_publishing_again_stores_nothing_twice(bus: NatsBus) -> None:
    """After a lost acknowledgement rows are sent again, alone or together with new ones: each is stored once."""
    await bus.publish("matching", [row(1)])
    await bus.publish("matching", [row(1)])
    await bus.publish("matching", [row(number) for number in (2, 3, 4)])
    await bus.publish("matching", [row(number) for number in (2, 3, 4)])
    await bus.publish("matching", [row(number) for number in (3, 4, 5, 6)])
    cursor = await bus.open(EVENTS, "risk", 1)
    assert numbers(await read(cursor, 6)) == [1, 2, 3, 4, 5, 6]
    assert (await bus.state(EVENTS)).last_seq == 6
    await cursor.close()


async def test_a_busy_process_is_not_a_silent_server(bus: NatsBus, monkeypatch: pytest.MonkeyPatch) -> None:
    """Busy for a minute between asking and listening, as with a large batch: the acknowledgement is still heard."""
    await bus.publish("matching", [row(1)])
    sending = asyncio.create_task(bus.publish("matching", [row(2)]))
    await asyncio.sleep(0)
    loop = asyncio.get_running_loop()
    now = loop.time
    monkeypatch.setattr(loop, "time", lambda: now() + 60)
    await sending
    assert (await bus.state(EVENTS)).last_seq == 2


async def test_rows_of_several_streams_keep_their_order_in_each(bus: NatsBus) -> None:
    """One commit may speak on several streams; each gets its own rows in order."""
    rows = [
        row(number, *to)
        for number in range(1, 21)
        for to in (("RISK", "risk.alerts.watch.a"), ("EVENTS", "trading.main"))
    ]
    await bus.publish("matching", rows)
    for stream in (EVENTS, RISK):
        cursor = await bus.open(stream, "reader", 1)
        assert numbers(await read(cursor, 20)) == list(range(1, 21))
        await cursor.close()


async def test_a_subject_that_no_stream_takes_is_an_error(bus: NatsBus) -> None:
    """An event is never published into the void."""
    with pytest.raises(ConnectionError, match="no stream takes nowhere"):
        await bus.publish("matching", [row(1, subject="nowhere")])


async def test_publishing_while_the_server_is_killed_loses_and_doubles_nothing(bus: NatsBus, broker: Broker) -> None:
    """kill -9 under a publisher that sends again until acknowledged: afterwards every row is there once, in order."""
    sent = asyncio.Event()

    async def publish_all() -> None:
        for start in range(1, 401, 8):
            rows = [row(number) for number in range(start, start + 8)]
            while True:
                try:
                    await bus.publish("matching", rows)
                    break
                except RECOVERABLE:
                    await asyncio.sleep(0.02)
            if start == 81:
                sent.set()

    publishing = asyncio.create_task(publish_all())
    await sent.wait()
    await broker.server.kill()
    await broker.server.start()
    await asyncio.wait_for(publishing, 30)
    cursor = await bus.open(EVENTS, "risk", 1)
    assert numbers(await read(cursor, 400)) == list(range(1, 401))
    await cursor.close()


async def test_a_full_ledger_stream_refuses_instead_of_forgetting(folder: Path) -> None:
    """At its size limit the stream answers with an error; nothing that was stored is dropped."""
    small = replace(EVENTS, max_bytes=20_000)
    async with _bare(folder) as bus:
        await ensure_stream(bus, small)
        stored = 0
        with pytest.raises(ApiError, match="maximum bytes"):
            for number in range(1, 1_000):
                await bus.publish("matching", [row(number)])
                stored = number
        state = await bus.state(small)
        assert (state.first_seq, state.last_seq) == (1, stored)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("storage", "memory"),
        ("discard", "old"),
        ("max_age", 10**12),
        ("subjects", ["trading.main"]),
        ("retention", "interest"),
        ("deny_delete", False),
        ("allow_atomic", False),
        ("persist_mode", "async"),
        ("max_msgs", 1_000),
        ("max_msgs_per_subject", 5),
        ("deny_purge", False),
    ],
)
async def test_a_stream_that_could_lose_data_is_refused(folder: Path, setting: str, value: Any) -> None:
    """A stream that somebody made with other settings is named, not used and not silently changed."""
    config = {**stream_config(EVENTS), setting: value}
    if value == "async":
        config["allow_atomic"] = False
    if value == "memory":
        config["max_bytes"] = 2**20
    async with _bare(folder) as bus:
        await bus.api("STREAM.CREATE.EVENTS", config)
        with pytest.raises(StreamMismatch, match="EVENTS"):
            await ensure_stream(bus, EVENTS)


@pytest.mark.parametrize("made", ["none", "s2"])
async def test_a_full_block_is_left_as_it_is(folder: Path, made: str) -> None:
    """The server does not compress a block when it is full, with all who store and read waiting (ADR 40).

    A stream that was made to be compressed keeps all that it has, and is not from the server's next start on.
    """
    async with _bare(folder) as bus:
        await bus.api("STREAM.CREATE.EVENTS", {**stream_config(EVENTS), "compression": made})
        await bus.publish("matching", [row(1)])
        before = await bus.state(EVENTS)
        assert not await ensure_stream(bus, EVENTS)
        assert await bus.state(EVENTS) == before
    async with _bare(folder) as bus:
        for number in range(2, 22):
            await bus.publish("matching", [row(number)._replace(payload=b'{"n":%d}' % number + b" " * 2**20)])
        blocks = [path.stat().st_size for path in folder.rglob("EVENTS/msgs/*.blk")]
        assert len(blocks) > 2
        assert sum(blocks) > 20 * 2**20
        cursor = await bus.open(EVENTS, "risk", 1)
        assert numbers(await read(cursor, 21)) == list(range(1, 22))
        await cursor.close()


async def test_a_stream_made_anew_may_begin_at_a_later_number(folder: Path) -> None:
    """A restore goes on where the lost stream ended, under a new identity."""
    later = replace(EVENTS, name="LATER", subjects=("later.>",))
    async with _bare(folder) as bus:
        assert await ensure_stream(bus, EVENTS)
        assert await ensure_stream(bus, later, first_seq=42)
        await bus.publish("matching", [row(1, subject="later.x")])
        state = await bus.state(later)
        assert (state.first_seq, state.last_seq) == (42, 42)
        assert state.created != (await bus.state(EVENTS)).created


async def test_an_answer_of_the_server_keeps_its_code(bus: NatsBus) -> None:
    """Errors can be told apart by number."""
    with pytest.raises(ApiError, match="stream not found") as missing:
        await bus.state(Stream("NOWHERE", ("x",), (), {}, single_writer=True))
    assert missing.value.code == 10059


async def _ignore(_message: Any) -> None:
    """Taken and forgotten."""


class _bare:  # noqa: N801 - used as a context manager
    """A bus on a NATS server without users and streams."""

    def __init__(self, folder: Path) -> None:
        self._server = NatsServer(folder / "bare", durable=False)
        self._broker = Broker(self._server)

    async def __aenter__(self) -> NatsBus:
        await self._server.start()
        self._bus = self._broker.bus(OPERATOR)
        return await self._bus.__aenter__()

    async def __aexit__(self, *error: Any) -> None:
        await self._bus.__aexit__(*error)
        await self._server.stop()
