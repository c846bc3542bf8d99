"""One-minute candles in Bytewax and in Pathway, by the peers' Python: `python peers.py bytewax 1000 json`.

Prints JSON: processor seconds of the run, from decoded trades or from JSON lines, and the lots of all candles.
"""

import json
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from trades import START, Trade, lines, trades  # type: ignore[import-not-found]

BATCH = 1_000


def bytewax_seconds(rows: list[Trade], *, decode: bool) -> tuple[float, int]:
    """Windows by event time; the source gives batches of 1,000."""
    import bytewax.operators as op
    from bytewax.dataflow import Dataflow
    from bytewax.operators.windowing import EventClock, TumblingWindower, fold_window
    from bytewax.testing import TestingSink, TestingSource, run_main

    given: list[Any] = list(lines(rows)) if decode else rows
    out: list[Any] = []
    clock = EventClock(
        lambda t: datetime.fromtimestamp(t[1] / 1e6, UTC), wait_for_system_duration=timedelta(seconds=60)
    )
    windower = TumblingWindower(length=timedelta(minutes=1), align_to=datetime.fromtimestamp(START // 10**6, UTC))
    flow = Dataflow("candles")
    stream: Any = op.input("in", flow, TestingSource(given, batch_size=BATCH))
    if decode:
        stream = op.map("decode", stream, lambda line: tuple(json.loads(line).values()))
    keyed = op.key_on("key", stream, lambda t: t[0])
    windows = fold_window("candle", keyed, clock, windower, lambda: None, _add, lambda a, _: a)
    op.output("out", windows.down, TestingSink(out))
    started = time.process_time()
    run_main(flow)
    seconds = time.process_time() - started
    return seconds, sum(candle[4] for _, (_, candle) in out)


def _add(candle: Any, trade: Any) -> Any:
    price = trade[2]
    if candle is None:
        return [price, price, price, price, trade[3], trade[4], 1]
    if price > candle[1]:
        candle[1] = price
    if price < candle[2]:
        candle[2] = price
    candle[3] = price
    candle[4] += trade[3]
    candle[5] += trade[4]
    candle[6] += 1
    return candle


def pathway_seconds(rows: list[Trade], *, decode: bool) -> tuple[float, int]:
    """Group by market and minute; JSON lines or CSV from a file, as its own connectors read them."""
    import pathway as pw

    with tempfile.TemporaryDirectory() as folder:
        kind = "jsonlines" if decode else "csv"
        path = Path(folder) / f"in.{kind}"
        text = b"\n".join(lines(rows)) if decode else _csv(rows)
        path.write_bytes(text)
        schema = pw.schema_from_types(market=str, at=int, price=int, lots=int, quanta=int)
        reader = pw.io.jsonlines if decode else pw.io.csv
        table = reader.read(str(path), schema=schema, mode="static")
        minute = table.with_columns(minute=pw.this.at // 60_000_000)
        candles = minute.groupby(pw.this.market, pw.this.minute).reduce(
            pw.this.market,
            pw.this.minute,
            open=pw.reducers.earliest(pw.this.price),
            high=pw.reducers.max(pw.this.price),
            low=pw.reducers.min(pw.this.price),
            close=pw.reducers.latest(pw.this.price),
            lots=pw.reducers.sum(pw.this.lots),
            quanta=pw.reducers.sum(pw.this.quanta),
            trades=pw.reducers.count(),
        )
        pw.io.csv.write(candles, str(Path(folder) / "out.csv"))
        started = time.process_time()
        pw.run(monitoring_level=pw.MonitoringLevel.NONE)
        seconds = time.process_time() - started
        out = (Path(folder) / "out.csv").read_text().splitlines()
        place = out[0].replace('"', "").split(",").index("lots")
        return seconds, sum(int(line.split(",")[place].strip('"')) for line in out[1:])


def _csv(rows: list[Trade]) -> bytes:
    return ("market,at,price,lots,quanta\n" + "\n".join(",".join(map(str, row)) for row in rows)).encode()


def main() -> None:
    """One peer, one way."""
    run = {"bytewax": bytewax_seconds, "pathway": pathway_seconds}[sys.argv[1]]
    rows = trades(int(sys.argv[2]))
    seconds, lots = run(rows, decode=sys.argv[3] == "json")
    print(json.dumps({"seconds": seconds, "lots": lots}))


if __name__ == "__main__":
    main()
