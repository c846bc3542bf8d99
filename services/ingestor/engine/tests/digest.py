"""Everything that the cores say of recorded and simulated sessions, as one digest.

`python -m services.ingestor.engine.tests.digest` prints the form that it found, and the digest.
"""

import asyncio
import gzip
import hashlib
from collections.abc import Iterator
from itertools import islice

from services.ingestor.adapters.events import MarketStruct, encode
from services.ingestor.adapters.protocol import Output
from services.ingestor.engine import COMPILED
from services.ingestor.simulator.twin import twins
from services.ingestor.tests.support import RECORDING, new_core, play
from services.ingestor.tests.venues.captures import CAPTURES
from services.ingestor.tests.venues.kit import CAPTURED
from services.ingestor.tests.venues.stand import directly

LINES = 8_000
TWIN_LINES = 400
SHORT = ("bybit", "lighter", "hyperliquid")


def recording() -> Iterator[Output]:
    """The bundled recording, its books measured and told in steps."""
    core = new_core()
    core.measure_liquidity(1_000_000, (10, 100))
    with gzip.open(RECORDING) as file:
        raws = [line.rstrip(b"\n").partition(b" ")[2] for line in islice(file, LINES)]
    for _, out in play(core, ((1, raw) for raw in raws)):
        yield from out


async def simulated() -> list[Output]:
    """Every venue, by its twin."""
    said: list[Output] = []
    for name in sorted(twins()):
        said += (await directly(name, TWIN_LINES))[1]
    return said


def captured() -> Iterator[str]:
    """The whole books at the end of captured sessions, where they are at hand."""
    for name, capture in ((name, CAPTURES[name]) for name in SHORT):
        if (CAPTURED / capture.path).exists():
            outcome = capture.play(capture.lines())
            assert outcome.book is not None, name
            yield f"{name} {outcome.flagged} {outcome.books_said_at} {outcome.book.top(10**6)}"


def digest() -> str:
    """SHA-256 of all of it."""
    hashed = hashlib.sha256()
    for output in [*recording(), *asyncio.run(simulated())]:
        hashed.update(encode([output]) if isinstance(output, MarketStruct) else repr(output).encode())
    for told in captured():
        hashed.update(told.encode())
    return hashed.hexdigest()


if __name__ == "__main__":
    print("compiled" if COMPILED else "interpreted", digest())
