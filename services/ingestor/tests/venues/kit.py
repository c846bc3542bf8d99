"""What the venues' tests share: a symbol or two of each, connected cores, and captured frames beside the repository."""

import gzip
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from services.ingestor.adapters.core import Core
from services.ingestor.adapters.events import MarketStruct
from services.ingestor.adapters.instrument import Instrument
from services.ingestor.adapters.protocol import Output
from services.ingestor.adapters.venue import Venue

SYMBOLS: Final[dict[str, tuple[str, ...]]] = {
    "binance-usdm": ("BTCUSDT", "1000PEPEUSDC"),
    "binance-coinm": ("BTCUSD_PERP",),
    "bybit": ("BTCUSDT", "ETHPERP", "1000PEPEUSDT"),
    "bybit-inverse": ("BTCUSD",),
    "hyperliquid": ("BTC", "kPEPE"),
    "aster": ("BTCUSDT",),
    "kraken-futures": ("PF_XBTUSD", "PF_ETHUSD"),
    "kraken-inverse": ("PI_XBTUSD",),
    "okx": ("BTC-USDT-SWAP", "BTC-USD-SWAP"),
    "lighter": ("ETH", "1000PEPE"),
    "kucoin": ("XBTUSDTM", "XBTUSDM", "ETHUSDTM"),
    "paradex": ("BTC-USD-PERP", "kPEPE-USD-PERP"),
    "cryptocom": ("BTCUSD-PERP", "ETHUSD-PERP"),
    "bitmex": ("XBTUSD", "XBTUSDT"),
    "deribit": ("BTC-PERPETUAL", "SOL_USDC-PERPETUAL"),
    "gate": ("BTC_USDT", "1000PEPE_USDT"),
    "dydx": ("BTC-USD", "ETH-USD"),
}
WELCOMES: Final = {"kucoin": b'{"id":"hQvf8jkno","type":"welcome"}'}
"""What a venue says before it takes subscriptions."""
CAPTURED: Final = Path(__file__).resolve().parents[5] / "shared" / "fixtures" / "venues"


def connected_core(venue: Venue, *instruments: Instrument, **options: str) -> Core:
    """A core with every route open."""
    core = venue.core(instruments or (Instrument(SYMBOLS[venue.name][0], "0.1", "0.001"),), options)
    assert isinstance(core, Core)
    for route in core.routes:
        core.connected(route.name, 0)
    return core


def captured(name: str) -> Path:
    """A captured file, which may not be part of the repository; the test is skipped where it is not at hand."""
    path = CAPTURED / name
    if not path.exists():
        pytest.skip(f"the captured frames {name} are not here")
    return path


def lines(path: Path) -> Iterator[bytes]:
    """The lines of a file, gzipped or not."""
    if path.suffix == ".gz":
        with gzip.open(path) as file:
            yield from (line.rstrip(b"\n") for line in file)
    else:
        yield from path.read_bytes().splitlines()


def expected(name: str) -> Any:
    """What a captured file must come to."""
    return json.loads(captured(name).read_text())


def said(outputs: Iterable[Output], kind: type[MarketStruct]) -> list[Any]:
    """The events of one kind."""
    return [output for output in outputs if isinstance(output, kind)]
