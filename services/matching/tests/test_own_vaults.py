"""Vaults of the venue: what a holder, a manager and a stranger get, to the quantum."""

import pytest
from cleartide.contracts import (
    OrderRejected,
    TransferApplied,
)
from cleartide.contracts.vaults import (
    VaultExitChanged,
    VaultFundsMoved,
    VaultSharesIssued,
    VaultSharesRedeemed,
    VaultValued,
)
from cleartide.fold import Reject
from cleartide.rules.vaults import YEAR_MICROS

from services.matching.tests.accountant import Accountant
from services.matching.tests.fund_house import STRATEGY, VAULT, FundHouse, kinds, reason
from services.matching.tests.support import QUOTE, SECOND, of, only

DAY = 86_400 * SECOND


def test_ovl_share_001_cash_becomes_shares_and_shares_become_cash() -> None:
    """OVL-SHARE-001: one account's 1,000 in and out again, less the quantum that rounding keeps."""
    ex = FundHouse()
    events = ex.pay("ann", "1000")
    assert kinds(events) == ["TransferApplied", "VaultSharesIssued", "VaultValued"]
    issued, moved = only(events, VaultSharesIssued), only(events, TransferApplied)
    assert (issued.amount_quanta, issued.fee_quanta, issued.shares) == (1_000 * QUOTE, 0, 1_000 * QUOTE * 1_000)
    assert (moved.amount_quanta, moved.kind, moved.counterparty) == (-1_000 * QUOTE, "vault_deposit", VAULT)
    assert ex.balance(f"vault:{VAULT}") == 1_000 * QUOTE
    redeemed = only(ex.leave("ann"), VaultSharesRedeemed)
    assert redeemed.balance_shares == ex.vault.book.shares == 0
    assert redeemed.amount_quanta == 1_000 * QUOTE
    assert ex.cash("ann") == 100_000 * QUOTE


def test_ovl_share_002_gains_and_losses_are_the_holders_by_their_shares() -> None:
    """OVL-SHARE-002: 3,000 and 1,000 at work, 400 gained: 300 and 100; who comes later has no part in it."""
    ex = FundHouse()
    ex.pay("ann", "3000")
    ex.pay("bob", "1000")
    ex.work("4000")
    ex.long("4")
    ex.price("1100")
    late = only(ex.pay("tom", "1000"), VaultSharesIssued)
    assert 3_299_999_999 <= ex.worth("ann") <= 3_300_000_000
    assert 1_099_999_999 <= ex.worth("bob") <= 1_100_000_000
    assert 999_999_999 <= ex.vault.book.value_of(late.shares) <= 1_000_000_000
    ex.price("1000")
    ex.flatten("1000")
    ex.leave("tom")
    assert ex.in_balance()
    assert ex.cash("tom") < 100_000 * QUOTE, "who came at 1,100 leaves with a loss at 1,000"


def test_ovl_share_003_the_first_to_pay_in_cannot_rob_the_second() -> None:
    """OVL-SHARE-003: one quantum in, a gain of 1,000 made for it; the second still gets what is paid."""
    ex = FundHouse()
    ex.pay("mia", "0.000001")
    ex.state.ledger.begin(1, ex.effects.at)
    ex.state.ledger.move("pool", ex.state.accounts["mia"].cash, ex.state.accounts[STRATEGY].cash, 1_000 * QUOTE)
    ex.pay("bob", "1000")
    assert ex.worth("bob") > 998 * QUOTE
    assert ex.worth("mia") < 501 * QUOTE, "half of what was given away is nobody's"


def test_ovl_fee_001_fees_are_of_what_comes_goes_lies_and_gains() -> None:
    """OVL-FEE-001: each is owed to the manager first, and paid from the reserve when the manager harvests."""
    ex = FundHouse(deposit_fee_bps=10, withdraw_fee_bps=20, management_fee_bps=100, performance_fee_bps=2_000)
    assert only(ex.pay("ann", "1000"), VaultSharesIssued).fee_quanta == QUOTE
    assert (ex.vault.book.assets, ex.vault.book.fees) == (999 * QUOTE, QUOTE)
    ex.wait(YEAR_MICROS)
    valued = only(ex.leave("ann", ex.shares("ann") // 2), VaultValued)
    assert valued.management_fee_quanta == 9_990_000
    harvested = ex.harvest()
    assert only(harvested, VaultValued).fees_owed_quanta == 0
    paid = only(harvested, TransferApplied)
    assert (paid.account, paid.kind) == ("mia", "vault_fee")
    assert paid.amount_quanta == QUOTE + 9_990_000 + 989_010
    assert ex.in_balance()


def test_ovl_fee_002_a_performance_fee_is_of_new_highs_alone() -> None:
    """OVL-FEE-002: up, down and up again costs once; a loss never costs anything."""
    ex = FundHouse(performance_fee_bps=2_000)
    ex.pay("ann", "1000")
    ex.work("1000")
    ex.long("1")
    taken = []
    for price in ("900", "1000", "1100", "1000", "1100", "1200"):
        ex.price(price)
        taken.append(only(ex.pay("bob", "0.000001"), VaultValued).performance_fee_quanta)
    assert taken[:2] == [0, 0], "the way back from a loss"
    assert taken[2] == pytest.approx(20 * QUOTE, abs=2)
    assert taken[3:5] == [0, 0]
    assert taken[5] == pytest.approx(20 * QUOTE, abs=20)
    assert ex.in_balance()


def test_ovl_fee_003_asking_often_costs_what_asking_once_does() -> None:
    """OVL-FEE-003: a fee for time does not depend on how often it is reckoned."""
    fees = []
    for steps in (1, 1_000):
        ex = FundHouse(management_fee_bps=200)
        ex.pay("ann", "0.05")
        for _ in range(steps):
            ex.wait(YEAR_MICROS // steps)
            ex.terms(management_fee_bps=200)
        fees.append(ex.vault.book.fees)
    assert fees[0] == 1_000
    assert fees[1] == pytest.approx(990, abs=1), "compounding: what was taken costs no more"


def test_ovl_lock_001_a_deposit_stays_its_time() -> None:
    """OVL-LOCK-001"""
    ex = FundHouse(lock_seconds=86_400)
    ex.pay("ann", "1000")
    ex.wait(DAY - 1)
    assert reason(ex.leave("ann")) == "locked"
    ex.wait(1)
    assert only(ex.leave("ann"), VaultSharesRedeemed).amount_quanta == 1_000 * QUOTE


def test_ovl_cap_001_a_vault_takes_no_more_than_it_says() -> None:
    """OVL-CAP-001"""
    ex = FundHouse(capacity="1500")
    ex.pay("ann", "1000")
    assert reason(ex.pay("bob", "500.000001")) == "over_capacity"
    assert only(ex.pay("bob", "500"), VaultValued).assets_quanta == 1_500 * QUOTE


@pytest.mark.parametrize(("state", "again"), [("paused", True), ("closed", False)])
def test_ovl_state_001_a_manager_stops_what_comes_in_and_never_what_goes_out(state: str, again: bool) -> None:
    """OVL-STATE-001: paused comes back, closed does not."""
    ex = FundHouse()
    ex.pay("ann", "1000")
    ex.stop(state)
    assert reason(ex.pay("bob", "1")) == reason(ex.work("1")) == state
    assert only(ex.leave("ann", 10**6), VaultSharesRedeemed).shares == 10**6
    resumed = ex.stop("active")
    assert (kinds(resumed) == ["VaultStateChanged", "VaultValued"]) is again
    assert again or reason(resumed) == "closed"


def test_ovl_state_002_the_operator_stops_both_ways() -> None:
    """OVL-STATE-002: and what was paused stays paused afterwards."""
    ex = FundHouse()
    ex.pay("ann", "1000")
    ex.stop("paused")
    ex.halt(halted=True)
    assert reason(ex.pay("bob", "1")) == reason(ex.leave("ann")) == "halted"
    with pytest.raises(Reject, match="nothing_changed"):
        ex.halt(halted=True)
    ex.halt(halted=False)
    assert reason(ex.pay("bob", "1")) == "paused"
    assert only(ex.leave("ann"), VaultSharesRedeemed)


def test_ovl_queue_001_who_cannot_be_paid_waits_in_order_and_is_paid_by_itself() -> None:
    """OVL-QUEUE-001: all money is in a position; when it is free, the sequenced clock pays, at the price of then."""
    ex = FundHouse()
    ex.pay("ann", "1000")
    ex.pay("bob", "1000")
    ex.work("2000")
    ex.long("20")
    queued = [only(ex.leave(name, ex.shares(name)), VaultExitChanged) for name in ("ann", "bob")]
    assert [(waiting.exit_id, waiting.status) for waiting in queued] == [(1, "queued"), (2, "queued")]
    ex.restart()
    ex.wait(10 * SECOND)
    assert of(ex.price("1010"), VaultSharesRedeemed) == []
    ex.flatten("1010")
    ex.wait(10 * SECOND)
    paid = of(ex.price("1010"), VaultSharesRedeemed)
    assert [(redeemed.account, redeemed.exit_id) for redeemed in paid] == [("ann", 1), ("bob", 2)]
    assert all(1_099_999_998 <= redeemed.amount_quanta <= 1_100_000_000 for redeemed in paid)
    assert not ex.vault.retry_at
    assert ex.in_balance()


def test_ovl_queue_002_nobody_passes_who_waits_and_who_waits_may_stay() -> None:
    """OVL-QUEUE-002"""
    ex = FundHouse()
    ex.pay("ann", "1000")
    ex.pay("bob", "10")
    ex.work("1000")
    ex.long("10")
    assert only(ex.leave("ann", ex.shares("ann")), VaultExitChanged).status == "queued"
    assert only(ex.leave("bob", 1_000), VaultExitChanged).status == "queued"
    assert reason(ex.leave("ann", 1)) == "not_enough_shares"
    assert reason(ex.stay("bob", 1)) == "unknown_exit"
    events = ex.stay("ann", 1)
    assert only(events, VaultExitChanged).status == "canceled"
    assert only(events, VaultSharesRedeemed).account == "bob"


def test_ovl_queue_003_a_deposit_pays_who_waits() -> None:
    """OVL-QUEUE-003"""
    ex = FundHouse()
    ex.pay("ann", "1000")
    ex.work("1000")
    ex.long("10")
    ex.leave("ann", ex.shares("ann") // 4)
    assert only(ex.pay("bob", "1000"), VaultSharesRedeemed).account == "ann"


def test_ovl_work_001_money_goes_to_work_and_comes_back() -> None:
    """OVL-WORK-001: the reserve keeps what the terms say, and what is in positions stays there."""
    ex = FundHouse(reserve_bps=1_000)
    ex.pay("ann", "1000")
    assert reason(ex.work("900.000001")) == "exceeds_reserve"
    moved = only(ex.work("900"), VaultFundsMoved)
    assert (moved.move, moved.amount_quanta, moved.allocated_quanta) == ("rebalance", 900 * QUOTE, 900 * QUOTE)
    assert (ex.cash(STRATEGY), ex.balance(f"vault:{VAULT}")) == (900 * QUOTE, 100 * QUOTE)
    ex.long("8")
    assert reason(ex.work("-900")) == "exceeds_withdrawable"
    assert only(ex.work("-100"), VaultFundsMoved).allocated_quanta == 800 * QUOTE


def test_ovl_work_002_gains_are_harvested_and_compounded() -> None:
    """OVL-WORK-002: a gain of 100 comes to the reserve, pays the fee, and the rest goes to work again."""
    ex = FundHouse(performance_fee_bps=2_000)
    ex.pay("ann", "1000")
    ex.work("1000")
    ex.long("1")
    ex.price("1100")
    ex.flatten("1100")
    gained = of(ex.harvest(), VaultFundsMoved)
    assert [(move.move, move.amount_quanta) for move in gained] == [("harvest", -100 * QUOTE), ("fee", 20 * QUOTE)]
    assert ex.vault.harvested == 100 * QUOTE
    compounded = only(ex.compound(), VaultFundsMoved)
    assert (compounded.amount_quanta, compounded.allocated_quanta) == (80 * QUOTE, 1_080 * QUOTE)
    assert reason(ex.compound()) == "nothing_to_compound"
    assert reason(ex.harvest()) == "nothing_to_harvest"
    assert ex.in_balance()


def test_ovl_price_001_without_a_fresh_price_nobody_comes_or_goes() -> None:
    """OVL-PRICE-001: nobody knows what a share is worth; without positions prices do not matter."""
    ex = FundHouse()
    ex.pay("ann", "1000")
    ex.price(None)
    assert only(ex.pay("ann", "1000"), VaultSharesIssued)
    ex.price("1000")
    ex.work("1000")
    ex.long("1")
    ex.price(None)
    assert reason(ex.pay("bob", "1")) == reason(ex.leave("ann")) == reason(ex.harvest()) == "stale_price"


def test_ovl_loss_001_a_strategy_that_owes_costs_no_more_than_it_had() -> None:
    """OVL-LOSS-001: the reserve is not lost with it, nothing new goes there, and a worthless vault takes nothing in."""
    ex = FundHouse()
    ex.pay("ann", "1000")
    ex.work("600")
    ex.long("6")
    ex.price("800")
    valued = only(ex.leave("ann", ex.shares("ann") // 2), VaultValued)
    assert valued.assets_quanta + 200 * QUOTE == pytest.approx(400 * QUOTE, abs=2)
    assert reason(ex.work("1")) == "no_equity"
    ex.leave("ann")
    assert only(ex.pay("bob", "1"), VaultSharesIssued), "empty, it begins again"


def test_ovl_right_001_a_manager_trades_and_takes_nothing_out() -> None:
    """OVL-RIGHT-001: nor does anybody else; who is not the manager does not even trade."""
    ex = FundHouse()
    ex.pay("ann", "1000")
    ex.work("1000")
    for actor in ("mia", STRATEGY, None):
        assert of(ex.withdraw(STRATEGY, "1", actor=actor), TransferApplied) == []
    for actor in ("ann", STRATEGY, None):
        assert only(ex.place(STRATEGY, "buy", "1", "900", actor=actor), OrderRejected).reason == "not_permitted"
    for asked in (ex.work("1", "ann"), ex.harvest("ann"), ex.stop("closed", "ann"), ex.terms("ann")):
        assert reason(asked) == "not_permitted"
    assert reason(ex.pay("ann", "1", actor="bob")) == "not_permitted"
    assert of(ex.deposit(STRATEGY, "1"), TransferApplied) == []


def test_ovl_terms_001_no_fee_rises_while_shares_are_out() -> None:
    """OVL-TERMS-001"""
    ex = FundHouse(performance_fee_bps=1_000)
    assert kinds(ex.terms(performance_fee_bps=2_000)) == ["VaultTermsSet", "VaultValued"]
    ex.pay("ann", "1000")
    assert reason(ex.terms(performance_fee_bps=2_001)) == "fee_raise"
    assert reason(ex.terms(virtual_shares=1)) == "terms_fixed"
    assert kinds(ex.terms(performance_fee_bps=0, capacity="2000")) == ["VaultTermsSet", "VaultValued"]


def test_ovl_once_001_a_refusal_changes_nothing_and_a_restart_forgets_nothing() -> None:
    """OVL-ONCE-001: the same command twice counts once, too."""
    ex = FundHouse(management_fee_bps=200, performance_fee_bps=1_000, lock_seconds=60)
    ex.pay("ann", "1000", id="pay-1")
    with pytest.raises(Reject, match="duplicate"):
        ex.pay("ann", "1000", id="pay-1")
    ex.work("500")
    ex.long("3")
    ex.price("1050")
    ex.wait(30 * SECOND)
    before = ex.kept()
    assert reason(ex.leave("ann")) == "locked"
    assert reason(ex.pay("bob", "200000")) == "exceeds_withdrawable"
    assert reason(ex.pay("bob", "1", vault="other")) == "unknown_vault"
    assert reason(ex.work("900")) == "exceeds_reserve"
    assert ex.kept() == before
    ex.restart()
    assert ex.kept() == before
    ex.wait(60 * SECOND)
    ex.price("1050")
    assert only(ex.leave("ann", 10**6), VaultSharesRedeemed)


def test_ovl_audit_001_the_auditor_agrees() -> None:
    """OVL-AUDIT-001: every step is between the accounts that it may join, and the history of transfers tells it."""
    ex = FundHouse(deposit_fee_bps=5, performance_fee_bps=1_000)
    accountant = Accountant(ex)
    ex.pay("ann", "1000")
    ex.work("900")
    ex.long("2")
    ex.price("1100")
    ex.leave("ann", ex.shares("ann") // 2)
    ex.flatten("1100")
    ex.harvest()
    ex.compound()
    accountant.look()
    assert accountant.findings == []
