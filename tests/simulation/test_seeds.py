"""Every seed: whatever fails, in whatever order, the services end in the state and with the words of a calm run.

CLEARTIDE_SIM_SEEDS chooses the seeds: `7` for one, `1-20000` for a night; CLEARTIDE_SIM_STANDBY_SEEDS those with
standbys.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Final

import pytest

from services.matching.domain.conditional import following
from tests.simulation.check import digest
from tests.simulation.runs import checked_seed, run_seed, seeds_of
from tests.support.installation import ROOT

SEEDS: Final = seeds_of(os.environ.get("CLEARTIDE_SIM_SEEDS", "1-500"))
CHUNK: Final = 10
STANDBY_SEEDS: Final = seeds_of(os.environ.get("CLEARTIDE_SIM_STANDBY_SEEDS", "1-80"))
STEP_SEEDS: Final = seeds_of("21-26")


def check_all(seeds: Sequence[int], standbys: str = "") -> None:
    """Every seed to its end; all failures at once, with the command that repeats each of them."""
    failed = []
    for seed in seeds:
        try:
            checked_seed(seed, standbys=bool(standbys))
        except Exception as error:
            failed.append(f"python -m tests.simulation {seed} {standbys}: {type(error).__name__}: {str(error)[:300]}")
    assert not failed, "\n".join(failed)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("first", range(0, len(SEEDS), CHUNK), ids=lambda first: f"from {SEEDS[first]}")
def test_nothing_is_lost_doubled_or_changed_by_what_goes_wrong(first: int) -> None:
    """RUN-SIM-001: state, events and ledger equal an undisturbed fold of the same input, bit for bit."""
    check_all(SEEDS[first : first + CHUNK])


@pytest.mark.timeout(600)
@pytest.mark.parametrize("first", range(0, len(STANDBY_SEEDS), CHUNK), ids=lambda first: f"from {STANDBY_SEEDS[first]}")
def test_two_processes_of_each_service_are_as_exact_as_one(first: int) -> None:
    """RUN-SIM-004: with a standby beside every process, whoever crashes or freezes, and in whatever order."""
    check_all(STANDBY_SEEDS[first : first + CHUNK], "standbys")


@pytest.mark.parametrize("seed", STEP_SEEDS)
def test_a_crash_between_two_steps_of_a_command_changes_nothing(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """RUN-SIM-005: orders wait for prices, and each that is fired or placed is a step and a commit of its own."""
    monkeypatch.setattr(following, "FIRED_IN_A_STEP", 1)
    monkeypatch.setattr(following, "PLACED_IN_A_STEP", 1)
    checked_seed(seed, stops=True, standbys=seed % 2 == 0)


def test_a_seed_runs_the_same_way_twice() -> None:
    """RUN-SIM-002: the same seed leaves the same rows, events, epochs and stream contents behind."""
    for seed in (3, 14, 159):
        assert digest(run_seed(seed)) == digest(run_seed(seed))


def test_a_seed_runs_the_same_way_in_another_process() -> None:
    """RUN-SIM-002: nothing depends on the order of a set, on an address or on what ran before."""
    seed = 26
    outputs = set()
    for hash_seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-m", "tests.simulation", str(seed)],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": f"{ROOT}:{ROOT / 'libs' / 'common'}"},
            capture_output=True,
            text=True,
            check=True,
        )
        outputs.add(done.stdout.splitlines()[0])
    assert outputs == {f"seed {seed}: {dict(sorted((world := run_seed(seed)).events.items()))} {digest(world)}"}
