"""Deposits and withdrawals on their way: states, confirmations, time-outs, and every amount credited or paid once."""

from collections import Counter

import pytest
from cleartide.contracts import (
    CancelWithdrawal,
    CollateralChanged,
    CompleteWithdrawal,
    DepositProgressed,
    FailDeposit,
    FailWithdrawal,
    GrantDelegate,
    Message,
    StartWithdrawal,
    TransferApplied,
    WithdrawalProgressed,
)
from cleartide.fold import Reject
from hypothesis import given
from hypothesis import strategies as st

from services.matching.domain.margin import free_equity, standing
from services.matching.tables.custody import TRANSFERS
from services.matching.tests.bank import Bank, refused
from services.matching.tests.money_flows import Step, bank, flows, perform
from services.matching.tests.support import QUOTE, SECOND, of, only

HOUR = 3_600 * SECOND


def status(events: list[Message]) -> str:
    """What became of the deposit or withdrawal."""
    found = [event for event in events if isinstance(event, DepositProgressed | WithdrawalProgressed)]
    assert len(found) == 1, events
    return found[0].status


def tick(ex: Bank) -> list[Message]:
    """Any message brings the time; what has become due comes first."""
    return ex.price("1000")


def test_acc_dep_001_a_deposit_is_pending_until_it_has_twelve_confirmations() -> None:
    """ACC-DEP-001: eleven are not enough; the twelfth credits, and opens the account."""
    ex = Bank()
    seen = only(ex.seen("ann", "0.5", confirmations=1), DepositProgressed)
    assert (seen.status, seen.confirmations, seen.confirmations_needed) == ("pending", 1, 12)
    assert status(ex.confirmed(11)) == "pending"
    assert "ann" not in ex.state.accounts
    events = ex.confirmed(12)
    assert status(events) == "credited"
    assert only(events, CollateralChanged).balance_units == 50_000_000


def test_acc_dep_002_a_deposit_is_credited_once() -> None:
    """ACC-DEP-002: however often it is reported or confirmed, under whatever message id, also after a restart."""
    ex = Bank()
    ex.seen("ann", "0.5")
    with pytest.raises(Reject, match="duplicate"):
        ex.seen("ann", "0.5")
    ex.confirmed(12)
    ex.restart()
    for again in (12, 13, 40):
        with pytest.raises(Reject, match="already_settled"):
            ex.confirmed(again)
    with pytest.raises(Reject, match="duplicate"):
        ex.seen("bob", "0.5")
    assert ex.units("ann", "BTC") == 50_000_000


def test_acc_dep_003_one_transaction_may_pay_several_accounts() -> None:
    """ACC-DEP-003: outputs tell them apart; so do assets, and a withdrawal of the same transaction is another thing."""
    ex = Bank()
    ex.deposit("ann", "100")
    ex.ask("ann", "60")
    number = next(iter(ex.state.treasury.custody.withdrawals))
    ex.custody(CompleteWithdrawal, withdrawal_id=number, tx_id="tx")
    for account, more in (("bob", {"output": 0}), ("cat", {"output": 1}), ("dan", {"asset": "USDC"})):
        ex.seen(account, "60", confirmations=12, **more)
    assert ex.units("bob", "BTC") == ex.units("cat", "BTC") == 60 * 10**8
    assert ex.cash("dan") == 60 * QUOTE


def test_acc_dep_004_enough_confirmations_at_first_sight_credit_at_once() -> None:
    """ACC-DEP-004: the number needed is the reporter's to set."""
    ex = Bank()
    assert status(ex.seen("ann", "1", confirmations=3, confirmations_needed=3)) == "credited"
    assert ex.units("ann", "BTC") == 10**8


def test_acc_dep_005_after_an_hour_a_deposit_is_expired() -> None:
    """ACC-DEP-005: by the sequenced time, with the first message of any kind; a restart keeps the hour."""
    ex = Bank()
    ex.seen("ann", "0.5", confirmations=2)
    ex.wait(HOUR - 1)
    assert not of(tick(ex), DepositProgressed)
    ex.restart()
    ex.wait(1)
    assert status(tick(ex)) == "expired"
    assert not of(tick(ex), DepositProgressed)


def test_acc_dep_006_late_confirmations_credit_all_the_same() -> None:
    """ACC-DEP-006: the money is here, and it is the account's; once."""
    ex = Bank()
    ex.seen("ann", "0.5")
    ex.wait(HOUR)
    tick(ex)
    ex.restart()
    assert status(ex.confirmed(5)) == "expired"
    assert status(ex.confirmed(12)) == "credited"
    assert ex.units("ann", "BTC") == 50_000_000


def test_acc_dep_007_a_failed_deposit_is_over() -> None:
    """ACC-DEP-007: never credited; a credited one cannot fail any more."""
    ex = Bank()
    ex.seen("ann", "0.5")
    assert status(ex.custody(FailDeposit, asset="BTC", tx_id="tx")) == "failed"
    with pytest.raises(Reject, match="already_settled"):
        ex.confirmed(12)
    ex.seen("ann", "0.5", tx="other", confirmations=12)
    with pytest.raises(Reject, match="already_settled"):
        ex.custody(FailDeposit, asset="BTC", tx_id="other")
    with pytest.raises(Reject, match="unknown_deposit"):
        ex.custody(FailDeposit, asset="BTC", tx_id="nothing")
    assert ex.units("ann", "BTC") == 50_000_000


def test_acc_dep_008_fewer_confirmations_than_before_are_old_news() -> None:
    """ACC-DEP-008: nothing is said, nothing goes back."""
    ex = Bank()
    ex.seen("ann", "0.5", confirmations=6)
    assert ex.confirmed(4) == [] == ex.confirmed(6)
    assert status(ex.confirmed(7)) == "pending"


@pytest.mark.parametrize(
    ("account", "amount", "asset", "why"),
    [
        ("insurance", "1", "BTC", "reserved_account"),
        ("ann--grid", "1", "BTC", "unknown_account"),
        ("ann", "1", "DOGE", "unknown_asset"),
        ("ann", "0", "BTC", "not_positive"),
        ("ann", "1001", "BTC", "asset_cap"),
        ("ann", "4600000000", "USDC", "balance_cap"),
    ],
)
def test_acc_dep_009_what_cannot_be_credited_is_not_watched(account: str, amount: str, asset: str, why: str) -> None:
    """ACC-DEP-009: a dead letter for the operator; nothing is remembered, so it may be reported again."""
    ex = Bank()
    with pytest.raises(Reject, match=why):
        ex.seen(account, amount, asset=asset)
    assert not ex.state.treasury.custody.deposits
    assert status(ex.seen("ann", "1", asset="BTC")) == "pending"


def test_acc_dep_010_a_full_account_is_credited_when_there_is_room() -> None:
    """ACC-DEP-010: the deposit stays pending, and the same confirmation credits it later."""
    ex = Bank()
    ex.seen("ann", "100", asset="USDC")
    ex.deposit("ann", "4503599627")
    with pytest.raises(Reject, match="balance_cap"):
        ex.confirmed(12, asset="USDC")
    ex.withdraw("ann", "100000")
    assert status(ex.confirmed(12, asset="USDC")) == "credited"


def asked(amount: str = "40") -> tuple[Bank, int]:
    """ann has 100 and asks for some of it."""
    ex = Bank()
    ex.deposit("ann", "100")
    return ex, only(ex.ask("ann", amount), WithdrawalProgressed).withdrawal_id


def test_acc_wdr_001_a_request_locks_the_amount() -> None:
    """ACC-WDR-001: it is in nobody's equity, and available = balance - locked."""
    ex, _ = asked()
    assert (ex.cash("ann"), ex.balance_of("locked:USDC:ann")) == (60 * QUOTE, 40 * QUOTE)
    assert standing(ex.state.accounts["ann"]).equity_quanta == 60 * QUOTE
    assert refused(ex.withdraw("ann", "60.000001")) == "exceeds_withdrawable"
    assert refused(ex.ask("ann", "60.000001")) == "exceeds_withdrawable"


def test_acc_wdr_002_a_completed_withdrawal_has_left() -> None:
    """ACC-WDR-002: through processing or at once; then it is over."""
    ex, number = asked()
    assert status(ex.custody(StartWithdrawal, withdrawal_id=number)) == "processing"
    events = ex.custody(CompleteWithdrawal, withdrawal_id=number, tx_id="out")
    assert status(events) == "completed" and not of(events, TransferApplied)
    assert (ex.balance_of("locked:USDC:ann"), ex.cash("ann")) == (0, 60 * QUOTE)
    with pytest.raises(Reject, match="unknown_withdrawal"):
        ex.custody(CompleteWithdrawal, withdrawal_id=number, tx_id="out")


def test_acc_wdr_003_a_failed_withdrawal_comes_back() -> None:
    """ACC-WDR-003: in full, once."""
    ex, number = asked()
    ex.custody(StartWithdrawal, withdrawal_id=number)
    events = ex.custody(FailWithdrawal, withdrawal_id=number, reason="bad_address")
    assert only(events, WithdrawalProgressed).reason == "bad_address"
    assert only(events, TransferApplied).cash_quanta == 100 * QUOTE
    with pytest.raises(Reject, match="unknown_withdrawal"):
        ex.custody(FailWithdrawal, withdrawal_id=number)


def test_acc_wdr_004_after_an_hour_a_pending_withdrawal_comes_back() -> None:
    """ACC-WDR-004: custody that begins later is refused, so nothing is paid twice."""
    ex, number = asked()
    ex.wait(HOUR - 1)
    tick(ex)
    ex.restart()
    ex.wait(1)
    events = tick(ex)
    assert (status(events), only(events, TransferApplied).cash_quanta) == ("expired", 100 * QUOTE)
    with pytest.raises(Reject, match="unknown_withdrawal"):
        ex.custody(StartWithdrawal, withdrawal_id=number)


def test_acc_wdr_005_what_custody_has_begun_never_expires() -> None:
    """ACC-WDR-005: nor can its owner take it back."""
    ex, number = asked()
    ex.custody(StartWithdrawal, withdrawal_id=number)
    with pytest.raises(Reject, match="already_processing"):
        ex.custody(StartWithdrawal, withdrawal_id=number)
    ex.wait(50 * HOUR)
    ex.restart()
    assert not of(tick(ex), WithdrawalProgressed)
    assert refused(ex.send(CancelWithdrawal, account="ann", withdrawal_id=number)) == "already_processing"
    assert status(ex.custody(CompleteWithdrawal, withdrawal_id=number, tx_id="out")) == "completed"


def test_acc_wdr_006_its_owner_may_cancel_a_pending_one() -> None:
    """ACC-WDR-006: nobody else, and nobody else's."""
    ex, number = asked()
    ex.deposit("bob", "1")
    ex.send(GrantDelegate, account="ann", delegate="dora")
    assert refused(ex.send(CancelWithdrawal, account="bob", withdrawal_id=number)) == "unknown_withdrawal"
    assert refused(ex.send(CancelWithdrawal, account="ann", withdrawal_id=number, actor="dora")) == "not_permitted"
    assert refused(ex.ask("ann", "1", actor="dora")) == "not_permitted"
    events = ex.send(CancelWithdrawal, account="ann", withdrawal_id=number)
    assert (status(events), ex.cash("ann")) == ("canceled", 100 * QUOTE)


def test_acc_wdr_007_every_asset_goes_the_same_way() -> None:
    """ACC-WDR-007: what R11 asks for stays, in kind."""
    ex = Bank()
    ex.bring("ann", "BTC", "1")
    ex.place("ann", "buy", "1", "1000")
    assert refused(ex.ask("ann", "0.87500001", "BTC")) == "exceeds_withdrawable"
    number = only(ex.ask("ann", "0.875", "BTC"), WithdrawalProgressed).withdrawal_id
    assert (ex.units("ann", "BTC"), ex.balance_of("locked:BTC:ann")) == (12_500_000, 87_500_000)
    ex.custody(CompleteWithdrawal, withdrawal_id=number, tx_id="out")
    assert ex.balance_of("external:BTC") == -12_500_000


def test_acc_wdr_008_requests_are_bounded() -> None:
    """ACC-WDR-008: 64 of one account at a time."""
    ex = Bank()
    ex.deposit("ann", "100")
    for _ in range(64):
        ex.ask("ann", "1")
    assert refused(ex.ask("ann", "1")) == "too_many_withdrawals"
    ex.deposit("bob", "1")
    assert status(ex.ask("bob", "1")) == "pending"


def test_acc_wdr_010_what_is_locked_can_always_come_back() -> None:
    """ACC-WDR-010: it keeps its room in the account: 2^52 smallest units in all, and not one more."""
    ex, half = Bank(), f"{2**51 / 10**6:.6f}"
    for number in range(2):
        ex.deposit("ann", half)
        assert status(ex.ask("ann", half)) == "pending", number
    ex.restart()
    assert refused(ex.deposit("ann", "0.000001")) == "balance_cap"
    for event in of(ex.effects.emitted, WithdrawalProgressed):
        only(ex.send(CancelWithdrawal, account="ann", withdrawal_id=event.withdrawal_id), WithdrawalProgressed)
    assert ex.cash("ann") == 2**52


def moved(ex: Bank) -> Counter[tuple[str, str]]:
    """What transfers did to every balance, by the history alone."""
    ex.commit()
    sums: Counter[tuple[str, str]] = Counter()
    for row in ex.rows(TRANSFERS.name):
        sums[row["account"], row["asset"]] += row["moved_units"]
    return sums


def test_acc_his_001_the_history_tells_every_step() -> None:
    """ACC-HIS-001: with its state, its amount, and by how much the balance changed."""
    ex, number = asked()
    ex.custody(StartWithdrawal, withdrawal_id=number)
    ex.custody(CompleteWithdrawal, withdrawal_id=number, tx_id="out")
    ex.seen("ann", "0.5")
    ex.confirmed(12)
    ex.open("ann", "grid")
    ex.move("ann", "ann--grid", "USDC", "10")
    ex.commit()
    told = [
        (row["kind"], row["status"], row["amount_units"], row["moved_units"], row["counterparty"], row["reference"])
        for row in ex.rows(TRANSFERS.name)
        if row["account"] == "ann"
    ]
    lot = 10**6
    assert told == [
        ("deposit", "completed", 100 * lot, 100 * lot, "", ""),
        ("locked", "completed", -40 * lot, -40 * lot, "", str(number)),
        ("withdrawal", "processing", -40 * lot, 0, "", str(number)),
        ("withdrawal", "completed", -40 * lot, 0, "", "out"),
        ("deposit", "pending", 50_000_000, 0, "", "tx:0"),
        ("deposit", "completed", 50_000_000, 50_000_000, "", "tx:0"),
        ("transfer", "completed", -10 * lot, -10 * lot, "ann--grid", ""),
    ]


@given(flows)
def test_acc_his_002_balances_are_the_sums_of_their_history(steps: list[Step]) -> None:
    """ACC-HIS-002: to the unit, for every asset that trading does not touch."""
    ex = bank()
    for step in steps:
        perform(ex, step)
    sums = moved(ex)
    for name, account in ex.state.ledger.accounts.items():
        pot, *where = name.split(":")
        if pot == "collateral":
            assert sums[where[1], where[0]] == account.balance


steps = st.lists(
    st.tuples(
        st.sampled_from(("seen", "confirm", "fail", "ask", "cancel", "start", "complete", "return", "wait", "trade")),
        st.integers(0, 3),
        st.integers(0, 14),
    ),
    max_size=60,
)


def act(ex: Bank, action: str, which: int, amount: int) -> list[Message]:
    """One step of custody or of ann; the operator's mistakes become dead letters."""
    numbers = sorted(ex.state.treasury.custody.withdrawals) or [0]
    number, asset = numbers[which % len(numbers)], ("BTC", "USDC")[which % 2]
    match action:
        case "seen":
            return ex.seen("ann", f"{amount}", f"tx{which}", asset, confirmations=amount)
        case "confirm":
            return ex.confirmed(amount, f"tx{which}", asset)
        case "fail":
            return ex.custody(FailDeposit, asset=asset, tx_id=f"tx{which}")
        case "ask":
            return ex.ask("ann", f"{amount}.5", asset)
        case "cancel":
            return ex.send(CancelWithdrawal, account="ann", withdrawal_id=number)
        case "start":
            return ex.custody(StartWithdrawal, withdrawal_id=number)
        case "complete":
            return ex.custody(CompleteWithdrawal, withdrawal_id=number, tx_id=f"out{number}")
        case "return":
            return ex.custody(FailWithdrawal, withdrawal_id=number)
        case "wait":
            ex.wait(amount * HOUR // 10)
            return []
    return ex.place("ann", "buy", "0.01", "1000")


@given(steps, st.integers(0, 5))
def test_acc_wdr_009_nothing_is_credited_or_paid_twice_and_nothing_is_lost(
    script: list[tuple[str, int, int]], restart_every: int
) -> None:
    """ACC-WDR-009, ACC-DEP-002: available + locked + paid out = credited, at every step, through restarts."""
    ex = Bank()
    ex.deposit("ann", "20")
    credited, paid = Counter({"BTC": 0, "USDC": 20 * QUOTE}), Counter[str]()
    for number, (action, which, amount) in enumerate(script):
        try:
            events = act(ex, action, which, amount)
        except Reject:
            continue
        if restart_every and number % restart_every == 0:
            ex.restart()
        for event in events:
            if isinstance(event, DepositProgressed) and event.status == "credited":
                credited[event.asset] += event.amount_units
            if isinstance(event, WithdrawalProgressed) and event.status == "completed":
                paid[event.asset] += event.amount_units
        assert free_equity(ex.state.accounts["ann"]) >= 0
        held = {"BTC": ex.units("ann", "BTC"), "USDC": ex.cash("ann")}
        for asset, available in held.items():
            locked = ex.balance_of(f"locked:{asset}:ann")
            open_ones = [w for w in ex.state.treasury.custody.withdrawals.values() if w.asset == asset]
            assert locked == sum(withdrawal.amount for withdrawal in open_ones)
            assert available >= 0
            assert available + locked + paid[asset] == credited[asset]
