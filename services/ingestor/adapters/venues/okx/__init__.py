"""OKX v5 perpetual swaps: the venue and its listing. A contract is ctVal of ctValCcy."""

from collections.abc import Iterator, Sequence
from typing import ClassVar, Final

from cleartide.money import parse_decimal

from services.ingestor.adapters.protocol import Request
from services.ingestor.adapters.venue import Fees, Listed, RateLimit, Venue
from services.ingestor.adapters.venues.okx import frames as wire
from services.ingestor.adapters.venues.okx.core import DEFAULT_FUNDING_HOURS, OkxCore, shortest


class Okx(Venue):
    """BTC-USDT-SWAP, BTC-USD-SWAP."""

    name: ClassVar[str] = OkxCore.name
    family: ClassVar[type[OkxCore]] = OkxCore
    form: ClassVar[str] = "{base}-{quote}-SWAP"
    quotes: ClassVar[Sequence[str]] = ("USDT", "USDC", "USD")
    live_socket_url: ClassVar[str] = "wss://ws.okx.com:8443"
    live_http_url: ClassVar[str] = "https://www.okx.com"
    limits: ClassVar[Sequence[RateLimit]] = (RateLimit(20, 2.0),)
    fees: ClassVar[Fees] = Fees(200_000, 500_000)

    @property
    def listing(self) -> Sequence[Request]:
        """All perpetual swaps."""
        return (Request("/api/v5/public/instruments", {"instType": "SWAP"}),)

    def listed(self, answers: Sequence[bytes]) -> Iterator[Listed]:
        """One lot is the smallest number of contracts."""
        for info in wire.LISTING.decode(answers[0]).data:
            contract = parse_decimal(info.ct_val) * parse_decimal(info.ct_mult)
            base, _, quote = info.inst_family.partition("-")
            yield Listed(
                symbol=info.inst_id,
                tick_size=info.tick_sz,
                lot_size=shortest(contract * parse_decimal(info.lot_sz)),
                size_step=info.lot_sz,
                funding_hours=DEFAULT_FUNDING_HOURS,
                base=base,
                quote=quote,
                kind="inverse" if info.ct_type == "inverse" else "linear",
                state="" if info.state == "live" else info.state,
            )


VENUES: Final[Sequence[Venue]] = (Okx(),)
