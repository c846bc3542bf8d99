"""The sandbox's vaults: the same history every time, taken by the service without a complaint, and covered."""

from itertools import islice

from deploy.local.sandbox.vaults import EPOCH_DAY, HISTORY_STEPS, OFFERS, STEP, Program, history
from services.vaults.tests.chain import Harness

FIRST = 2_000
STEPS = HISTORY_STEPS // 4


def told(steps: int) -> list[object]:
    programs = [Program(offer) for offer in OFFERS]
    return [event for _, events in islice(history(programs, FIRST), steps) for event in events]


def test_every_start_tells_the_same_history() -> None:
    """VLT-SANDBOX-001"""
    assert told(40) == told(60)[: len(told(40))]


def test_owners_never_have_more_than_the_vault_holds() -> None:
    """VLT-SANDBOX-002: what days say the owners have is covered by the vaults, but for the dust of rounding."""
    harness = Harness()
    events = told(STEPS)
    harness.clock = EPOCH_DAY + FIRST * STEP
    harness.take(*events)  # type: ignore[arg-type]
    current = harness.current()
    last = max(key[3] for key in current)
    ends: dict[tuple[str, str], int] = {}
    for (_, protocol, asset, day), row in current.items():
        if day == last:
            ends[protocol, asset] = ends.get((protocol, asset), 0) + row["equity_end"]
    assets = {}
    for row in sorted(harness.rows("vault_states"), key=lambda row: int(row["block_time"])):
        if row["block_time"] < last + 86_400_000_000:
            assets[row["protocol"], row["asset"]] = row["total_assets"]
    assert ends.keys() >= assets.keys()
    for line, total in assets.items():
        assert 0 <= total - ends[line] < 1_000, line
    assert any(row["revision"] for row in harness.rows("vault_days")), "the late events restate days"
