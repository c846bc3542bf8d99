"""Double entry: nothing appears, nothing disappears."""

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.matching import tables
from services.matching.domain.errors import InvariantBroken, Unbalanced
from services.matching.domain.ledger import Entry, Ledger
from services.matching.domain.verify import verify
from services.matching.tests.support import MARKET, Exchange


def test_match_led_001_every_command_that_moves_money_is_one_transaction_that_sums_to_zero() -> None:
    """MATCH-LED-001"""
    ex = Exchange()
    for account in ("ann", "bob"):
        ex.deposit(account)
    ex.insure("100")
    ex.place("bob", "sell", "1", "1000")
    ex.place("ann", "buy", "1", "1000")
    ex.settle(100_000, 1)
    ex.place("bob", "buy", "1", "990")
    ex.place("ann", "sell", "1", "990")
    ex.withdraw("ann", "1")
    ex.commit()
    sums: dict[int, int] = defaultdict(int)
    commands: dict[int, set[int]] = defaultdict(set)
    for row in ex.rows(tables.LEDGER_ENTRIES.name):
        sums[row["transaction_id"]] += row["amount_quanta"]
        commands[row["transaction_id"]].add(row["command_seq"])
    assert list(sums) == [1, 2, 3, 4, 5, 6]
    assert set(sums.values()) == {0}
    assert all(len(found) == 1 for found in commands.values())


def test_match_led_002_the_legs_of_a_trade_say_what_each_amount_is() -> None:
    """MATCH-LED-002: ann sells 1 at 990 that cost 1000, after funding of 0.1."""
    ex = Exchange()
    for account in ("ann", "bob"):
        ex.deposit(account)
    ex.place("bob", "sell", "1", "1000")
    ex.place("ann", "buy", "1", "1000")
    ex.settle(100_000, 1)
    ex.place("bob", "buy", "1", "990")
    ex.commit()
    before = len(ex.rows(tables.LEDGER_ENTRIES.name))
    ex.place("ann", "sell", "1", "990")
    ex.commit()
    legs = ex.rows(tables.LEDGER_ENTRIES.name)[before:]
    ann = {(row["account"], row["kind"]): row["amount_quanta"] for row in legs if row["account"].endswith("ann")}
    assert ann == {
        (f"position:{MARKET}:ann", "trade"): 990_000_000,
        ("cash:ann", "funding"): -100_000,
        (f"position:{MARKET}:ann", "realized_pnl"): 10_000_000,
        ("cash:ann", "realized_pnl"): -10_000_000,
        ("cash:ann", "fee"): -445_500,
    }


def test_match_led_003_legs_that_do_not_sum_to_zero_stop_everything() -> None:
    """MATCH-LED-003"""
    ledger = Ledger()
    ledger.begin(7, 0)
    ledger.move("trade", ledger.account("a"), ledger.account("b"), 5)
    ledger.end()
    ledger.entries.append(Entry(1, 2, "a", 1, "trade", 7, 0, "USDC"))
    with pytest.raises(Unbalanced, match="command 7"):
        ledger.end()


def test_match_led_006_one_asset_never_makes_up_for_another() -> None:
    """MATCH-LED-006: legs that cancel out across assets are not balanced."""
    ledger = Ledger()
    ledger.begin(8, 0)
    ledger.move("deposit", ledger.account("external:BTC", "BTC"), ledger.account("collateral:BTC:a", "BTC"), 3)
    ledger.end()
    ledger.move("swap", ledger.account("collateral:BTC:a", "BTC"), ledger.account("cash:a"), 3)
    with pytest.raises(Unbalanced, match="command 8: the legs of BTC sum to -3 units"):
        ledger.end()


def test_match_led_004_the_check_finds_a_single_missing_quantum() -> None:
    """MATCH-LED-004"""
    ex = Exchange()
    ex.deposit("ann")
    ex.state.accounts["ann"].cash.balance -= 1
    with pytest.raises(InvariantBroken, match="net deposits"):
        verify(ex.state)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(-(10**9), 10**9)), max_size=30))
def test_match_led_005_balances_are_the_sums_of_their_legs(moves: list[tuple[int, int, int]]) -> None:
    """MATCH-LED-005"""
    ledger = Ledger()
    ledger.begin(1, 0)
    for source, target, amount in moves:
        ledger.move("trade", ledger.account(str(source)), ledger.account(str(target)), amount)
    ledger.end()
    sums: dict[str, int] = defaultdict(int)
    for entry in ledger.entries:
        sums[entry.account] += entry.amount_quanta
    assert all(sums[name] == account.balance for name, account in ledger.accounts.items())
    assert [entry.leg for entry in ledger.entries] == list(range(len(ledger.entries)))
