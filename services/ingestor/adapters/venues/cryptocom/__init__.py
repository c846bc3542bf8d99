"""Crypto.com Exchange perpetuals: the venue and its listing."""

from collections.abc import Iterator, Sequence
from typing import ClassVar, Final

from services.ingestor.adapters.protocol import Request
from services.ingestor.adapters.venue import Fees, Listed, RateLimit, Venue
from services.ingestor.adapters.venues.cryptocom import frames as wire
from services.ingestor.adapters.venues.cryptocom.core import PERPETUAL, CryptocomCore


class Cryptocom(Venue):
    """BTCUSD-PERP."""

    name: ClassVar[str] = CryptocomCore.name
    family: ClassVar[type[CryptocomCore]] = CryptocomCore
    form: ClassVar[str] = "{base}{quote}-PERP"
    quotes: ClassVar[Sequence[str]] = ("USD",)
    live_socket_url: ClassVar[str] = "wss://stream.crypto.com"
    live_http_url: ClassVar[str] = "https://api.crypto.com"
    limits: ClassVar[Sequence[RateLimit]] = (RateLimit(100, 1.0),)
    fees: ClassVar[Fees] = Fees(200_000, 500_000)
    options: ClassVar[Sequence[str]] = ("candles",)

    @property
    def listing(self) -> Sequence[Request]:
        """All instruments."""
        return (Request("/exchange/v1/public/get-instruments"),)

    def listed(self, answers: Sequence[bytes]) -> Iterator[Listed]:
        """Perpetuals; funding is paid every hour."""
        for info in wire.LISTING.decode(answers[0]).result.data:
            if info.inst_type == PERPETUAL:
                yield Listed(
                    symbol=info.symbol,
                    tick_size=info.price_tick_size,
                    lot_size=info.qty_tick_size,
                    funding_hours=1,
                    base=info.base_ccy,
                    quote=info.quote_ccy,
                    state="" if info.tradable else "not tradable",
                )


VENUES: Final[Sequence[Venue]] = (Cryptocom(),)
