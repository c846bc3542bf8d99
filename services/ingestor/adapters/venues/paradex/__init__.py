"""Paradex perpetuals: the venue and its listing. A name with the prefix k counts a thousand units."""

from collections.abc import Iterator, Sequence
from typing import ClassVar, Final

from services.ingestor.adapters.protocol import Request
from services.ingestor.adapters.venue import Fees, Listed, RateLimit, Venue
from services.ingestor.adapters.venues.paradex import frames as wire
from services.ingestor.adapters.venues.paradex.core import DEFAULT_FUNDING_HOURS, PERPETUAL, ParadexCore


class Paradex(Venue):
    """BTC-USD-PERP."""

    name: ClassVar[str] = ParadexCore.name
    family: ClassVar[type[ParadexCore]] = ParadexCore
    form: ClassVar[str] = "{base}-{quote}-PERP"
    quotes: ClassVar[Sequence[str]] = ("USD",)
    thousand: ClassVar[str] = "k"
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


VENUES: Final[Sequence[Venue]] = (Paradex(),)
