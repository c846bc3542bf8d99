"""The scans, in the peers' environment: `python scans.py <folder> <sample>` prints what they took.

numba keeps every account's equity and margin, moves those of a market's holders at each tick and compares; it walks the
whole walk and gives the same digest of events as the wheel. numpy does so with arrays; DuckDB and polars find the
holders' figures from the positions. These three are asked at a sample of the ticks and must count the same accounts.
"""

import hashlib
import itertools
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import numba
import numpy as np
import polars

INITIAL, FRACTION, PPB = 100_000_000, 500_000_000, 1_000_000_000
ENTER = np.array([1_500_000, 1_200_000, 1_050_000, 1_000_000], dtype=np.int64)
LEAVE = np.array([1_530_000, 1_224_000, 1_071_000, 1_020_000], dtype=np.int64)
PPM = 1_000_000
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
def scan(state: Any, level: Any, accounts: Any, slopes: Any, margins: Any, old: int, new: int, out: Any) -> int:
    """One tick over the holders of its market; state rows are (equity, margin) of one account side by side.

    As fast as we know to make it: each position's margin is kept, and who is far from everything is passed over.
    ENTER[0] is 3 / 2, so a level of 0 holds exactly while 2 * equity >= 3 * margin.
    """
    found = 0
    for at in range(len(accounts)):
        account, slope = accounts[at], slopes[at]
        asked = margin(abs(slope) * new)
        equity = state[account, 0] + slope * (new - old)
        required = state[account, 1] + asked - margins[at]
        state[account, 0], state[account, 1], margins[at] = equity, required, asked
        if level[account] == 0 and 2 * equity >= 3 * required:
            continue
        now = judged(equity, required, level[account] // 2)
        if now != level[account]:
            level[account] = now
            out[found] = account
            found += 1
    return found


@compiled
def judge_all(state: Any, level: Any) -> None:
    """Everybody, once."""
    for account in range(len(state)):
        level[account] = judged(state[account, 0], state[account, 1], level[account] // 2)


def np_margin(notional: Any) -> Any:
    """The requirement of many positions."""
    return (((notional * INITIAL + PPB - 1) // PPB) * FRACTION + PPB - 1) // PPB


def np_scan(equity: Any, required: Any, accounts: Any, slopes: Any, old: int, new: int) -> Any:
    """The same with arrays: gather, compute, scatter, and the first level's threshold."""
    size = np.abs(slopes)
    held = equity[accounts] + slopes * (new - old)
    asked = required[accounts] + np_margin(size * new) - np_margin(size * old)
    equity[accounts], required[accounts] = held, asked
    return np.count_nonzero(held < ENTER[0] * (asked // PPM) + (ENTER[0] * (asked % PPM) + PPM - 1) // PPM)


SQL = """
WITH holders AS (SELECT account FROM positions WHERE market = {market}),
held AS (SELECT account, sum(slope * ticks) AS value, sum(cdiv({cdiv})) AS margin
         FROM positions JOIN holders USING (account) JOIN prices USING (market) GROUP BY account)
SELECT count(*) FROM held JOIN accounts USING (account) WHERE (keep + value) * 1000000 < margin * 1500000
"""


class Venue:
    """Positions by market, and every account's figures."""

    def __init__(self, folder: Path) -> None:
        self.columns = {
            path.name: np.fromfile(path, dtype=np.int64) for path in folder.iterdir() if path.name != "phases"
        }
        self.price = self.columns["price"].copy()
        self.keep = self.columns["keep"].copy()
        self.held: dict[tuple[int, int], int] = {}
        for owner, market, slope in zip(
            *(self.columns[name].tolist() for name in ("owner", "market", "slope")), strict=True
        ):
            self.held[owner, market] = slope
        self.state = np.zeros((len(self.keep), 2), dtype=np.int64)
        self.level = np.zeros(len(self.keep), dtype=np.int64)
        self.out = np.zeros(len(self.keep), dtype=np.int64)
        self.index()

    def index(self) -> None:
        """Figures from the positions, and the holders of each market."""
        keys = np.array(list(self.held), dtype=np.int64)
        slopes = np.fromiter(self.held.values(), dtype=np.int64, count=len(self.held))
        self.owner, self.market, self.slope = keys[:, 0], keys[:, 1], slopes
        value = slopes * self.price[self.market]
        self.state[:, 0], self.state[:, 1] = self.keep, 0
        np.add.at(self.state[:, 0], self.owner, value)
        np.add.at(self.state[:, 1], self.owner, np_margin(np.abs(value)))
        order = np.argsort(self.market, kind="stable")
        ends = np.searchsorted(self.market[order], np.arange(len(self.price) + 1))
        accounts, ordered = self.owner[order], slopes[order]
        self.of = [(accounts[a:b].copy(), ordered[a:b].copy()) for a, b in itertools.pairwise(ends)]
        self.margins = [np_margin(np.abs(slopes * self.price[market])) for market, (_, slopes) in enumerate(self.of)]

    def fill(self) -> None:
        """The fills, in order; positions and cash as they are after the last one. Each is judged when it comes."""
        for account, market, slope, change in self.columns["fill"].reshape(-1, 4).tolist():
            before = self.held.pop((account, market), 0)
            price = int(self.price[market])
            if slope:
                self.held[account, market] = slope
            self.keep[account] += change
            self.state[account, 0] += change + (slope - before) * price
            self.state[account, 1] += np_margin(abs(slope) * price) - np_margin(abs(before) * price)
            self.level[account] = judged(self.state[account, 0], self.state[account, 1], self.level[account] // 2)
        self.index()


def walk(venue: Venue, folder: Path, sample: int) -> dict[str, Any]:
    """numba over every tick; the others at a sample of each phase."""
    said, found = hashlib.sha256(), dict[str, Any]()
    ticks, prices = venue.columns["tick_market"].tolist(), venue.columns["tick_price"].tolist()
    for name, first, end in json.loads((folder / "phases").read_text()):
        if name == "after_fills":
            venue.fill()
        asked = set(range(first, end, max(1, (end - first) // sample)))
        found[name] = {"scan": [], "numpy": [], "duckdb": [], "polars": []}
        seconds = 0.0
        for at in range(first, end):
            market, new = ticks[at], prices[at]
            old = int(venue.price[market])
            others = sampled(venue, market, old, new) if at in asked else None
            accounts, slopes = venue.of[market]
            started = time.process_time()
            count = scan(venue.state, venue.level, accounts, slopes, venue.margins[market], old, new, venue.out)
            seconds += time.process_time() - started
            venue.price[market] = new
            events = sorted((int(account), int(venue.level[account]) // 2) for account in venue.out[:count])
            said.update(repr(events).encode())
            for key, value in (others or {}).items():
                found[name][key].append(value)
        found[name] = {key: statistics.median(values) for key, values in found[name].items() if values}
        found[name]["scan"] = seconds / max(1, end - first)
    found["digest"] = said.hexdigest()
    found["levels"] = hashlib.sha256((venue.level // 2).tobytes()).hexdigest()
    return found


def sampled(venue: Venue, market: int, old: int, new: int) -> dict[str, float]:
    """Seconds of numpy, DuckDB and polars for this tick, each with the same answer."""
    equity, required = venue.state[:, 0].copy(), venue.state[:, 1].copy()
    accounts, slopes = venue.of[market]
    took, counts = dict[str, float](), dict[str, int]()
    started = time.process_time()
    counts["numpy"] = int(np_scan(equity, required, accounts, slopes, old, new))
    took["numpy"] = time.process_time() - started
    prices = venue.price.copy()
    prices[market] = new
    tables = {
        "positions": {"account": venue.owner.copy(), "market": venue.market.copy(), "slope": venue.slope},
        "accounts": {"account": np.arange(len(venue.keep)), "keep": venue.keep},
        "prices": {"market": np.arange(len(prices)), "ticks": prices},
    }
    took["duckdb"], counts["duckdb"] = by_duckdb(tables, market)
    took["polars"], counts["polars"] = by_polars(tables, market)
    assert len(set(counts.values())) == 1, counts
    return took


def by_duckdb(tables: Any, market: int) -> tuple[float, int]:
    """One statement, on one thread."""
    base = duckdb.connect()
    base.execute("SET threads = 1")
    for name, frame in tables.items():
        base.register("frame", frame)
        base.execute(f"CREATE TABLE {name} AS SELECT * FROM frame")
    base.execute(f"CREATE MACRO cdiv(n) AS (((n * {INITIAL} + {PPB - 1}) // {PPB}) * {FRACTION} + {PPB - 1}) // {PPB}")
    sql = SQL.format(market=market, cdiv="abs(slope * ticks)")
    base.execute(sql).fetchone()
    started = time.process_time()
    ((count,),) = base.execute(sql).fetchall()
    return time.process_time() - started, count


def by_polars(tables: Any, market: int) -> tuple[float, int]:
    """One chain of expressions."""
    positions, keeps, marks = (polars.DataFrame(tables[name]) for name in ("positions", "accounts", "prices"))
    started = time.process_time()
    holders = positions.filter(polars.col("market") == market).select("account")
    value = (polars.col("slope") * polars.col("ticks")).alias("value")
    asked = (((value.abs() * INITIAL + PPB - 1) // PPB) * FRACTION + PPB - 1) // PPB
    held = (
        positions.join(holders, on="account", how="semi")
        .join(marks, on="market")
        .select("account", value, asked.alias("asked"))
        .group_by("account")
        .sum()
        .join(keeps, on="account")
    )
    below = (polars.col("keep") + polars.col("value")) * PPM < polars.col("asked") * 1_500_000
    count = held.filter(below).height
    return time.process_time() - started, count


if __name__ == "__main__":
    place = Path(sys.argv[1])
    known = Venue(place)
    judge_all(known.state, known.level)
    holders, lots, kept = (part[:1].copy() for part in (*known.of[0], known.margins[0]))
    scan(known.state.copy(), known.level.copy(), holders, lots, kept, 1, 1, known.out)
    print(json.dumps(walk(known, place, int(sys.argv[2]))))
