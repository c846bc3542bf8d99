"""Units, rounding at the ledger's edges, positions and fees (domain rules R1 to R7)."""

from decimal import Decimal

import pytest
from cleartide.contracts import (
    FeeTier,
    MarketListed,
    OrderAccepted,
    OrderRejected,
    PositionChanged,
    SetFeeSchedule,
    SetReferrer,
    TradeExecuted,
)
from cleartide.fold import Reject
from cleartide.money import Grid, MoneyError, quanta_from_text
from cleartide.rules.fees import maker_fee

from services.matching.domain.errors import InvariantBroken
from services.matching.domain.verify import verify
from services.matching.queries import _position
from services.matching.tests.rules.bench import hand_over, mark, one_quantum, order, pay_in
from services.matching.tests.support import HOUR, MARKET, Exchange, of, only


@pytest.mark.parametrize(("tick", "lot", "unit"), [("0.001", "0.001", 1), ("0.1", "0.001", 100), ("0.5", "2", 10**6)])
def test_a_lot_at_a_tick_is_worth_u_quanta(tick: str, lot: str, unit: int) -> None:
    """RULE-R01-001: the quantum is 1e-6 quote, and a notional is lots * ticks * u without rounding."""
    ex = Exchange(listed=False)
    assert only(ex.list(tick_size=tick, lot_size=lot), MarketListed).quanta_per_lot_tick == unit
    size, price = format(7 * Decimal(lot), "f"), format(11 * Decimal(tick), "f")
    assert only(ex.report(price, size, buyer="ann"), TradeExecuted).quote_quanta == 77 * unit
    assert ex.quote("ann") == -77 * unit


@pytest.mark.parametrize(("tick", "lot"), [("0.0005", "0.001"), ("0.0015", "0.001"), ("0", "1")])
def test_a_lot_at_a_tick_must_be_whole_quanta(tick: str, lot: str) -> None:
    """RULE-R01-002: half a quantum, one and a half, or none at all is no market."""
    with pytest.raises(Reject, match=r"off_grid|bad_step"):
        Exchange(listed=False).list(tick_size=tick, lot_size=lot)


@pytest.mark.parametrize(
    ("text", "reason"), [("0.0015", "off_grid"), ("0", "not_positive"), ("1099511627.776", "overflow")]
)
def test_prices_and_sizes_are_whole_steps_in_range(text: str, reason: str) -> None:
    """RULE-R01-003: half a step, no step, and one step beyond 2**40 - 1 are refused; nothing is rounded."""
    ex = one_quantum()
    pay_in(ex, "ann", 1)
    assert only(ex.place("ann", "buy", "0.001", text), OrderRejected).reason == reason
    assert only(ex.place("ann", "buy", text, "1"), OrderRejected).reason == reason
    assert only(ex.place("ann", "buy", "0.001", "1099511627.775"), OrderRejected).reason != reason


def test_money_is_whole_quanta_below_two_to_the_53() -> None:
    """RULE-R01-004: a tenth of a quantum is refused, and so is a quantum too many."""
    assert quanta_from_text("0.000001") == 1
    assert quanta_from_text("9007199254.740991") == 2**53 - 1
    for text, reason in (("0.0000001", "off_grid"), ("9007199254.740992", "overflow")):
        with pytest.raises(MoneyError, match=reason):
            quanta_from_text(text)


def test_rates_are_parts_per_billion() -> None:
    """RULE-R02-001: at 1,000 ticks a millionth is a thousandth of a quantum per lot: nothing until the 1,000th time."""
    ex = one_quantum()
    steps = [ex.settle(1_000, hour) and ex.state.markets[MARKET].funding.index for hour in range(1_000)]
    assert steps[-2:] == [0, 1]
    assert ex.state.markets[MARKET].funding.carry == 0


def test_the_funding_index_is_exact_in_both_directions() -> None:
    """RULE-R02-002: what is less than a quantum per lot is carried, floored; there and back ends where it began."""
    ex = one_quantum()
    funding = ex.state.markets[MARKET].funding
    seen = []
    for hour, rate in enumerate((999_999, 1, -1, -1_999_999, 2_000_000)):
        ex.settle(rate, hour)
        seen.append((funding.index, funding.carry))
    assert seen == [(0, 999_999_000), (1, 0), (0, 999_999_000), (-1, 0), (1, 0)]


def test_debits_are_rounded_up_and_the_venue_gets_the_rest() -> None:
    """RULE-R03-001: 1 lot at 1 tick costs each side a whole quantum of fee; every command's legs sum to zero."""
    ex = one_quantum(taker_fee_ppb=1, maker_fee_ppb=1)
    pay_in(ex, "ann", 10_000)
    pay_in(ex, "bob", 10_000)
    order(ex, "ann", "buy", 1, 1_000)
    order(ex, "bob", "sell", 1, 1_000)
    assert (ex.cash("ann"), ex.cash("bob"), ex.balance("fees")) == (9_999, 9_999, 2)
    ex.commit()
    sums: dict[int, int] = {}
    for leg in ex.rows("ledger_entries"):
        sums[leg["transaction_id"]] = sums.get(leg["transaction_id"], 0) + leg["amount_quanta"]
    assert set(sums.values()) == {0}


def test_a_position_is_its_lots_and_what_they_cost() -> None:
    """RULE-R04-001: Q is the sum of all signed flows, fees left out."""
    ex = one_quantum()
    pay_in(ex, "ann", 10_000)
    pay_in(ex, "bob", 10_000)
    for ticks in (999, 1_000, 1_000):
        order(ex, "bob", "sell", 1, ticks)
        order(ex, "ann", "buy", 1, ticks)
    assert (ex.lots("ann"), ex.quote("ann")) == (3, -2_999)
    assert (ex.lots("bob"), ex.quote("bob")) == (-3, 2_999)


@pytest.mark.parametrize(("lots", "quote", "shown"), [(2, -5, "0.000003"), (-2, 5, "0.000003"), (3, -4, "0.000001")])
def test_entry_is_derived_and_rounded_half_away_from_zero_for_display(lots: int, quote: int, shown: str) -> None:
    """RULE-R04-002: two and a half quanta are shown as three, for longs and shorts."""
    row = {"market": MARKET, "lots": lots, "quote": quote, "mark_ticks": 0, "unsettled": 0}
    assert _position(row, Grid.of("0.000001", "1"))["entry_price"] == shown


@pytest.mark.parametrize(("side", "profit", "left"), [(1, 3, -16), (-1, -3, 16)])
def test_reducing_releases_a_truncated_share_of_the_cost(side: int, profit: int, left: int) -> None:
    """RULE-R05-001: of 23 paid for three lots, 7 leave with one, on either side."""
    ex = one_quantum()
    trader, other = ("ann", "bob")
    for ticks in (7, 8, 8):
        hand_over(ex, *((trader, other) if side > 0 else (other, trader)), 1, ticks)
    events = hand_over(ex, *((other, trader) if side > 0 else (trader, other)), 1, 10)
    changed = {event.account: event for event in of(events, PositionChanged)}[trader]
    assert (changed.realized_pnl_quanta, changed.quote_quanta, ex.cash(trader)) == (profit, left, profit)


def test_a_flip_closes_all_and_opens_the_rest_at_the_fill() -> None:
    """RULE-R05-002: three lots that cost 23 are sold for 30, and two more for 20."""
    ex = one_quantum()
    for ticks in (7, 8, 8):
        hand_over(ex, "ann", "bob", 1, ticks)
    hand_over(ex, "cat", "ann", 5, 10)
    assert (ex.lots("ann"), ex.quote("ann"), ex.cash("ann")) == (-2, 20, 7)
    hand_over(ex, "ann", "cat", 2, 10)
    assert (ex.lots("ann"), ex.quote("ann"), ex.cash("ann")) == (0, 0, 7)


@pytest.mark.parametrize(("lots", "taker", "maker"), [(100, 45, 15), (101, 46, 16), (1, 1, 1)])
def test_fees_of_both_sides_are_rounded_up(lots: int, taker: int, maker: int) -> None:
    """RULE-R06-001: 0.045 % and 0.015 % of 1,000 quanta a lot: exact stays exact, a fraction is a quantum."""
    ex = one_quantum()
    pay_in(ex, "ann", 100_000)
    pay_in(ex, "bob", 100_000)
    order(ex, "bob", "sell", lots, 1_000)
    events = order(ex, "ann", "buy", lots, 1_000)
    assert [event.fee_quanta for event in of(events, PositionChanged)] == [taker, maker]
    assert (ex.cash("ann"), ex.cash("bob"), ex.balance("fees")) == (100_000 - taker, 100_000 - maker, taker + maker)
    assert ex.quote("ann") == -1_000 * lots


def rebated(rebate_ppb: int) -> Exchange:
    """ann takes at 0.045 %, and bob is given so much for making: yesterday's volume has reached the upper tier."""
    ex = one_quantum()
    for account in ("ann", "bob", "cat"):
        pay_in(ex, account, 100_000)
    tiers = [
        FeeTier(volume_quanta=0, taker_fee_ppb=450_000, maker_fee_ppb=0),
        FeeTier(volume_quanta=1_000, taker_fee_ppb=450_000, maker_fee_ppb=-rebate_ppb),
    ]
    ex.send(SetFeeSchedule, source="operator", tiers=tuple(tiers))
    order(ex, "bob", "sell", 1, 1_000)
    order(ex, "ann", "buy", 1, 1_000)
    ex.wait(24 * HOUR)
    mark(ex, 1_000)
    return ex


@pytest.mark.parametrize(("lots", "taker", "rebate"), [(100, 45, 15), (101, 46, 15), (106, 48, 15), (107, 49, 16)])
def test_a_rebate_is_rounded_down(lots: int, taker: int, rebate: int) -> None:
    """RULE-R06-002: 0.015 % of 1,000 quanta a lot; the venue keeps the difference."""
    ex = rebated(150_000)
    fees = ex.balance("fees")
    order(ex, "bob", "sell", lots, 1_000)
    assert [event.fee_quanta for event in of(order(ex, "ann", "buy", lots, 1_000), PositionChanged)] == [taker, -rebate]
    assert ex.balance("fees") - fees == taker - rebate


def test_a_rebate_is_at_most_the_takers_fee() -> None:
    """RULE-R06-002: a liquidation at its bankruptcy price pays nothing, so its maker gets nothing."""
    assert maker_fee(100_000, -150_000, 14) == -14
    assert maker_fee(100_000, -150_000, 15) == maker_fee(100_000, -150_000, 16) == -15


@pytest.mark.parametrize(("lots", "fee", "share"), [(100, 41, 10), (109, 45, 11), (119, 49, 12), (118, 48, 12)])
def test_a_referrers_share_is_rounded_down(lots: int, fee: int, share: int) -> None:
    """RULE-R06-003: a tenth less than 0.045 % of 1,000 quanta a lot, rounded up; a quarter of that, rounded down."""
    ex = rebated(0)
    ex.send(SetReferrer, account="ann", referrer="cat")
    fees = ex.balance("fees")
    order(ex, "bob", "sell", lots, 1_000)
    assert [event.fee_quanta for event in of(order(ex, "ann", "buy", lots, 1_000), PositionChanged)] == [fee, 0]
    assert (ex.balance("referral:cat"), ex.balance("fees") - fees) == (share, fee - share)


@pytest.mark.parametrize("pot", ["cash:ann", f"position:{MARKET}:ann", f"insurance:{MARKET}", "fees", "external"])
@pytest.mark.parametrize("error", [1, -1])
def test_a_single_quantum_too_many_or_missing_is_found(pot: str, error: int) -> None:
    """RULE-R07-001: cash + Q + insurance + fees + funding = net deposits."""
    ex = _traded()
    ex.state.ledger.account(pot).balance += error
    with pytest.raises(InvariantBroken):
        verify(ex.state)


@pytest.mark.parametrize("error", [1, -1])
def test_a_single_lot_too_many_or_missing_is_found(error: int) -> None:
    """RULE-R07-002: positions of a market sum to zero, and the longs are the open interest."""
    ex = _traded()
    ex.state.markets[MARKET].open_interest += error
    with pytest.raises(InvariantBroken):
        verify(ex.state)
    ex = _traded()
    ex.state.accounts["ann"].holdings[MARKET].lots += error
    with pytest.raises(InvariantBroken):
        verify(ex.state)


@pytest.mark.parametrize("error", [1, -1])
def test_a_quantum_of_funding_too_many_or_missing_is_found(error: int) -> None:
    """RULE-R07-003: the funding pot holds exactly what is not yet paid."""
    ex = _traded()
    ex.settle(1_000_000, 1)
    ex.state.markets[MARKET].funding_pot.balance += error
    ex.state.ledger.account("fees").balance -= error
    with pytest.raises(InvariantBroken):
        verify(ex.state)


def _traded() -> Exchange:
    ex = one_quantum()
    pay_in(ex, "ann", 10_000)
    ex.insure("1")
    hand_over(ex, "ann", "bob", 2, 1_000)
    return ex


def test_open_interest_follows_the_long_side() -> None:
    """RULE-R07-004: openers add, closers take away, a flip counts what it opens (1.6)."""
    ex = one_quantum()
    seen = []
    for buyer, seller, lots in (("ann", "bob", 5), ("cat", "ann", 2), ("bob", "cat", 2), ("bob", "ann", 7)):
        hand_over(ex, buyer, seller, lots, 1_000)
        seen.append(ex.state.markets[MARKET].open_interest)
    assert seen == [5, 5, 3, 4]


def test_an_accepted_order_says_its_whole_steps() -> None:
    """RULE-R01-005: one tick and one lot more or less are other numbers."""
    ex = one_quantum()
    pay_in(ex, "ann", 100_000)
    accepted = only(order(ex, "ann", "buy", 101, 999), OrderAccepted)
    assert (accepted.size_lots, accepted.price_ticks) == (101, 999)
