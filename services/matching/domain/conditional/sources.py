"""The prices that triggers are compared with."""

from typing import Final

from cleartide.contracts.types import TriggerSource

from services.matching.domain.mark_price import is_stale
from services.matching.domain.market import Market

SOURCES: Final[tuple[TriggerSource, ...]] = ("mark", "index", "last")


def live_price(market: Market, source: TriggerSource, at: int) -> int | None:
    """What triggers of a source go by now, in ticks.

    None while the market does not match: an order that fired would only be refused. None also for mark and index while
    the index is stale (R13), and before there is a price.
    """
    prices = market.prices
    if not market.status.matches:
        return None
    if source == "last":
        return prices.last or None
    if is_stale(prices, at):
        return None
    return (prices.mark if source == "mark" else prices.index) or None
