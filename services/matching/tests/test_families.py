"""Sub-accounts and delegates: who belongs to whom, and who may do what."""

from typing import Any

import pytest
from cleartide.contracts import (
    AccountRequestRejected,
    AmendOrder,
    CancelAllOrders,
    DelegateChanged,
    GrantDelegate,
    Message,
    OpenSubaccount,
    OrderAccepted,
    OrderClosed,
    OrderRejected,
    OrdersCanceled,
    PositionChanged,
    RevokeDelegate,
    SubaccountOpened,
    SubmitOrders,
    TradeExecuted,
    TransferApplied,
    TransferRejected,
)
from cleartide.contracts.orders import PlaceInstruction
from cleartide.fold import Reject
from hypothesis import given
from hypothesis import strategies as st

from services.matching.tests.support import MARKET, Exchange, of, only

OTHER = "ETH-PERP"
RIGHTS = ("cancel", "deposit", "trade", "transfer", "withdraw")


class Family(Exchange):
    """ann with money and a counterparty; two markets."""

    def __init__(self) -> None:
        super().__init__()
        self.list(market=OTHER, base="ETH")
        self.price("100", OTHER)
        for account in ("ann", "bob"):
            self.deposit(account, "10000")

    def open(self, name: str, account: str = "ann", **more: Any) -> list[Message]:
        return self.send(OpenSubaccount, account=account, name=name, **more)

    def isolated(self, name: str, market: str = MARKET) -> list[Message]:
        return self.open(name, margin_mode="isolated", market=market)

    def grant(self, delegate: str = "dora", **rights: Any) -> list[Message]:
        return self.send(GrantDelegate, account="ann", delegate=delegate, **rights)

    def revoke(self, delegate: str = "dora", **more: Any) -> list[Message]:
        return self.send(RevokeDelegate, account="ann", delegate=delegate, **more)


def refused(events: list[Message]) -> str:
    """The one reason that was given, whatever kind of request it was for."""
    found = [event for event in events if isinstance(event, (AccountRequestRejected, OrderRejected, TransferRejected))]
    assert len(found) == len(events) == 1, events
    return found[0].reason


def test_acc_sub_001_a_subaccount_is_opened_under_its_parent() -> None:
    """ACC-SUB-001: its id says whose it is; it has its own cash, orders and positions."""
    ex = Family()
    opened = only(ex.open("grid"), SubaccountOpened)
    assert (opened.account, opened.parent, opened.margin_mode, opened.market) == ("ann--grid", "ann", "cross", None)
    assert refused(ex.place("ann--grid", "buy", "1", "1000")) == "insufficient_margin"
    ex.deposit("ann--grid", "500")
    ex.place("bob", "sell", "1", "1000")
    assert of(ex.place("ann--grid", "buy", "1", "1000"), TradeExecuted)
    assert (ex.lots("ann--grid"), ex.lots("ann"), ex.cash("ann")) == (1000, 0, 10_000_000_000)


def test_acc_sub_002_an_isolated_account_trades_its_market_alone() -> None:
    """ACC-SUB-002: elsewhere it is refused, by orders and by outside trades alike."""
    ex = Family()
    assert only(ex.isolated("btc"), SubaccountOpened).market == MARKET
    ex.deposit("ann--btc", "500")
    assert only(ex.place("ann--btc", "buy", "1", "990"), OrderAccepted)
    assert refused(ex.place("ann--btc", "buy", "1", "99", market=OTHER)) == "isolated_market"
    with pytest.raises(Reject, match="isolated_market"):
        ex.report("100", "1", buyer="ann--btc", market=OTHER)
    assert of(ex.report("1000", "0.1", buyer="ann--btc"), PositionChanged)


def test_acc_sub_003_an_isolated_loss_touches_nobody_else() -> None:
    """ACC-SUB-003: the isolated account is liquidated with its own margin; the parent keeps everything."""
    ex = Family()
    ex.insure("1000")
    ex.isolated("btc")
    ex.deposit("ann--btc", "110")
    ex.place("bob", "sell", "1", "1000")
    ex.place("ann--btc", "buy", "1", "1000")
    before = ex.cash("ann")
    ex.price("900")
    ex.price("800")
    ex.liquidate("ann--btc")
    assert ex.lots("ann--btc") == 0
    assert ex.cash("ann") == before


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({"name": "a", "account": "nobody"}, "unknown_account"),
        ({"name": "a", "account": "insurance"}, "reserved_account"),
        ({"name": "a", "account": "ann--grid"}, "parent_is_subaccount"),
        ({"name": "grid"}, "account_exists"),
        ({"name": "a", "margin_mode": "isolated"}, "market_missing"),
        ({"name": "a", "market": MARKET}, "market_not_allowed"),
        ({"name": "a", "margin_mode": "isolated", "market": "DOGE-PERP"}, "unknown_market"),
        ({"name": "a", "actor": "bob"}, "not_permitted"),
        ({"name": "a", "actor": "ann--grid"}, "not_permitted"),
    ],
)
def test_acc_sub_004_a_bad_request_is_refused_with_the_reason(body: dict[str, Any], why: str) -> None:
    """ACC-SUB-004"""
    ex = Family()
    ex.open("grid")
    assert refused(ex.send(OpenSubaccount, **{"account": "ann", **body})) == why


def test_acc_sub_005_names_and_families_are_bounded() -> None:
    """ACC-SUB-005: ids stay within 48 characters, families within 128 sub-accounts."""
    ex = Family()
    ex.deposit("a" * 40, "1")
    assert refused(ex.open("sevenxx", account="a" * 40)) == "name_too_long"
    assert only(ex.open("sixxxx", account="a" * 40), SubaccountOpened).account == "a" * 40 + "--sixxxx"
    ex.checked = False
    for number in range(128):
        assert of(ex.open(f"n{number}"), SubaccountOpened)
    assert refused(ex.open("one-more")) == "too_many_subaccounts"


def test_acc_sub_006_nobody_takes_a_subaccounts_id_by_paying_in() -> None:
    """ACC-SUB-006: an id of that form comes into being through its parent alone."""
    ex = Family()
    assert refused(ex.deposit("ann--grid", "1")) == "unknown_account"
    with pytest.raises(Reject, match="unknown_account"):
        ex.report("1000", "1", buyer="ann--grid")
    ex.open("grid")
    assert only(ex.deposit("ann--grid", "1"), TransferApplied).cash_quanta == 1_000_000


@given(st.lists(st.tuples(st.sampled_from("ab-_"), st.sampled_from("ab-_"), st.sampled_from("ab-_")), max_size=4))
def test_acc_sub_007_two_families_never_share_an_id(letters: list[tuple[str, ...]]) -> None:
    """ACC-SUB-007: parent and name can be read back from the id, whatever dashes they contain."""
    heads = {"a" + "".join(group) for group in letters}
    names = {"b", "b-c", "b_c", "b_-c"}
    ids = {f"{head}--{name}": (head, name) for head in heads for name in names}
    assert len(ids) == len(heads) * len(names)
    for identity, (head, name) in ids.items():
        cut = identity.rindex("--")
        assert (identity[:cut], identity[cut + 2 :]) == (head, name)


def test_acc_sub_008_families_do_not_trade_with_themselves() -> None:
    """ACC-SUB-008: the accounts of a family are one for self-trade prevention (R29)."""
    ex = Family()
    ex.open("grid")
    ex.deposit("ann--grid", "5000")
    ex.place("ann--grid", "sell", "1", "1000")
    events = ex.place("ann", "buy", "1", "1000")
    assert not of(events, TradeExecuted)
    assert only(events, OrderClosed).reason == "self_trade"


def test_acc_sub_009_families_and_rights_survive_a_restart() -> None:
    """ACC-SUB-009"""
    ex = Family()
    ex.isolated("btc")
    ex.grant("dora", trade=False)
    ex.restart()
    account = ex.state.accounts["ann--btc"]
    assert (account.root, account.pinned, ex.state.families) == ("ann", MARKET, {"ann": ["ann--btc"]})
    assert refused(ex.place("ann", "buy", "1", "990", actor="dora")) == "not_permitted"
    ex.revoke()
    ex.restart()
    assert not ex.state.accounts["ann"].delegates


def test_acc_dlg_001_a_delegate_may_trade_and_pay_in_but_not_pay_out() -> None:
    """ACC-DLG-001: what a grant gives by default."""
    ex = Family()
    changed = only(ex.grant(), DelegateChanged)
    assert (changed.delegate, changed.rights) == ("dora", ("cancel", "deposit", "trade"))
    assert only(ex.place("ann", "buy", "1", "990", client_order_id="x", actor="dora"), OrderAccepted)
    assert only(ex.cancel("ann", "x", actor="dora"), OrderClosed)
    assert only(ex.deposit("ann", "1", actor="dora"), TransferApplied)
    assert refused(ex.withdraw("ann", "1", actor="dora")) == "not_permitted"


def _attempts(ex: Family, actor: str) -> dict[str, list[Message]]:
    """One try of everything that a right is needed for; a resting order `x` is in the book before each."""
    ex.place("ann", "buy", "0.001", "900", client_order_id=f"{actor}-1")
    amend = {"market": MARKET, "client_order_id": f"{actor}-1", "size": "0.002"}
    batch = PlaceInstruction(
        action="place", client_order_id=f"{actor}-3", side="buy", order_type="limit", size="0.001", price="901"
    )
    return {
        "deposit": ex.deposit("ann", "1", actor=actor),
        "withdraw": ex.withdraw("ann", "1", actor=actor),
        "trade": ex.place("ann", "buy", "0.001", "900", client_order_id=f"{actor}-2", actor=actor),
        "trade by batch": ex.send(SubmitOrders, account="ann", market=MARKET, instructions=(batch,), actor=actor),
        "trade by amendment": ex.send(AmendOrder, account="ann", actor=actor, **amend),
        "cancel": ex.cancel("ann", f"{actor}-1", actor=actor),
        "cancel all": ex.send(CancelAllOrders, account="ann", actor=actor),
    }


@given(st.sets(st.sampled_from(RIGHTS)))
def test_acc_dlg_002_each_right_opens_its_own_door_and_no_other(rights: set[str]) -> None:
    """ACC-DLG-002: for every set of rights; who has none is refused everything, and nothing changes."""
    ex = Family()
    ex.grant("dora", **{right: right in rights for right in RIGHTS})
    for door, events in _attempts(ex, "dora").items():
        denied = [event for event in events if getattr(event, "reason", "") == "not_permitted"]
        assert bool(denied) == (door.split(" ")[0] not in rights), door


def test_acc_dlg_003_strangers_may_nothing_and_heads_of_families_everything() -> None:
    """ACC-DLG-003: rights are granted account by account; the head of the family needs none."""
    ex = Family()
    ex.open("grid")
    ex.grant("dora")
    assert refused(ex.place("ann", "buy", "1", "990", actor="eve")) == "not_permitted"
    assert refused(ex.deposit("ann--grid", "1", actor="dora")) == "not_permitted"
    assert refused(ex.deposit("zoe", "1", actor="dora")) == "not_permitted"
    assert only(ex.deposit("ann--grid", "100", actor="ann"), TransferApplied)
    assert only(ex.withdraw("ann--grid", "40", actor="ann"), TransferApplied)
    assert refused(ex.withdraw("ann", "1", actor="ann--grid")) == "not_permitted"


def test_acc_dlg_004_a_revoked_delegate_may_nothing_more() -> None:
    """ACC-DLG-004"""
    ex = Family()
    ex.grant()
    assert only(ex.revoke(), DelegateChanged).rights == ()
    assert refused(ex.place("ann", "buy", "1", "990", actor="dora")) == "not_permitted"
    assert refused(ex.revoke()) == "unknown_delegate"


def test_acc_dlg_005_a_second_grant_replaces_the_first() -> None:
    """ACC-DLG-005: rights are never added up."""
    ex = Family()
    ex.grant(withdraw=True)
    ex.grant(withdraw=False)
    assert refused(ex.withdraw("ann", "1", actor="dora")) == "not_permitted"


def test_acc_dlg_006_only_the_owner_grants() -> None:
    """ACC-DLG-006: a delegate cannot hand on or widen what it was given, nor give itself up for another."""
    ex = Family()
    ex.grant(withdraw=True, transfer=True)
    assert refused(ex.grant("eve", actor="dora")) == "not_permitted"
    assert refused(ex.revoke("dora", actor="dora")) == "not_permitted"
    assert refused(ex.grant("ann")) == "own_account"
    assert refused(ex.grant("insurance")) == "reserved_account"


def test_acc_dlg_007_the_number_of_delegates_is_bounded() -> None:
    """ACC-DLG-007: 32; one of them may still be changed."""
    ex = Family()
    for number in range(32):
        ex.grant(f"d{number}")
    assert refused(ex.grant("one-more")) == "too_many_delegates"
    assert only(ex.grant("d3", withdraw=True), DelegateChanged)


def test_acc_dlg_008_canceling_all_says_that_it_was_not_permitted() -> None:
    """ACC-DLG-008: a refused cancel-all cancels nothing."""
    ex = Family()
    ex.grant(cancel=False)
    ex.place("ann", "buy", "1", "900")
    answer = only(ex.send(CancelAllOrders, account="ann", actor="dora"), OrdersCanceled)
    assert (answer.canceled, answer.reason) == (0, "not_permitted")
    assert len(ex.state.accounts["ann"].orders) == 1
