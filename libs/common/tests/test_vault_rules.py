"""A vault keeps its rules whatever is asked of it."""

from collections.abc import Callable
from fractions import Fraction
from math import floor

import pytest
from cleartide.rules.vaults import PRICE_SCALE, YEAR_MICROS, Refused, Terms, Vault
from hypothesis import given, settings
from hypothesis import strategies as st

DAY = 86_400_000_000
owners = st.sampled_from(("alice", "bob", "carol"))
amounts = st.integers(0, 10**12)
moves = st.lists(
    st.one_of(
        st.tuples(st.just("deposit"), owners, amounts),
        st.tuples(st.just("withdraw"), owners, amounts),
        st.tuples(st.just("request"), owners, amounts),
        st.tuples(st.just("gain"), owners, st.integers(-(10**10), 10**11)),
        st.tuples(st.just("settle"), owners, amounts),
        st.tuples(st.just("charge"), owners, amounts),
    ),
    max_size=40,
)
fees = st.integers(0, 2_000)


def test_a_fee_is_taken_of_what_comes_in_and_only_the_rest_makes_shares() -> None:
    """VLT-RULE-001"""
    vault = Vault(Terms(deposit_fee_bps=10, withdraw_fee_bps=20, virtual_assets=1, virtual_shares=1))
    assert (vault.deposit("alice", 1_000_001, 0).fee, vault.shares, vault.assets) == (1_001, 999_000, 999_000)
    paid = vault.withdraw("alice", 499_500, 0)
    assert (paid.amount, paid.fee, vault.assets, vault.fees) == (498_501, 999, 499_500, 2_000)


def test_the_first_depositor_cannot_take_from_the_second_by_a_donation() -> None:
    """VLT-RULE-002: one unit in, a million donated, and the virtual shares make it a loss for whoever tried."""
    vault = Vault(Terms())
    thief = vault.deposit("thief", 1, 0).shares
    vault.gain(1_000_000)
    victim = vault.deposit("victim", 1_000_000, 0).shares
    assert vault.value_of(victim) > 998_000
    assert vault.value_of(thief) < 1_000_001 * 6 // 10


def test_a_performance_fee_is_taken_once_above_the_high_water_mark() -> None:
    """VLT-RULE-003: up 100, down 50, up 50: the way back costs nothing."""
    vault = Vault(Terms(performance_fee_bps=2_000, virtual_shares=0, virtual_assets=0))
    vault.assets = vault.shares = vault.holders["alice"] = 1_000
    assert vault.gain(100) == 20
    assert vault.gain(-50) == 0
    assert vault.gain(50) == 0
    assert vault.gain(100) == 20


@pytest.mark.parametrize(("gained", "kept", "fee"), [(1, 0, 1), (2, 1, 1), (99, 79, 20), (100, 80, 20), (101, 80, 21)])
def test_of_a_gain_the_holders_part_is_floored_and_the_fee_takes_the_rest(gained: int, kept: int, fee: int) -> None:
    """VLT-RULE-008: a fifth of one unit is a unit, as it is where the net APY is told (15.5)."""
    vault = Vault(Terms(performance_fee_bps=2_000, virtual_shares=0, virtual_assets=0))
    vault.assets = vault.shares = vault.holders["alice"] = 1_000
    assert vault.gain(gained) == fee
    assert vault.value_of(1_000) == 1_000 + kept


@given(st.integers(1, 10**12), st.integers(1, 10**12), st.integers(0, 10**11), st.integers(0, 10_000))
@settings(max_examples=200, deadline=None)
def test_the_fee_is_the_least_that_leaves_the_holders_no_more_than_their_part(
    assets: int, shares: int, gained: int, bps: int
) -> None:
    """VLT-RULE-008: beside fractions: what is above the high-water mark, whole units of it, less the fee's part."""
    vault = Vault(Terms(performance_fee_bps=bps), assets=assets, shares=shares, holders={"alice": shares})
    before = vault.price()
    above = Fraction((vault.assets + gained + 1) * PRICE_SCALE // (shares + 1_000) - before, PRICE_SCALE)
    whole = min(floor(above * shares), gained)
    assert vault.gain(gained) == whole - floor(Fraction(whole * (10_000 - bps), 10_000))
    assert vault.price() >= before


def test_a_management_fee_is_for_the_time_that_passed() -> None:
    """VLT-RULE-004: half a percent of a year for a tenth of one."""
    vault = Vault(Terms(management_fee_bps=50), assets=1_000_000, shares=1_000_000, charged_at=DAY)
    assert vault.charge(DAY + YEAR_MICROS // 10) == 500
    assert vault.charge(DAY + YEAR_MICROS // 10) == 0


def test_what_the_idle_part_cannot_pay_waits_in_order_and_earns_meanwhile() -> None:
    """VLT-RULE-005"""
    vault = Vault(Terms(idle_bps=2_500, virtual_assets=0, virtual_shares=0))
    vault.assets = vault.shares = 1_000
    vault.holders |= {"alice": 600, "bob": 400}
    with pytest.raises(Refused, match="illiquid"):
        vault.withdraw("alice", 600, 0)
    vault.join_queue("alice", 200, 0)
    vault.join_queue("bob", 200, 0)
    with pytest.raises(Refused, match="not_enough_shares"):
        vault.join_queue("alice", 401, 0)
    vault.gain(100)
    assert [(paid.owner, paid.amount) for _, paid in vault.settle()] == [("alice", 220), ("bob", 220)]
    assert vault.queue == []


@pytest.mark.parametrize(
    ("reason", "ask"),
    [
        ("paused", lambda vault: (setattr(vault, "paused", True), vault.deposit("bob", 100, 0))),
        ("paused", lambda vault: (setattr(vault, "paused", True), vault.withdraw("alice", 1, 2 * DAY))),
        ("over_capacity", lambda vault: vault.deposit("bob", 1_001, 0)),
        ("no_amount", lambda vault: vault.deposit("bob", 0, 0)),
        ("no_shares", lambda vault: vault.withdraw("alice", 0, 2 * DAY)),
        ("locked", lambda vault: vault.withdraw("alice", 1, DAY - 1)),
        ("not_enough_shares", lambda vault: vault.withdraw("bob", 1, 2 * DAY)),
        ("more_than_there_is", lambda vault: vault.gain(-1_001)),
    ],
)
def test_a_refusal_has_a_reason_and_changes_nothing(reason: str, ask: Callable[[Vault], object]) -> None:
    """VLT-RULE-006"""
    vault = Vault(Terms(lock_micros=DAY, capacity=2_000))
    vault.deposit("alice", 1_000, 0)
    before = (vault.assets, vault.shares, dict(vault.holders), list(vault.queue))
    with pytest.raises(Refused, match=reason):
        ask(vault)
    assert (vault.assets, vault.shares, dict(vault.holders), list(vault.queue)) == before


@given(moves, fees, fees, st.integers(0, 10_000))
@settings(max_examples=200, deadline=None)
def test_money_is_neither_made_nor_lost_and_every_claim_is_covered(
    script: list[tuple[str, str, int]], in_bps: int, out_bps: int, idle: int
) -> None:
    """VLT-RULE-007: assets + fees = in - out + gains, shares = the holders', and all claims together are covered."""
    vault, balance, at = Vault(Terms(in_bps, out_bps, 50, 1_500, idle_bps=idle)), 0, 0
    for kind, owner, amount in script:
        at += DAY
        price = vault.price()
        try:
            if kind == "deposit":
                balance += vault.deposit(owner, amount, at).amount
            elif kind == "withdraw":
                balance -= vault.withdraw(owner, amount % (vault.holders.get(owner, 0) + 2), at).amount
            elif kind == "request":
                vault.join_queue(owner, amount % (vault.holders.get(owner, 0) + 2), at)
            elif kind == "gain":
                vault.gain(amount)
                balance += amount
            elif kind == "settle":
                balance -= sum(paid.amount for _, paid in vault.settle())
            else:
                vault.charge(at)
        except Refused:
            pass
        if kind in {"deposit", "withdraw", "settle"}:
            assert vault.price() >= price, "whoever comes or goes does not take from those who stay"
        assert vault.assets + vault.fees == balance
        assert vault.shares == sum(vault.holders.values())
        assert sum(vault.value_of(shares) for shares in vault.holders.values()) <= vault.assets + 1
        assert min(vault.assets, vault.shares, *vault.holders.values(), 0) == 0
