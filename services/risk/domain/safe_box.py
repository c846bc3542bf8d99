"""The safe box: for each position, and each asset of collateral whose price an index gives, an inclusive price interval
within which nothing about the account can change.

For a health-factor threshold T (ppm) the account is below it when G = 1e6 * equity - T * maintenance < 0, and G is
a sum of one term per position, each a function of that position's price alone. So the distance |G| of today is
shared out among the positions, and each may move until its share is used up. Integers only, every division rounded
inward, and the requirement bounded from outside by its steepest bracket: a box may be too small, which costs a
re-evaluation, never too large, which would cost an alert.
"""

from collections.abc import Sequence
from typing import NamedTuple

from cleartide.contracts import MarginBracket
from cleartide.money import MAX_PRICE_TICKS, PPB, ceil_div
from cleartide.rules.margin import AccountMargin

from services.risk.domain.fences import Bounds
from services.risk.domain.levels import PPM, Guards


class Slope(NamedTuple):
    """How fast a market's maintenance margin can grow with notional, from outside (domain rule R8).

    steepest_ppb: no slice's rate is above it. rounding_quanta: what the ceilings of all slices may add on top.
    from_first: whether the first slice already asks for margin, so that a position without any cannot exist.
    """

    steepest_ppb: int
    rounding_quanta: int
    from_first: bool


class Exposure(NamedTuple):
    """One position or asset as the box sees it: signed quanta per tick of price, the price, its market's slope.

    Collateral has the slope FLAT: it asks for no margin. Its floored value moves by at most its quanta per tick rounded
    up, so it needs no room for rounding.
    """

    quanta_per_tick: int
    ticks: int
    slope: Slope


FLAT = Slope(0, 0, False)


class _Cost(NamedTuple):
    """Distance used up per tick, in 1e-6 quanta, when the price rises and when it falls."""

    up: int
    down: int


UNBOUNDED = Bounds(0, MAX_PRICE_TICKS)


def slope_of(brackets: Sequence[MarginBracket]) -> Slope:
    """The outer bound of a market's brackets.

    A slice's requirement is ceil(ceil(w * imf) * fraction) < w * imf * fraction + fraction + 1.
    """
    rates = [ceil_div(b.initial_margin_ppb * b.maintenance_fraction_ppb, PPB) for b in brackets]
    rounding = sum(ceil_div(b.maintenance_fraction_ppb, PPB) + 1 for b in brackets)
    return Slope(max(rates), rounding, rates[0] > 0)


def safe_box(exposures: Sequence[Exposure], margin: AccountMargin, guarded: Guards) -> list[Bounds]:
    """One interval per exposure. While every price stays in its own, no guarded threshold can be crossed."""
    box = [UNBOUNDED] * len(exposures)
    if guarded.floor_ppm is not None:
        box = _above(guarded.floor_ppm, exposures, margin, box)
    if guarded.ceiling_ppm is not None:
        box = _below(guarded.ceiling_ppm, exposures, margin, box)
    return box


def _above(threshold_ppm: int, exposures: Sequence[Exposure], margin: AccountMargin, box: list[Bounds]) -> list[Bounds]:
    """Narrow the box so that an account at or above the threshold stays there: G >= 0."""
    distance = margin.equity_quanta * PPM - threshold_ppm * margin.maintenance_margin_quanta
    return _share_out(distance - _rounding(threshold_ppm, exposures), exposures, _losses(threshold_ppm, exposures), box)


def _below(threshold_ppm: int, exposures: Sequence[Exposure], margin: AccountMargin, box: list[Bounds]) -> list[Bounds]:
    """Narrow the box so that an account below the threshold stays there: G <= -1, and some margin is required."""
    if not any(exposure.slope.from_first for exposure in exposures):
        return [_point(exposure.ticks) for exposure in exposures]
    distance = threshold_ppm * margin.maintenance_margin_quanta - margin.equity_quanta * PPM - 1
    gains = [_Cost(up=loss.down, down=loss.up) for loss in _losses(threshold_ppm, exposures)]
    return _share_out(distance - _rounding(threshold_ppm, exposures), exposures, gains, box)


def _losses(threshold_ppm: int, exposures: Sequence[Exposure]) -> list[_Cost]:
    """How much one tick may lower G at most; with up and down exchanged, how much it may raise G at most.

    Where the requirement moves in the account's favour its help is left out; where value and requirement pull
    apart the difference counts only if the requirement can win, which takes a rate above 1e6 / T.
    """
    losses = []
    for quanta_per_tick, _, slope in exposures:
        requirement = ceil_div(threshold_ppm * slope.steepest_ppb, PPB)
        if quanta_per_tick > 0:
            losses.append(_Cost(up=max(0, requirement - PPM) * quanta_per_tick, down=PPM * quanta_per_tick))
        else:
            losses.append(_Cost(up=(PPM + requirement) * -quanta_per_tick, down=0))
    return losses


def _rounding(threshold_ppm: int, exposures: Sequence[Exposure]) -> int:
    """What the ceilings of the requirement may move G by, in any direction, on top of the costs per tick."""
    return threshold_ppm * sum(exposure.slope.rounding_quanta for exposure in exposures)


def _share_out(distance: int, exposures: Sequence[Exposure], costs: Sequence[_Cost], box: list[Bounds]) -> list[Bounds]:
    """Give each position the part of the distance that lets every price move by the same fraction of itself."""
    if distance < 0:
        return [_point(exposure.ticks) for exposure in exposures]
    weights = [max(cost) * exposure.ticks for exposure, cost in zip(exposures, costs, strict=True)]
    total = sum(weights)
    narrowed = []
    for exposure, cost, weight, bounds in zip(exposures, costs, weights, box, strict=True):
        share = distance * weight // total
        lo = exposure.ticks - share // cost.down if cost.down else 0
        hi = exposure.ticks + share // cost.up if cost.up else MAX_PRICE_TICKS
        narrowed.append(Bounds(max(lo, bounds.lo), min(hi, bounds.hi)))
    return narrowed


def _point(ticks: int) -> Bounds:
    return Bounds(ticks, ticks)
