"""Requirements, orders, health and withdrawals (domain rules R8 to R11, 3.11)."""

import pytest
from cleartide.contracts import (
    OrderAccepted,
    OrderClosed,
    OrderRejected,
    TradeExecuted,
    TransferApplied,
    TransferRejected,
)
from cleartide.money import health_factor_text
from cleartide.rules.margin import is_below, is_liquidatable, requirements

from services.matching.domain.margin import no_riskier, standing
from services.matching.tests.rules.bench import brackets, hand_over, mark, millionths, one_quantum, order, pay_in
from services.matching.tests.support import Exchange, of, only

STEPS = brackets((1_000_001, 33_333_333, 333_333_333), (2_000_000, 100_000_001, 500_000_001), (None, 10**9, 10**9))


@pytest.mark.parametrize(
    ("notional", "initial", "maintenance"),
    [
        (0, 0, 0),
        (1, 1, 1),
        (1_000_001, 33_334, 11_112),
        (1_000_002, 33_335, 11_113),
        (1_000_011, 33_336, 11_114),
        (2_000_000, 33_334 + 100_000, 11_112 + 50_001),
        (2_000_001, 33_334 + 100_000 + 1, 11_112 + 50_001 + 1),
        (2_000_100, 33_334 + 100_000 + 100, 11_112 + 50_001 + 100),
    ],
)
def test_every_slice_is_margined_at_its_own_rates_and_rounded_up(notional: int, initial: int, maintenance: int) -> None:
    """RULE-R08-001: the sum over slices, initial first, maintenance of that, each product rounded up."""
    assert requirements(notional, STEPS) == (initial, maintenance)


def test_maintenance_never_exceeds_initial() -> None:
    """RULE-R08-002: also where both round."""
    for notional in (1, 2, 3, 999, 1_000_001, 1_000_003, 2_000_007):
        initial, maintenance = requirements(notional, STEPS)
        assert 0 < maintenance <= initial


def accepts(cash: int, side: str, lots: int, ticks: int, *before: tuple[str, int, int], **more: bool) -> bool:
    """Whether ann, with this cash and these orders resting, may place one more."""
    ex = one_quantum()
    pay_in(ex, "ann", cash)
    for number, resting in enumerate(before):
        assert of(order(ex, "ann", *resting, client_order_id=f"b{number}"), OrderAccepted)
    return bool(of(order(ex, "ann", side, lots, ticks, **more), OrderAccepted))


@pytest.mark.parametrize(
    ("side", "ticks", "post_only", "needed"),
    [
        ("buy", 1_000, False, 10_100 + 46),
        ("buy", 1_010, False, 10_100 + 1_010 + 46),
        ("buy", 990, False, 10_100 + 45),
        ("buy", 1_010, True, 10_100 + 1_010 + 16),
        ("sell", 990, False, 10_100 + 1_010 + 45),
        ("sell", 1_010, False, 10_100 + 46),
    ],
)
def test_an_order_needs_margin_its_fee_and_its_loss_to_the_mark(
    side: str, ticks: int, post_only: bool, needed: int
) -> None:
    """RULE-R09-001: 101 lots at 1,000: a tenth of 101,000, the fee rounded up, and 101 per tick beyond the mark."""
    assert accepts(needed, side, 101, ticks, post_only=post_only)
    assert not accepts(needed - 1, side, 101, ticks, post_only=post_only)


@pytest.mark.parametrize(
    ("resting", "needed"),
    [
        (("buy", 50, 1_000), 15_000 + 45),
        (("sell", 50, 1_001), 10_000 + 45),
        (("buy", 50, 1_002), 15_000 + 100 + 45),
    ],
)
def test_open_orders_count_on_the_worse_side(resting: tuple[str, int, int], needed: int) -> None:
    """RULE-R09-002: |s + buys| or |s - sells|, whichever is more, and what the resting order may lose to the mark.

    A hundred lots join those that rest. A resting order's fee is no longer kept, so the larger one decides.
    """
    assert accepts(needed, "buy", 100, 1_000, resting)
    assert not accepts(needed - 1, "buy", 100, 1_000, resting)


def test_reduce_only_orders_need_nothing_and_count_for_nothing() -> None:
    """RULE-R09-003: short 100, a reduce-only buy of 100 beside, and a sale that just fits."""
    needed = 10_000 + 1_000 + 5
    for cash, fits in ((needed, True), (needed - 1, False)):
        ex = one_quantum()
        pay_in(ex, "ann", cash)
        hand_over(ex, "bob", "ann", 100, 1_000)
        assert of(order(ex, "ann", "buy", 100, 1_000, reduce_only=True), OrderAccepted)
        assert bool(of(order(ex, "ann", "sell", 10, 1_001), OrderAccepted)) is fits


@pytest.mark.parametrize(("lots", "allowed"), [(100, True), (101, False)])
def test_below_margin_an_order_may_close_and_no_more(lots: int, allowed: bool) -> None:
    """RULE-R09-004: with what is open on its side it must not pass the position."""
    ex = one_quantum()
    pay_in(ex, "ann", 5_000)
    hand_over(ex, "ann", "bob", 150, 1_000)
    order(ex, "ann", "sell", 50, 1_002, client_order_id="first")
    events = order(ex, "ann", "sell", lots, 1_001)
    assert bool(of(events, OrderAccepted)) is allowed


@pytest.mark.parametrize(
    ("before", "after", "allowed"),
    [
        ((90, 100), (45, 50), True),
        ((90, 100), (44, 50), False),
        ((90, 100), (90, 100), True),
        ((90, 100), (200, 101), False),
        ((-90, 100), (-45, 50), True),
        ((-90, 100), (-46, 50), False),
        ((0, 0), (1, 0), True),
        ((0, 0), (0, 0), False),
        ((-5, 10), (0, 0), True),
        ((-5, 10), (-1, 0), False),
    ],
)
def test_no_riskier_is_less_requirement_and_no_worse_health(
    before: tuple[int, int], after: tuple[int, int], allowed: bool
) -> None:
    """RULE-R10-001: 3.11 by cross multiplication; equal is allowed, without requirements equity must rise."""
    assert no_riskier(*before, *after) is allowed


@pytest.mark.parametrize(("cash", "trades"), [(10_117, True), (10_116, True), (10_115, False)])
def test_a_maker_is_checked_again_at_its_fill(cash: int, trades: bool) -> None:
    """RULE-R10-002: E >= IM after the fee of 16, rounded up; who has lost that since leaves the book instead."""
    ex = one_quantum()
    pay_in(ex, "ann", 20_000)
    pay_in(ex, "bob", 1_000_000)
    order(ex, "ann", "buy", 101, 1_000)
    ex.withdraw("ann", millionths(20_000 - 10_100 - 17))
    hand_over(ex, "cat", "ann", 1, 1_000)
    hand_over(ex, "ann", "cat", 1, 1_000 + 10_117 - cash)
    assert ex.cash("ann") == cash
    events = order(ex, "bob", "sell", 101, 1_000)
    assert bool(of(events, TradeExecuted)) is trades
    assert [event.reason for event in of(events, OrderClosed)][:1] == ["filled" if trades else "insufficient_margin"]


def test_equity_counts_cash_cost_value_and_funding() -> None:
    """RULE-R10-003: E = cash + Q + V + funding not yet paid, to the quantum, over all markets."""
    ex = one_quantum()
    pay_in(ex, "ann", 1_000)
    hand_over(ex, "ann", "bob", 3, 990)
    ex.settle(1_000_000, 1)
    mark(ex, 1_007)
    assert standing(ex.state.accounts["ann"]) == (1_000 - 2_970 + 3_021 - 3, 303, 152)
    assert standing(ex.state.accounts["bob"]) == (2_970 - 3_021 + 3, 303, 152)


@pytest.mark.parametrize(
    ("equity", "maintenance", "text"),
    [(2, 3, "0.666666"), (-2, 3, "-0.666667"), (3, 2, "1.500000"), (1, 0, None), (-1, 0, None)],
)
def test_a_published_health_factor_is_floored(equity: int, maintenance: int, text: str | None) -> None:
    """RULE-R10-004: to a millionth, downwards; none without a requirement."""
    assert health_factor_text(equity, maintenance) == text


def test_due_is_strictly_below_maintenance() -> None:
    """RULE-R10-005: equal is safe, a quantum less is not, and without a requirement nobody is due."""
    assert [is_liquidatable(equity, 50) for equity in (51, 50, 49)] == [False, False, True]
    assert not is_liquidatable(-1, 0)
    assert [is_below(equity, 50, 1_500_000) for equity in (76, 75, 74)] == [False, False, True]
    assert not is_below(-1, 0, 1_500_000)


def free(imf: int, cash: int, mark_now: int = 1_001) -> Exchange:
    """ann holds 101 lots from 1,001."""
    ex = one_quantum(brackets=brackets((None, imf, 500_000_000)))
    mark(ex, 1_001)
    pay_in(ex, "ann", cash)
    hand_over(ex, "ann", "bob", 101, 1_001)
    mark(ex, mark_now)
    return ex


@pytest.mark.parametrize(
    ("imf", "mark_now", "most"),
    [
        (50_000_000, 1_001, 20_000 - 10_111),
        (190_000_000, 1_001, 20_000 - 19_210),
        (150_000_001, 1_001, 20_000 - 15_166),
        (50_000_000, 1_000, 20_000 - 101 - 10_100),
        (50_000_000, 1_200, 20_000),
    ],
)
def test_what_may_leave_is_cash_above_the_larger_of_margin_and_a_tenth(imf: int, mark_now: int, most: int) -> None:
    """RULE-R11-001: min(cash, E - max(IM, a tenth of all notional rounded up)): all of it, and not a quantum more."""
    ex = free(imf, 20_000, mark_now)
    assert only(ex.withdraw("ann", millionths(most + 1)), TransferRejected).reason == "exceeds_withdrawable"
    assert only(ex.withdraw("ann", millionths(most)), TransferApplied).amount_quanta == -most


def test_open_orders_keep_their_margin_and_their_loss() -> None:
    """RULE-R11-002: a bid for 101 at 1,003 keeps 10,100 and 303."""
    ex = one_quantum()
    pay_in(ex, "ann", 20_000)
    order(ex, "ann", "buy", 101, 1_003)
    assert of(ex.withdraw("ann", millionths(20_000 - 10_100 - 303 + 1)), TransferRejected)
    assert of(ex.withdraw("ann", millionths(20_000 - 10_100 - 303)), TransferApplied)


def test_rejected_orders_say_why() -> None:
    """RULE-R09-005"""
    ex = one_quantum()
    pay_in(ex, "ann", 10)
    assert only(order(ex, "ann", "buy", 100, 1_000), OrderRejected).reason == "insufficient_margin"
