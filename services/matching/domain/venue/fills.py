"""What a fill may be at most: within the bands, the open interest cap and both accounts' position caps (R31, R32)."""

from typing import NamedTuple

from services.matching.domain.accounts import Holding


class Barred(NamedTuple):
    """Nothing may be filled: why, and whether it is the maker's order that has to go, or else the taker's."""

    reason: str
    maker: bool


def fillable(taking: Holding, making: Holding, side: int, price: int, lots: int, *, banded: bool) -> int | Barred:
    """The lots of a fill that may trade at `price` when the taker's side is +1 or -1.

    A price outside the fill band drops the order of whom it would harm: the buyer above it, the seller below it. An
    account at its position cap loses the order that would take it further. What would raise open interest above the
    market's cap opens for both sides, and the taker's order is the one that is dropped.
    """
    market = taking.market
    low, high = market.fill_band
    if banded and not low <= price <= high:
        return Barred("price_band", (price > high) == (side < 0))
    taker_room, maker_room = room(taking, side), room(making, -side)
    if not taker_room or not maker_room:
        return Barred("position_cap", bool(taker_room))
    buys, sells = (taking, making) if side > 0 else (making, taking)
    return min(lots, taker_room, maker_room, openable(buys, sells)) or Barred("open_interest_cap", maker=False)


def room(holding: Holding, side: int) -> int:
    """Lots that the account may still buy or sell before its position exceeds the market's cap on that side."""
    return max(0, holding.market.guards.position_cap - side * holding.lots)


def openable(buys: Holding, sells: Holding) -> int:
    """The most lots between the two that leave open interest within the cap, or where it was if it is above already.

    A fill of l lots changes it by max(0, l - short) - min(l, long), of the buyer's short and the seller's long (1.6).
    """
    market = buys.market
    spare = max(0, market.guards.open_interest_cap - market.open_interest)
    return spare + max(0, -buys.lots) + max(0, sells.lots)
