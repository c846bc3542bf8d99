"""Farms of the venue's vaults: staking, rewards over a time, and the platform's fee."""

from typing import Any

import pytest
from cleartide.contracts import PoolChanged, TransferApplied
from cleartide.contracts.farms import (
    ClaimFarmRewards,
    FarmRewardsPaid,
    FundFarm,
    OpenFarm,
    SharesStaked,
    StakeShares,
    UnstakeShares,
)
from cleartide.contracts.vaults import VaultSharesRedeemed
from cleartide.fold import Reject
from hypothesis import given, settings
from hypothesis import strategies as st

from services.matching.tests.accountant import Accountant
from services.matching.tests.fund_house import VAULT, FundHouse, reason
from services.matching.tests.support import QUOTE, SECOND, Events, only


class Farmers(FundHouse):
    """ann and bob have 1,000 in the vault, whose farm keeps a fifth of rewards."""

    def __init__(self, **terms: Any) -> None:
        super().__init__(**terms)
        for name in ("ann", "bob"):
            self.pay(name, "1000")
        self.send(OpenFarm, source="operator", vault=VAULT, platform_fee_bps=2_000)

    def reward(self, amount: str, seconds: int) -> Events:
        return self.ask(FundFarm, "mia", amount=amount, seconds=seconds)

    def stake(self, account: str, shares: int) -> Events:
        return self.ask(StakeShares, account, shares=shares)

    def unstake(self, account: str, shares: int) -> Events:
        return self.ask(UnstakeShares, account, shares=shares)

    def claim(self, account: str) -> Events:
        return self.ask(ClaimFarmRewards, account)


def test_ovl_farm_001_who_stakes_is_paid_for_the_time_less_the_platforms_fee() -> None:
    """OVL-FARM-001: 100 over 100 seconds: ann alone for 50, then beside bob; the auditor knows each step."""
    ex = Farmers()
    accountant = Accountant(ex)
    ex.stake("ann", 2**29)
    ex.reward("100", 100)
    ex.wait(50 * SECOND)
    assert only(ex.stake("bob", 2**29), SharesStaked).staked_shares == 2**29
    ex.wait(60 * SECOND)
    ex.restart()
    paid = ex.claim("ann")
    told = only(paid, FarmRewardsPaid)
    assert (told.gross_quanta, told.platform_fee_quanta, told.amount_quanta) == (75 * QUOTE, 15 * QUOTE, 60 * QUOTE)
    assert only(paid, TransferApplied).kind == "farm_reward"
    assert only(paid, PoolChanged).pool == "platform"
    assert only(ex.claim("bob"), FarmRewardsPaid).gross_quanta == 25 * QUOTE
    assert ex.balance(f"farm:{VAULT}") == 0
    accountant.look()
    assert accountant.findings == []


def test_ovl_farm_002_what_is_staked_stays_until_it_is_unstaked() -> None:
    """OVL-FARM-002"""
    ex = Farmers()
    held = ex.shares("ann")
    ex.stake("ann", held - 5)
    assert reason(ex.leave("ann", 6)) == reason(ex.stake("ann", 6)) == "not_enough_shares"
    assert only(ex.leave("ann", 5), VaultSharesRedeemed)
    assert reason(ex.unstake("ann", held)) == "not_enough_shares"
    ex.halt(halted=True)
    assert reason(ex.stake("bob", 1)) == "halted"
    assert only(ex.unstake("ann", held - 5), SharesStaked).staked_shares == 0
    ex.halt(halted=False)
    assert only(ex.leave("ann"), VaultSharesRedeemed).balance_shares == 0


steps = st.lists(
    st.tuples(
        st.sampled_from(("reward", "stake", "unstake", "claim", "wait", "leave")),
        st.sampled_from(("ann", "bob", "mia")),
        st.integers(1, 10**9),
    ),
    max_size=25,
)


@given(steps)
@settings(max_examples=50, deadline=None)
def test_ovl_farm_003_a_farm_never_owes_more_than_it_has(script: list[tuple[str, str, int]]) -> None:
    """OVL-FARM-003: the invariants hold after every command, and a venue that restarts between them says the same."""
    ex, killed = Farmers(), Farmers()
    for verb, who, amount in script:
        for one in (ex, killed):
            match verb:
                case "reward":
                    one.reward(f"{amount / QUOTE:.6f}", 1 + amount % 1_000)
                case "wait":
                    one.wait(amount)
                case "claim":
                    one.claim(who)
                case _:
                    getattr(one, verb)(who, amount)
        killed.restart()
    assert ex.kept() == killed.kept()
    assert [event.type for event in ex.effects.emitted] == [event.type for event in killed.effects.emitted]


def test_ovl_farm_003_a_refusal_says_why() -> None:
    """OVL-FARM-003"""
    ex = Farmers()
    with pytest.raises(Reject, match="farm_exists"):
        ex.send(OpenFarm, source="operator", vault=VAULT, platform_fee_bps=1)
    before = ex.kept()
    assert reason(ex.claim("ann")) == "nothing_to_claim"
    assert reason(ex.reward("200000", 10)) == "exceeds_withdrawable"
    assert ex.kept() == before
