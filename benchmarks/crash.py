"""The recorded crash with ten thousand leveraged accounts: who bore the losses, what it cost, one digest twice.

The day is replayed by two processes at once, whose hashes of texts differ. Takes a minute of two cores.
"""

import os
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Final, NamedTuple

from benchmarks.report import Row, write
from services.matching.tests.crash import Crash

ACCOUNTS: Final = int(os.environ.get("CRASH_ACCOUNTS", "10000"))
SEED: Final = 20_250_406
SHOWN: Final = ("steps", "accounts_emptied", "TradeExecuted", "PositionDeleveraged", "LossSocialized")


class Day(NamedTuple):
    """What a replay came to; seconds of processor."""

    seconds: float
    figures: Mapping[str, int]
    healthy: int
    digest: str


def replay(seed: int) -> Day:
    """The whole day."""
    started = time.process_time()
    crash = Crash(ACCOUNTS, seed)
    crash.run()
    return Day(time.process_time() - started, crash.figures, crash.healthy, crash.digest)


async def run() -> None:
    """Replay it twice and write `results/crash.json`."""
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        day, again = pool.map(replay, (SEED, SEED))
    figures = day.figures
    lots = {name: figures[name] for name in ("closed_by_the_book", "taken_by_the_fund", "deleveraged")}
    total = sum(lots.values()) or 1
    write(
        "crash",
        [
            Row("crash.accounts", ACCOUNTS, "leveraged accounts"),
            Row("crash.cpu", day.seconds, "s of one core for the day"),
            *(Row(f"crash.{name}", figures[name], "times") for name in SHOWN),
            *(Row(f"crash.{name}", 100 * part / total, "% of the lots") for name, part in lots.items()),
            Row("crash.fund_at_first", figures["fund_at_first"] / 10**6, "quote"),
            Row("crash.fund_at_least", figures["fund_at_least"] / 10**6, "quote", aim=">= 0"),
            Row("crash.healthy_touched", day.healthy, "accounts", aim="0"),
            Row("crash.digests_differ", float(day.digest != again.digest), "runs", aim="0"),
        ],
    )
    print("digest", day.digest)
