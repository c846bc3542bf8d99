"""A farm keeps its rules whatever is asked of it."""

from cleartide.rules.farms import Farm
from hypothesis import given, settings
from hypothesis import strategies as st

SECOND = 1_000_000
owners = st.sampled_from(("ann", "bob", "cid"))
moves = st.lists(
    st.tuples(st.sampled_from(("fund", "stake", "stake", "unstake", "claim", "wait")), owners, st.integers(1, 10**12)),
    max_size=40,
)


def test_a_reward_is_shared_by_time_and_stake() -> None:
    """OVL-FARM-RULE-001: ann alone for half the time, with bob's threefold stake for the other half."""
    farm = Farm(fee_bps=1_000)
    farm.stake("ann", 100, 0)
    farm.fund(800, 80 * SECOND, 0)
    farm.stake("bob", 300, 40 * SECOND)
    ann, bob = farm.claim("ann", 80 * SECOND), farm.claim("bob", 80 * SECOND)
    assert (ann.gross, ann.fee, ann.net) == (500, 50, 450)
    assert (bob.gross, farm.to_come) == (300, 0)
    assert farm.claim("bob", 90 * SECOND).gross == 0


def test_a_reward_waits_for_somebody_to_stake() -> None:
    """OVL-FARM-RULE-002"""
    farm = Farm(fee_bps=0)
    farm.fund(100, 10 * SECOND, 0)
    farm.stake("ann", 1, 5 * SECOND)
    assert farm.claim("ann", 10 * SECOND).gross == 50
    assert farm.claim("ann", 15 * SECOND).gross == 50


@given(moves, st.integers(0, 2_500))
@settings(max_examples=200, deadline=None)
def test_no_more_is_given_than_was_put_in(script: list[tuple[str, str, int]], fee: int) -> None:
    """OVL-FARM-RULE-003: paid, pending and to come are at most what was put in, and all of it but a few units."""
    farm, funded, paid, at = Farm(fee), 0, 0, 0
    for verb, owner, amount in script:
        at += amount % 7_919
        held = farm.stakes[owner].shares if owner in farm.stakes else 0
        if verb == "fund":
            farm.fund(amount, 1 + amount % (100 * SECOND), at)
            funded += amount
        elif verb == "stake":
            farm.stake(owner, amount, at)
        elif verb == "unstake":
            farm.stake(owner, -min(held, amount), at)
        elif verb == "claim":
            claimed = farm.claim(owner, at)
            assert 0 <= claimed.fee <= claimed.gross
            paid += claimed.gross
        else:
            at += amount % (200 * SECOND)
        pending = sum(farm.pending_of(name, at) for name in list(farm.stakes))
        assert 0 <= funded - paid - pending - farm.to_come <= len(script) * (len(farm.stakes) + 1)
