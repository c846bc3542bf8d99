"""The public benchmark flows: five market scenarios whose whole report stream has a published SHA-256.

They are those of flash1-dev/matching-engine-benchmark (MIT licence, Flash One Technologies, 2026): everything is drawn
from the words of one Mersenne twister, prices around a geometric Brownian middle, buyers along its first half and
sellers along its second, in shuffled order, each with a life of modification and cancellation. `reports.py` makes the
text that the hash is of; 160 engines of that benchmark's survey agree on it.
"""

import math
import random
from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate
from typing import Final, NamedTuple

from benchmarks.engine.flows import ADD, CANCEL, MODIFY, TAKE, Flow

PUBLISHED: Final = {
    "normal": "e9b2e3926854410b01a035aeb25dd05f1e597c233be8263de9eb49b6713d367e",
    "static": "9803843ee404fc29c9a0aa5614f8f0d5a58b5c44fcac9ef89067886fcaaa30d1",
    "swing-25": "61a84be9469661bd039e00dbc9a7c011e70b6ace37aadfe60045ea083b05f4df",
    "swing-40": "3cb0175e7982ff09ea220d1feaee3844cf9116a5ce455757879dea1d880b9b9f",
    "flash-crash": "cff8d3f94b709fc64a8b2058a6ca4fb6920364904796e46906895e362d2bb16b",
}
"""Of seed 23 and a million orders."""
MARKETS: Final = {
    "static": (0.0, 0.0),
    "normal": (0.15, 0.02),
    "swing-25": (0.5, 0.25),
    "swing-40": (0.5, 0.4),
    "flash-crash": (0.5, 0.6),
}
"""Volatility and the swing that the whole path is to have."""
SEED: Final = 23
ORDERS: Final = 1_000_000
TICK: Final = 0.005
MIDDLE: Final = 167.52
LEVELS: Final = 800
MEDIAN_LIFE_MICROS: Final = 431.0


def twister(seed: int) -> random.Random:
    """A Mersenne twister seeded by one 32-bit word, as C++ does it; its `random` takes 53 bits of two words."""
    words = [seed]
    for place in range(1, 624):
        words.append((1812433253 * (words[-1] ^ words[-1] >> 30) + place) & 0xFFFFFFFF)
    made = random.Random()
    made.setstate((3, (*words, 624), None))
    return made


class Planned(NamedTuple):
    """An order before it has a time."""

    side: int
    price: int
    lots: int
    level: int


def flow(market: str, orders: int = ORDERS, seed: int = SEED) -> Flow:
    """The scenario as a flow; a command's place in it is its sequence number."""
    chance = twister(seed)
    planned = list(_planned(chance, market, orders))
    arrival = list(range(orders))
    for place in range(orders - 1, 0, -1):
        other = int(chance.random() * (place + 1))
        arrival[place], arrival[other] = arrival[other], arrival[place]
    timed: list[tuple[int, int, int, int, int, int]] = []
    now = 0
    for place in arrival:
        now = _life(chance, timed, now, place + 1, planned[place])
    timed.sort(key=lambda command: command[0])
    made = Flow(market)
    for _, *command in timed:
        made.rows.extend(command)
    return made


def _planned(chance: random.Random, market: str, orders: int) -> Iterator[Planned]:
    volatility, swing = MARKETS[market]
    step = volatility * math.sqrt((swing / volatility) ** 2.0 / orders) if volatility else 0.0
    weights = list(
        accumulate(1.0 / (k + 1.0) ** 2.23 + 5.0 * math.exp(-0.5 * (k - 8.0) * (k - 8.0)) for k in range(LEVELS))
    )
    middle = MIDDLE
    for number in range(orders):
        first, second = chance.random(), chance.random()
        normal = math.sqrt(-2.0 * math.log(max(first, 1e-300))) * math.cos(2.0 * math.pi * second)
        middle *= math.exp(-0.5 * step * step + step * normal)
        at = math.floor(middle / TICK + 0.5)
        level = min(bisect_left(weights, chance.random() * weights[-1]), LEVELS - 1)
        side = 0 if number < orders // 2 else 1
        price = max(1, at + (level + 1 if side else -level - 1))
        yield Planned(side, price, 1 + int(chance.random() * 100), level)


def _life(
    chance: random.Random, timed: list[tuple[int, int, int, int, int, int]], now: int, number: int, order: Planned
) -> int:
    """What one order does and when, in microseconds; returns when the next one comes."""
    side, price, lots, level = order
    immediate = chance.random() < 0.15
    timed.append((now, TAKE if immediate else ADD, number, side, price, lots))
    if immediate:
        return now + 1
    modified = chance.random() < 0.20
    new_price = price
    if modified:
        now += 30 + int(chance.random() * 70)
        if chance.random() < 0.80:
            new_price += -1 if side else 1
        timed.append((now, MODIFY, number, side, new_price, lots + 1))
    if chance.random() < 0.95:
        rate = math.log(2.0) / MEDIAN_LIFE_MICROS / math.sqrt(1.0 + level)
        now += int(-math.log(max(chance.random(), 1e-300)) / rate)
        timed.append((now, CANCEL, number, side, price, lots))
        if chance.random() < 0.02:
            now += 1 + int(chance.random() * 20)
            timed.append((now, CANCEL, number, side, price, lots))
        if modified and chance.random() < 0.02:
            now += 1 + int(chance.random() * 20)
            timed.append((now, MODIFY, number, side, new_price, lots + 1))
    return now + 1
