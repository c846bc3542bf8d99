"""Publish fills at a steady rate: `python -m benchmarks.publisher <nats url> <events per second> <seconds>`.

Every millisecond the events that are due go out as one message, stamped with this moment.
"""

import asyncio
import sys
import time

import uvloop
from cleartide.connect import connected, nats_broker

from benchmarks import model


async def run(url: str, rate: int, seconds: float) -> None:
    """Send rate * seconds events."""
    broker = nats_broker(url, "", "", "publisher")
    client = await connected(broker)
    loop = asyncio.get_running_loop()
    started, sent, total = loop.time(), 0, int(rate * seconds)
    while sent < total:
        due = min(total, int((loop.time() - started) * rate))
        if due > sent:
            now = time.time_ns() // 1000
            fills = [model.make_fill(seq, now) for seq in range(sent + 1, due + 1)]
            payload = fills[0] if len(fills) == 1 else b"[" + b",".join(fills) + b"]"
            await client.publish("bench0.fills", payload)
            sent = due
        await asyncio.sleep(0.001)
    await client.flush()
    await broker.stop()


if __name__ == "__main__":
    uvloop.run(run(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
