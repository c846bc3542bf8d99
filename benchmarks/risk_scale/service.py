"""The service's whole fold on many accounts: cold start from rows, calm and falling prices, bytes per account."""

import gc
import os
import random
import resource
import time
from typing import Any, Final

from cleartide.contracts import MarkPriceUpdated
from cleartide.fold import Table

from benchmarks.report import Row, percentile
from services.risk import repository
from services.risk.app import SERVICE
from tests.support.fold_bench import HandlerBench

COUNT: Final = int(os.environ.get("SERVICE_ACCOUNTS", "100000"))
MARKETS: Final = 50
TICKS: Final = int(os.environ.get("SERVICE_TICKS", "5000"))


def service_rows() -> list[Row]:
    """Restored from rows as they come from the database, then told prices; every alert is made in full."""
    rows = state_rows(random.Random(3), COUNT)
    bench: Any = HandlerBench(SERVICE.fold, 0)
    gc.collect()
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    bench.state = SERVICE.fold.repository.restore(rows)
    seconds = time.process_time() - started
    memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    gc.freeze()
    name = "risk_scale.service"
    found = [
        Row(f"{name}.accounts", COUNT, "accounts"),
        Row(f"{name}.restore", seconds / COUNT * 1e6, "us per account, its positions included"),
        Row(f"{name}.memory", memory / COUNT, "bytes per account, its positions included"),
    ]
    mark = list(repository.MARKETS.columns).index("mark_ticks")
    prices = [row[mark] for row in rows["markets"]]
    for phase, step in (("calm", 0.00005), ("crash", 0.002)):
        took, said = _tell(bench, prices, step)
        slowest = sorted(range(TICKS), key=took.__getitem__)[-max(1, TICKS // 100) :]
        most, longest = sum(said[tick] for tick in slowest), sum(took[tick] for tick in slowest)
        each, cost = most / len(slowest), longest / max(1, most) * 1e6
        why = f"the slowest 1 % say {each:.0f} each, at {cost:.0f} us with all inputs" if most else ""
        found += [
            Row(f"{name}.{phase}.p50", percentile(took, 0.5) * 1e3, "ms from event to alerts, in the fold"),
            Row(f"{name}.{phase}.p99", percentile(took, 0.99) * 1e3, "ms from event to alerts, in the fold", note=why),
            Row(f"{name}.{phase}.alerts", sum(said) / TICKS, "alerts and requests per price"),
        ]
    return found


def _tell(bench: Any, prices: list[int], step: float) -> tuple[list[float], list[int]]:
    """Of each price, the seconds that it took and how much was said."""
    chance, took, said = random.Random(5), list[float](), list[int]()
    for number in range(TICKS):
        market = number % MARKETS
        drift = -step if step > 0.001 else 0
        prices[market] = max(1, round(prices[market] * (1 + drift + step * chance.gauss(0, 1))))
        seq = bench.effects.seq + 1
        event = price_of(market, prices[market], seq, seq)
        started = time.perf_counter()
        said.append(len(bench.take(event, seq=seq, at=seq)))
        took.append(time.perf_counter() - started)
    return took, said


def price_of(market: int, ticks: int, seq: int, at: int) -> MarkPriceUpdated:
    """A price, of an index that is stale: alerts are said, and nobody's liquidation is asked for."""
    return MarkPriceUpdated(
        id=f"m-{seq}", seq=seq, occurred_at=at, source="matching", market=f"M{market:02d}-PERP",
        mark_ticks=ticks, index_ticks=ticks, index_stale=True, best_bid_ticks=None,
        best_ask_ticks=None, last_ticks=None, open_interest_lots=0,
    )  # fmt: skip


def state_rows(chance: random.Random, count: int, lowest: float = 1.6) -> dict[str, list[tuple[Any, ...]]]:
    """Healthy accounts of one to five positions, as rows of every table that a start loads.

    lowest: the least health factor; half of the accounts are within 5 of it.
    """
    rows: dict[str, list[tuple[Any, ...]]] = {table.name: [] for table in SERVICE.fold.repository.tables if table.load}
    prices = [chance.randint(200_000, 2_000_000) for _ in range(MARKETS)]
    for number, price in enumerate(prices):
        market = f"M{number:02d}-PERP"
        rules = {"market": market, "tick_size": "0.1", "lot_size": "0.001", "quanta_per_lot_tick": 1}
        priced = {"mark_ticks": price, "index_ticks": price, "index_stale": True}
        rows["markets"].append(_row(repository.MARKETS, **rules, **priced))
        rows["market_brackets"].append((market, 0, None, 100_000_000, 500_000_000))
    for number in range(count):
        account, margin = f"a{number}", 0
        for held in chance.sample(range(MARKETS), 1 + int(chance.random() * 5)):
            lots = chance.choice((-1, 1)) * max(1, int(10 ** (7 + 3.5 * chance.random()) / prices[held]))
            rows["positions"].append((account, f"M{held:02d}-PERP", lots, -lots * prices[held], 0))
            margin += abs(lots) * prices[held] // 20
        cash = round(margin * (lowest + 20 * chance.random() ** 2))
        asked = dict.fromkeys(("request_market", "request_seq", "request_at"))
        rows["accounts"].append(
            _row(repository.ACCOUNTS, account=account, cash_quanta=cash, liquidating=False, **asked)
        )
    return rows


def _row(table: Table, **values: Any) -> tuple[Any, ...]:
    """A row of the table; columns that are not named hold 0."""
    return tuple(values.get(name, 0) for name in table.columns)
