"""One library on recorded frames in a process of its own: `python -m benchmarks.feeds.worker SUBJECT RECORDING FRAMES`.

Prints one JSON object. The snapshot is given first, then the frames in the order in which they came; what the clock
sees is decoding and handling. Time is the thread's processor time, with the collector off.
"""

import asyncio
import gc
import gzip
import importlib
import json
import resource
import sys
import time
from itertools import islice
from typing import Any, Final

LEVELS: Final = 200
"""A side that must be the same in the end."""


def main() -> None:
    """Measure as asked."""
    name, path, count = sys.argv[1:]
    with gzip.open(path) as file:
        raws = [line.rstrip(b"\n").partition(b" ")[2] for line in islice(file, int(count) + 1)]
    print(json.dumps(asyncio.run(measured(name, raws))))


async def measured(name: str, raws: list[bytes]) -> dict[str, Any]:
    """Microseconds a frame, the book at the end, and the memory that it took."""
    snapshot = next(raw for raw in raws if raw.startswith(b'{"lastUpdateId"'))
    first = next(raw for raw in raws if b"@depth" in raw)
    subject = importlib.import_module(f"benchmarks.feeds.subjects.{name}").Subject()
    frames = [subject.prepared(raw) for raw in raws if raw is not snapshot]
    await subject.begin(snapshot, first)
    gc.disable()
    started = time.thread_time()
    await subject.take(frames)
    seconds = time.thread_time() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"micros": seconds * 1e6 / len(frames), "book": subject.book(LEVELS), "megabytes": peak}


if __name__ == "__main__":
    main()
