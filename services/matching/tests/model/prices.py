"""Index, mark price and premium samples (R13 to R17)."""

from fractions import Fraction
from typing import Final

from cleartide.contracts import MarkPriceUpdated, PremiumSampled, UpdateIndexPrice

from services.matching.tests.model import venue
from services.matching.tests.model.disposal import step_aside, tend
from services.matching.tests.model.guards import observe
from services.matching.tests.model.numbers import (
    BILLION,
    MILLION,
    MINUTE,
    SECOND,
    down,
    half_up,
    rate,
    toward_zero,
    within,
)
from services.matching.tests.model.swaps import repay_all
from services.matching.tests.model.triggers import see
from services.matching.tests.model.world import (
    MOST_TICKS,
    MOST_VALUE,
    RESERVED,
    Market,
    Order,
    Position,
    Refusal,
    World,
)

KEEP: Final = Fraction(993_355_506, BILLION)
"""What a 150 s average keeps of itself in a second (R15)."""
MOST_STEPS: Final = 1_500


def update(world: World, command: UpdateIndexPrice) -> None:
    """A new index price, or word that there is none."""
    market = world.markets.get(command.market)
    if market is None:
        raise Refusal("unknown_market")
    if market.state == "delisted":
        return
    index = None if command.price is None else nearest_ticks(command.price, market.tick)
    if index is not None:
        for name, account in world.accounts.items():
            held = abs(account.positions.get(market.name, Position()).lots)
            if name not in RESERVED and held * index * market.unit > MOST_VALUE:
                raise Refusal("overflow")
    if index is not None and (market.stale or world.at - market.heard_at > MINUTE):
        market.fresh_since = world.at
    market.stale = index is None
    moved = step_aside(world, market, index)
    bid, ask = world.best(market.name, 1), world.best(market.name, -1)
    if index is not None:
        observe(market, index, world.at)
        market.index, market.heard_at = index, world.at
        best = (bid, ask) if market.matches else (None, None)
        _follow_basis(market, *best, world.at // SECOND)
        market.mark = mark_price(market, *best, world.at)
    if market.mark:
        _say_mark(world, market, bid, ask)
    minute = world.at - world.at % MINUTE
    begins = index is not None and market.matches and minute > market.minute
    if begins:
        market.minute = minute
        _say_premium(world, market)
    if index is not None:
        venue.watch(world, market)
        tend(world, market, begins, moved)
        see(world, market.name, "mark", market.mark)
        see(world, market.name, "index", market.index)
    venue.wake(world)
    repay_all(world)


def nearest_ticks(text: str, tick: Fraction) -> int:
    """An index price need not lie on the grid."""
    ticks = half_up(Fraction(text) / tick)
    if ticks <= 0:
        raise Refusal("not_positive")
    if ticks > MOST_TICKS:
        raise Refusal("overflow")
    return ticks


def _follow_basis(market: Market, bid: int | None, ask: int | None, second: int) -> None:
    """One truncated step per second of silence, all with the present mid - index (R15)."""
    steps = min(second - market.basis_second, MOST_STEPS)
    market.basis_second = second
    if bid is None or ask is None:
        return
    now = int((Fraction(bid + ask, 2) - market.index) * MILLION)
    if market.basis is None:
        market.basis = now
        return
    for _ in range(steps):
        before = market.basis
        market.basis = toward_zero(before * KEEP + now * (1 - KEEP))
        if market.basis == before:
            return


def mark_price(market: Market, bid: int | None, ask: int | None, at: int) -> int:
    """Median of index + basis, book, and index with funding, near the index, half up to a tick (R14)."""
    parts = [Fraction(funding_part(market, at))]
    if bid is not None or ask is not None:
        parts.append(middle([Fraction(price * MILLION) for price in (bid, ask, market.last) if price]))
    if bid is not None and ask is not None and market.basis is not None:
        parts.append(Fraction(market.index * MILLION + market.basis))
    band = down(market.index * rate(market.spec.mark_band_ppb))
    lowest, highest = market.index - band, market.index + band
    price = max(Fraction(lowest), min(middle(parts) / MILLION, Fraction(highest)))
    return within(half_up(price), 1, MOST_TICKS)


def funding_part(market: Market, at: int) -> int:
    """Index with the part of the last rate that is still to be paid, in millionths of a tick, truncated."""
    if not market.interval:
        return market.index * MILLION
    next_payment = market.interval_start + 2 * market.interval
    share = Fraction(within(next_payment - at, 0, market.interval), market.interval)
    return market.index * MILLION + toward_zero(market.index * MILLION * rate(market.funding_rate) * share)


def middle(values: list[Fraction]) -> Fraction:
    """The median; of two their mean, floored to a millionth of a tick."""
    ordered = sorted(values)
    if len(ordered) % 2:
        return ordered[len(ordered) // 2]
    return Fraction(down(sum(ordered[:2], Fraction(0)) / 2))


def _say_mark(world: World, market: Market, bid: int | None, ask: int | None) -> None:
    world.say(
        MarkPriceUpdated,
        market=market.name,
        mark_ticks=market.mark,
        index_ticks=market.index,
        index_stale=market.stale,
        best_bid_ticks=bid,
        best_ask_ticks=ask,
        last_ticks=market.last or None,
        open_interest_lots=world.open_interest(market.name),
        spec_version=market.version,
    )


def _say_premium(world: World, market: Market) -> None:
    """The impact prices against the index, within the cap of an 8 h rate (10.1, R17)."""
    index = market.index
    bid = impact_price(market, world.book(market.name, 1))
    ask = impact_price(market, world.book(market.name, -1))
    above = max(Fraction(0), (bid - index) / index) if bid is not None else Fraction(0)
    below = max(Fraction(0), (index - ask) / index) if ask is not None else Fraction(0)
    cap = min(8 * market.spec.funding_cap_hourly_ppb, 1_000 * BILLION)
    premium = within(toward_zero((above - below) * BILLION), -cap, cap)
    world.say(
        PremiumSampled,
        market=market.name,
        minute=market.minute,
        premium_ppb=premium,
        mark_ticks=market.mark,
        index_ticks=index,
    )


def impact_price(market: Market, orders: list[Order]) -> Fraction | None:
    """Average price of spending the impact notional on these orders, the last one in part; None: not deep enough."""
    left = Fraction(market.spec.impact_notional_quanta)
    bought = Fraction(0)
    for order in orders:
        cost = order.price * order.shown * market.unit
        if cost >= left:
            bought += left / order.price
            return market.spec.impact_notional_quanta / bought if bought else None
        bought += order.shown * market.unit
        left -= cost
    return None
