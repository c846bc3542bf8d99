"""Rows for tests of the store: quotes of several venues, symbols and days, and the command line as a user has it."""

import io
import json
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from cleartide import console
from cleartide.fold import Row

DAY: Final = datetime(2026, 3, 1, tzinfo=UTC)
VENUES: Final = ("binance-usdm", "bybit")
SYMBOLS: Final = ("BTCUSDT", "ETHUSDT", "SOLUSDT")


def tickers(count: int, start: datetime = DAY, step: timedelta = timedelta(seconds=1), first: int = 0) -> list[Row]:
    """Quotes, one every `step`, numbered from `first`, of every venue and symbol in turn."""
    rows: list[Row] = []
    for number in range(first, first + count):
        ts = start + number * step
        venue, symbol = VENUES[number % 2], SYMBOLS[number % 3]
        bid = 600_000 + number % 100
        rows.append((ts, venue, symbol, number, ts + timedelta(milliseconds=3), "ok", bid, 5, bid + 1, 7))
    return rows


@dataclass(frozen=True)
class Kind:
    """What keeps the days of series: the fixture of a server, and the extension that its databases get."""

    server: str
    extension: str


OWN_DAYS: Final = Kind("postgres", "")
CHUNKS: Final = Kind("timescale_postgres", "timescaledb")
on_both_kinds: Final = pytest.mark.parametrize("kind", [OWN_DAYS, CHUNKS], ids=["own", "timescale"], indirect=True)


@dataclass(frozen=True)
class Said:
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its output as JSON."""
        return json.loads(self.out)


def cleartide(arguments: Sequence[str]) -> Said:
    """Run the command line in this process, with a loop of its own; call it in a thread from a test with a loop."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            code = console.main(list(arguments))
        except SystemExit as ended:
            code = int(ended.code or 0)
    return Said(code, out.getvalue(), err.getvalue())
