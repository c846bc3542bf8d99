"""Inside its safe box nothing about an account can change, whatever the brackets, however small the numbers."""

from itertools import islice, product

from cleartide.contracts import MarginBracket
from cleartide.money import MAX_PRICE_TICKS
from cleartide.rules.margin import AccountMargin, is_liquidatable, requirements
from hypothesis import given, settings
from hypothesis import strategies as st

from services.risk.domain.fences import Bounds, Fences
from services.risk.domain.levels import Level, guards, next_level
from services.risk.domain.safe_box import Exposure, safe_box, slope_of

TOP_TICKS = 60
MOST_POINTS = 4_000

rates = st.sampled_from((0, 1, 7_000_000, 50_000_000, 300_000_000, 900_000_000, 1_000_000_000, 3_000_000_000))
fractions = st.sampled_from((1, 300_000_000, 500_000_000, 999_999_999, 1_000_000_000, 2_000_000_000))


@st.composite
def bracket_lists(draw: st.DrawFn) -> tuple[MarginBracket, ...]:
    uppers = sorted(draw(st.sets(st.integers(1, 150), max_size=3)))
    return tuple(
        MarginBracket(
            upper_notional_quanta=upper, initial_margin_ppb=draw(rates), maintenance_fraction_ppb=draw(fractions)
        )
        for upper in [*uppers, None]
    )


positions = st.lists(
    st.tuples(
        st.integers(-4, 4).filter(bool),
        st.integers(1, TOP_TICKS // 2),
        bracket_lists(),
    ),
    min_size=1,
    max_size=2,
)


def margin_at(
    cash: int, held: list[tuple[int, int, tuple[MarginBracket, ...]]], prices: tuple[int, ...]
) -> AccountMargin:
    values = [per_tick * ticks for (per_tick, _, _), ticks in zip(held, prices, strict=True)]
    required = sum(requirements(abs(v), brackets)[1] for v, (_, _, brackets) in zip(values, held, strict=True))
    return AccountMargin(cash + sum(values), 0, required)


@settings(max_examples=400, deadline=None)
@given(held=positions, cash=st.integers(-250, 250), current=st.sampled_from(Level))
def test_nothing_changes_inside_the_box(
    held: list[tuple[int, int, tuple[MarginBracket, ...]]], cash: int, current: Level
) -> None:
    """RISK-BOX-003: at every price of the box the level is the same, and so is being below maintenance."""
    here = margin_at(cash, held, tuple(ticks for _, ticks, _ in held))
    level = next_level(current, here.equity_quanta, here.maintenance_margin_quanta)
    below = is_liquidatable(here.equity_quanta, here.maintenance_margin_quanta)
    exposures = [Exposure(per_tick, ticks, slope_of(brackets)) for per_tick, ticks, brackets in held]
    box = safe_box(exposures, here, guards(level, below))
    assert all(bounds.lo <= ticks <= bounds.hi for bounds, (_, ticks, _) in zip(box, held, strict=True))
    inside = product(*(range(max(1, bounds.lo), min(bounds.hi, TOP_TICKS) + 1) for bounds in box))
    for prices in islice(inside, MOST_POINTS):
        there = margin_at(cash, held, prices)
        assert next_level(level, there.equity_quanta, there.maintenance_margin_quanta) is level
        if level is not Level.LIQUIDATABLE or not below:
            assert not is_liquidatable(there.equity_quanta, there.maintenance_margin_quanta)


def test_a_long_is_bounded_below_and_a_short_above() -> None:
    """RISK-BOX-004: a healthy account has one bound per position, on the side that hurts, and uses its slack."""
    slope = slope_of(
        [MarginBracket(upper_notional_quanta=None, initial_margin_ppb=10**8, maintenance_fraction_ppb=5 * 10**8)]
    )
    long, short = Exposure(1_000, 100_000, slope), Exposure(-1_000, 100_000, slope)
    margin = AccountMargin(20_000_000, 10_000_000, 5_000_000)
    assert safe_box([long], margin, guards(Level.NONE, False)) == [Bounds(87_501, MAX_PRICE_TICKS)]
    assert safe_box([short], margin, guards(Level.NONE, False)) == [Bounds(0, 111_627)]
    both = safe_box([long, short], margin, guards(Level.NONE, False))
    assert both[0].lo > 93_000
    assert both[1].hi < 107_000


class Holder:
    def __init__(self) -> None:
        self.box = 0


def test_a_tick_takes_out_only_whose_bound_it_left() -> None:
    """RISK-BOX-005: a price on the bound is inside; beyond it the holder is given once."""
    fences: Fences[Holder] = Fences()
    near, far = Holder(), Holder()
    near.box, far.box = 1, 2
    fences.place(near, Bounds(95, 105), 2)
    fences.place(far, Bounds(90, 110), 2)
    assert list(fences.crossed(105)) == []
    assert list(fences.crossed(95)) == []
    assert list(fences.crossed(106)) == [near]
    assert list(fences.crossed(106)) == []
    assert list(fences.crossed(1)) == [near, far]


def test_garbage_is_bounded() -> None:
    """RISK-BOX-006: placing boxes again and again does not grow the fences."""
    fences: Fences[Holder] = Fences()
    holders = [Holder() for _ in range(10)]
    for number in range(5_000):
        holder = holders[number % 10]
        holder.box = number
        fences.place(holder, Bounds(1, 100 + number), 10)
        assert len(fences) <= 2 * (2 * 10 + 64)
