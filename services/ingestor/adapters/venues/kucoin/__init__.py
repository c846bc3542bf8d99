"""KuCoin Futures: the venue and its listing. A contract is `multiplier` of the base; negative, it is one USD."""

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, Final

from services.ingestor.adapters.protocol import Request
from services.ingestor.adapters.venue import Fees, Listed, RateLimit, Venue
from services.ingestor.adapters.venues.kucoin import frames as wire
from services.ingestor.adapters.venues.kucoin.core import MILLIS_PER_HOUR, OPEN, KucoinCore, text


class Kucoin(Venue):
    """XBTUSDTM, XBTUSDM."""

    name: ClassVar[str] = KucoinCore.name
    family: ClassVar[type[KucoinCore]] = KucoinCore
    form: ClassVar[str] = "{base}{quote}M"
    quotes: ClassVar[Sequence[str]] = ("USDT", "USDC", "USD")
    own_names: ClassVar[Mapping[str, str]] = {"BTC": "XBT"}
    live_socket_url: ClassVar[str] = "wss://ws-api-futures.kucoin.com"
    live_http_url: ClassVar[str] = "https://api-futures.kucoin.com"
    limits: ClassVar[Sequence[RateLimit]] = (RateLimit(2_000, 30.0),)
    fees: ClassVar[Fees] = Fees(200_000, 600_000)
    options: ClassVar[Sequence[str]] = ("candles",)

    @property
    def listing(self) -> Sequence[Request]:
        """All open contracts."""
        return (Request("/api/v1/contracts/active", weight=3),)

    def listed(self, answers: Sequence[bytes]) -> Iterator[Listed]:
        """One lot is the venue's lot of contracts."""
        for each in wire.CONTRACTS.decode(answers[0]).data:
            multiplier, lot = text(each.multiplier), text(each.lot_size)
            inverse = multiplier.startswith("-")
            yield Listed(
                symbol=each.symbol,
                tick_size=text(each.tick_size),
                lot_size=multiplier.lstrip("-"),
                size_step=lot,
                funding_hours=(each.funding_rate_granularity or 8 * MILLIS_PER_HOUR) // MILLIS_PER_HOUR,
                base=self.global_name(each.base_currency),
                quote=each.quote_currency,
                fees=Fees.listed(each.maker_fee_rate, each.taker_fee_rate),
                kind="inverse" if inverse else "linear",
                state="" if each.status == OPEN else each.status,
            )


VENUES: Final[Sequence[Venue]] = (Kucoin(),)
