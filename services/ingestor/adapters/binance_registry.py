"""The instrument registry of Binance USD-M: grids from exchangeInfo, funding intervals from fundingInfo."""

from collections.abc import Iterable, Mapping
from typing import Final

from cleartide.money import parse_decimal

from services.ingestor.adapters import binance_frames as wire
from services.ingestor.adapters.scale import Instrument

MICROS_PER_HOUR: Final = 3_600_000_000
DEFAULT_FUNDING_HOURS: Final = 8


class UnknownInstrument(Exception):  # noqa: N818 - a verdict on the configuration
    """A symbol is not traded at the venue, or its grid does not fit the configured one."""


def instruments(
    exchange_info: bytes, funding_info: bytes, symbols: Iterable[str], ticks: Mapping[str, str]
) -> list[Instrument]:
    """The instruments of `symbols`, in that order.

    `ticks` pins the tick size of a symbol whose ticks others calculate with: the venue's own must be a multiple of it,
    so that a venue that changes its tick is refused rather than read in another unit.
    """
    listed = {info.symbol: info for info in wire.EXCHANGE_INFO.decode(exchange_info).symbols}
    hours = {info.symbol: info.funding_interval_hours for info in wire.FUNDING_INFO.decode(funding_info)}
    found = []
    for symbol in symbols:
        info = listed.get(symbol)
        if info is None or info.status != "TRADING":
            raise UnknownInstrument(f"{symbol} is {info.status if info else 'not listed'} at the venue")
        tick_size, lot_size = _grid(info)
        pinned = ticks.get(symbol, tick_size)
        if parse_decimal(tick_size) % parse_decimal(pinned):
            raise UnknownInstrument(f"{symbol} has tick {tick_size}, which is no multiple of {pinned}")
        interval = hours.get(symbol, DEFAULT_FUNDING_HOURS) * MICROS_PER_HOUR
        found.append(Instrument(symbol, pinned, lot_size, interval))
    return found


def _grid(info: wire.SymbolInfo) -> tuple[str, str]:
    by_type = {each.filter_type: each for each in info.filters}
    price, lot = by_type.get("PRICE_FILTER"), by_type.get("LOT_SIZE")
    if price is None or lot is None:
        raise UnknownInstrument(f"{info.symbol} has no grid")
    return price.tick_size, lot.step_size
