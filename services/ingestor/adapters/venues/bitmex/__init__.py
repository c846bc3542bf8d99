"""BitMEX perpetuals: the venue and its listing. XBT is BTC; quanto contracts are left out."""

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import ClassVar, Final

from cleartide.money import parse_decimal

from services.ingestor.adapters.instrument import Instrument
from services.ingestor.adapters.protocol import Request, VenueCore
from services.ingestor.adapters.scale import number_text
from services.ingestor.adapters.venue import Fees, Listed, RateLimit, Venue
from services.ingestor.adapters.venues.bitmex import frames as wire
from services.ingestor.adapters.venues.bitmex.core import FUNDING_HOURS, PERPETUAL, BitmexCore


class Bitmex(Venue):
    """XBTUSD, XBTUSDT."""

    name: ClassVar[str] = BitmexCore.name
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
                base=_global(info.underlying),
                quote=info.quote_currency,
                fees=Fees.listed(info.maker_fee, info.taker_fee),
                kind="inverse" if info.is_inverse else "linear",
                state="" if info.state == "Open" else info.state,
            )

    def new_core(self, instruments: Sequence[Instrument], options: Mapping[str, str]) -> VenueCore:
        """No options."""
        return BitmexCore(instruments)

    def parse(self, symbol: str) -> tuple[str, str]:
        """XBTUSD is (BTC, USD)."""
        found = re.fullmatch(r"([A-Z0-9]{1,20}?)(USDT|USDC|USD)", symbol)
        if found is None or found[1] == "BTC":
            raise ValueError(f"{symbol} is no perpetual of this venue")
        return _global(found[1]), found[2]

    def format(self, base: str, quote: str) -> str:
        """(BTC, USD) is XBTUSD."""
        return f"{'XBT' if base == 'BTC' else base}{quote}"


def _global(name: str) -> str:
    return "BTC" if name == "XBT" else name


VENUES: Final[Sequence[Venue]] = (Bitmex(),)
