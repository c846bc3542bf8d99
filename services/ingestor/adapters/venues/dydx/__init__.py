"""dYdX v4: the venue and its listing."""

from collections.abc import Iterator, Sequence
from typing import ClassVar, Final

from services.ingestor.adapters.protocol import Request
from services.ingestor.adapters.venue import Fees, Listed, RateLimit, Venue
from services.ingestor.adapters.venues.dydx import frames as wire
from services.ingestor.adapters.venues.dydx.core import DydxCore


class Dydx(Venue):
    """BTC-USD."""

    name: ClassVar[str] = DydxCore.name
    family: ClassVar[type[DydxCore]] = DydxCore
    form: ClassVar[str] = "{base}-{quote}"
    quotes: ClassVar[Sequence[str]] = ("USD",)
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
            try:
                base, quote = self.parse(market.ticker)
            except ValueError:
                continue
            yield Listed(
                symbol=market.ticker,
                tick_size=market.tick_size,
                lot_size=market.step_size,
                funding_hours=1,
                base=base,
                quote=quote,
                state="" if market.status == "ACTIVE" else market.status.lower() or "without a status",
            )


VENUES: Final[Sequence[Venue]] = (Dydx(),)
