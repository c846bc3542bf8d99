"""Captured sessions whose outcome is known: their frames by line, and a core or a book to give them to."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import msgspec

from services.ingestor.adapters import events
from services.ingestor.adapters.core import Core
from services.ingestor.adapters.instrument import HOUR_MICROS, Instrument
from services.ingestor.adapters.venue import venues
from services.ingestor.domain.liquidity.worth import Worth
from services.ingestor.engine.book import Book, TextLevel
from services.ingestor.engine.booksync import BookSync, Update
from services.ingestor.tests.venues.kit import captured, connected_core, lines

Line = tuple[int, bytes]
WHOLE: Final = 10**9


@dataclass
class Outcome:
    """What a session came to: its book, the lines at which a desync was said, and its trades as (ticks, lots)."""

    book: Book | None
    flagged: list[int]
    trades: list[events.Trade]
    books_said_at: list[int]


class _SpotDepth(msgspec.Struct):
    first: int = msgspec.field(name="U")
    last: int = msgspec.field(name="u")
    bids: list[TextLevel] = msgspec.field(name="b")
    asks: list[TextLevel] = msgspec.field(name="a")


class _SpotFrame(msgspec.Struct):
    data: _SpotDepth


class _Snapshot(msgspec.Struct):
    last: int = msgspec.field(name="lastUpdateId")
    bids: list[TextLevel]
    asks: list[TextLevel]


@dataclass(frozen=True)
class Capture:
    """`venue`: whose core reads it, "" for Binance spot, whose book follows the same rules and is no perpetual."""

    path: str
    expected: str
    venue: str
    instrument: Instrument

    @property
    def worth(self) -> Worth:
        """What a lot is worth."""
        kind = self.instrument.kind
        return Worth.of(self.instrument.tick_size, self.instrument.lot_size, inverse=kind == "inverse")

    def lines(self) -> Sequence[Line]:
        """Every frame with its line, without the collector's own words."""
        return _lines(self.path)

    def book_lines(self) -> Sequence[Line]:
        """Only what moves the book."""
        return [each for each in self.lines() if b'"e":"trade"' not in each[1] and b"@bookTicker" not in each[1]]

    def play(self, session: Sequence[Line]) -> Outcome:
        """Give the lines, in the order given, to a fresh core."""
        return self._spot(session) if not self.venue else self._core(session)

    def _core(self, session: Sequence[Line]) -> Outcome:
        core = connected_core(venues()[self.venue], self.instrument)
        outcome = Outcome(None, [], [], [])
        for number, raw in session:
            for each in _taken(core, self.instrument.symbol, raw):
                if isinstance(each, events.Gap):
                    outcome.flagged.append(number)
                elif isinstance(each, events.Trade):
                    outcome.trades.append(each)
                elif isinstance(each, events.BookTop):
                    outcome.books_said_at.append(number)
        sync = core.symbol(self.instrument.symbol).sync
        outcome.book = sync.book if sync.joined else None
        return outcome

    def _spot(self, session: Sequence[Line]) -> Outcome:
        sync, outcome = BookSync(self.instrument), Outcome(None, [], [], [])
        for number, raw in session:
            if raw.startswith(b'{"lastUpdateId"'):
                whole = msgspec.json.decode(raw, type=_Snapshot)
                sync.snapshot(whole.last, whole.bids, whole.asks, WHOLE)
            elif b"@depth" in raw:
                depth = msgspec.json.decode(raw, type=_SpotFrame).data
                update = Update(depth.first, depth.last, depth.first - 1, depth.bids, depth.asks)
                if sync.difference(update) == "lost":
                    outcome.flagged.append(number)
                elif sync.joined:
                    outcome.books_said_at.append(number)
        outcome.book = sync.book if sync.joined else None
        return outcome


def _taken(core: Core, symbol: str, raw: bytes) -> Sequence[Any]:
    return core.snapshot(symbol, raw, 1) if raw.startswith(b'{"lastUpdateId"') else core.frame(raw, 1)


class _Recorded(msgspec.Struct):
    data: msgspec.Raw


@cache
def _lines(path: str) -> Sequence[Line]:
    unpack = _UNPACK.get(path.partition("/")[0], bytes)
    return [(number, unpack(raw)) for number, raw in enumerate(lines(captured(path)))]


def _of_lighter(raw: bytes) -> bytes:
    return bytes(msgspec.json.decode(raw, type=_Recorded).data)


def _after_time(raw: bytes) -> bytes:
    return raw.partition(b" ")[2]


_UNPACK: Final[Mapping[str, Callable[[bytes], bytes]]] = {
    "lighter": _of_lighter,
    "binance": _after_time,
    "hyperliquid": _after_time,
}

CAPTURES: Final[Mapping[str, Capture]] = {
    "usdm": Capture(
        "binance/usdm_btcusdt_20240808.gz",
        "binance/expected/usdm_btcusdt_20240808.expected.json",
        "binance-usdm",
        Instrument("BTCUSDT", "0.10", "0.001"),
    ),
    "coinm": Capture(
        "binance/cm_btcusd_perp_20240808.gz",
        "binance/expected/cm_btcusd_perp_20240808.expected.json",
        "binance-coinm",
        Instrument("BTCUSD_PERP", "0.1", "100", size_step="1", kind="inverse"),
    ),
    "spot": Capture(
        "binance/spot_btcusdt_20240808.gz",
        "binance/expected/spot_btcusdt_20240808.expected.json",
        "",
        Instrument("BTCUSDT", "0.01000000", "0.00000001"),
    ),
    "bybit": Capture(
        "bybit/ob500_XRPUSDT_20241201.jsonl.gz",
        "bybit/expected/ob500_XRPUSDT_20241201.expected.json",
        "bybit",
        Instrument("XRPUSDT", "0.0001", "1"),
    ),
    "lighter": Capture(
        "lighter/order_book_0_ETH.jsonl.gz",
        "lighter/expected/ETH.expected.json",
        "lighter",
        Instrument("ETH", "0.01", "0.0001", HOUR_MICROS, code="0"),
    ),
    "hyperliquid": Capture(
        "hyperliquid/btc_20250126.gz",
        "hyperliquid/expected/btc_20250126.expected.json",
        "hyperliquid",
        Instrument("BTC", "0.1", "0.00001", HOUR_MICROS),
    ),
}


@cache
def at_end(name: str) -> Outcome:
    """The undisturbed session."""
    capture = CAPTURES[name]
    return capture.play(capture.lines())


def by_path(path: str) -> Iterator[str]:
    """Captures of a file."""
    return (name for name, capture in CAPTURES.items() if capture.path == path)
