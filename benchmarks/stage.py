"""One stage in a process of its own: `python -m benchmarks.stage <stage> <nats url> <dsn> <result file>`.

Measures, for every output event, the time from the first publisher's clock to the acknowledged publish of the output.
"""

import asyncio
import json
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
import structlog
import uvloop
from cleartide.bus.nats import NatsBus
from cleartide.bus.ports import OutboxRow
from cleartide.connect import connected, nats_broker
from cleartide.service.memory import expect_batches, keep_state
from nats.aio.client import Client

from benchmarks import model


class _Stamp(msgspec.Struct):
    occurred_at: int


class MeasuringBus(NatsBus):
    """The bus, remembering when each batch of outputs was acknowledged."""

    def __init__(self, client: Client) -> None:
        super().__init__(client)
        self.acknowledged: list[tuple[int, list[bytes]]] = []

    async def publish(self, service: str, rows: Sequence[OutboxRow]) -> None:
        """Publish and remember the moment after the acknowledgement."""
        await super().publish(service, rows)
        self.acknowledged.append((time.time_ns() // 1000, [row.payload for row in rows]))

    def events_per_batch(self) -> float:
        """How many events went out together, on average."""
        return len(self.latencies_ms()) / max(1, len(self.acknowledged))

    def latencies_ms(self) -> list[float]:
        """One value per output event."""
        decoder = msgspec.json.Decoder(list[_Stamp])
        return [
            (at - event.occurred_at) / 1000
            for at, payloads in self.acknowledged
            for payload in payloads
            for event in decoder.decode(payload)
        ]


async def run(stage: int, url: str, dsn: str, result: Path) -> None:
    """Work until SIGTERM, then write the latencies."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(30))
    model.register()
    broker = nats_broker(url, "", "", f"stage{stage}")
    client = await connected(broker)
    bus = MeasuringBus(client)
    worker = model.worker(stage, client, dsn, bus)
    expect_batches()
    worker.loaded = keep_state
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, worker.stop)
    Path(f"{result}.started").touch()
    await worker.run_epoch()
    await broker.stop()
    result.write_text(json.dumps({"latencies_ms": bus.latencies_ms(), "events_per_batch": bus.events_per_batch()}))


if __name__ == "__main__":
    uvloop.run(run(int(sys.argv[1]), sys.argv[2], sys.argv[3], Path(sys.argv[4])))
