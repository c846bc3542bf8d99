"""Binance futures, USD-M (linear, sizes in base units) and COIN-M (inverse, sizes in contracts of 100 or 10 USD)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, Final

from services.ingestor.adapters.protocol import Request, RouteSpec
from services.ingestor.adapters.venue import Fees, Listed, RateLimit, Venue
from services.ingestor.adapters.venues.binance.core import MARKET, PUBLIC, BinanceFutures
from services.ingestor.adapters.venues.binance.listing import listed


class UsdmCore(BinanceFutures):
    """USD-M."""

    name: ClassVar[str] = "binance-usdm"
    api: ClassVar[str] = "/fapi/v1"


class OneRouteCore(BinanceFutures):
    """For venues whose one connection carries everything."""

    steady: ClassVar[Mapping[str, str]] = {"quote": PUBLIC, "book": PUBLIC, "funding": PUBLIC}

    @property
    def routes(self) -> Sequence[RouteSpec]:
        """One connection carries everything."""
        return (RouteSpec(PUBLIC, "/stream"),)

    def streams(self, route: str) -> list[str]:
        """All of both."""
        return [*super().streams(route), *super().streams(MARKET)]


class CoinmCore(OneRouteCore):
    """COIN-M."""

    name: ClassVar[str] = "binance-coinm"
    api: ClassVar[str] = "/dapi/v1"


class _Binance(Venue):
    family: ClassVar[type[BinanceFutures]]
    limits: ClassVar[Sequence[RateLimit]] = (RateLimit(2_400, 60.0),)
    fees: ClassVar[Fees] = Fees(200_000, 500_000)
    used_weight_header: ClassVar[str] = "X-MBX-USED-WEIGHT-1M"
    options: ClassVar[Sequence[str]] = ("trades", "depth", "candles")

    @property
    def listing(self) -> Sequence[Request]:
        """Grids and funding intervals."""
        return Request(f"{self.family.api}/exchangeInfo"), Request(f"{self.family.api}/fundingInfo")

    def listed(self, answers: Sequence[bytes]) -> Iterator[Listed]:
        """From grids and funding intervals."""
        return listed(*answers)


class BinanceUsdm(_Binance):
    """BTCUSDT, ETHUSDC."""

    name: ClassVar[str] = UsdmCore.name
    family: ClassVar[type[BinanceFutures]] = UsdmCore
    form: ClassVar[str] = "{base}{quote}"
    quotes: ClassVar[Sequence[str]] = ("USDT", "USDC")
    live_socket_url: ClassVar[str] = "wss://fstream.binance.com"
    live_http_url: ClassVar[str] = "https://fapi.binance.com"


class BinanceCoinm(_Binance):
    """BTCUSD_PERP."""

    name: ClassVar[str] = CoinmCore.name
    family: ClassVar[type[BinanceFutures]] = CoinmCore
    form: ClassVar[str] = "{base}{quote}_PERP"
    quotes: ClassVar[Sequence[str]] = ("USD",)
    live_socket_url: ClassVar[str] = "wss://dstream.binance.com"
    live_http_url: ClassVar[str] = "https://dapi.binance.com"


VENUES: Final[Sequence[Venue]] = (BinanceUsdm(), BinanceCoinm())
