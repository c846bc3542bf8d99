"""The referee of `risk_proof`, in the peers' environment: `python referee.py <folder> <name>` prints what it found.

Brute force in exact 64-bit integers that shares nothing with the product but the files, nor its order: it takes one
account after the other through a stretch of the walk, and judges it at every tick of every market that it holds. What
it holds fits the nearest cache then, so that ten billion judgements take minutes. Before each stretch everybody is
judged from nothing but cash, positions and prices, and must be at the level that the ticks have left there. At a tick
of a market that it does not hold an account has the equity and the margin, so the level, that it had before.
"""

import hashlib
import itertools
import json
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba
import numpy as np

INITIAL, FRACTION, PPB = 100_000_000, 500_000_000, 1_000_000_000
ENTER = np.array([1_500_000, 1_200_000, 1_050_000, 1_000_000], dtype=np.int64)
LEAVE = np.array([1_530_000, 1_224_000, 1_071_000, 1_020_000], dtype=np.int64)
PPM = 1_000_000
ROUNDS = 50
"""Rounds of the markets in a stretch: its prices stay in the nearest cache."""
F = TypeVar("F", bound=Callable[..., Any])
compiled: Callable[[F], F] = numba.njit


@compiled
def margin(notional: Any) -> Any:
    """The requirement of a position (R8)."""
    return (((notional * INITIAL + PPB - 1) // PPB) * FRACTION + PPB - 1) // PPB


@compiled
def judged(equity: Any, required: Any, level: Any) -> Any:
    """Level and being below maintenance, as one number."""
    entered = kept = 0
    whole, rest = required // PPM, required % PPM
    if required > 0:
        while entered < 4 and equity < ENTER[entered] * whole + (ENTER[entered] * rest + PPM - 1) // PPM:
            entered += 1
        while kept < 4 and equity < LEAVE[kept] * whole + (LEAVE[kept] * rest + PPM - 1) // PPM:
            kept += 1
    return max(entered, min(level, kept)) * 2 + (1 if entered == 4 else 0)


@compiled
def judge_all(known: Any, price: Any, level: Any) -> int:
    """Everybody from cash, positions and prices alone; returns how many are now at another level."""
    keep, first, market, slope = known
    changed = 0
    for account in range(len(keep)):
        equity, required = keep[account], 0
        for at in range(first[account], first[account + 1]):
            value = slope[at] * price[market[at]]
            equity += value
            required += margin(abs(value))
        now = judged(equity, required, level[account] // 2)
        changed += now != level[account]
        level[account] = now
    return changed


@compiled
def follow(known: Any, price: Any, walk: Any, begin: int, end: int, level: Any, out: Any) -> int:
    """Every account through the ticks from `begin` to `end`, of which number t is one of market t % markets.

    known: keep per account, first position of each, then market and slope per position, by market within an account.
    price: before the first of the ticks. Rows of `out` get (tick, account, level) of whoever is judged otherwise.
    Returns how many. ENTER[0] is 3 / 2: whoever was at level 0 is there still exactly while 2 * equity >= 3 * margin.
    """
    keep, first, market, slope = known
    markets, found = len(price), 0
    last, asked = np.zeros(markets, dtype=np.int64), np.zeros(markets, dtype=np.int64)
    for account in range(len(keep)):
        lowest, highest = first[account], first[account + 1]
        equity, required, now = keep[account], 0, level[account]
        for at in range(lowest, highest):
            held = at - lowest
            last[held] = price[market[at]]
            asked[held] = margin(abs(slope[at] * last[held]))
            equity += slope[at] * last[held]
            required += asked[held]
        for turn in range(begin // markets, (end - 1) // markets + 1):
            for at in range(lowest, highest):
                tick, held = turn * markets + market[at], at - lowest
                if tick < begin or tick >= end:
                    continue
                new = margin(abs(slope[at] * walk[tick]))
                equity += slope[at] * (walk[tick] - last[held])
                required += new - asked[held]
                last[held], asked[held] = walk[tick], new
                if now == 0 and 2 * equity >= 3 * required:
                    continue
                after = judged(equity, required, now // 2)
                if after != now:
                    now = after
                    out[found, 0], out[found, 1], out[found, 2] = tick, account, after // 2
                    found += 1
        level[account] = now
    return found


class Referee:
    """Everybody's positions and levels. recounts: how often all were judged anew; wrong: who was elsewhere then."""

    def __init__(self, folder: Path) -> None:
        self.columns = {
            path.name: np.fromfile(path, dtype=np.int64) for path in folder.iterdir() if path.name != "phases"
        }
        self.phases = json.loads((folder / "phases").read_text())
        self.price, self.keep = self.columns["price"].copy(), self.columns["keep"].copy()
        self.walk, self.markets = self.columns["tick_price"], len(self.price)
        turns = np.arange(len(self.walk)) % self.markets
        assert (self.columns["tick_market"] == turns).all(), "the markets do not take turns"
        self.level = np.zeros(len(self.keep), dtype=np.int64)
        self.out = np.zeros((len(self.keep) * 4 + 100_000, 3), dtype=np.int64)
        self.said, self.marks, self.recounts, self.wrong = hashlib.sha256(), list[int](), 0, 0
        self.hold(self.columns["owner"] * self.markets + self.columns["market"], self.columns["slope"])
        judge_all(self.known, self.price, self.level)

    def hold(self, keys: Any, slopes: Any) -> None:
        """These are the positions, of keys account * markets + market."""
        order = np.argsort(keys, kind="stable")
        self.keys, slope = keys[order], slopes[order]
        owner, market = np.divmod(self.keys, self.markets)
        self.known = (self.keep, np.searchsorted(owner, np.arange(len(self.keep) + 1)), market, slope)

    def stretch(self, begin: int, end: int) -> None:
        """These ticks: the events of each enter the digest, and a mark of their own is kept."""
        self.recounts += 1
        self.wrong += judge_all(self.known, self.price, self.level)
        found = self.out[: follow(self.known, self.price, self.walk, begin, end, self.level, self.out)]
        found = found[np.lexsort((found[:, 1], found[:, 0]))]
        ends = np.searchsorted(found[:, 0], np.arange(begin, end + 1)).tolist()
        events = list(map(tuple, found[:, 1:].tolist()))
        for first, last in itertools.pairwise(ends):
            text = repr(events[first:last]).encode()
            self.said.update(text)
            self.marks.append(zlib.crc32(text))
        for tick in range(max(begin, end - self.markets), end):
            self.price[tick % self.markets] = self.walk[tick]

    def fill(self) -> None:
        """The fills, each judged when it comes, in unlimited integers; then the positions as after the last one."""
        fills = self.columns["fill"].reshape(-1, 4)
        owner, price = self.keys // self.markets, self.price.tolist()
        touched = np.isin(owner, fills[:, 0])
        held: dict[int, dict[int, int]] = {account: {} for account in fills[:, 0].tolist()}
        _, _, markets, slopes = self.known
        for account, market, slope in zip(*(each[touched].tolist() for each in (owner, markets, slopes)), strict=True):
            held[account][market] = slope
        for account, market, slope, change in fills.tolist():
            held[account][market] = slope
            self.keep[account] += change
            values = [each * price[number] for number, each in held[account].items()]
            equity, required = int(self.keep[account]) + sum(values), sum(plain_margin(abs(value)) for value in values)
            self.level[account] = judged(equity, required, self.level[account] // 2)
        now = [
            (account * self.markets + market, slope)
            for account, positions in held.items()
            for market, slope in positions.items()
            if slope
        ]
        changed = np.array(now, dtype=np.int64).reshape(-1, 2)
        keys, slopes = self.keys[~touched], slopes[~touched]
        self.hold(np.concatenate([keys, changed[:, 0]]), np.concatenate([slopes, changed[:, 1]]))


def plain_margin(notional: int) -> int:
    """The requirement of a position (R8)."""
    return -(-(-(-notional * INITIAL // PPB) * FRACTION) // PPB)


def whole_walk(referee: Referee, name: str) -> dict[str, Any]:
    """All of it; a line for each stretch says how far it is."""
    started, ticks = time.monotonic(), len(referee.walk)
    for phase, first, last in referee.phases:
        if phase == "after_fills":
            referee.fill()
        for begin in range(first, last, ROUNDS * referee.markets):
            end = min(last, begin + ROUNDS * referee.markets)
            referee.stretch(begin, end)
            spent = time.monotonic() - started
            print(
                f"{name}: {phase}, tick {end} of {ticks}, {referee.wrong} wrong in {referee.recounts} recounts, "
                f"{spent:.0f} s, about {spent / end * (ticks - end):.0f} s left",
                file=sys.stderr,
                flush=True,
            )
    referee.wrong += judge_all(referee.known, referee.price, referee.level)
    return {
        "digest": referee.said.hexdigest(),
        "levels": hashlib.sha256((referee.level // 2).tobytes()).hexdigest(),
        "marks": referee.marks,
        "recounts": referee.recounts + 1,
        "wrong": referee.wrong,
    }


if __name__ == "__main__":
    print(json.dumps(whole_walk(Referee(Path(sys.argv[1])), sys.argv[2])))
