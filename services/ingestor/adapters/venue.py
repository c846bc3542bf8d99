"""A venue as the ingestor knows it: where it is, what it lists, how it counts requests, and its protocol core.

Every module in `venues/` defines its venues in `VENUES`; nothing else has to change when one is added.
"""

import importlib
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import cache
from typing import ClassVar

import msgspec

from services.ingestor.adapters.instrument import Instrument
from services.ingestor.adapters.protocol import Request, VenueCore


class RateLimit(msgspec.Struct, frozen=True, gc=False):
    """At most `weight` of request weight in any `seconds`."""

    weight: int
    seconds: float


class Venue(ABC):
    """One venue. `live_*_url` are its own hosts; `used_weight_header` is where it tells the weight used, if it does."""

    name: ClassVar[str]
    live_socket_url: ClassVar[str]
    live_http_url: ClassVar[str]
    limits: ClassVar[Sequence[RateLimit]]
    used_weight_header: ClassVar[str] = ""

    @property
    @abstractmethod
    def listing(self) -> Sequence[Request]:
        """The requests whose answers hold the instruments."""

    @abstractmethod
    def instruments(
        self, answers: Sequence[bytes], symbols: Sequence[str], ticks: Mapping[str, str]
    ) -> list[Instrument]:
        """The instruments of `symbols`, in that order; `ticks` pins tick sizes. Raises UnknownInstrument."""

    @abstractmethod
    def core(self, instruments: Sequence[Instrument], options: Mapping[str, str]) -> VenueCore:
        """A fresh protocol core. Raises ValueError for an option that the venue does not have."""

    @abstractmethod
    def parse(self, symbol: str) -> tuple[str, str]:
        """(base, quote) of the venue's symbol, in global names. Raises ValueError for what is no perpetual of it."""

    @abstractmethod
    def format(self, base: str, quote: str) -> str:
        """The venue's symbol of a perpetual: the inverse of `parse`."""


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
