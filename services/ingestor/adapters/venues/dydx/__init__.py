"""dYdX v4: the venue and its listing."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, Final

from services.ingestor.adapters.instrument import Instrument
from services.ingestor.adapters.protocol import Request, VenueCore
from services.ingestor.adapters.venue import Fees, Listed, RateLimit, Venue
from services.ingestor.adapters.venues.dydx import frames as wire
from services.ingestor.adapters.venues.dydx.core import DydxCore


class Dydx(Venue):
    """BTC-USD."""

    name: ClassVar[str] = DydxCore.name
    live_socket_url: ClassVar[str] = "wss://indexer.dydx.trade"
    live_http_url: ClassVar[str] = "https://indexer.dydx.trade"
    limits: ClassVar[Sequence[RateLimit]] = (RateLimit(100, 10.0),)
    fees: ClassVar[Fees] = Fees(100_000, 500_000)
    options: ClassVar[Sequence[str]] = ("candles",)

    @property
    def listing(self) -> Sequence[Request]:
        """All markets."""
        return (Request("/v4/perpetualMarkets"),)

    def listed(self, answers: Sequence[bytes]) -> Iterator[Listed]:
        """Markets of several tokens in a name are left out."""
        for market in wire.LISTING.decode(answers[0]).markets.values():
            if _SYMBOL.fullmatch(market.ticker):
                base, quote = self.parse(market.ticker)
                yield Listed(
                    symbol=market.ticker,
                    tick_size=market.tick_size,
                    lot_size=market.step_size,
                    funding_hours=1,
                    base=base,
                    quote=quote,
                    state="" if market.status == "ACTIVE" else market.status.lower() or "without a status",
                )

    def new_core(self, instruments: Sequence[Instrument], options: Mapping[str, str]) -> VenueCore:
        """Options: candles (1m,1h)."""
        return DydxCore(instruments, **options)

    def parse(self, symbol: str) -> tuple[str, str]:
        """BTC-USD is (BTC, USD)."""
        found = _SYMBOL.fullmatch(symbol)
        if found is None:
            raise ValueError(f"{symbol} is no perpetual of this venue")
        return found[1], found[2]

    def format(self, base: str, quote: str) -> str:
        """(BTC, USD) is BTC-USD."""
        return f"{base}-{quote}"


_SYMBOL: Final = re.compile(r"([A-Z0-9]{1,24})-(USD)")
VENUES: Final[Sequence[Venue]] = (Dydx(),)
