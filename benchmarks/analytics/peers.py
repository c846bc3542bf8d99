"""Candles in Bytewax and in Pathway, by the peers' Python: `python peers.py bytewax 1000 json 6`.

Prints JSON: processor seconds of the run, from decoded trades or from JSON lines, in the first one or all
six timeframes, and the lots of all candles of the first.
"""

import json
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from trades import START, WIDTHS, Trade, lines, trades  # type: ignore[import-not-found]

BATCH = 1_000


def bytewax_seconds(rows: list[Trade], widths: tuple[int, ...], *, decode: bool) -> tuple[float, int]:
    """Windows by event time, one operator per timeframe behind one key; the source gives batches of 1,000."""
    import bytewax.operators as op
    from bytewax.dataflow import Dataflow
    from bytewax.operators.windowing import EventClock, TumblingWindower, fold_window
    from bytewax.testing import TestingSink, TestingSource, run_main

    given: list[Any] = list(lines(rows)) if decode else rows
    outs: list[list[Any]] = [[] for _ in widths]
    clock = EventClock(
        lambda t: datetime.fromtimestamp(t[1] / 1e6, UTC), wait_for_system_duration=timedelta(seconds=60)
    )
    origin = datetime.fromtimestamp(START // 10**6, UTC)
    flow = Dataflow("candles")
    stream: Any = op.input("in", flow, TestingSource(given, batch_size=BATCH))
    if decode:
        stream = op.map("decode", stream, lambda line: tuple(json.loads(line).values()))
    keyed = op.key_on("key", stream, lambda t: t[0])
    for width, out in zip(widths, outs, strict=True):
        windower = TumblingWindower(length=timedelta(seconds=width), align_to=origin)
        windows = fold_window(f"candle-{width}", keyed, clock, windower, lambda: None, _add, lambda a, _: a)
        op.output(f"out-{width}", windows.down, TestingSink(out))
    started = time.process_time()
    run_main(flow)
    seconds = time.process_time() - started
    return seconds, sum(candle[4] for _, (_, candle) in outs[0])


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


def pathway_seconds(rows: list[Trade], widths: tuple[int, ...], *, decode: bool) -> tuple[float, int]:
    """Group by market and timeframe; JSON lines or CSV from a file, as its own connectors read them."""
    import pathway as pw

    with tempfile.TemporaryDirectory() as folder:
        kind = "jsonlines" if decode else "csv"
        path = Path(folder) / f"in.{kind}"
        text = b"\n".join(lines(rows)) if decode else _csv(rows)
        path.write_bytes(text)
        schema = pw.schema_from_types(market=str, at=int, price=int, lots=int, quanta=int)
        reader = pw.io.jsonlines if decode else pw.io.csv
        table = reader.read(str(path), schema=schema, mode="static")
        for width in widths:
            _pathway_candles(pw, table, width, str(Path(folder) / f"out-{width}.csv"))
        started = time.process_time()
        pw.run(monitoring_level=pw.MonitoringLevel.NONE)
        seconds = time.process_time() - started
        out = (Path(folder) / f"out-{widths[0]}.csv").read_text().splitlines()
        place = out[0].replace('"', "").split(",").index("lots")
        return seconds, sum(int(line.split(",")[place].strip('"')) for line in out[1:])


def _pathway_candles(pw: Any, table: Any, width: int, out: str) -> None:
    begun = table.with_columns(begin=pw.this.at // (width * 1_000_000))
    candles = begun.groupby(pw.this.market, pw.this.begin).reduce(
        pw.this.market,
        pw.this.begin,
        open=pw.reducers.earliest(pw.this.price),
        high=pw.reducers.max(pw.this.price),
        low=pw.reducers.min(pw.this.price),
        close=pw.reducers.latest(pw.this.price),
        lots=pw.reducers.sum(pw.this.lots),
        quanta=pw.reducers.sum(pw.this.quanta),
        trades=pw.reducers.count(),
    )
    pw.io.csv.write(candles, out)


def _csv(rows: list[Trade]) -> bytes:
    return ("market,at,price,lots,quanta\n" + "\n".join(",".join(map(str, row)) for row in rows)).encode()


def main() -> None:
    """One peer, one way."""
    run = {"bytewax": bytewax_seconds, "pathway": pathway_seconds}[sys.argv[1]]
    rows = trades(int(sys.argv[2]))
    seconds, lots = run(rows, WIDTHS[: int(sys.argv[4])], decode=sys.argv[3] == "json")
    print(json.dumps({"seconds": seconds, "lots": lots}))


if __name__ == "__main__":
    main()
