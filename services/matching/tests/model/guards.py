"""What a market allows beside its margins: sizes, bands around mark and index, caps, and the breaker (R31, R32)."""

from fractions import Fraction
from typing import Final

from services.matching.tests.model.numbers import MILLION, SECOND, down, rate
from services.matching.tests.model.texts import steps_of
from services.matching.tests.model.world import MOST_LOTS, MOST_OPEN_INTEREST, Account, Market, World

WINDOW: Final = 300 * SECOND


def width(market: Market) -> Fraction | None:
    """d: the initial margin rate of the first bracket, at least the market's minimum; None without limits."""
    limits = market.spec.limits
    return None if limits is None else rate(max(limits.band_ppb, market.spec.brackets[0].initial_margin_ppb))


def breaches(market: Market, side: int, price: int) -> bool:
    """Whether a limit is too far from the mark, on the side that would harm its owner (14.1)."""
    far = width(market)
    if far is None:
        return False
    return price >= market.mark * (1 + far) if side > 0 else price <= market.mark * (1 - far)


def harms(market: Market, side: int, price: int) -> bool:
    """Whether a fill at this price would harm who buys, or who sells: far from the index or from its average (14.2)."""
    limits, far = market.spec.limits, width(market)
    if limits is None or far is None or not market.index:
        return False
    around = [(Fraction(market.index), far)]
    if limits.twap_band_ppb:
        around.append((Fraction(market.average, MILLION), rate(limits.twap_band_ppb)))
    return any(side * (price - centre * (1 + side * part)) >= 0 for centre, part in around)


def sizes(market: Market) -> tuple[int, int]:
    """(smallest, largest) order in lots."""
    limits = market.spec.limits
    if limits is None:
        return 1, MOST_LOTS
    least = steps_of(limits.min_order_size, market.lot, MOST_LOTS) if limits.min_order_size else 1
    most = steps_of(limits.max_order_size, market.lot, MOST_LOTS) if limits.max_order_size else MOST_LOTS
    return least, most


def position_cap(market: Market) -> int:
    """Lots that an account may hold, on either side (R32)."""
    cap = market.spec.limits.position_cap if market.spec.limits is not None else None
    return steps_of(cap, market.lot, MOST_LOTS) if cap else MOST_LOTS


def is_full(market: Market, account: Account, side: int) -> bool:
    """Whether the account may not buy, or sell, a single lot more."""
    return side * account.position(market.name).lots >= position_cap(market)


def most(world: World, market: Market, buyer: Account, seller: Account, lots: int) -> int:
    """How many of these lots the caps leave, found by halving: each is tried, and what there is then is counted.

    What a trade adds to open interest may only grow faster with its size, so that no larger size fits behind one that
    does not.
    """
    lowest, beyond = 0, lots + 1
    while beyond - lowest > 1:
        tried = (lowest + beyond) // 2
        if _fits(world, market, buyer, seller, tried):
            lowest = tried
        else:
            beyond = tried
    return lowest


def _fits(world: World, market: Market, buyer: Account, seller: Account, lots: int) -> bool:
    """Nobody is beyond his cap, and open interest is within the market's, or no higher than it was."""
    bought, sold = buyer.position(market.name).lots + lots, seller.position(market.name).lots - lots
    if bought > position_cap(market) or -sold > position_cap(market):
        return False
    others = sum(
        max(0, account.positions[market.name].lots)
        for account in world.accounts.values()
        if account.name not in (buyer.name, seller.name) and market.name in account.positions
    )
    cap = market.spec.limits.open_interest_cap if market.spec.limits is not None else None
    allowed = steps_of(cap, market.lot, MOST_LOTS) if cap else MOST_OPEN_INTEREST
    return others + max(0, bought) + max(0, sold) <= max(allowed, world.open_interest(market.name))


def observe(market: Market, index: int, at: int) -> None:
    """The five-minute average takes in how long the last index was in force; in millionths of a tick, floored (8.6)."""
    if not market.index:
        market.average = index * MILLION
        return
    part = Fraction(min(at - market.heard_at, WINDOW), WINDOW)
    market.average = down(market.index * MILLION * part + market.average * (1 - part))


def trips(market: Market) -> bool:
    """Whether the index is as far from its average as the breaker allows no more (14.2)."""
    limits = market.spec.limits
    if limits is None or not limits.breaker_ppb:
        return False
    return abs(Fraction(market.index * MILLION, market.average) - 1) >= rate(limits.breaker_ppb)
