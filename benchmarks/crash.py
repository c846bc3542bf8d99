"""The recorded crash with ten thousand leveraged accounts: who bore the losses, what it cost, one digest twice."""

import time

from benchmarks.report import Row, write
from services.matching.tests.crash import Crash

ACCOUNTS = 10_000
SEED = 20_250_406
SHOWN = ("steps", "accounts_emptied", "TradeExecuted", "PositionDeleveraged", "LossSocialized")


async def run() -> None:
    """Replay it twice and write `results/crash.json`."""
    started = time.process_time()
    crash = Crash(ACCOUNTS, SEED)
    crash.run()
    seconds = time.process_time() - started
    again = Crash(ACCOUNTS, SEED)
    again.run()
    figures = crash.figures
    lots = {name: figures[name] for name in ("closed_by_the_book", "taken_by_the_fund", "deleveraged")}
    total = sum(lots.values()) or 1
    write(
        "crash",
        [
            Row("crash.accounts", ACCOUNTS, "leveraged accounts"),
            Row("crash.cpu", seconds, "s of one core for the day"),
            *(Row(f"crash.{name}", figures[name], "times") for name in SHOWN),
            *(Row(f"crash.{name}", 100 * part / total, "% of the lots") for name, part in lots.items()),
            Row("crash.fund_at_first", figures["fund_at_first"] / 10**6, "quote"),
            Row("crash.fund_at_least", figures["fund_at_least"] / 10**6, "quote", aim=">= 0"),
            Row("crash.healthy_touched", crash.healthy, "accounts", aim="0"),
            Row("crash.digests_differ", float(crash.digest != again.digest), "runs", aim="0"),
        ],
    )
    print("digest", crash.digest)
