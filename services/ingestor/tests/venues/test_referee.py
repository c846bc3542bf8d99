"""ccxt as referee: the same frames, the same final book; the same names, grids and fees.

Skipped where ccxt is not installed (`make tools`), or captured frames that are no part of the repository are not there.
Loading the library takes some seconds, which the first test pays.
"""

import json
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from deploy.local.venues import RECORDING
from services.ingestor.adapters.further import instrument_of
from services.ingestor.adapters.instrument import Instrument
from services.ingestor.adapters.venue import venues
from services.ingestor.tests.venues.captures import CAPTURES, at_end
from services.ingestor.tests.venues.kit import captured, connected_core, lines
from services.ingestor.tests.venues.test_captured import stage_of

RECORDED = Path(__file__).parents[1] / "recorded"
LINES = 12_000
BTCUSDT = Instrument("BTCUSDT", "0.10", "0.001")
SAME_FEES = {
    "aster": ("aster", "trading"),
    "binance-usdm": ("binanceusdm", "linear"),
    "dydx": ("dydx", "trading"),
    "hyperliquid": ("hyperliquid", "swap"),
    "kraken-futures": ("krakenfutures", "trading"),
    "kraken-inverse": ("krakenfutures", "trading"),
    "okx": ("okx", "swap"),
}
"""Venues whose lowest tier ccxt knows too."""


@pytest.fixture(scope="session")
def ccxt() -> Any:
    """The library."""
    return pytest.importorskip("ccxt.pro", reason="ccxt is not installed: make tools")


class Client:
    """Where the library puts its results."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.subscriptions: dict[str, Any] = {}
        self.futures: dict[str, Any] = {}

    def resolve(self, _result: Any, _name: str) -> None:
        """Somebody waits for this."""

    def reject(self, error: Exception, _name: str = "") -> None:
        """Something was lost."""
        raise error


def market(ident: str, symbol: str, instrument: Instrument) -> dict[str, Any]:
    """A market as the library has it."""
    base, _, rest = symbol.partition("/")
    quote, _, settle = rest.partition(":")
    precision = {"price": float(instrument.tick_size), "amount": float(instrument.size_step or instrument.lot_size)}
    kinds = {"type": "swap", "spot": False, "swap": True, "future": False, "option": False, "contract": True}
    sides = {"linear": True, "inverse": False, "subType": "linear", "active": True}
    names = {"base": base, "quote": quote, "settle": settle, "baseId": base, "quoteId": quote, "settleId": settle}
    return {"id": ident, "symbol": symbol, **names, **kinds, **sides, "precision": precision, "limits": {}, "info": {}}


def referee(ccxt: Any, name: str, ident: str, symbol: str, instrument: Instrument) -> Any:
    """The library's own reader of a venue's frames."""
    exchange = getattr(ccxt, name)({"newUpdates": True})
    exchange.set_markets([market(ident, symbol, instrument)])
    return exchange


def levels(found: Any, instrument: Instrument, count: int) -> list[list[tuple[int, int]]]:
    """The library's floats on the instrument's grid."""
    found.limit()
    tick, lot = Decimal(instrument.tick_size), Decimal(instrument.size_step or instrument.lot_size)
    return [
        [(int(Decimal(str(price)) / tick), int(Decimal(str(size)) / lot)) for price, size, *_ in found[side][:count]]
        for side in ("bids", "asks")
    ]


@pytest.mark.parametrize("name", ["binance-usdm", "binance-coinm"])
def test_the_same_book_where_snapshots_are_asked_for(ccxt: Any, name: str) -> None:
    """ING-REFEREE-001"""
    path, instrument = (RECORDING, BTCUSDT)
    if name == "binance-coinm":
        path, instrument = captured(CAPTURES["coinm"].path), CAPTURES["coinm"].instrument
    raws = [raw.partition(b" ")[2] for raw in islice(lines(path), LINES)]
    (snapshot,) = (raw for raw in raws if raw.startswith(b'{"lastUpdateId"'))
    symbol = "BTC/USDT:USDT" if name == "binance-usdm" else "BTC/USD:BTC"
    theirs = referee(ccxt, name.replace("-", ""), instrument.symbol, symbol, instrument)
    parsed = theirs.parse_order_book(json.loads(snapshot), symbol)
    parsed["nonce"] = json.loads(snapshot)["lastUpdateId"]
    theirs.orderbooks[symbol] = theirs.order_book({}, 1_000)
    theirs.orderbooks[symbol].reset(parsed)
    core, client = connected_core(venues()[name], instrument), Client("wss://fstream.binance.com/public/ws/1")
    for raw in raws:
        if raw is snapshot:
            core.snapshot(instrument.symbol, raw, 1)
        else:
            core.frame(raw, 1)
    for raw in raws:
        if b"@depth" in raw[:60]:
            theirs.handle_message(client, json.loads(raw)["data"])
    sync = core.symbol(instrument.symbol).sync
    assert sync.book is not None and core.counts["lost_books"] == 0
    assert [*sync.book.top(200)] == levels(theirs.orderbooks[symbol], instrument, 200)
    assert theirs.orderbooks[symbol]["nonce"] == sync.last


@pytest.mark.parametrize(
    ("name", "ident", "symbol", "instrument"),
    [
        ("okx", "okx", "UNI/USD:UNI", Instrument("UNI-USD-SWAP", "0.001", "1", size_step="1", kind="inverse")),
        ("bitmex", "bitmex", "BTC/USD:BTC", Instrument("XBTUSD", "0.5", "1", size_step="1", kind="inverse")),
        ("kraken-inverse", "krakenfutures", "ETH/USD:ETH", Instrument("PI_ETHUSD", "0.05", "1", kind="inverse")),
    ],
)
def test_the_same_book_of_sessions_whose_end_nobody_states(
    ccxt: Any, name: str, ident: str, symbol: str, instrument: Instrument
) -> None:
    """ING-REFEREE-001"""
    theirs = referee(ccxt, ident, instrument.symbol, symbol, instrument)
    core, client = connected_core(venues()[name], instrument), Client("wss://venue")
    books = [frame.raw for frame, (kind, _) in stage_of(name).frames if kind == "book"]
    for raw in books:
        core.frame(raw, 1)
        theirs.handle_message(client, json.loads(raw))
    sync = core.symbol(instrument.symbol).sync
    assert len(books) > 90 and sync.joined and sync.book is not None
    assert [*sync.book.top(200)] == levels(theirs.orderbooks[symbol], instrument, 200)


@pytest.mark.parametrize(
    ("name", "ident", "symbol", "count"),
    [
        ("bybit", "XRPUSDT", "XRP/USDT:USDT", 500),
        ("lighter", "0", "ETH/USDC:USDC", 1_000),
        ("hyperliquid", "BTC", "BTC/USDC:USDC", 20),
    ],
)
def test_the_same_book_of_every_captured_session(ccxt: Any, name: str, ident: str, symbol: str, count: int) -> None:
    """ING-REFEREE-001"""
    capture, ours = CAPTURES[name], at_end(name).book
    theirs = referee(ccxt, name, ident, symbol, capture.instrument)
    client = Client({"bybit": "wss://stream.bybit.com/v5/public/linear"}.get(name, "wss://venue"))
    for _, raw in capture.book_lines():
        theirs.handle_message(client, json.loads(raw))
    assert ours is not None
    assert [*ours.top(count)] == levels(theirs.orderbooks[symbol], capture.instrument, count)


@pytest.mark.parametrize("name", sorted(SAME_FEES))
def test_the_same_fees_of_the_lowest_tier(ccxt: Any, name: str) -> None:
    """ING-REFEREE-002"""
    ident, kind = SAME_FEES[name]
    found = getattr(ccxt, ident)().fees[kind]
    found = found.get("trading", found)
    assert [round(found[side] * 1e9) for side in ("maker", "taker")] == [
        venues()[name].fees.maker_ppb,
        venues()[name].fees.taker_ppb,
    ]


def test_the_same_names_and_grids_of_a_recorded_listing(ccxt: Any) -> None:
    """ING-REFEREE-003"""
    raw = (RECORDED / "paradex_markets.json").read_bytes()
    exchange = ccxt.paradex()
    exchange.number = str
    (row,) = json.loads(raw)["results"]
    theirs = instrument_of(exchange.parse_market(row), exchange.precisionMode)
    (ours,) = venues()["paradex"].instruments([raw], ["BTC-USD-PERP"], {})
    assert (ours.symbol, ours.base, ours.tick_size, ours.lot_size, ours.kind) == (
        theirs.symbol, theirs.base, theirs.tick_size, theirs.lot_size, theirs.kind,
    )  # fmt: skip
