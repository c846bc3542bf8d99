"""Five hundred histories with faults, and runners that are broken on purpose, which must be found out."""

import subprocess
import sys
from collections import Counter
from typing import Any

import pytest
import structlog
from cleartide.bus.folder import Folder
from cleartide.bus.ports import Commit, Epoch, Progress, StreamState
from cleartide.bus.worker import Worker

from tests.simulation.ports import MemoryStore
from tests.simulation.run import simulate
from tests.support.installation import ROOT

SEEDS, CHUNKS = 500, 20
ENOUGH_FOR_A_BROKEN_RUNNER = 60


@pytest.fixture(autouse=True)
def quiet() -> Any:
    """Every fault writes a warning; thousands of them tell nobody anything."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    yield
    structlog.configure(**before)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_every_history_equals_its_undisturbed_fold(chunk: int) -> None:
    """RUN-SIM-001."""
    faults: Counter[str] = Counter()
    for seed in range(1 + chunk, 1 + SEEDS, CHUNKS):
        faults.update(simulate(seed).faults)
    assert len(faults) > 15, "the histories are to be disturbed in every way"


def _digest(seed: int, hash_seed: str) -> str:
    command = [sys.executable, "-m", "tests.simulation", "--first", str(seed), "--count", "1"]
    environment = {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": f"{ROOT}:{ROOT / 'libs/common'}"}
    printed = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout
    return next(line for line in printed.splitlines() if "digest" in line)


def test_the_same_seed_gives_the_same_history() -> None:
    """RUN-SIM-002."""
    assert _digest(7, "1") == _digest(7, "2")
    assert _digest(7, "1") != _digest(8, "1")


class NoRepair(Worker):
    """Forgets what was committed and perhaps not published."""

    async def _repair(self, epoch: Epoch) -> None:
        return


class NoFence(MemoryStore):
    """Lets everybody commit, whatever epoch they began and wherever they stand."""

    def _holds(self, commit: Commit) -> bool:
        return True


class ForgetsPosition(Worker):
    """Begins a little before what is committed, and believes it."""

    def _start(self, folder: Folder, progress: Progress, bounds: StreamState) -> int:
        folder.skip_to(max(0, progress.position - 1))
        return max(1, super()._start(folder, progress, bounds) - 1)


def _is_found_out(worker_type: type[Worker], store_type: type[MemoryStore]) -> bool:
    for seed in range(1, ENOUGH_FOR_A_BROKEN_RUNNER):
        try:
            simulate(seed, worker_type, store_type)
        except Exception:
            return True
    return False


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("worker_type", "store_type"), [(NoRepair, MemoryStore), (ForgetsPosition, MemoryStore), (Worker, NoFence)]
)
def test_a_broken_runner_is_found_out(worker_type: type[Worker], store_type: type[MemoryStore]) -> None:
    """RUN-SIM-003."""
    assert _is_found_out(worker_type, store_type)
