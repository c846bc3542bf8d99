"""The auditor finds every fault of the accounting, and nothing where there is none."""

import asyncio
import time
from collections.abc import Iterator
from typing import Final

import pytest
from cleartide.contracts import (
    DiscrepancyReported,
    MarketStateChanged,
    OrderRejected,
    ReportDiscrepancy,
    TransferApplied,
)
from cleartide.fold import Reject
from hypothesis import given, settings
from hypothesis import strategies as st

from services.matching.audit.auditor import Auditor
from services.matching.audit.evidence import Finding, Marks, News, Posting, View
from services.matching.audit.task import TURN_SECONDS, alarm, in_turns
from services.matching.domain.errors import Unbalanced
from services.matching.tests import flows as orders
from services.matching.tests.accountant import Accountant
from services.matching.tests.audited_day import audited_day
from services.matching.tests.ledger_mutants import MUTANTS, UNBALANCED
from services.matching.tests.money_flows import Step, bank, flows, perform
from services.matching.tests.ruled import rules
from services.matching.tests.support import MARKET, Events, Exchange, of, only
from tests.support.mutation import Mutant, Product

PRODUCT: Final = Product("services/matching/domain", "services/matching/tables", "libs/common/cleartide/rules/fees.py")


def test_acc_aud_001_a_day_with_everything_in_it_adds_up() -> None:
    """ACC-AUD-001: and every kind of posting that there is was in it."""
    assert audited_day().findings == []


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_acc_aud_002_a_fault_in_the_accounting_is_found(mutant: Mutant) -> None:
    """ACC-AUD-002: each of them by the check that is meant for it."""
    with PRODUCT.planted(mutant):
        found = audited_day()
    assert mutant.criterion in found.checks, found.findings[:3]


@pytest.mark.parametrize("mutant", UNBALANCED, ids=str)
def test_acc_aud_003_a_move_that_does_not_balance_stops_the_fold_itself(mutant: Mutant) -> None:
    """ACC-AUD-003: nothing of the command is written."""
    with PRODUCT.planted(mutant), pytest.raises(Unbalanced):
        audited_day()


@settings(max_examples=30)
@given(flows, st.integers(1, 7), st.integers(0, 10))
def test_acc_aud_004_no_flow_of_money_raises_a_false_alarm(steps: list[Step], every: int, start: int) -> None:
    """ACC-AUD-004: whenever it looks, and whenever it begins."""
    ex = bank()
    accountant = Accountant(ex)
    for number, step in enumerate(steps):
        perform(ex, step)
        if number == start:
            accountant = Accountant(ex, from_now=True)
        if number % every == 0:
            accountant.look(whole=number % 2 == 0)
    accountant.look()
    assert accountant.findings == []


@settings(max_examples=30, deadline=None)
@given(orders.flows, st.integers(1, 7), st.booleans())
def test_acc_aud_010_no_flow_of_orders_and_liquidations_raises_a_false_alarm(
    steps: list[orders.Step], every: int, ruled: bool
) -> None:
    """ACC-AUD-010: auctions, corrections, deleveraging and shared losses among them."""
    ex = Exchange(liquidation=rules(stress_ppb=500_000_000, keeper_share_ppb=500_000_000) if ruled else None)
    for trader in orders.TRADERS:
        ex.deposit(trader, "40")
    accountant = Accountant(ex)
    for number, step in enumerate(steps):
        orders.perform(ex, number, step)
        for trader in orders.TRADERS:
            ex.liquidate(trader)
        if number % every == 0:
            accountant.look()
    accountant.look()
    assert accountant.findings == []


def test_acc_aud_005_a_changed_row_is_found_though_nothing_moved() -> None:
    """ACC-AUD-005: a balance and a position that somebody has changed by hand, in pairs so that sums stay right."""
    ex = bank()
    accountant = Accountant(ex)
    accountant.look()
    held = ex.tables["ledger_balances"]
    for name, error in (("cash:ann", 5), ("cash:bob", -5)):
        account, balance, asset = held[(name,)]
        held[(name,)] = (account, balance + error, asset)
    accountant.look()
    assert {(finding.check, finding.detail.split()[0]) for finding in accountant.findings} == {
        ("balance", "cash:ann"),
        ("balance", "cash:bob"),
    }


def report(ex: Exchange, finding: Finding) -> Events:
    command = alarm(finding, 7, ex.effects.at)
    return ex.send(ReportDiscrepancy, **command.model_dump(exclude={"occurred_at", "seq", "type", "version"}))


def venue() -> Exchange:
    ex = Exchange()
    ex.list(market="ETH-PERP", base="ETH")
    ex.price("100", "ETH-PERP")
    ex.deposit("ann")
    return ex


def test_acc_aud_006_a_finding_halts_its_market() -> None:
    """ACC-AUD-006: in sequence, with the reason; other markets trade on, and money may leave."""
    ex = venue()
    events = report(ex, Finding("balance", MARKET, "cash:ann holds 5, its postings sum to 4"))
    told, halted = only(events, DiscrepancyReported), only(events, MarketStateChanged)
    assert (told.check, told.market, told.observed_position) == ("balance", MARKET, 7)
    assert (halted.market, halted.state, halted.reason, halted.by) == (MARKET, "halted", "audit", "auditor")
    assert only(ex.place("ann", "buy", "0.1", "1000"), OrderRejected).reason == "market_halted"
    assert not of(ex.place("ann", "buy", "0.1", "100", market="ETH-PERP"), OrderRejected)
    assert of(ex.withdraw("ann", "1"), TransferApplied)


def test_acc_aud_007_a_finding_about_money_of_no_market_halts_all_of_them() -> None:
    """ACC-AUD-007: once; what is halted already stays so, and an unknown market is refused."""
    ex = venue()
    report(ex, Finding("balance", "ETH-PERP", "x"))
    events = report(ex, Finding("sum", None, "balances of USDC sum to 1"))
    assert [event.market for event in of(events, MarketStateChanged)] == [MARKET]
    assert only(report(ex, Finding("balance", MARKET, "y")), DiscrepancyReported).market == MARKET
    with pytest.raises(Reject, match="unknown_market"):
        report(ex, Finding("balance", "SOL-PERP", "z"))


async def test_acc_aud_011_the_fold_has_its_turn_while_the_auditor_works() -> None:
    """ACC-AUD-011: a second's trades are audited a few at a time, and all of them are."""
    finding, turns, turns_before = Finding("sum", None, "told"), 0, list[int]()

    def steps() -> Iterator[Finding | None]:
        for number in range(10):
            turns_before.append(turns)
            until = time.perf_counter() + 2 * TURN_SECONDS
            while time.perf_counter() < until:
                pass
            yield finding if number % 2 else None

    async def fold() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    folding = asyncio.create_task(fold())
    found = await in_turns(steps())
    folding.cancel()
    assert found == [finding] * 5
    assert turns_before == sorted(set(turns_before)), "each step waits until the fold has had its turn"


def test_acc_aud_011_each_transaction_and_each_balance_is_a_step_of_its_own() -> None:
    """ACC-AUD-011: so that no step is longer than its rows."""
    accounts, trades = [f"cash:{number}" for number in range(50)], range(1, 101)
    pairs = [(accounts[number % 50], accounts[(number + 1) % 50]) for number in trades]
    postings = [
        Posting(number, leg, pairs[number - 1][leg], amount, "transfer", "USDC")
        for number in trades
        for leg, amount in ((0, -1), (1, 1))
    ]
    auditor, marks = Auditor({}, {}, Marks()), Marks(transactions=100)
    assert list(auditor.taking(News(marks, postings, [], [], complete=True))) == [None] * 100
    assert list(auditor.comparing(View(1, {}, {}, {}, {}, 0, {}, 0, 0, frozenset(), ""))) == [None] * 50
    assert (auditor.marks, auditor.wanted().balances) == (marks, [])
