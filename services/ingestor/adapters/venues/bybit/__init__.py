"""Bybit v5, linear (sizes in base units) and inverse (sizes in USD): the venues and their listings."""

import re
from collections.abc import Iterator, Sequence
from typing import ClassVar, Final

from services.ingestor.adapters.protocol import Request
from services.ingestor.adapters.venue import Fees, Listed, RateLimit, Venue
from services.ingestor.adapters.venues.bybit import frames as wire
from services.ingestor.adapters.venues.bybit.core import BybitCore, InverseCore, LinearCore


class _Bybit(Venue):
    family: ClassVar[type[BybitCore]]
    live_socket_url: ClassVar[str] = "wss://stream.bybit.com"
    live_http_url: ClassVar[str] = "https://api.bybit.com"
    limits: ClassVar[Sequence[RateLimit]] = (RateLimit(600, 5.0),)
    fees: ClassVar[Fees] = Fees(200_000, 550_000)
    options: ClassVar[Sequence[str]] = ("depth", "candles")

    @property
    def listing(self) -> Sequence[Request]:
        """All instruments of the category."""
        return (Request("/v5/market/instruments-info", {"category": self.family.category, "limit": 1_000}),)

    def listed(self, answers: Sequence[bytes]) -> Iterator[Listed]:
        """The funding interval is in minutes; older answers had hours."""
        for info in wire.LISTING.decode(answers[0]).result.list:
            interval = info.funding_interval
            yield Listed(
                symbol=info.symbol,
                tick_size=info.price_filter.tick_size,
                lot_size=info.lot_size_filter.qty_step,
                funding_hours=interval // 60 if interval > 24 else interval,
                base=info.base_coin,
                quote=info.quote_coin,
                kind="inverse" if self.family is InverseCore else "linear",
                state="" if info.status == "Trading" else info.status,
            )


class BybitLinear(_Bybit):
    """BTCUSDT; perpetuals in USDC are called BTCPERP."""

    name: ClassVar[str] = LinearCore.name
    family: ClassVar[type[BybitCore]] = LinearCore

    def parse(self, symbol: str) -> tuple[str, str]:
        """BTCUSDT is (BTC, USDT), BTCPERP is (BTC, USDC)."""
        found = re.fullmatch(r"([A-Z0-9]{1,20}?)(USDT|PERP)", symbol)
        if found is None:
            raise ValueError(f"{symbol} is no linear perpetual of this venue")
        return found[1], "USDC" if found[2] == "PERP" else found[2]

    def format(self, base: str, quote: str) -> str:
        """(BTC, USDC) is BTCPERP."""
        return f"{base}{'PERP' if quote == 'USDC' else quote}"


class BybitInverse(_Bybit):
    """BTCUSD."""

    name: ClassVar[str] = InverseCore.name
    family: ClassVar[type[BybitCore]] = InverseCore
    form: ClassVar[str] = "{base}{quote}"
    quotes: ClassVar[Sequence[str]] = ("USD",)


VENUES: Final[Sequence[Venue]] = (BybitLinear(), BybitInverse())
