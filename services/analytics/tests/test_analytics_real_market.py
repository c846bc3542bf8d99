"""A recorded hour and a half of a real market, 99,294 trades, against candles computed independently from them."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from cleartide.contracts import TradingEvent
from cleartide.money import Grid, quanta_to_text

from services.analytics.tests.harness import Harness
from services.analytics.tests.tape import Tape
from tests.support.fold_bench import in_batches

FOLDER = Path(__file__).parents[4] / "shared/fixtures/market_history/binance_um_ticks"
RECORDING = FOLDER / "BTCUSDT_trades_20241028.csv.gz"
EXPECTED = FOLDER / "expected/BTCUSDT_trades_20241028.expected.json"
GRID = Grid.of("0.1", "0.001")


def recorded_trades() -> list[TradingEvent]:
    """The recording as trading events of a market with the venue's own tick and lot."""
    tape = Tape(at=0)
    with gzip.open(RECORDING, "rt", encoding="ascii") as lines:
        next(lines)
        for line in lines:
            time, price, size, side = line.strip().split(",")
            tape.at = int(time) // 1000
            taker = "buy" if side == "1" else "sell"
            tape.trade("BTC-PERP", GRID.ticks(price), GRID.lots(size), "outside", taker)
    return tape.events


def in_text(row: dict[str, Any]) -> list[Any]:
    prices = [GRID.price_text(row[f"{name}_ticks"]) for name in ("open", "high", "low", "close")]
    volume, quote = GRID.size_text(row["volume_lots"]), quanta_to_text(row["quote_quanta"])
    return [row["open_time"] // 1000, *prices, volume, quote, row["entries"]]


@pytest.mark.skipif(not RECORDING.exists(), reason="the recorded market data (../shared/fixtures) is not here")
def test_candles_of_a_real_market_digit_for_digit() -> None:
    """ANA-CANDLE-007"""
    harness = Harness()
    for batch in in_batches(recorded_trades(), 1_000):
        harness.feed(batch)
    expected = json.loads(EXPECTED.read_text())
    rows = harness.rows("candles")
    assert [in_text(row) for row in rows] == expected["ohlcv_1m"]
    assert len(harness.rows("trades")) == expected["count"]
    assert quanta_to_text(sum(row["quote_quanta"] for row in rows)) == expected["notional_usd"]
    assert len(harness.published) == len(rows) - 1
