"""The instrument registry: grids from exchangeInfo, funding intervals from fundingInfo."""

from collections.abc import Mapping, Sequence
from typing import Final

from services.ingestor.adapters.instrument import HOUR_MICROS, Instrument, UnknownInstrument, pinned_tick
from services.ingestor.adapters.venues.binance import frames as wire

DEFAULT_FUNDING_HOURS: Final = 8
TRADING: Final = "TRADING"


def instruments(
    exchange_info: bytes, funding_info: bytes, symbols: Sequence[str], ticks: Mapping[str, str]
) -> list[Instrument]:
    """The instruments of `symbols`, in that order. Raises UnknownInstrument."""
    listed = {info.symbol: info for info in wire.EXCHANGE_INFO.decode(exchange_info).symbols}
    hours = {info.symbol: info.funding_interval_hours for info in wire.FUNDING_INFO.decode(funding_info)}
    found = []
    for symbol in symbols:
        info = listed.get(symbol)
        state = (info.status or info.contract_status) if info else "not listed"
        if info is None or state != TRADING:
            raise UnknownInstrument(f"{symbol} is {state} at the venue")
        found.append(_instrument(info, hours.get(symbol, DEFAULT_FUNDING_HOURS), ticks.get(symbol)))
    return found


def _instrument(info: wire.SymbolInfo, hours: int, pinned: str | None) -> Instrument:
    """Sizes are in base units; where the contract has a size, they are contracts of that many units of the quote."""
    by_type = {each.filter_type: each for each in info.filters}
    price, lot = by_type.get("PRICE_FILTER"), by_type.get("LOT_SIZE")
    if price is None or lot is None:
        raise UnknownInstrument(f"{info.symbol} has no grid")
    tick = pinned_tick(info.symbol, price.tick_size, pinned)
    interval = hours * HOUR_MICROS
    base, quote = info.base_asset, info.quote_asset
    if info.contract_size is None:
        return Instrument(info.symbol, tick, lot.step_size, interval, base=base, quote=quote)
    size = str(info.contract_size)
    return Instrument(
        info.symbol, tick, size, interval, size_step=lot.step_size, base=base, quote=quote, kind="inverse"
    )
