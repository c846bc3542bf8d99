"""`make bench ONLY=history100m`: days of accounts at full size, a hundred million rows; some 17 GB of disk, given back.

`month` is the full recompute of all of them, `delta` the month made of the month so far and one day more, both against
PostgreSQL's GROUP BY over the same rows. ROWS makes it smaller: `ROWS=3000000`.
"""

import os

from benchmarks.analytics.days import day_rows
from benchmarks.report import write


async def run() -> None:
    """Measure and write `results/history100m.json`."""
    write("history100m", await day_rows(int(os.environ.get("ROWS", "100000000")), "history100m"))
