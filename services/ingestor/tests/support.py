"""What the ingestor's tests share: the bundled recording, a core that plays it, and frames of one's own."""

import gzip
import json
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from services.ingestor.adapters.events import MarketStruct
from services.ingestor.adapters.instrument import Instrument
from services.ingestor.adapters.protocol import FetchSnapshot, Output
from services.ingestor.adapters.venues.binance import UsdmCore
from services.ingestor.adapters.venues.binance.core import MARKET, PUBLIC

ROOT = Path(__file__).resolve().parents[3]
RECORDING = ROOT / "deploy/local/recordings/binance_usdm_btcusdt_20240808.gz"
EXPECTED = json.loads((Path(__file__).parent / "binance_usdm_btcusdt_20240808.expected.json").read_text())
SYMBOL = "BTCUSDT"
BTCUSDT = Instrument(SYMBOL, "0.10", "0.001")
NOW = 1_723_161_255_000_000
Frame = tuple[int, bytes]


@cache
def recorded() -> tuple[Frame, ...]:
    """Every line of the bundled recording: receive time in microseconds, raw message."""
    with gzip.open(RECORDING) as lines:
        pairs = (line.rstrip(b"\n").split(b" ", 1) for line in lines)
        return tuple((int(receipt) // 1_000, raw) for receipt, raw in pairs)


def new_core(*instruments: Instrument, **options: Any) -> UsdmCore:
    """A core whose two routes are connected."""
    core = UsdmCore(instruments or (BTCUSDT,), **options)
    core.connected(PUBLIC, 0)
    core.connected(MARKET, 0)
    return core


def play(core: UsdmCore, frames: Iterable[Frame]) -> Iterator[tuple[int, list[Output]]]:
    """Play recorded lines, the recorded snapshot as the answer to the first wish. Yields line number and outputs."""
    for number, (at, raw) in enumerate(frames):
        is_snapshot = raw.startswith(b'{"lastUpdateId"')
        yield number, core.snapshot(SYMBOL, raw, at) if is_snapshot else core.frame(raw, at)


def events(outputs: Iterable[Output], kind: type[MarketStruct]) -> list[Any]:
    """The events of one kind."""
    return [output for output in outputs if isinstance(output, kind)]


def fetches(outputs: Iterable[Output]) -> list[FetchSnapshot]:
    """The snapshots asked for."""
    return [output for output in outputs if isinstance(output, FetchSnapshot)]


def frame(stream: str, **data: Any) -> bytes:
    """One combined-stream frame of the test symbol."""
    return json.dumps({"stream": f"btcusdt@{stream}", "data": {"s": SYMBOL, "E": 1, "T": 1, **data}}).encode()


def depth(first: int, final: int, previous: int, millis: int = 1_000, **sides: list[tuple[str, str]]) -> bytes:
    """A frame of book differences; `bids` and `asks` as (price, size) text."""
    data = {"U": first, "u": final, "pu": previous, "E": millis, "T": millis}
    return frame("depth@0ms", e="depthUpdate", b=sides.get("bids", []), a=sides.get("asks", []), **data)


def snapshot(last: int, bids: list[tuple[str, str]], asks: list[tuple[str, str]]) -> bytes:
    """An answer of the depth endpoint."""
    return json.dumps({"lastUpdateId": last, "E": 1, "T": 1, "bids": bids, "asks": asks}).encode()


def ticker(update: int, bid: str, ask: str, millis: int = 1_000) -> bytes:
    """A best quote of one unit a side."""
    return frame("bookTicker", e="bookTicker", u=update, b=bid, B="1.000", a=ask, A="1.000", T=millis)


def trade(number: int, price: str = "100.0", size: str = "1.000", millis: int = 1_000, **extra: Any) -> bytes:
    """One trade; the buyer took."""
    return frame("trade", e="trade", t=number, p=price, q=size, T=millis, m=False, **{"X": "MARKET", **extra})
