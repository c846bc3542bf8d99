"""Aster: the protocol of Binance USD-M on one connection, without single fills."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Final

from services.ingestor.adapters.instrument import Instrument
from services.ingestor.adapters.protocol import VenueCore
from services.ingestor.adapters.venue import Fees, Venue
from services.ingestor.adapters.venues.binance import BinanceUsdm, OneRouteCore
from services.ingestor.adapters.venues.binance.core import BinanceFutures


class AsterCore(OneRouteCore):
    """Aggregate trades; books every 100 ms."""

    name: ClassVar[str] = "aster"
    api: ClassVar[str] = "/fapi/v1"


class Aster(BinanceUsdm):
    """BTCUSDT."""

    name: ClassVar[str] = AsterCore.name
    family: ClassVar[type[BinanceFutures]] = AsterCore
    options: ClassVar[Sequence[str]] = ()
    fees: ClassVar[Fees] = Fees(100_000, 350_000)
    live_socket_url: ClassVar[str] = "wss://fstream.asterdex.com"
    live_http_url: ClassVar[str] = "https://fapi.asterdex.com"

    def new_core(self, instruments: Sequence[Instrument], options: Mapping[str, str]) -> VenueCore:
        """No options."""
        return AsterCore(instruments, trades="aggTrade", depth="depth@100ms")


VENUES: Final[Sequence[Venue]] = (Aster(),)
