"""BitMEX perpetuals: the venue and its listing. XBT is BTC; quanto contracts are left out."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import ClassVar, Final

from cleartide.money import parse_decimal

from services.ingestor.adapters.protocol import Request
from services.ingestor.adapters.scale import number_text
from services.ingestor.adapters.venue import Fees, Listed, RateLimit, Venue
from services.ingestor.adapters.venues.bitmex import frames as wire
from services.ingestor.adapters.venues.bitmex.core import FUNDING_HOURS, PERPETUAL, BitmexCore


class Bitmex(Venue):
    """XBTUSD, XBTUSDT."""

    name: ClassVar[str] = BitmexCore.name
    family: ClassVar[type[BitmexCore]] = BitmexCore
    form: ClassVar[str] = "{base}{quote}"
    quotes: ClassVar[Sequence[str]] = ("USDT", "USDC", "USD")
    own_names: ClassVar[Mapping[str, str]] = {"BTC": "XBT"}
    live_socket_url: ClassVar[str] = "wss://ws.bitmex.com"
    live_http_url: ClassVar[str] = "https://www.bitmex.com"
    limits: ClassVar[Sequence[RateLimit]] = (RateLimit(30, 60.0),)
    fees: ClassVar[Fees] = Fees(200_000, 750_000)

    @property
    def listing(self) -> Sequence[Request]:
        """All active instruments."""
        return (Request("/api/v1/instrument/active"),)

    def listed(self, answers: Sequence[bytes]) -> Iterator[Listed]:
        """Perpetuals in USD or USDT; one lot is one contract."""
        for info in wire.LISTING.decode(answers[0]):
            if info.typ != PERPETUAL or info.is_quanto:
                continue
            per_base = number_text(info.underlying_to_position_multiplier)
            if not info.is_inverse and not per_base:
                continue
            yield Listed(
                symbol=info.symbol,
                tick_size=number_text(info.tick_size),
                lot_size="1" if info.is_inverse else format(Decimal(1) / parse_decimal(per_base), "f"),
                size_step="1",
                funding_hours=FUNDING_HOURS,
                base=self.global_name(info.underlying),
                quote=info.quote_currency,
                fees=Fees.listed(info.maker_fee, info.taker_fee),
                kind="inverse" if info.is_inverse else "linear",
                state="" if info.state == "Open" else info.state,
            )


VENUES: Final[Sequence[Venue]] = (Bitmex(),)
