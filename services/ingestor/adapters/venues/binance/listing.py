"""The instrument registry: grids from exchangeInfo, funding intervals from fundingInfo."""

from collections.abc import Iterator
from typing import Final

from services.ingestor.adapters.venue import Listed
from services.ingestor.adapters.venues.binance import frames as wire

DEFAULT_FUNDING_HOURS: Final = 8
TRADING: Final = "TRADING"


def listed(exchange_info: bytes, funding_info: bytes) -> Iterator[Listed]:
    """Every instrument that has a grid. Sizes are in base units; contracts have a size, in units of the quote."""
    hours = {info.symbol: info.funding_interval_hours for info in wire.FUNDING_INFO.decode(funding_info)}
    for info in wire.EXCHANGE_INFO.decode(exchange_info).symbols:
        by_type = {each.filter_type: each for each in info.filters}
        price, lot = by_type.get("PRICE_FILTER"), by_type.get("LOT_SIZE")
        if price is None or lot is None:
            continue
        state = info.status or info.contract_status
        contract = info.contract_size
        yield Listed(
            symbol=info.symbol,
            tick_size=price.tick_size,
            lot_size=lot.step_size if contract is None else str(contract),
            size_step="" if contract is None else lot.step_size,
            funding_hours=hours.get(info.symbol, DEFAULT_FUNDING_HOURS),
            base=info.base_asset,
            quote=info.quote_asset,
            kind="linear" if contract is None else "inverse",
            state="" if state == TRADING else state,
        )
