"""What a venue tells of the past over REST: candles, settled funding rates, trades. Requests out, rows in; no I/O.

Every module in `histories/` defines its venues' in `HISTORIES`; nothing else has to change when one is added.
"""

import importlib
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import ClassVar, Literal

import msgspec
from cleartide.contracts.types import Side
from cleartide.money import MoneyError

from services.ingestor.adapters.instrument import Instrument
from services.ingestor.adapters.protocol import Request
from services.ingestor.adapters.symbol import rate_ppb
from services.ingestor.domain.ranges import Range

Kind = Literal["klines", "funding_rates", "trades"]
KINDS: tuple[Kind, ...] = ("klines", "funding_rates", "trades")


class PastCandle(msgspec.Struct, frozen=True, gc=False):
    """A candle. `exact`: its numbers are on the instrument's grid of today; else they are the nearest on it."""

    open_at: int
    prices: tuple[int, int, int, int]
    volume_lots: int
    exact: bool


class PastFunding(msgspec.Struct, frozen=True, gc=False):
    """A rate that was settled at `at`, in ppb of the notional."""

    at: int
    rate_ppb: int


class PastTrade(msgspec.Struct, frozen=True, gc=False):
    """A trade, under the id that the live feed gives it."""

    at: int
    number: int
    trade_id: str
    price_ticks: int
    size_lots: int
    taker_side: Side


class History(ABC):
    """One venue's past.

    candle_rows, funding_rows, trade_rows: how many the venue gives for one request; 0: it tells nothing of that kind.
    Requests ask for [start, end) in microseconds; answers may hold more, which the caller leaves out.
    """

    name: ClassVar[str]
    spans: ClassVar[Mapping[str, str]]
    candle_rows: ClassVar[int]
    funding_rows: ClassVar[int]
    trade_rows: ClassVar[int] = 0

    @property
    def kinds(self) -> Sequence[Kind]:
        """What there is."""
        rows = (self.candle_rows, self.funding_rows, self.trade_rows)
        return [kind for kind, count in zip(KINDS, rows, strict=True) if count]

    @abstractmethod
    def ask_candles(self, instrument: Instrument, span: str, wanted: Range) -> Request:
        """For at most `candle_rows` candles, which the range holds."""

    @abstractmethod
    def candles(self, instrument: Instrument, body: bytes) -> list[PastCandle]:
        """Those of an answer. Raises MoneyError, msgspec's errors and ValueError for what cannot be read."""

    @abstractmethod
    def ask_funding(self, instrument: Instrument, wanted: Range) -> Request:
        """For the rates of a range that holds at most `funding_rows` hours."""

    @abstractmethod
    def funding(self, instrument: Instrument, body: bytes) -> list[PastFunding]:
        """Those of an answer."""

    def ask_trades(self, instrument: Instrument, wanted: Range, after: PastTrade | None) -> Request:
        """For the first `trade_rows` trades of a range of at most an hour, or for those after one that is known."""
        raise ValueError(f"{self.name} does not tell past trades")

    def trades(self, instrument: Instrument, body: bytes) -> list[PastTrade]:
        """Those of an answer, oldest first."""
        raise ValueError(f"{self.name} does not tell past trades")


class RowHistory(History):
    """For venues whose answers are rows in whatever order: a subclass says where they are."""

    @abstractmethod
    def candle_rows_of(self, instrument: Instrument, body: bytes) -> Iterable[tuple[int, Sequence[str], str]]:
        """When each candle opens in microseconds, its open, high, low and close, and its volume, as text."""

    @abstractmethod
    def rates_of(self, body: bytes) -> Iterable[tuple[int, str]]:
        """When each rate was settled in microseconds, and the fraction as text."""

    def candles(self, instrument: Instrument, body: bytes) -> list[PastCandle]:
        """Oldest first."""
        return [candle(instrument, *row) for row in sorted(self.candle_rows_of(instrument, body))]

    def funding(self, instrument: Instrument, body: bytes) -> list[PastFunding]:
        """Oldest first."""
        return [PastFunding(at, rate_ppb(text)) for at, text in sorted(self.rates_of(body))]


def iso(micros: int) -> str:
    """Microseconds UTC as the ISO time that venues take."""
    return f"{datetime.fromtimestamp(micros // 1_000_000, UTC):%Y-%m-%dT%H:%M:%S}.{micros // 1_000 % 1_000:03}Z"


def candle(instrument: Instrument, open_at: int, prices: Sequence[str], volume: str) -> PastCandle:
    """A candle from decimal text: open, high, low, close.

    A grid that was finer in the past than it is today leaves numbers between its points; they go to the nearest one.
    """
    try:
        exact = [instrument.prices[_short(price)] for price in prices]
        opened, high, low, close = exact
        return PastCandle(open_at, (opened, high, low, close), instrument.sizes[_short(volume)], exact=True)
    except MoneyError:
        opened, high, low, close = (instrument.nearest_ticks(price) for price in prices)
        return PastCandle(open_at, (opened, high, low, close), instrument.nearest_lots(volume), exact=False)


def _short(text: str) -> str:
    """Without the zeros at the end, with which venues pad: the same number has one text in the cache."""
    return text.rstrip("0").rstrip(".") if "." in text else text


@cache
def histories() -> Mapping[str, History]:
    """Every venue's past by its name."""
    from services.ingestor.adapters import histories as package

    found: dict[str, History] = {}
    for module in pkgutil.iter_modules(package.__path__):
        for history in importlib.import_module(f"{package.__name__}.{module.name}").HISTORIES:
            found[history.name] = history
    return found
