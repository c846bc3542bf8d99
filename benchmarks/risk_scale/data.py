"""A population and a walk of prices, as files of 64-bit integers that every engine reads.

`python -m benchmarks.risk_scale.data <folder> <shape>` makes one and prints how much of everything there is.
"""

import json
import os
import random
import sys
from array import array
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Final

from cleartide.money import PPB, ceil_div

ACCOUNTS: Final = int(os.environ.get("ACCOUNTS", "1000000"))
TICKS: Final = int(os.environ.get("TICKS", "150000"))
FILLS: Final = int(os.environ.get("FILLS", "500000"))
MARKETS: Final = 50
INITIAL_PPB: Final = 100_000_000
FRACTION_PPB: Final = 500_000_000
ENTER_PPM: Final = (1_500_000, 1_200_000, 1_050_000, 1_000_000)
LEAVE_PPM: Final = (1_530_000, 1_224_000, 1_071_000, 1_020_000)
PHASES: Final = (("calm", 100), ("crash", 30), ("rebound", 20))
"""Name and share of the walk, of 150. Then come the fills, and a second, smaller crash after them."""
COLUMNS: Final = ("keep", "owner", "market", "slope", "price", "tick_market", "tick_price", "fill")


@dataclass(frozen=True)
class Data:
    """keep per account; owner, market, slope (quanta per tick) per position; first prices; ticks; fills of four."""

    keep: "array[int]"
    owner: "array[int]"
    market: "array[int]"
    slope: "array[int]"
    price: "array[int]"
    tick_market: "array[int]"
    tick_price: "array[int]"
    fill: "array[int]"

    def save(self, folder: Path) -> None:
        """A file per column."""
        for name in COLUMNS:
            (folder / name).write_bytes(getattr(self, name).tobytes())
        (folder / "phases").write_text(json.dumps(phases()))


def phases() -> list[tuple[str, int, int]]:
    """(name, first tick, end) of each part of the walk; after the fills comes one more crash."""
    found, first = [], 0
    for name, share in PHASES:
        found.append((name, first, first + TICKS * share // 150))
        first = found[-1][2]
    found.append(("after_fills", first, first + TICKS // 15))
    return found


def margin(notional: int) -> int:
    """Maintenance margin: one bracket, rounded up twice (R8)."""
    return ceil_div(ceil_div(notional * INITIAL_PPB, PPB) * FRACTION_PPB, PPB)


def population(seed: int, shape: str) -> Data:
    """1 to 5 positions an account, markets equally popular or by Zipf's law, health factors from 1 to 26."""
    chance = random.Random(seed)
    price = array("q", (chance.randint(200_000, 2_000_000) for _ in range(MARKETS)))
    popular = list(accumulate(1.0 if shape == "uniform" else 1 / rank for rank in range(1, MARKETS + 1)))
    empty = {name: array("q") for name in COLUMNS if name != "price"}
    data = Data(price=price, **empty)
    for account in range(ACCOUNTS):
        equity_less = required = 0
        for market in _held(chance, popular):
            slope = _slope(chance, price[market])
            data.owner.append(account)
            data.market.append(market)
            data.slope.append(slope)
            equity_less += slope * price[market]
            required += margin(abs(slope * price[market]))
        data.keep.append(round(required * (1 + 25 * chance.random())) - equity_less)
    _walk(chance, data)
    _fills(chance, data)
    return data


def _held(chance: random.Random, popular: list[float]) -> list[int]:
    """1 to 5 markets, 3 on average."""
    held: set[int] = set()
    count = 1 + int(chance.random() * 5)
    while len(held) < count:
        held.update(chance.choices(range(MARKETS), cum_weights=popular, k=count - len(held)))
    return sorted(held)


def _slope(chance: random.Random, price: int) -> int:
    value = 10 ** (7 + 3.5 * chance.random())
    return max(1, int(value / price)) * chance.choice((-1, 1))


def _walk(chance: random.Random, data: Data) -> None:
    """Every market in turn. A crash takes 22 % of all, each by its own beta; the rebound gives 8 % back."""
    price = [float(ticks) for ticks in data.price]
    sigma = [5e-5 * chance.uniform(0.6, 1.5) for _ in price]
    beta = [chance.uniform(0.7, 1.3) for _ in price]
    wild = {"calm": (0.0, 1.0), "crash": (-0.22, 5.0), "rebound": (0.08, 3.0), "after_fills": (-0.08, 5.0)}
    for name, first, end in phases():
        drift, times = wild[name]
        for tick in range(first, end):
            market = tick % MARKETS
            step = drift * beta[market] * MARKETS / max(1, end - first)
            price[market] *= 1 + step + chance.gauss(0, sigma[market] * times)
            data.tick_market.append(market)
            data.tick_price.append(max(1, round(price[market])))


def _fills(chance: random.Random, data: Data) -> None:
    """(account, market, new slope, change of keep): a position opened, changed or closed, and what it cost."""
    for _ in range(FILLS):
        market = chance.randrange(MARKETS)
        slope = 0 if chance.random() < 0.15 else _slope(chance, data.price[market])
        data.fill.extend((chance.randrange(ACCOUNTS), market, slope, -slope * data.price[market] // 50))


def main(folder: Path, shape: str) -> dict[str, int]:
    """Make and save the population that every benchmark uses."""
    data = population(7, shape)
    data.save(folder)
    return {
        "accounts": len(data.keep),
        "positions": len(data.owner),
        "ticks": len(data.tick_price),
        "fills": len(data.fill) // 4,
    }


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), sys.argv[2])))
