"""What single events do to a day, and what is refused."""

import pytest
from cleartide.contracts.chain import CHAIN_EVENTS, ChainEvent
from cleartide.contracts.examples.chain import CHAIN_EXAMPLES
from cleartide.fold import Reject

from services.vaults.app import SERVICE
from services.vaults.tests.chain import DAY, START, Harness, claim, deposit, figures, retract, stake, state, withdraw
from tests.support.fold_bench import HandlerBench

ON_CHAIN = {
    "VaultDeposited",
    "VaultWithdrawn",
    "VaultStateUpdated",
    "ProtocolConfigUpdated",
    "FeeConfigUpdated",
    "EmergencyActionTaken",
    "KaminoDeposited",
    "KaminoWithdrawn",
    "KaminoStaked",
    "KaminoUnstaked",
    "FarmRewardsClaimed",
    "PlatformFeeUpdated",
    "PlatformFeeWalletUpdated",
}
"""What the programs on a chain say; everything else comes from those who read them."""


def closed(*events: object, owner: str = "alice") -> list[tuple[int, ...]]:
    """The figures of an owner's days after these events and one of a later day."""
    harness = Harness()
    harness.take(*events, stake(900, START + 9 * DAY, "nobody", 1), stake(901, START + 9 * DAY, "nobody", 1))  # type: ignore[arg-type]
    return [figures(row) for key, row in sorted(harness.current().items()) if key[0] == owner]


def test_each_of_the_thirteen_kinds_counts_once_and_moves_its_chains_cursor() -> None:
    """VLT-KIND-001: told again by a replay from the first slot on, none of them changes anything but counts."""
    assert len(ON_CHAIN) == 13
    assert {contract.__name__ for contract in CHAIN_EVENTS} == {kind.__name__ for kind in SERVICE.fold.handlers}
    told = [each for each in CHAIN_EXAMPLES if isinstance(each, ChainEvent) and each.type in ON_CHAIN]
    harness = Harness()
    harness.take(*told)
    assert {row["kind"] for row in harness.rows("chain_events")} == ON_CHAIN
    assert len(harness.rows("chain_events")) == len(told)
    (cursor,) = harness.rows("chain_cursors")
    newest = max(told, key=lambda each: each.block_time)
    assert (cursor["slot"], cursor["block_time"]) == (newest.slot, newest.block_time)
    before = {name: dict(rows) for name, rows in harness.tables.items() if name != "chain_cursors"}
    published = len(harness.published)
    harness.take(*told)
    assert {name: dict(rows) for name, rows in harness.tables.items() if name != "chain_cursors"} == before
    assert len(harness.published) == published
    assert harness.rows("chain_cursors") == [{**cursor, "duplicates": len(told)}]


def test_a_deposit_is_a_flow_its_fee_a_cost_and_the_rise_of_the_price_the_yield() -> None:
    """VLT-FLOW-001: 1,000 in for a fee of 10, 990 shares at 1; the price rises to 1.1 a day later."""
    events = (
        state(1, START, 5_000, 5_000),
        deposit(2, START, "alice", 1_000, 990, 10),
        state(3, START + DAY, 5_500, 5_000),
    )
    first, second, *rest = closed(*events)
    assert first == (0, 990, 1_000, 0, 10, 0)
    assert second == (990, 1_089, 0, 0, 0, 99)
    assert {row[:2] for row in rest} == {(1_089, 1_089)}


def test_a_withdrawal_is_a_flow_out_and_its_fee_is_kept_beside_it() -> None:
    """VLT-FLOW-002: half the shares at 1 bring 490, and 5 are kept."""
    events = (state(1, START, 5_000, 5_000), deposit(2, START, "alice", 990, 990))
    day = closed(*events, withdraw(3, START + DAY, "alice", 490, 495, 5), withdraw(4, START + DAY, "alice", 495, 495))[
        1
    ]
    assert day == (990, 0, 0, 985, 5, 0)


def test_rewards_are_earned_gross_and_leave_at_once() -> None:
    """VLT-FLOW-003: 400 claimed in another asset, a quarter of it the platform's."""
    assert closed(claim(1, START, "alice", 400, 100)) == [(0, 0, 0, 300, 100, 400)]


def test_staking_moves_shares_and_no_money() -> None:
    """VLT-FLOW-004: staked shares stay their owner's and are worth as much."""
    harness = Harness()
    harness.take(state(1, START, 5_000, 5_000), deposit(2, START, "alice", 990, 990), stake(3, START, "alice", 400))
    (held,) = (row for row in harness.rows("vault_holdings") if row["owner"] == "alice")
    assert (held["shares"], held["staked"]) == (990, 400)


def test_before_the_first_state_a_vault_is_valued_at_it() -> None:
    """VLT-FLOW-005: a deposit two days before anybody knew the price."""
    rows = closed(deposit(1, START, "alice", 990, 990), state(2, START + 2 * DAY, 5_500, 5_000))
    assert [row[1] for row in rows[:2]] == [1_089, 1_089]


def test_a_late_event_tells_the_days_it_changed_again() -> None:
    """VLT-LATE-001: what was told stays as it was; the further row carries the place of what changed it."""
    harness = Harness()
    later = [stake(number, START + 2 * DAY, "alice", 1) for number in (5, 6)]
    harness.take(state(1, START, 5_000, 5_000), deposit(2, START, "alice", 990, 990), *later)
    assert [(row["day"], row["revision"]) for row in harness.days()] == [(START, 0), (START + DAY, 0)]
    harness.take(deposit(3, START + DAY, "alice", 10, 10))
    told = [(row["day"], row["revision"], figures(row)) for row in harness.days()]
    assert told[1:] == [(START + DAY, 0, (990, 990, 0, 0, 0, 0)), (START + DAY, 5, (990, 1_000, 10, 0, 0, 0))]
    assert harness.published[-1]["revision"] == 5
    assert harness.rows("chain_cursors")[0]["late"] == 1


def test_a_retracted_event_counts_no_longer_nor_when_it_comes_afterwards() -> None:
    """VLT-LATE-002"""
    both = (state(1, START, 5_000, 5_000), deposit(2, START, "alice", 990, 990))
    assert closed(*both, retract(3, START + DAY, 2)) == []
    assert closed(retract(3, START + DAY, 2), *both) == []


@pytest.mark.parametrize(
    ("reason", "event"),
    [
        ("fee_exceeds_amount", deposit(2, START, "alice", 10, 10, fee=11)),
        ("fee_exceeds_amount", claim(2, START, "alice", 10, 11)),
        ("conflicting_event", deposit(1, START, "alice", 11, 10)),
        ("from_the_future", deposit(2, START + DAY, "alice", 10, 10)),
        ("vault_mismatch", deposit(2, START, "alice", 10, 10).model_copy(update={"asset": "USDT"})),
    ],
)
def test_what_cannot_be_is_refused_with_a_reason_and_changes_nothing(reason: str, event: object) -> None:
    """VLT-SAFE-001"""
    bench: HandlerBench[object] = HandlerBench(SERVICE.fold, START)
    bench.take(deposit(1, START, "alice", 10, 10), seq=1, at=START)
    bench.commit()
    before = {name: dict(rows) for name, rows in bench.tables.items()}
    with pytest.raises(Reject, match=reason):
        bench.take(event, seq=2, at=START)  # type: ignore[arg-type]
    bench.commit()
    assert bench.tables == before


def test_an_asset_has_the_same_decimals_in_every_vault() -> None:
    """VLT-UNIT-007: smallest units of an asset are added up, so a vault that counts others is refused, also later."""
    bench: HandlerBench[object] = HandlerBench(SERVICE.fold, START)
    bench.take(state(1, START, 10, 10, decimals=6), seq=1, at=START)
    for seq in (2, 3):
        with pytest.raises(Reject, match="decimals_mismatch"):
            bench.take(state(2, START, 10, 10, vault="usdc-two", decimals=9), seq=seq, at=START)
        bench.restart()
    assert len(bench.tables["vault_states"]) == 1
    bench.take(state(3, START, 10, 10, vault="sol-main", decimals=9), seq=4, at=START)
    bench.take(state(4, START, 10, 10, vault="usdc-two", decimals=6), seq=5, at=START)
