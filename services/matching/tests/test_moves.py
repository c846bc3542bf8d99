"""Transfers within a family, and between accounts and the venue's pools: ordinary ledger moves, bounded by R11."""

import pytest
from cleartide.contracts import CollateralChanged, GrantDelegate, OrderAccepted, PoolChanged, TransferApplied
from cleartide.fold import Reject

from services.matching.tests.bank import Bank, refused
from services.matching.tests.support import QUOTE, Exchange, of, only


def family() -> Bank:
    """ann with 1000 and a BTC, her sub-account, and somebody else."""
    ex = Bank()
    ex.deposit("ann", "1000")
    ex.bring("ann", "BTC", "1")
    ex.open("ann", "grid")
    ex.deposit("bob", "100000")
    return ex


def test_acc_mov_001_cash_moves_within_a_family_and_both_sides_hear_of_it() -> None:
    """ACC-MOV-001: two events, one transaction, nothing leaves the venue."""
    ex = family()
    outside = ex.balance_of("external")
    source, target = of(ex.move("ann", "ann--grid", "USDC", "300.5"), TransferApplied)
    assert (source.account, source.amount_quanta, source.cash_quanta) == ("ann", -300_500_000, 699_500_000)
    assert (target.account, target.amount_quanta, target.cash_quanta) == ("ann--grid", 300_500_000, 300_500_000)
    assert {source.kind, target.kind} == {"transfer"}
    assert (source.counterparty, target.counterparty) == ("ann--grid", "ann")
    assert ex.balance_of("external") == outside
    assert len(of(ex.move("ann--grid", "ann", "USDC", "300.5"), TransferApplied)) == 2


def test_acc_mov_002_so_does_every_other_asset() -> None:
    """ACC-MOV-002: what it is worth goes with it."""
    ex = family()
    source, target = of(ex.move("ann", "ann--grid", "BTC", "0.25"), CollateralChanged)
    assert (source.balance_units, target.balance_units) == (75_000_000, 25_000_000)
    assert of(ex.place("ann--grid", "buy", "2", "1000"), OrderAccepted)
    assert ex.move("ann", "ann--grid", "BTC", "0.75")
    assert not ex.state.accounts["ann"].collateral


def test_acc_mov_003_the_source_keeps_what_r11_asks_for() -> None:
    """ACC-MOV-003: an open position holds its margin back, in cash and in kind."""
    ex = family()
    ex.place("bob", "sell", "12", "1000")
    ex.place("ann", "buy", "12", "1000")
    assert refused(ex.move("ann", "ann--grid", "USDC", "600.000001")) == "exceeds_withdrawable"
    assert of(ex.move("ann", "ann--grid", "USDC", "600"), TransferApplied)
    assert refused(ex.move("ann", "ann--grid", "BTC", "0.00000001")) == "exceeds_withdrawable"


def test_acc_mov_004_strangers_do_not_receive() -> None:
    """ACC-MOV-004: a transfer stays in the family; a withdrawal is the way out."""
    ex = family()
    ex.open("bob", "grid")
    assert refused(ex.move("ann", "bob", "USDC", "1")) == "not_related"
    assert refused(ex.move("ann", "bob--grid", "USDC", "1")) == "not_related"
    assert refused(ex.move("ann", "ann", "USDC", "1")) == "same_account"
    assert refused(ex.move("ann", "nobody", "USDC", "1")) == "unknown_account"
    assert refused(ex.move("ann", "insurance", "USDC", "1")) == "reserved_account"
    assert refused(ex.move("ann", "ann--grid", "DOGE", "1")) == "unknown_asset"


def test_acc_mov_005_a_delegate_needs_the_right_to_transfer() -> None:
    """ACC-MOV-005: it is not given by default, and pools count as transfers."""
    ex = family()
    ex.fund("rewards", "USDC", "1")
    ex.send(GrantDelegate, account="ann", delegate="dora")
    assert refused(ex.move("ann", "ann--grid", "USDC", "1", actor="dora")) == "not_permitted"
    assert refused(ex.give("ann", "rewards", "USDC", "1", actor="dora")) == "not_permitted"
    ex.send(GrantDelegate, account="ann", delegate="dora", transfer=True)
    assert of(ex.move("ann", "ann--grid", "USDC", "1", actor="dora"), TransferApplied)


def test_acc_mov_006_accounts_pay_into_pools_that_the_venue_opened() -> None:
    """ACC-MOV-006: the pool hears of it too."""
    ex = family()
    assert refused(ex.give("ann", "rewards", "USDC", "5")) == "unknown_pool"
    ex.fund("rewards", "USDC", "1")
    events = ex.give("ann", "rewards", "USDC", "5")
    assert only(events, TransferApplied).counterparty == "rewards"
    pool = only(events, PoolChanged)
    assert (pool.amount_units, pool.balance_units, pool.counterparty) == (5 * QUOTE, 6 * QUOTE, "ann")
    assert only(ex.give("ann", "rewards", "BTC", "0.1"), CollateralChanged).balance_units == 90_000_000
    assert refused(ex.give("ann", "rewards", "USDC", "995.000001")) == "exceeds_withdrawable"


def test_acc_mov_007_pools_pay_out_no_more_than_they_have() -> None:
    """ACC-MOV-007: to accounts that exist, and to the outside."""
    ex = family()
    ex.fund("rewards", "USDC", "10")
    assert only(ex.pay("rewards", "ann", "USDC", "4"), TransferApplied).cash_quanta == 1_004 * QUOTE
    with pytest.raises(Reject, match="exceeds_pool"):
        ex.pay("rewards", "ann", "USDC", "6.000001")
    with pytest.raises(Reject, match="exceeds_pool"):
        ex.drain("rewards", "USDC", "7")
    with pytest.raises(Reject, match="exceeds_pool"):
        ex.pay("rewards", "ann", "BTC", "1")
    with pytest.raises(Reject, match="unknown_account"):
        ex.pay("rewards", "nobody", "USDC", "1")
    with pytest.raises(Reject, match="unknown_pool"):
        ex.drain("nothing", "USDC", "1")
    assert only(ex.drain("rewards", "USDC", "6"), PoolChanged).balance_units == 0


def test_acc_mov_008_balances_stay_within_their_bounds() -> None:
    """ACC-MOV-008: also where money comes from a pool or from the family."""
    ex = family()
    ex.fund("rewards", "USDC", "4500000000")
    with pytest.raises(Reject, match="balance_cap"):
        ex.fund("rewards", "USDC", "5000000")
    ex.pay("rewards", "ann", "USDC", "4500000000")
    ex.deposit("ann--grid", "4000000")
    assert refused(ex.move("ann", "ann--grid", "USDC", "4500000000")) == "balance_cap"


def test_acc_mov_009_deposits_and_withdrawals_say_what_they_are() -> None:
    """ACC-MOV-009: readers tell flows from transfers by `kind`."""
    ex = Exchange()
    assert only(ex.deposit("ann", "5"), TransferApplied).kind == "deposit"
    assert only(ex.withdraw("ann", "5"), TransferApplied).kind == "withdrawal"
