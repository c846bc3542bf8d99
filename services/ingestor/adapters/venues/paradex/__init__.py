"""Paradex perpetuals: the venue and its listing. A name with the prefix k counts a thousand units."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, Final

from services.ingestor.adapters.instrument import Instrument
from services.ingestor.adapters.protocol import Request, VenueCore
from services.ingestor.adapters.venue import Fees, Listed, RateLimit, Venue
from services.ingestor.adapters.venues.paradex import frames as wire
from services.ingestor.adapters.venues.paradex.core import DEFAULT_FUNDING_HOURS, PERPETUAL, THOUSAND, ParadexCore


class Paradex(Venue):
    """BTC-USD-PERP."""

    name: ClassVar[str] = ParadexCore.name
    live_socket_url: ClassVar[str] = "wss://ws.api.prod.paradex.trade"
    live_http_url: ClassVar[str] = "https://api.prod.paradex.trade"
    limits: ClassVar[Sequence[RateLimit]] = (RateLimit(1_500, 60.0),)
    fees: ClassVar[Fees] = Fees(0, 200_000)

    @property
    def listing(self) -> Sequence[Request]:
        """All markets."""
        return (Request("/v1/markets"),)

    def listed(self, answers: Sequence[bytes]) -> Iterator[Listed]:
        """Perpetuals only."""
        for market in wire.LISTING.decode(answers[0]).results:
            if market.asset_kind == PERPETUAL:
                base, quote = self.parse(market.symbol)
                yield Listed(
                    symbol=market.symbol,
                    tick_size=market.price_tick_size,
                    lot_size=market.order_size_increment,
                    funding_hours=market.funding_period_hours or DEFAULT_FUNDING_HOURS,
                    base=base,
                    quote=quote,
                )

    def new_core(self, instruments: Sequence[Instrument], options: Mapping[str, str]) -> VenueCore:
        """No options."""
        return ParadexCore(instruments)

    def parse(self, symbol: str) -> tuple[str, str]:
        """BTC-USD-PERP is (BTC, USD), kPEPE-USD-PERP is (1000PEPE, USD)."""
        found = re.fullmatch(rf"(k?)([A-Z0-9]{{1,20}})-(USD)-{PERPETUAL}", symbol)
        if found is None:
            raise ValueError(f"{symbol} is no perpetual of this venue")
        return (THOUSAND if found[1] else "") + found[2], found[3]

    def format(self, base: str, quote: str) -> str:
        """(BTC, USD) is BTC-USD-PERP."""
        name = "k" + base.removeprefix(THOUSAND) if base.startswith(THOUSAND) and base != THOUSAND else base
        return f"{name}-{quote}-{PERPETUAL}"


VENUES: Final[Sequence[Venue]] = (Paradex(),)
