"""The full-size comparison (`make bench ONLY=risk_proof`), small: its walk against judging every holder each time."""

import hashlib
import json
from array import array
from fractions import Fraction
from pathlib import Path

import pytest

from benchmarks.risk_scale import data, wheel
from benchmarks.risk_scale.data import ENTER_PPM, LEAVE_PPM, Data, margin


def next_level(level: int, equity: int, required: int) -> int:
    """By fractions, with hysteresis (R10); equity equal to a threshold is safe."""
    if not required:
        return 0
    health = Fraction(equity, required) * 10**6
    entered = sum(health < threshold for threshold in ENTER_PPM)
    return max(entered, min(level, sum(health < threshold for threshold in LEAVE_PPM)))


class Brute:
    """Everybody's figures from their positions, each time anew."""

    def __init__(self, known: Data) -> None:
        self.known, self.price = known, list(known.price)
        self.held: list[dict[int, int]] = [{} for _ in known.keep]
        for owner, market, slope in zip(known.owner, known.market, known.slope, strict=True):
            self.held[owner][market] = slope
        self.keep = list(known.keep)
        self.verdict = [(0, False)] * len(self.keep)
        for account in range(len(self.keep)):
            self.judge(account)

    def judge(self, account: int) -> bool:
        """Whether level, or being below maintenance, is different now."""
        value = [slope * self.price[market] for market, slope in self.held[account].items()]
        equity, required = self.keep[account] + sum(value), sum(margin(abs(each)) for each in value)
        before = self.verdict[account]
        self.verdict[account] = next_level(before[0], equity, required), bool(required) and equity < required
        return self.verdict[account] != before

    def move(self, market: int, ticks: int) -> list[tuple[int, int]]:
        """One tick: every holder; returns (account, level) of those that changed."""
        self.price[market] = ticks
        holders = [account for account, held in enumerate(self.held) if market in held]
        return [(account, self.verdict[account][0]) for account in holders if self.judge(account)]

    def fill(self) -> None:
        """The fills, each judged when it comes."""
        fills = self.known.fill
        for account, market, slope, change in zip(fills[::4], fills[1::4], fills[2::4], fills[3::4], strict=True):
            self.held[account].pop(market, None)
            if slope:
                self.held[account][market] = slope
            self.keep[account] += change
            self.judge(account)


@pytest.mark.parametrize("shape", ["uniform", "zipf"])
def test_the_walk_of_the_benchmark_says_what_brute_force_says(
    shape: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RISK-BOX-012: the digest of all events, through a crash, after fills, and the levels in the end."""
    for name, size in (("ACCOUNTS", 400), ("TICKS", 3_000), ("FILLS", 600)):
        monkeypatch.setattr(data, name, size)
    known = data.population(11, shape)
    known.save(tmp_path)
    brute, said, count = Brute(known), hashlib.sha256(), 0
    for name, first, end in json.loads((tmp_path / "phases").read_text()):
        if name == "after_fills":
            brute.fill()
        for tick in range(first, end):
            events = sorted(brute.move(known.tick_market[tick], known.tick_price[tick]))
            said.update(repr(events).encode())
            count += len(events)
    found = wheel.main(tmp_path)
    levels = array("q", (level for level, _ in brute.verdict))
    assert (found["said"], found["digest"]) == (count, said.hexdigest())
    assert found["levels"] == hashlib.sha256(levels.tobytes()).hexdigest()
    assert count > 50
