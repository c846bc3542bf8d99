"""An outsider who may publish commands, and means harm: nothing it puts on the wire stops or fools the sequencer.

The outsider speaks the protocol itself, because client libraries would refuse to send most of this.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from cleartide.bus.ports import Delivery, OutboxRow
from cleartide.bus.streams import COMMANDS, DEAD_LETTERS
from cleartide.contracts import LiquidateAccount
from cleartide.contracts.codec import encode

from tests.support.bank import BANK, BANK_MIGRATION, deposit
from tests.support.running import running, until
from tests.support.servers import Broker, Database

SUBJECTS = (
    b"transfers.\xff\xfe",
    b"transfers.a\x00b",
    "transfers.ünï".encode(),
    b"transfers." + b"x" * 3_000,
    b"transfers.>",
    b"transfers.*",
)
HEADERS = (
    b"Status: 409\r\nDescription: Consumer Deleted",
    b"Status: 404\r\nNats-Pending-Messages: 512",
    b"Status: 100\r\nDescription: Idle Heartbeat",
    b"Nats-Pending-Messages: many",
    b"traceparent: \xff\xfe",
    b"traceparent: 00-" + b"f" * 5_000 + b"-1-1",
    b"traceparent: 00-zz-1-1",
    b"no colon",
    b"\xff\xff: \xff",
    b"Nats-Rollup: all",
    b"Nats-TTL: 1s",
    b"Nats-Schedule: @every 1s",
    b"Nats-Expected-Last-Sequence: 99",
)
FIRST_LINES = (
    b"NATS/1.0 409 Consumer Deleted",
    b"NATS/1.0 404 \xff\xfe",
    b"NATS/1.0 abc",
    b"NATS/1.0 ",
    b"NATS/1.0\xff",
)


class Outsider:
    """A raw connection as the trader."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def publish(self, subject: bytes, payload: bytes, header_block: bytes = b"") -> None:
        """One message as it is, and whatever the server says to it."""
        sizes = (
            b"%d %d" % (len(header_block), len(header_block) + len(payload)) if header_block else b"%d" % len(payload)
        )
        verb = b"HPUB " if header_block else b"PUB "
        self._writer.write(verb + subject + b" " + sizes + b"\r\n" + header_block + payload + b"\r\nPING\r\n")
        while not (await self._reader.readline()).startswith(b"PONG"):
            pass


@pytest.fixture
async def outsider(broker: Broker) -> AsyncIterator[Outsider]:
    """Signed in as the trader."""
    reader, writer = await asyncio.open_connection("127.0.0.1", broker.server.port)
    await reader.readline()
    options = {"verbose": False, "pedantic": False, "headers": True, "user": "trader", "pass": "nats-trader"}
    writer.write(b"CONNECT " + json.dumps(options).encode() + b"\r\nPING\r\n")
    assert await reader.readline() == b"PONG\r\n"
    yield Outsider(reader, writer)
    writer.close()
    await writer.wait_closed()


@pytest.fixture
async def bank(database: Database) -> Database:
    """A bank's schema."""
    await database.migrator("matching", m0001_bank=BANK_MIGRATION).migrate()
    return database


def header_block(text: bytes, first: bytes = b"NATS/1.0") -> bytes:
    return first + b"\r\n" + (text + b"\r\n" if text else b"") + b"\r\n"


async def balance(bank: Database) -> int:
    rows = await bank.fetch("matching", "SELECT cash_quanta FROM balances WHERE account = 'alice'")
    return int(rows[0][0]) if rows else 0


async def check_alive(broker: Broker, bank: Database, outsider: Outsider, before: int) -> None:
    """An honest deposit sent after all of it is applied, without a restart of the epoch, and nothing waits."""
    async with running(BANK, broker, bank) as (worker, task):
        await outsider.publish(b"transfers.alice", encode(deposit(9_999)))

        async def applied() -> bool:
            return task.done() or await balance(bank) == before + 1_000_000

        await until(applied)
        assert not task.done()
        async with broker.bus() as bus:
            assert worker.health.position == (await bus.state(COMMANDS)).last_seq
        assert (worker.health.gaps, worker.health.restarts) == (0, 0)


async def test_a_subject_of_any_bytes_is_a_dead_letter(broker: Broker, bank: Database, outsider: Outsider) -> None:
    """Bytes that are no text, NULs, wildcards and very long subjects are buried; the next command is applied."""
    for subject in SUBJECTS:
        await outsider.publish(subject, encode(deposit(1)))
    await check_alive(broker, bank, outsider, 0)
    async with broker.bus() as bus:
        assert (await bus.state(DEAD_LETTERS)).last_seq == len(SUBJECTS)
    assert len(await bank.fetch("matching", "SELECT 1 FROM journal")) == len(SUBJECTS) + 1


async def test_headers_of_any_kind_are_ignored(broker: Broker, bank: Database, outsider: Outsider) -> None:
    """Forged statuses, broken traces and commands to the server in headers: the deposits below them simply count."""
    blocks = [header_block(text) for text in HEADERS] + [header_block(b"", first) for first in FIRST_LINES]
    for number, block in enumerate(blocks):
        await outsider.publish(b"transfers.alice", encode(deposit(number)), block)
    async with broker.bus() as bus:
        stored = await bus.state(COMMANDS)
    assert stored.first_seq == 1
    assert stored.last_seq >= len(blocks) - 5
    await check_alive(broker, bank, outsider, stored.last_seq * 1_000_000)


async def test_a_standby_reads_what_the_active_process_reads(broker: Broker, outsider: Outsider) -> None:
    """By number and by cursor the same messages arrive, to the microsecond, whatever is written over them."""
    forged = (
        b"Nats-Sequence: 77\r\nNats-Subject: admin.markets\r\nNats-Time-Stamp: 1999-01-01T00:00:00Z",
        b"Status: 204\r\nDescription: EOB",
    )
    blocks = [header_block(text) for text in (*HEADERS, *forged)] + [header_block(b"", first) for first in FIRST_LINES]
    for number, block in enumerate([b"", *blocks, b"NATS/1.0\r\nunended: header", b"NATS/1.0\r\n\r\n"]):
        await outsider.publish(b"transfers.alice", encode(deposit(number)), block)
    for subject in SUBJECTS:
        await outsider.publish(subject, encode(deposit(1)))
    async with broker.bus() as bus, broker.bus("matching") as matching:
        total = (await bus.state(COMMANDS)).last_seq
        cursor = await matching.open(COMMANDS, "matching", 1)
        taken: list[Delivery] = []
        while len(taken) < total:
            taken += await cursor.fetch()
        by_number = await matching.read(COMMANDS, 1, total)
        assert [delivery[:4] for delivery in by_number] == [delivery[:4] for delivery in taken]
        assert [delivery.stream_seq for delivery in await matching.read(COMMANDS, 3, 2)] == [3, 4]
        assert await matching.read(COMMANDS, total + 1, 5) == []
        await cursor.close()


async def test_nobody_takes_the_place_of_a_services_command(broker: Broker, outsider: Outsider) -> None:
    """An outsider who sends a message under the identity that risk's next command will have does not suppress it."""
    command = LiquidateAccount(
        id="risk-commands-1",
        seq=1,
        occurred_at=0,
        source="risk",
        account="alice",
        market="BTC-PERP",
        equity="0",
        maintenance_margin="1",
        mark_price_ticks=1,
        observed_seq=1,
    )
    row = OutboxRow("COMMANDS", 1, 1, command.subject, encode(command), "")
    await outsider.publish(b"transfers.alice", b"{}", header_block(b"Nats-Msg-Id: risk.COMMANDS.1"))
    async with broker.bus("risk") as bus:
        await bus.publish("risk", [row])
    async with broker.client() as client:
        subjects: list[Any] = [
            (await client.jetstream().get_msg("COMMANDS", seq)).subject
            for seq in range(1, (await client.jetstream().stream_info("COMMANDS")).state.last_seq + 1)
        ]
    assert "liquidations.BTC-PERP" in subjects


async def test_a_flood_of_noise_does_not_stop_the_fold(broker: Broker, bank: Database, outsider: Outsider) -> None:
    """Hundreds of unusable messages later, the next command is applied."""
    for number in range(300):
        await outsider.publish(b"transfers.alice", bytes([number % 256]) * (number % 50))
    await check_alive(broker, bank, outsider, 0)
