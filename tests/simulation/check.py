"""What must be true after a run, whatever went wrong in it."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

import msgspec
from cleartide.bus.folder import Fold, Folder
from cleartide.bus.ports import Delivery, Epoch
from cleartide.bus.streams import BY_NAME, STREAMS
from cleartide.store.digest import events_of

from tests.simulation.broker import Broker
from tests.simulation.store import Schema
from tests.simulation.world import World

LARGEST_BATCH = 40
BESIDE_THE_FOLD = ("MARKET", "PRODUCT")
"""Streams on which a service says what it has heard outside, not what it has folded."""


def check(world: World) -> None:
    """Everything of the promise: exact state, exact events, nothing lost, nothing doubled, books in balance."""
    for service, fold in world.folds.items():
        _check_state(service, world.schemas[service], replayed(world, fold))
    for stream in (each for each in STREAMS if each.name not in BESIDE_THE_FOLD):
        for service in stream.writers:
            if service in world.schemas:
                _check_stream(world.broker, service, stream.name, world.schemas[service])
    if "matching" in world.schemas:
        _check_ledger(world.schemas["matching"])


def replayed(world: World, fold: Fold) -> Schema:
    """A fresh, undisturbed fold of the input that the service saw, in batches of other sizes."""
    schema, random = Schema(), Random(f"{world.seed}:replay:{fold.service}")
    messages = world.broker.logs[fold.stream.name].messages
    start = 0
    while start < len(messages):
        # As after a restart: what is not in the tables is forgotten.
        repository, loaded = fold.repository, [table for table in fold.repository.tables if table.load]
        folder = Folder(
            service=fold.service,
            stream=fold.stream,
            handlers=fold.handlers,
            repository=repository,
            state=repository.restore({table.name: schema.rows(table) for table in loaded}),
            epoch=Epoch(1, schema.progress, dict(schema.last_seq), {}),
            journal=fold.journal,
        )
        for _ in range(random.choice((1, 3, 1_000_000))):
            batch = messages[start : start + random.randint(1, LARGEST_BATCH)]
            if not batch:
                break
            deliveries = [
                Delivery(start + index, message.at, message.subject, message.payload, "", 0)
                for index, message in enumerate(batch, start=1)
            ]
            commit, _ = folder.fold(folder.decode(deliveries), "", "made once")
            schema.write(commit.changes)
            schema.say(commit.outbox)
            schema.journal += commit.journal
            schema.progress = commit.after
            start += len(batch)
    return schema


def said(schema: Schema, channel: str) -> list[bytes]:
    """The encoded events of an output stream, however they were packed."""
    return [event for row in schema.outbox if row.channel == channel for event in events_of(row.payload)]


def _check_state(service: str, actual: Schema, expected: Schema) -> None:
    assert actual.progress.position == expected.progress.position, service
    assert actual.progress.at == expected.progress.at, service
    for name in {*actual.tables, *expected.tables}:
        mine, fresh = actual.tables.get(name, {}), expected.tables.get(name, {})
        different = [key for key in {**mine, **fresh} if mine.get(key) != fresh.get(key)]
        assert not different, f"{service}.{name}: {[(key, mine.get(key), fresh.get(key)) for key in different[:3]]}"
    assert [entry[:4] for entry in actual.journal] == [entry[:4] for entry in expected.journal], service
    for channel in {*actual.last_seq, *expected.last_seq}:
        assert said(actual, channel) == said(expected, channel), f"{service} says something else on {channel}"


def _check_stream(broker: Broker, service: str, stream: str, schema: Schema) -> None:
    """On the bus: every event of the outbox, first occurrences in order, and repeats are the same bytes."""
    outbox, firsts = said(schema, stream), dict[int, bytes]()
    for seq, event in _events_on(broker, stream, service):
        assert firsts.setdefault(seq, event) == event, f"{stream}: {service} used {seq} for two events"
    assert list(firsts) == list(range(1, len(outbox) + 1)), f"{stream}: {service}'s events are {list(firsts)}"
    assert list(firsts.values()) == outbox, f"{stream}: not what {service} said"


def _events_on(broker: Broker, stream: str, service: str) -> Iterator[tuple[int, bytes]]:
    public = BY_NAME[stream].public
    for message in broker.logs[stream].messages:
        if public and message.subject.startswith(("orders.", "trades.", "transfers.", "admin.")):
            continue
        for event in events_of(message.payload):
            head: Mapping[str, Any] = msgspec.json.decode(event)
            if head["source"] == service:
                yield head["seq"], event


def _check_ledger(schema: Schema) -> None:
    """Money moves and is never made: all balances, each transaction, and each market's positions sum to zero."""
    assert sum(row[1] for row in schema.tables.get("ledger_balances", {}).values()) == 0
    transactions: Counter[tuple[int, str]] = Counter()
    for row in schema.tables.get("ledger_entries", {}).values():
        transactions[row[0], row[7]] += row[3]
    assert not [number for number, total in transactions.items() if total]
    positions: Counter[str] = Counter()
    for row in schema.tables.get("positions", {}).values():
        positions[row[1]] += row[2]
    assert not [market for market, lots in positions.items() if lots]


def digest(world: World) -> str:
    """A fingerprint of everything that a run left behind."""
    sha = hashlib.sha256()
    for service in world.folds:
        schema = world.schemas[service]
        sha.update(repr((service, schema.epoch, schema.progress)).encode())
        for name in sorted(schema.tables):
            held = schema.tables[name]
            sha.update(repr((name, [held[key] for key in sorted(held)])).encode())
        sha.update(repr(schema.outbox).encode())
    for name, log in world.broker.logs.items():
        sha.update(repr((name, log.messages)).encode())
    return sha.hexdigest()
