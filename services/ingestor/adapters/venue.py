"""A venue as the ingestor knows it: where it is, what it lists, how it counts requests, and its protocol core.

Every module in `venues/` defines its venues in `VENUES`; nothing else has to change when one is added.
"""

import importlib
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import ClassVar

import msgspec

from services.ingestor.adapters.instrument import HOUR_MICROS, Instrument, Kind, UnknownInstrument, pinned_tick
from services.ingestor.adapters.protocol import Request, VenueCore
from services.ingestor.adapters.scale import number_text
from services.ingestor.adapters.symbol import rate_ppb


class RateLimit(msgspec.Struct, frozen=True, gc=False):
    """At most `weight` of request weight in any `seconds`."""

    weight: int
    seconds: float


class Fees(msgspec.Struct, frozen=True, gc=False):
    """What trading costs at the venue's lowest tier, in ppb of the notional; negative where the venue pays."""

    maker_ppb: int
    taker_ppb: int

    @classmethod
    def listed(cls, maker: msgspec.Raw, taker: msgspec.Raw) -> "Fees | None":
        """From fractions that a listing holds as numbers or text; None unless it holds both. May raise MoneyError."""
        texts = number_text(maker), number_text(taker)
        return cls(*map(rate_ppb, texts)) if all(texts) else None


class Listed(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One instrument as the venue lists it; `Instrument` says what the fields mean. `state`: why it is not traded.

    `fees`: only where the listing says them; otherwise the venue's are meant.
    """

    symbol: str
    tick_size: str
    lot_size: str
    funding_hours: int
    base: str
    quote: str
    size_step: str = ""
    kind: Kind = "linear"
    code: str = ""
    state: str = ""
    fees: Fees | None = None


class Venue(ABC):
    """One venue. `live_*_url` are its own hosts; `used_weight_header` is where it tells the weight used, if it does.

    `fees`: of its lowest tier, for instruments whose listing says none; settings may say others.
    """

    name: ClassVar[str]
    live_socket_url: ClassVar[str]
    live_http_url: ClassVar[str]
    limits: ClassVar[Sequence[RateLimit]]
    fees: ClassVar[Fees]
    used_weight_header: ClassVar[str] = ""
    options: ClassVar[Sequence[str]] = ()

    @property
    @abstractmethod
    def listing(self) -> Sequence[Request]:
        """The requests whose answers hold the instruments."""

    @abstractmethod
    def listed(self, answers: Sequence[bytes]) -> Iterable[Listed]:
        """Every instrument in the answers to `listing`."""

    @abstractmethod
    def new_core(self, instruments: Sequence[Instrument], options: Mapping[str, str]) -> VenueCore:
        """A fresh protocol core."""

    def instruments(
        self, answers: Sequence[bytes], symbols: Sequence[str], ticks: Mapping[str, str]
    ) -> list[Instrument]:
        """The instruments of `symbols`, in that order; `ticks` pins tick sizes. Raises UnknownInstrument."""
        listed = {each.symbol: each for each in self.listed(answers)}
        return [self._instrument(symbol, listed.get(symbol), ticks.get(symbol)) for symbol in symbols]

    def core(self, instruments: Sequence[Instrument], options: Mapping[str, str]) -> VenueCore:
        """A fresh protocol core. Raises ValueError for an option that the venue does not have."""
        unknown = sorted(set(options) - set(self.options))
        if unknown:
            raise ValueError(f"{self.name} has no option {', '.join(unknown)}; it has {', '.join(self.options)}")
        return self.new_core(instruments, options)

    @abstractmethod
    def parse(self, symbol: str) -> tuple[str, str]:
        """(base, quote) of the venue's symbol, in global names. Raises ValueError for what is no perpetual of it."""

    @abstractmethod
    def format(self, base: str, quote: str) -> str:
        """The venue's symbol of a perpetual: the inverse of `parse`."""

    def _instrument(self, symbol: str, listed: Listed | None, pinned: str | None) -> Instrument:
        if listed is None or listed.state:
            raise UnknownInstrument(f"{symbol} is {listed.state if listed else 'not listed'} at {self.name}")
        fees, names = listed.fees or self.fees, (listed.base, listed.quote)
        base, quote = names if all(names) else self.parse(symbol)
        return Instrument(
            symbol,
            pinned_tick(symbol, listed.tick_size, pinned),
            listed.lot_size,
            listed.funding_hours * HOUR_MICROS,
            size_step=listed.size_step,
            base=base,
            quote=quote,
            kind=listed.kind,
            code=listed.code,
            maker_ppb=fees.maker_ppb,
            taker_ppb=fees.taker_ppb,
        )


@cache
def venues() -> Mapping[str, Venue]:
    """Every venue by name."""
    from services.ingestor.adapters import venues as package

    found: dict[str, Venue] = {}
    for module in pkgutil.iter_modules(package.__path__):
        for venue in importlib.import_module(f"{package.__name__}.{module.name}").VENUES:
            if venue.name in found:
                raise ValueError(f"venue {venue.name} is defined twice")
            found[venue.name] = venue
    return found
