"""10,000 armed conditional orders on real servers, every fsync on: from a price to the orders it fires.

Each scenario begins with 10,000 orders on one market, of 1,000 accounts: stops, take-profits and trailing stops by mark
and index, their triggers spread evenly over a quarter of the price to either side. Prices come twenty times a second.
The latency of an order is the time from a client's clock before it publishes the price to the arrival of that order's
trigger event at another subscription of that client; `placed` is that until the order is accepted, or refused. Then a
reader of all events searches a list of the armed orders for every published price: each must have fired when it was
due, once, and no other (`faults`).
"""

import asyncio
import base64
import json
import sys
import time
from collections.abc import AsyncIterator
from itertools import chain, groupby
from typing import Any, Final

import msgspec
from cleartide.bus.nats import NatsBus
from cleartide.bus.streams import EVENTS
from cleartide.contracts import Message
from nats.aio.client import Client

from benchmarks.alone import Alone
from benchmarks.parts import Parts, noted
from benchmarks.report import Row, disk_sync_rows, median, percentile, write
from benchmarks.rooms import room
from benchmarks.scenarios import ARMED, MID_TICKS, SCENARIOS, Venue
from benchmarks.sequencer import published, send
from services.matching.tests.trigger_reader import READ, TriggerReader
from tests.support.installation import ROOT, Installation

ROUNDS: Final = 3
AIMED: Final = ("trend", "spike", "gap")
AIM_MS: Final = 20
QUIET_PRICES: Final = 2_000
SCANS: Final = 20


async def run() -> None:
    """Measure and write `results/conditional.json`."""
    rows = [*disk_sync_rows(), *_processor_rows()]
    async with room() as installed:
        venue = Venue(1)
        await installed.start("matching")
        await send(installed, venue.opening())
        await published(installed)
        for number, scenario in enumerate(SCENARIOS):
            rows += await _scenario_rows(installed, scenario, 100 * (number + 1))
        rows += await _fault_rows(installed)
    write("conditional", rows)


async def _scenario_rows(installed: Installation, scenario: str, seed: int) -> list[Row]:
    rounds, fired, parts = [], list[int](), list[str]()
    for number in range(ROUNDS):
        found, told = await _round(installed, scenario, seed + number)
        parts.append(told)
        triggered, placed = found["latencies"], found["placed"]
        shares = ((triggered, 0.5), (triggered, 0.95), (triggered, 0.99), (placed, 0.5), (placed, 0.95))
        rounds.append([percentile(values, share) for values, share in shares])
        fired += found["fired"]
        print(scenario, len(triggered), "fired", [round(value, 2) for value in rounds[-1]], "ms", told, flush=True)
    middle = [median(column) for column in zip(*rounds, strict=True)]
    name, aimed = f"conditional.{scenario}", scenario in AIMED
    aim, note = f"<= {AIM_MS}" if aimed else "", noted(aimed and middle[1] > AIM_MS, parts)
    return [
        Row(f"{name}.fired", sum(fired) / ROUNDS, "orders per run"),
        Row(f"{name}.most_by_one_price", max(fired), "orders"),
        Row(f"{name}.p50", middle[0], "ms, price to trigger"),
        Row(f"{name}.p95", middle[1], "ms, price to trigger", aim=aim, note=note),
        Row(f"{name}.p99", middle[2], "ms, price to trigger"),
        Row(f"{name}.placed.p50", middle[3], "ms, price to order placed"),
        Row(f"{name}.placed.p95", middle[4], "ms, price to order placed"),
    ]


async def _round(installed: Installation, scenario: str, seed: int) -> tuple[dict[str, Any], str]:
    """Arm anew at the price as it is, then let a client in a process of its own move it; and what took how long."""
    (mark,) = (await installed.fetch("matching", "SELECT index_ticks FROM marks"))[0]
    (last,) = (await installed.fetch("matching", "SELECT last_seq FROM command_sources WHERE source = 'ingestor'"))[0]
    await send(installed, Venue(seed, mark).arming())
    await published(installed)
    result = installed.folder / f"{scenario}-{seed}.json"
    address = (installed.nats.url, "operator", "nats-operator")
    arguments = (*address, scenario, str(seed + 50), str(mark), str(last), str(result))
    before = await Parts.read(installed)
    client = await asyncio.create_subprocess_exec(sys.executable, "-m", "benchmarks.price_feed", *arguments, cwd=ROOT)
    if await client.wait():
        raise RuntimeError("the measuring client failed")
    await published(installed)
    found: dict[str, Any] = json.loads(result.read_text())
    return found, (await Parts.read(installed)).since(before)


async def _fault_rows(installed: Installation) -> list[Row]:
    """What a reader finds who searches a list for every price of the whole run."""
    reader, faults = TriggerReader(), 0
    async with installed.client() as client:
        events = [event async for event in _events(client)]
    for _, caused in groupby(events, key=lambda event: event.causation_id):
        try:
            reader.read(list(caused))
        except AssertionError:
            faults += 1
            reader.due.clear()
    return [
        Row("conditional.fired", reader.met, "orders in the whole run, each when it was due and once"),
        Row("conditional.faults", faults, "missed, late, needless or duplicate", aim="0"),
    ]


async def _events(client: Client) -> AsyncIterator[Message]:
    """Every trading event that the reader looks at, as its contract, in order."""
    bus, bodies = NatsBus(client), msgspec.json.Decoder(list[dict[str, Any]])
    contracts = {contract.model_fields["type"].default: contract for contract in READ}
    for seq in range(1, (await bus.state(EVENTS)).last_seq + 1):
        answer = await bus.api(f"STREAM.MSG.GET.{EVENTS.name}", {"seq": seq})
        for body in bodies.decode(base64.b64decode(answer["message"]["data"])):
            if body["type"] in contracts:
                yield contracts[body["type"]].model_validate(body)


def _processor_rows() -> list[Row]:
    """The fold alone: a price that fires nothing and one that fires many, against a search of the list per price."""
    venue, folder = Venue(1), Alone()
    folder.timed(chain(venue.opening(), venue.arming()), batch=500)
    quiet = folder.timed([venue.price(MID_TICKS + number % 3) for number in range(QUIET_PRICES)]) / QUIET_PRICES
    scan = _scan(folder)
    before = folder.armed
    crash = folder.timed([venue.price(MID_TICKS * 95 // 100)])
    return [
        Row("conditional.fold.quiet_price", quiet * 1e6, "us, 10,000 armed", "comparing each order", scan / quiet),
        Row("conditional.fold.fired", crash / (before - folder.armed) * 1e6, "us per order, its trade and events"),
    ]


def _scan(folder: Alone) -> float:
    """Seconds to compare every armed order with one price."""
    triggers = [(one.way, one.level or 1) for one in folder.state.conditional.triggers.values()]
    assert len(triggers) == ARMED
    started = time.process_time()
    for number in range(SCANS):
        price = MID_TICKS + number
        assert sum(way * (price - level) >= 0 for way, level in triggers) >= 0
    return (time.process_time() - started) / SCANS
