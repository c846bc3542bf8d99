"""A venue as the ingestor knows it: where it is, what it lists, how it counts requests, and its protocol core.

Every module in `venues/` defines its venues in `VENUES`; nothing else has to change when one is added.
"""

import importlib
import pkgutil
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, cached_property
from typing import Any, ClassVar, Final

import msgspec

from services.ingestor.adapters.instrument import HOUR_MICROS, Instrument, Kind, UnknownInstrument, pinned_tick
from services.ingestor.adapters.protocol import Request, VenueCore
from services.ingestor.adapters.scale import number_text
from services.ingestor.adapters.symbol import rate_ppb

THOUSAND: Final = "1000"
"""Before the name of a coin: a thousand of it."""


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

    `fees`: of its lowest tier, for instruments whose listing says none; settings may say others. `family`: its core,
    which takes the options by name. `form`: how its symbols are put together of base and quote, one of `quotes`;
    `own_names`: what it calls bases that others call otherwise; `thousand`: a coin's prefix where it trades a thousand.
    """

    name: ClassVar[str]
    live_socket_url: ClassVar[str]
    live_http_url: ClassVar[str]
    limits: ClassVar[Sequence[RateLimit]]
    fees: ClassVar[Fees]
    used_weight_header: ClassVar[str] = ""
    options: ClassVar[Sequence[str]] = ()
    family: ClassVar[type[Any]]
    form: ClassVar[str]
    quotes: ClassVar[Sequence[str]]
    own_names: ClassVar[Mapping[str, str]] = {}
    thousand: ClassVar[str] = ""

    @property
    @abstractmethod
    def listing(self) -> Sequence[Request]:
        """The requests whose answers hold the instruments."""

    @abstractmethod
    def listed(self, answers: Sequence[bytes]) -> Iterable[Listed]:
        """Every instrument in the answers to `listing`."""

    def new_core(self, instruments: Sequence[Instrument], options: Mapping[str, str]) -> VenueCore:
        """A fresh protocol core. Raises ValueError for an option that the core cannot take."""
        core: VenueCore = self.family(instruments, **options)
        return core

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

    def parse(self, symbol: str) -> tuple[str, str]:
        """(base, quote) of the venue's symbol, in global names. Raises ValueError for what is no perpetual of it."""
        found = self._pattern.fullmatch(symbol)
        if found is None or found["base"] in self.own_names:
            raise ValueError(f"{symbol} is no perpetual of this venue")
        quote = found.groupdict().get("quote", self.quotes[0])
        return (THOUSAND if found["thousand"] else "") + self.global_name(found["base"]), quote

    def global_name(self, own: str) -> str:
        """What others call the venue's base."""
        return next((name for name, theirs in self.own_names.items() if theirs == own), own)

    def format(self, base: str, quote: str) -> str:
        """The venue's symbol of a perpetual: the inverse of `parse`."""
        own = self.own_names.get(base, base)
        if self.thousand and base.startswith(THOUSAND) and base != THOUSAND:
            own = self.thousand + base.removeprefix(THOUSAND)
        return self.form.format(base=own, quote=quote)

    @cached_property
    def _pattern(self) -> "re.Pattern[str]":
        base = f"(?P<thousand>{self.thousand and self.thousand + '?'})(?P<base>[A-Z0-9]{{1,24}}?)"
        quote = f"(?P<quote>{'|'.join(self.quotes)})"
        return re.compile(re.escape(self.form).replace(r"\{base\}", base).replace(r"\{quote\}", quote))

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
