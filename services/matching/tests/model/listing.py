"""Markets: which rules can be traded exactly (R1, R8, R31)."""

from fractions import Fraction
from typing import Final

from cleartide.contracts import ListMarket, MarketListed, MarketSpec

from services.matching.tests.model.numbers import BILLION, MILLION
from services.matching.tests.model.texts import steps_of
from services.matching.tests.model.world import MOST_LOTS, Market, Refusal, World

MOST_UNIT: Final = 10**12
DAY_SECONDS: Final = 86_400


def list_market(world: World, command: ListMarket) -> None:
    """A market opens once. Raises Refusal."""
    spec = command.spec
    if spec.market in world.markets:
        raise Refusal("market_exists")
    tick, lot = Fraction(spec.tick_size), Fraction(spec.lot_size)
    if not tick or not lot:
        raise Refusal("bad_step")
    unit = tick * lot * MILLION
    if unit.denominator != 1:
        raise Refusal("off_grid")
    if unit > MOST_UNIT:
        raise Refusal("overflow")
    require_rules(spec, lot)
    world.changes += 1
    world.markets[spec.market] = Market(spec, tick, lot, int(unit), since=world.at)
    world.say(MarketListed, market=spec.market, spec=spec, quanta_per_lot_tick=int(unit))


def require_rules(spec: MarketSpec, lot: Fraction) -> None:
    """Rates of parts, slices that follow each other to no end, and limits that leave something. Raises Refusal."""
    limits, interval = spec.limits, spec.funding_interval_seconds
    rates = [spec.mark_band_ppb, spec.market_order_band_ppb, spec.taker_fee_ppb, spec.maker_fee_ppb]
    if limits is not None:
        rates += [limits.band_ppb, limits.twap_band_ppb]
    if any(ppb >= BILLION for ppb in rates) or spec.oi_scale_upper_quanta < spec.oi_scale_lower_quanta:
        raise Refusal("bad_spec")
    if interval is not None and (interval % 60 or DAY_SECONDS % interval):
        raise Refusal("bad_spec")
    bounds = [bracket.upper_notional_quanta for bracket in spec.brackets]
    finite = [bound for bound in bounds[:-1] if bound is not None]
    ascending = all(low < high for low, high in zip([0, *finite], finite, strict=False))
    if bounds[-1] is not None or len(finite) != len(bounds) - 1 or not ascending:
        raise Refusal("bad_spec")
    for bracket in spec.brackets:
        for ppb in (bracket.initial_margin_ppb, bracket.maintenance_fraction_ppb):
            if not 0 < ppb <= BILLION:
                raise Refusal("bad_spec")
    if limits is None:
        return
    sizes = (limits.min_order_size, limits.max_order_size, limits.open_interest_cap, limits.position_cap)
    least, most, *_ = [steps_of(size, lot, MOST_LOTS) if size else None for size in sizes]
    if (least or 1) > (most or MOST_LOTS):
        raise Refusal("bad_spec")
