"""`make bench ONLY=analytics`: candles beside streaming engines; a month of account days beside PostgreSQL and Parquet.

TRADES and ROWS make it smaller or larger: `TRADES=200000 ROWS=1000000` takes a minute. `make bench ONLY=history100m` is
the part of the days with a hundred million rows.
"""

import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from benchmarks.analytics.days import day_rows
from benchmarks.analytics.trades import WIDTHS, lines, trades
from benchmarks.engine.peers import ROOT, peers_python
from benchmarks.report import Row, median, write
from services.analytics.domain.candle import MINUTE_MICROS, minute_of
from services.analytics.engine.minute import Candle, Minute

TRADES: Final = int(os.environ.get("TRADES", "1000000"))
ROWS: Final = int(os.environ.get("ROWS", "10000000"))
ROUNDS: Final = 3
PEERS: Final = {"bytewax": TRADES // 10, "pathway": TRADES // 2}


class Line(msgspec.Struct, gc=False):
    """A trade as it comes in JSON."""

    market: str
    at: int
    price: int
    lots: int
    quanta: int


async def run() -> None:
    """Measure and write `results/analytics.json`."""
    write("analytics", [*_candle_rows(), *await day_rows(ROWS)])


def _candle_rows() -> list[Row]:
    rows = trades(TRADES)
    encoded = list(lines(rows))
    decoder = msgspec.json.Decoder(Line)
    decoded = median([_seconds(lambda: six_timeframes(rows)) for _ in range(ROUNDS)])
    read = median([_seconds(lambda: six_timeframes(map(_fields, map(decoder.decode, encoded)))) for _ in range(ROUNDS)])
    ours = {"decoded": TRADES / decoded, "json": TRADES / read}
    found = [
        Row("analytics.candles.decoded", ours["decoded"], "trades/s of processor, six timeframes"),
        Row("analytics.candles.json", ours["json"], "trades/s of processor, six timeframes, JSON decoded"),
    ]
    python = peers_python(ROOT / "requirements-streams.lock")
    for peer, count in PEERS.items() if python is not None else ():
        for way, aim in (("decoded", ">= 100"), ("json", ">= 10")):
            for widths in (len(WIDTHS), 1):
                told = _peer(str(python), peer, count, way, widths)
                if told is not None:
                    rate, what = count / told["seconds"], f"trades/s of {peer}, timeframes: {widths}"
                    total = sum(row[3] for row in trades(count))
                    note = "" if told["lots"] == total else f"counted {told['lots']} lots of {total}"
                    name = f"analytics.candles.{way}.{peer}.{widths}"
                    found.append(Row(name, rate, what, "ours/theirs", ours[way] / rate, aim, note))
    return found


def _peer(python: str, peer: str, count: int, way: str, widths: int) -> dict[str, Any] | None:
    command = [python, str(Path(__file__).with_name("peers.py")), peer, str(count), way, str(widths)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"without {peer}: {done.stderr.strip()[-300:]}", flush=True)
        return None
    told: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return told


def six_timeframes(rows: Any) -> dict[tuple[str, int, int], Candle]:
    """As the service does it: a trade touches its minute alone; wider candles are made of closed minutes."""
    minute, ends = Minute(), 0
    enter = minute.enter
    made: dict[tuple[str, int, int], Candle] = {}
    for market, at, price, lots, quanta in rows:
        if at >= ends:
            widen(made, minute.turn(minute_of(at)))
            ends = minute.open_time + MINUTE_MICROS
        enter(market, price, lots, quanta)
    widen(made, minute.turn(ends))
    return made


def widen(made: dict[tuple[str, int, int], Candle], minutes: dict[str, Candle]) -> None:
    """Closed minutes in each of the timeframes."""
    for market, minute in minutes.items():
        for width in WIDTHS:
            start = minute.open_time - minute.open_time % (width * 1_000_000)
            wide = made.get((market, width, start))
            if wide is None:
                first = minute.open_ticks
                wide = made[market, width, start] = Candle(start, first, first, first, first)
            wide.widen(minute)


def _fields(line: Line) -> tuple[str, int, int, int, int]:
    return line.market, line.at, line.price, line.lots, line.quanta


def _seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started
