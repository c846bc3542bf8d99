"""Which orders a price fires, and in which order: by example, and against a list that is searched for each price."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, NamedTuple

import pytest
from cleartide.money import PPB
from hypothesis import given, settings
from hypothesis import strategies as st

from services.matching.domain.conditional.heap import Heap
from services.matching.domain.conditional.trailing import Distance, Trail
from services.matching.domain.conditional.triggers import FALLING, RISING, Due, TriggerBook, direction

BUY, SELL = 1, -1
PERCENT: Final = PPB // 100


def fired(book: TriggerBook, *prices: int) -> list[int]:
    """The numbers of the orders that these prices fire, in order."""
    return [due.number for price in prices for due in book.take(price)]


@pytest.mark.parametrize(
    ("side", "takes_profit", "before", "at"),
    [(BUY, False, 99, 100), (SELL, False, 101, 100), (BUY, True, 101, 100), (SELL, True, 99, 100)],
)
def test_match_trg_001_relations_are_inclusive(side: int, takes_profit: bool, before: int, at: int) -> None:
    """MATCH-TRG-001: nothing one tick before the trigger, everything at it."""
    book = TriggerBook()
    book.arm(1, direction(side, takes_profit), 100)
    assert book.take(before) == []
    assert book.take(at) == [Due(1, 100, None)]
    assert book.take(at) == []


@pytest.mark.parametrize(("way", "beyond"), [(RISING, 150), (FALLING, 50)])
def test_match_trg_002_a_gap_fires_what_it_jumped_over_in_the_order_of_the_way(way: int, beyond: int) -> None:
    """MATCH-TRG-002: nearest trigger first; at one trigger the order armed first."""
    book = TriggerBook()
    for number, away in ((1, 30), (2, 10), (3, 30), (4, 20), (5, 60)):
        book.arm(number, way, 100 + way * away)
    assert fired(book, beyond) == [2, 4, 1, 3]
    assert len(book) == 1


def test_match_trg_003_falling_orders_come_before_rising_ones_when_both_have_waited() -> None:
    """MATCH-TRG-003: after a time without prices both may be due at once."""
    book = TriggerBook()
    book.arm(1, RISING, 90)
    book.arm(2, FALLING, 110)
    book.arm(3, FALLING, 120)
    assert fired(book, 100) == [3, 2, 1]


def test_match_trg_004_an_order_that_was_disarmed_or_moved_fires_by_what_it_waits_for_now() -> None:
    """MATCH-TRG-004"""
    book = TriggerBook()
    for number in (1, 2, 3):
        book.arm(number, RISING, 110)
    book.disarm(1, RISING)
    book.arm(2, RISING, 130)
    assert fired(book, 120) == [3]
    assert fired(book, 130) == [2]


def test_match_trg_005_a_sell_trails_the_highest_price_by_an_amount() -> None:
    """MATCH-TRG-005: 5 behind 120 is 115; 116 is not enough, 115 is."""
    book = TriggerBook()
    book.high.arm(1, Distance(5, 0), 100)
    assert fired(book, 96, 120, 116) == []
    assert book.take(115) == [Due(1, 115, 120)]


def test_match_trg_006_a_buy_trails_the_lowest_price_by_an_amount() -> None:
    """MATCH-TRG-006"""
    book = TriggerBook()
    book.low.arm(1, Distance(5, 0), 100)
    assert fired(book, 104, 80, 84) == []
    assert book.take(90) == [Due(1, 85, 80)]


@pytest.mark.parametrize(
    ("side", "rate", "extreme", "not_yet", "then"),
    [
        (SELL, 2 * PERCENT, 1_000, 981, 980),
        (SELL, 2 * PERCENT, 999, 980, 979),
        (SELL, 1, 1_000_000, 1_000_000, 999_999),
        (BUY, 2 * PERCENT, 1_000, 1_019, 1_020),
        (BUY, 2 * PERCENT, 999, 1_018, 1_019),
        (BUY, 1, 1_000_000, 1_000_000, 1_000_001),
    ],
)
def test_match_trg_007_a_rate_is_compared_exactly(side: int, rate: int, extreme: int, not_yet: int, then: int) -> None:
    """MATCH-TRG-007: 999 * 0.98 = 979.02 is not reached by 980; the extreme itself never fires."""
    book = TriggerBook()
    book.trail(side).arm(1, Distance(0, rate), extreme)
    assert fired(book, extreme, not_yet) == []
    assert book.take(then) == [Due(1, then, extreme)]


def test_match_trg_008_a_slow_fall_reaches_a_trailing_stop() -> None:
    """MATCH-TRG-008: the distance never wears off: 2 % behind 10,000 is 9,800 after any number of prices on the way."""
    book = TriggerBook()
    book.high.arm(1, Distance(0, 2 * PERCENT), 10_000)
    assert fired(book, *range(9_999, 9_800, -1)) == []
    assert book.take(9_800) == [Due(1, 9_800, 10_000)]


def test_match_trg_009_only_prices_since_arming_count() -> None:
    """MATCH-TRG-009: three orders, each with the best price that it has itself seen."""
    trail = Trail(SELL)
    for number, price in ((1, 120), (2, 110), (3, 100)):
        trail.arm(number, Distance(15, 0), price)
    assert [trail.extreme_of(number) for number in (1, 2, 3)] == [120, 110, 100]
    trail.take(112)
    assert [trail.extreme_of(number) for number in (1, 2, 3)] == [120, 112, 112]
    assert [due.number for due in trail.take(105)] == [1]
    assert sorted(due.number for due in trail.take(97)) == [2, 3]
    assert len(trail) == 0


def test_match_trg_010_without_a_price_the_first_one_seen_is_the_extreme() -> None:
    """MATCH-TRG-010"""
    book = TriggerBook()
    book.high.arm(1, Distance(5, 0), None)
    assert book.high.extreme_of(1) is None
    assert fired(book, 100, 96) == []
    assert book.take(95) == [Due(1, 95, 100)]


def test_match_trg_011_another_distance_keeps_the_extreme() -> None:
    """MATCH-TRG-011: from an amount to a rate, alone in its run and beside others."""
    trail = Trail(SELL)
    trail.arm(1, Distance(50, 0), 1_000)
    trail.take(970)
    trail.arm(2, Distance(50, 0), 970)
    trail.change(1, Distance(50, 0), Distance(0, 4 * PERCENT))
    trail.change(2, Distance(50, 0), Distance(20, 0))
    assert trail.take(960) == [Due(1, 960, 1_000)]
    assert trail.take(950) == [Due(2, 950, 970)]


def test_match_trg_012_a_new_extreme_touches_runs_and_not_orders() -> None:
    """MATCH-TRG-012: 10,000 trailing orders, 1,000 new extremes: each writes one row and looks at one run."""
    trail = Trail(SELL)
    for number in range(1, 10_001):
        trail.arm(number, Distance(500 + number % 977, 0), 10_000)
    trail.moved.clear()
    for price in range(10_001, 11_001):
        assert trail.take(price) == []
        assert trail.moved == {1}
        trail.moved.clear()


class Order(NamedTuple):
    """What the naive model knows of an order; `amount` and `rate` are 0 for one that does not trail."""

    number: int
    side: int
    takes_profit: bool
    trigger: int
    amount: int
    rate: int


@dataclass
class Waiting:
    """An order in the naive model's list, with the best price that it has seen."""

    order: Order
    extreme: int | None


class NaiveBook:
    """A list of orders; each price is compared with every one of them, in fractions."""

    def __init__(self) -> None:
        self.waiting: list[Waiting] = []

    def take(self, price: int) -> list[int]:
        """The numbers that fire, in order."""
        due = []
        for entry in self.waiting:
            trigger = self._trigger(entry, price)
            way = direction(entry.order.side, entry.order.takes_profit)
            if way * (price - trigger) >= 0:
                due.append((way, way * trigger, entry.order.number))
        numbers = [number for _, _, number in sorted(due)]
        self.waiting = [entry for entry in self.waiting if entry.order.number not in numbers]
        return numbers

    @staticmethod
    def _trigger(entry: Waiting, price: int) -> int:
        order = entry.order
        if not order.amount and not order.rate:
            return order.trigger
        better = min if order.side == BUY else max
        entry.extreme = price if entry.extreme is None else better(entry.extreme, price)
        if order.amount:
            return entry.extreme + order.side * order.amount
        exact = entry.extreme * (1 + order.side * Fraction(order.rate, PPB))
        return -(-exact // 1) if order.side == BUY else exact // 1


Action = tuple[str, int, bool, int, int]
_ACTIONS: Final = st.lists(
    st.tuples(
        st.sampled_from(["price", "price", "price", "stop", "amount", "rate", "late", "disarm", "move", "distance"]),
        st.sampled_from([BUY, SELL]),
        st.booleans(),
        st.integers(1, 60),
        st.integers(1, 40),
    ),
    max_size=80,
)


class Both:
    """The same orders in the trigger book and in the naive one."""

    def __init__(self) -> None:
        self.book, self.naive = TriggerBook(), NaiveBook()
        self.number, self.price = 0, 30

    def do(self, action: str, side: int, takes_profit: bool, level: int, size: int) -> None:
        """One action on both; every price must fire the same orders in the same order."""
        if action == "price":
            self.price = level
            assert [due.number for due in self.book.take(level)] == self.naive.take(level)
        elif action in ("disarm", "move", "distance"):
            self._change(action, level, size)
        elif action == "stop":
            self._add(Order(self.number + 1, side, takes_profit, level, 0, 0), None)
        else:
            price = None if action == "late" else self.price
            rate = size * PERCENT if action == "rate" else 0
            self._add(Order(self.number + 1, side, False, 0, 0 if rate else size, rate), price)

    def _add(self, order: Order, price: int | None) -> None:
        self.number = order.number
        if order.trigger:
            self.book.arm(order.number, direction(order.side, order.takes_profit), order.trigger)
        else:
            self.book.trail(order.side).arm(order.number, Distance(order.amount, order.rate), price)
            if price is not None:
                self._seen(order.side, price)
        self.naive.waiting.append(Waiting(order, price))

    def _seen(self, side: int, price: int) -> None:
        """Arming at a price shows it to the trailing orders of the side that have seen none or worse ones."""
        better = min if side == BUY else max
        for entry in self.naive.waiting:
            if entry.order.side == side:
                entry.extreme = price if entry.extreme is None else better(entry.extreme, price)

    def _change(self, action: str, level: int, size: int) -> None:
        if not self.naive.waiting:
            return
        entry = self.naive.waiting[level % len(self.naive.waiting)]
        order = entry.order
        way, trails = direction(order.side, order.takes_profit), not order.trigger
        old = Distance(order.amount, order.rate)
        if action == "disarm":
            self.naive.waiting.remove(entry)
            if trails:
                self.book.trail(order.side).disarm(order.number, old)
            else:
                self.book.disarm(order.number, way)
        elif trails:
            entry.order = order._replace(amount=size if level % 2 else 0, rate=0 if level % 2 else size * PERCENT)
            self.book.trail(order.side).change(order.number, old, Distance(entry.order.amount, entry.order.rate))
        else:
            entry.order = order._replace(trigger=level)
            self.book.arm(order.number, way, level)


@settings(max_examples=300, deadline=None)
@given(_ACTIONS)
def test_match_trg_013_a_price_fires_what_a_search_of_the_whole_list_finds(actions: Sequence[Action]) -> None:
    """MATCH-TRG-013: stops, take-profits and trailing stops, armed, moved and disarmed between prices."""
    both = Both()
    for action in actions:
        both.do(*action)
    assert len(both.book) == len(both.naive.waiting)


@settings(max_examples=100, deadline=None)
@given(_ACTIONS, st.integers(0, 80))
def test_match_trg_014_runs_and_orders_that_are_put_back_fire_as_before(actions: Sequence[Action], cut: int) -> None:
    """MATCH-TRG-014: what is kept of a trail is one extreme per run; the orders find their run by their number."""
    both, rows = Both(), {SELL: dict[int, int | None](), BUY: dict[int, int | None]()}
    for number, action in enumerate(actions):
        both.do(*action)
        for side, kept in rows.items():
            keep(both.book.trail(side), kept)
        if number == cut:
            both.book = restored(both.naive, rows)
    assert len(both.book) == len(both.naive.waiting)


def keep(trail: Trail, kept: dict[int, int | None]) -> None:
    """What a table would hold after this step."""
    for start in sorted(trail.moved):
        if trail.has_run(start):
            kept[start] = trail.extreme_of(start)
        else:
            del kept[start]
    trail.moved.clear()


def restored(naive: NaiveBook, rows: dict[int, dict[int, int | None]]) -> TriggerBook:
    """A book from the runs that were kept and the orders."""
    book = TriggerBook()
    for side, kept in rows.items():
        for start, extreme in sorted(kept.items()):
            book.trail(side).restore_run(start, extreme)
    for order in (entry.order for entry in naive.waiting):
        if order.trigger:
            book.arm(order.number, direction(order.side, order.takes_profit), order.trigger)
        else:
            book.trail(order.side).restore(order.number, Distance(order.amount, order.rate))
    return book


@given(st.lists(st.tuples(st.sampled_from(["put", "remove", "take"]), st.integers(0, 9), st.integers(0, 20))))
def test_match_trg_015_a_heap_is_a_sorted_list(steps: Sequence[tuple[str, int, int]]) -> None:
    """MATCH-TRG-015"""
    heap, naive = Heap(), dict[int, int]()
    for action, number, key in steps:
        if action == "put":
            heap.put(number, key)
            naive[number] = key
        elif action == "take":
            due = sorted((at, one) for one, at in naive.items() if at <= key)
            assert heap.take(key) == due
            naive = {one: at for one, at in naive.items() if at > key}
        elif number in naive:
            heap.remove(number)
            del naive[number]
        assert len(heap) == len(naive) and (number in heap) == (number in naive)
        assert heap.first_key() == min(naive.values(), default=None)
