"""Lighter: the venue and its listing, in which markets have numbers and decimals."""

from collections.abc import Iterator, Sequence
from typing import ClassVar, Final

from services.ingestor.adapters.protocol import Request
from services.ingestor.adapters.scale import step_of
from services.ingestor.adapters.venue import Fees, Listed, RateLimit, Venue
from services.ingestor.adapters.venues.lighter import frames as wire
from services.ingestor.adapters.venues.lighter.core import LighterCore


class Lighter(Venue):
    """ETH, 1000PEPE."""

    name: ClassVar[str] = LighterCore.name
    family: ClassVar[type[LighterCore]] = LighterCore
    form: ClassVar[str] = "{base}"
    quotes: ClassVar[Sequence[str]] = ("USDC",)
    live_socket_url: ClassVar[str] = "wss://mainnet.zklighter.elliot.ai"
    live_http_url: ClassVar[str] = "https://mainnet.zklighter.elliot.ai"
    limits: ClassVar[Sequence[RateLimit]] = (RateLimit(60, 60.0),)
    fees: ClassVar[Fees] = Fees(0, 0)
    options: ClassVar[Sequence[str]] = ("candles",)

    @property
    def listing(self) -> Sequence[Request]:
        """All markets."""
        return (Request("/api/v1/orderBooks"),)

    def listed(self, answers: Sequence[bytes]) -> Iterator[Listed]:
        """Perpetuals only; spot markets share the list."""
        for market in wire.MARKETS.decode(answers[0]).order_books:
            if market.market_type == "perp":
                base, quote = self.parse(market.symbol)
                yield Listed(
                    symbol=market.symbol,
                    tick_size=step_of(market.supported_price_decimals),
                    lot_size=step_of(market.supported_size_decimals),
                    funding_hours=1,
                    base=base,
                    quote=quote,
                    code=str(market.market_id),
                    state="" if market.status == "active" else market.status,
                )


VENUES: Final[Sequence[Venue]] = (Lighter(),)
