"""Moves the price as a scenario wants, and notes when the orders that each price fired are heard of.

`python -m benchmarks.price_feed <url> <user> <password> <scenario> <seed> <mid> <last index number> <result file>`
"""

import asyncio
import json
import sys
import time
from pathlib import Path
from random import Random
from typing import Final

import msgspec
import uvloop
from cleartide.bus.confirm import confirm
from cleartide.connect import connected, nats_broker
from cleartide.contracts.codec import encode
from cleartide.service.memory import expect_batches, keep_state
from nats.aio.client import Client
from nats.aio.msg import Msg

from benchmarks.pace import until
from benchmarks.scenarios import PER_SECOND, SCENARIOS, Venue

LAST_EVENTS_SECONDS: Final = 10.0
PLACED: Final = ("OrderAccepted", "OrderClosed")
"""What a fired order is answered with when it is placed."""


class _Event(msgspec.Struct):
    type: str
    causation_id: str
    order_id: int = 0


async def run(url: str, user: str, password: str, scenario: str, venue: Venue, seed: int) -> dict[str, object]:
    """What the scenario measured: milliseconds per fired order, and how many each price fired."""
    broker = nats_broker(url, user, password, "prices")
    client = await connected(broker)
    heard: list[tuple[int, bytes]] = []

    async def on_events(message: Msg) -> None:
        heard.append((time.perf_counter_ns(), message.data))

    await client.subscribe("trading.>", cb=on_events)
    await confirm(client)
    keep_state()
    sent = await _send(client, scenario, venue, Random(seed))
    await _settled(heard, sent)
    await broker.stop()
    latencies, placed, fired, waiting = list[float](), list[float](), dict[str, int](), set[int]()
    decoder = msgspec.json.Decoder(list[_Event])
    for at, payload in heard:
        for event in decoder.decode(payload):
            if event.type == "OrderTriggered":
                latencies.append((at - sent[event.causation_id]) / 1e6)
                waiting.add(event.order_id)
                fired[event.causation_id] = fired.get(event.causation_id, 0) + 1
            elif event.type in PLACED and event.order_id in waiting:
                placed.append((at - sent[event.causation_id]) / 1e6)
                waiting.remove(event.order_id)
    return {"latencies": latencies, "placed": placed, "fired": sorted(fired.values()), "mid": venue.mid}


async def _send(client: Client, scenario: str, venue: Venue, random: Random) -> dict[str, int]:
    """One price per beat, and the maker's quotes behind it."""
    sent, before = dict[str, int](), venue.mid
    started = asyncio.get_running_loop().time()
    for number, mid in enumerate(SCENARIOS[scenario](venue.mid, random)):
        await until(started + number / PER_SECOND)
        price, quotes = venue.price(mid), venue.quotes(rising=mid > before)
        subject, payload = price.subject, encode(price)
        sent[price.id] = time.perf_counter_ns()
        await client.publish(subject, payload)
        await client.publish(quotes.subject, encode(quotes))
        sent[quotes.id], before = time.perf_counter_ns(), mid
    return sent


async def _settled(heard: list[tuple[int, bytes]], sent: dict[str, int]) -> None:
    """Wait until something of the last price's quotes has come, and with it everything before."""
    last = list(sent)[-1].encode()
    deadline = asyncio.get_running_loop().time() + LAST_EVENTS_SECONDS
    while not any(last in payload for _, payload in heard[-50:]):
        if asyncio.get_running_loop().time() > deadline:
            raise RuntimeError("the last price has caused nothing")
        await asyncio.sleep(0.05)


if __name__ == "__main__":
    url, user, password, scenario, seed, mid, index_after, result = sys.argv[1:]
    venue = Venue(int(seed), int(mid), int(index_after))
    expect_batches()
    found = uvloop.run(run(url, user, password, scenario, venue, int(seed)))
    Path(result).write_text(json.dumps(found))
